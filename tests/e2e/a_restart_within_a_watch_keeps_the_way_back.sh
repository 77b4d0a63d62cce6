# A release that is not good yet is restarted while it is watched: it is watched anew, and goes back as it would have
# without that. One that was good before stays.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
may_fall_sick "$scratch/hello"
has_gone_on() { grep -qF "$1" "$scratch/restart.log"; }
nobody_goes_back() { ! pgrep -f -- "$SHIPIT_ROOT -a hello rollback" >/dev/null; }

# falls_sick_when_restarted RELEASE STATUS: restarts it, and has it fail in the watch that follows.
falls_sick_when_restarted() {
    "$SHIPIT_BIN" restart --wait >"$scratch/restart.log" 2>&1 </dev/null &
    local restart=$! code=0
    expect_soon 20 has_gone_on "switching to $1"
    touch "$app/releases/$1/sick"
    wait "$restart" || code=$?
    cat "$scratch/restart.log"
    expect_equal "$code" "$2"
    expect_soon 20 nobody_goes_back
}

"$SHIPIT_BIN" deploy "$scratch/hello" >"$scratch/deploy.log" 2>&1 </dev/null &
deploy=$!
expect_soon 20 is_live v2
falls_sick_when_restarted v2 4
wait "$deploy"
grep -q "the watch of v2 was cut short" "$scratch/deploy.log" || fail "the deploy was not told"
has_gone_on "rolled back to v1 as v3" || fail "the restart does not say so"
is_live v3
expect_answer "$url" "This is release v"
expect_exit 0 ship releases -n 1 --json
expect_equal "$(json "$out" 'it[0]["version"], it[0]["rollback_of"]')" "('v3', 'v1')" "once"
expect_exit 0 ship info v2 --json
expect_equal "$(json "$out" 'it["bad"]')" True

# A rollback is not taken back, nor what was good.
falls_sick_is_kept() {
    falls_sick_when_restarted "$1" 1
    has_gone_on "$1 was restarted and failed within its watch window" || fail "the restart does not say so"
    is_live "$1"
    rm "$app/releases/$1/sick"
}
rm "$app/releases/v2/sick"
expect_exit 0 ship hold --clear
expect_exit 0 ship deploy "$scratch/hello" --no-wait
expect_exit 0 ship bless v4
falls_sick_is_kept v4
expect_exit 0 ship config set NAME=Ada --no-wait
expect_exit 0 ship bless v5
expect_exit 0 ship rollback v4 --no-wait
falls_sick_is_kept v6
