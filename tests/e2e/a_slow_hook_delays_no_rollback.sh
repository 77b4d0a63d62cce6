# A release that fails within its watch window is rolled back while a hook is still told that it was
# deployed; the end of the command waits for the hook.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
may_fall_sick "$scratch/hello"
expect_exit 0 ship set "hooks.deployed=touch $scratch/told; until [ -e $scratch/enough ]; do sleep 0.05; done"
ship deploy "$scratch/hello" >"$scratch/deploy.log" 2>&1 &
deploy=$!
expect_soon 20 test -e "$scratch/told"
expect_soon 20 is_live v2
touch "$SHIPIT_ROOT/hello/releases/v2/sick"
expect_soon 30 is_live v3
expect_answer "http://127.0.0.1:$port/" "This is release v1."
[[ -d /proc/$deploy ]] || fail "nobody waits for the hook: $(cat "$scratch/deploy.log")"
touch "$scratch/enough"
status=0
wait "$deploy" || status=$?
expect_equal "$status" 4 "$(cat "$scratch/deploy.log")"
