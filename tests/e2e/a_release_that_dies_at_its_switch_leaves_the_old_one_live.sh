# A release whose process ends right after its health check: whether it is noticed before the commit (exit 3)
# or in the watch (exit 4), what served before serves, and `current` says so.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
a_copy_of dies_after_its_health_check bad
current() { readlink "$SHIPIT_ROOT/hello/current"; }
newest() { "$SHIPIT_BIN" -a hello releases --json | python3 -c "import json, sys; print(json.load(sys.stdin)[0]['$1'])"; }

for round in {1..8}; do
    echo "$round" >"$scratch/bad/round"
    before=$(current)
    status=0
    ship deploy "$scratch/bad" || status=$?
    case $status in
    3)
        expect_equal "$(current)" "$before" "a release that was never committed is current"
        expect_equal "$(newest status)" failed
        ;;
    4) expect_equal "$(current)" "releases/$(newest version)" ;;
    *) fail "exit status $status" ;;
    esac
    expect_answer "http://127.0.0.1:$port/" "This is release v1."
done

# Where the app was stopped, it is again: nobody tried to start what was live.
for round in {1..4}; do
    expect_exit 0 ship stop
    echo "stopped $round" >"$scratch/bad/round"
    status=0
    ship deploy "$scratch/bad" 2>"$err" || status=$?
    [[ $status == 4 ]] && continue
    expect_equal "$status" 3 "$(cat "$err")"
    expect_err "'hello' was stopped before, and still is"
    expect_exit 0 ship status --json
    expect_equal "$(json "$out" 'it["state"]')" stopped
done

# The first one of an app, where it is noticed before the commit: nothing was live, and nothing is.
for round in {1..4}; do
    reserve_port
    app=first$round
    expect_exit 0 ship create "$app"
    expect_exit 0 ship -a "$app" set "app.port=$port"
    status=0
    ship -a "$app" deploy "$scratch/bad" 2>"$err" || status=$?
    grep -q "v1 failed within its watch window" "$err" && continue # 8: there is nothing to go back to
    expect_equal "$status" 3
    expect_err "nothing was live before, and nothing is now"
    [[ ! -L $SHIPIT_ROOT/$app/current ]] || fail "a release that was never committed is current"
    expect_exit 0 ship -a "$app" releases --json
    expect_equal "$(json "$out" 'it[0]["status"], it[0]["current"]')" "('failed', False)"
    expect_exit 0 ship -a "$app" deploy "$scratch/hello"
    expect_answer "http://127.0.0.1:$port/" "This is release v2."
    expect_exit 1 ship -a "$app" rollback
    expect_err "there is no release before v2 to go back to: v1 failed"
done
