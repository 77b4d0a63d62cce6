# A release fails in its watch, and somebody blesses it before the command that deployed it has gone back: what failed
# goes back all the same, by that command and nobody else, which says so.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
may_fall_sick "$scratch/hello"
is_free() { ship status --json | python3 -c 'import json, sys; sys.exit(json.load(sys.stdin)["locked_by"] is not None)'; }
has_failed() { ship events --json | grep -q '"event":"watch_failed".*"release":"v2"'; }
nobody_goes_back() { ! pgrep -f -- "$SHIPIT_ROOT -a hello rollback" >/dev/null; }

"$SHIPIT_BIN" deploy "$scratch/hello" >"$scratch/deploy.log" 2>&1 </dev/null &
deploy=$!
expect_soon 20 is_live v2
expect_soon 20 is_free
kill -STOP "$deploy"
touch "$SHIPIT_ROOT/hello/releases/v2/sick"
expect_soon 20 has_failed
expect_exit 0 ship bless v2
kill -CONT "$deploy"
code=0
wait "$deploy" || code=$?
cat "$scratch/deploy.log"
expect_equal "$code" 4
grep -q "rolled back to v1 as v3" "$scratch/deploy.log" || fail "the deploy does not say so"
expect_soon 20 nobody_goes_back
is_live v3
expect_answer "$url" "This is release v"
expect_exit 0 ship info v2 --json
expect_equal "$(json "$out" 'it["good"], it["bad"]')" "(False, True)"
