# A release fails within its watch window, and while what is to take it back waits for its turn, somebody
# stops the app: it stays stopped. When it is started, the release is watched again, and taken back.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
may_fall_sick "$scratch/hello"
expect_exit 0 ship deploy --no-wait "$scratch/hello"
exec 3>>"$app/lock"
flock 3
touch "$app/releases/v2/sick"
way_back() { pgrep -f -- "$SHIPIT_ROOT -a hello rollback --automatic"; }
expect_soon 20 way_back
kill -STOP "$(way_back)"
is_stopped() { [[ $(ps -o stat= -p "$(way_back)") == T* ]]; }
expect_soon 10 is_stopped
exec 3>&-
expect_exit 0 ship stop
kill -CONT "$(way_back)"
has_ended() { ! way_back; }
expect_soon 20 has_ended
expect_exit 0 ship status --json
expect_equal "$(json "$out" 'it["state"]')" stopped
expect_equal "$(readlink "$app/current")" releases/v2
! answers "$url" "This is release" || fail "the app was started"

rm "$app/releases/v2/sick"
expect_exit 0 ship start
touch "$app/releases/v2/sick"
is_back() { [[ $(readlink "$app/current") == releases/v3 ]]; }
expect_soon 20 is_back
expect_answer "$url" "This is release v"

# So it is with the deploy that would take it back by itself.
expect_soon 20 has_ended
echo again >"$scratch/hello/build"
"$SHIPIT_BIN" deploy "$scratch/hello" >"$scratch/deploy.log" 2>&1 </dev/null &
deploy=$!
expect_soon 20 is_live v4
is_free() { ship status --json | python3 -c 'import json, sys; sys.exit(json.load(sys.stdin)["locked_by"] is not None)'; }
expect_soon 20 is_free
kill -STOP "$deploy"
touch "$app/releases/v4/sick"
has_failed() { ship events --json | grep -q '"event":"watch_failed".*"release":"v4"'; }
expect_soon 20 has_failed
expect_exit 0 ship stop
kill -CONT "$deploy"
code=0
wait "$deploy" || code=$?
expect_equal "$code" 1
grep -q "somebody has stopped 'hello' since, which goes back when it is started" "$scratch/deploy.log" ||
    fail "it says: $(cat "$scratch/deploy.log")"
expect_equal "$(readlink "$app/current")" releases/v4
! answers "$url" "This is release" || fail "the app was started"
