# A check that hangs when the watch ends is waited for, and what goes on serving because the next deploy failed is
# watched anew. A deploy whose watch is cut short says what has become of its release, and succeeds only if that is live.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
may_fall_sick "$scratch/hello"
sed -i 's/^watch = .*/watch = "6s"/' "$scratch/hello/shipit.toml"

# For ever, from the moment there is a file `hung`.
cp -R "$scratch/hello" "$scratch/hanging"
sed -i 's|^    if path == "/healthz":|    if path == "/healthz" and os.path.exists("hung"):\n        os.read(os.pipe()[0], 1)\n&|' \
    "$scratch/hanging/server.py"
{ wait_until 30 is_live v2 && touch "$app/releases/v2/hung"; } &
expect_exit 4 ship deploy "$scratch/hanging"
wait
expect_err "v2 went live and failed within its watch window"
expect_soon 20 answers "$url" "This is release v1."

expect_exit 0 ship deploy "$scratch/hello" --no-wait
expect_answer "$url" "This is release v4."
cp -R "$scratch/hello" "$scratch/broken"
sed -i 's/^web = .*/web = "false"/' "$scratch/broken/shipit.toml"
expect_exit 3 ship deploy "$scratch/broken"
touch "$app/releases/v4/sick"
expect_soon 20 is_live v6
expect_exit 0 ship releases
expect_match "v6 .*Automatic rollback to"

# cut_short RELEASE STATUS COMMAND…: of its deploy, by that command.
cut_short() {
    local deploy code=0
    date +%N >"$scratch/hello/build"
    "$SHIPIT_BIN" deploy "$scratch/hello" --json >"$scratch/deploy.out" 2>"$scratch/deploy.log" </dev/null &
    deploy=$!
    is_watched() { grep -qs 'Z live$' "$app/releases/$1.log" && is_free; }
    expect_soon 20 is_watched "$1"
    "${@:3}"
    wait "$deploy" || code=$?
    cat "$scratch/deploy.log"
    expect_equal "$code" "$2"
    cp "$scratch/deploy.log" "$err"
    grep -q "ended with exit status $2: " "$app/releases/$1.log" || fail "its transcript does not say so"
}
is_free() { ship status --json | python3 -c 'import json, sys; sys.exit(json.load(sys.stdin)["locked_by"] is not None)'; }
sed -i 's/^watch = .*/watch = "20s"/' "$scratch/hello/shipit.toml"
expect_soon 20 is_free
cut_short v7 4 expect_exit 0 ship rollback -m "No good"
expect_err "v7 is not live any more: before its watch was over, it was rolled back as v8 ('Rollback to"
expect_equal "$(json "$scratch/deploy.out" 'it["error"]["outcome"], it["error"]["code"]')" "('rolled_back', 4)"
cut_short v9 0 expect_exit 0 ship config set NAME=Ada --no-wait
expect_err "v9 is not live any more: before its watch was over, its place was taken by v10 ('Set NAME config vars'"
expect_equal "$(json "$scratch/deploy.out" 'it["release"], it["good"]')" "('v9', False)"
cut_short v11 1 expect_exit 0 ship stop
expect_err "'hello' was stopped before the watch of v11 was over"
expect_err "shipit -a hello start"
cut_short v12 1 kill -KILL "$(pgrep -f -- "--root $SHIPIT_ROOT supervise hello")"
expect_err "v12 is live, and the supervisor ended before its watch was over: nobody watches it"
expect_exit 0 ship start
cut_short v13 0 expect_exit 0 ship restart web.1
expect_err "v13 is live, and is watched anew"
expect_equal "$(json "$scratch/deploy.out" 'it["release"], it["good"]')" "('v13', False)"
sed -i 's/^watch = .*/watch = "3s"/' "$scratch/hello/shipit.toml"
cut_short v14 1 expect_exit 0 ship mark-bad v14 -m "Sends each mail twice"
expect_err "before its watch was over somebody has said that it is bad: Sends each mail twice"
