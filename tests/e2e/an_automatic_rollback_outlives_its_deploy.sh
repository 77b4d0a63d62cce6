# A release fails within its watch window, and the command that would take it back is killed before it
# can: it is taken back all the same, once, and the record says so.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
may_fall_sick "$scratch/hello"
is_told() { grep -q "failed within its watch window" "$scratch/deploy.log"; }
first_of() { ship releases --json | python3 -c "import json, sys; print(json.load(sys.stdin)[0]['$1'])"; }
is_recorded() { [[ $(first_of description) == "Automatic rollback to v1"* ]]; }
nobody_goes_back() { ! pgrep -f -- "$SHIPIT_ROOT -a hello rollback" >/dev/null; }

"$SHIPIT_BIN" deploy "$scratch/hello" >"$scratch/deploy.log" 2>&1 </dev/null &
deploy=$!
expect_soon 20 is_live v2
is_free() { ship status --json | python3 -c 'import json, sys; sys.exit(json.load(sys.stdin)["locked_by"] is not None)'; }
expect_soon 20 is_free
# Somebody else has the lock, for as long as may be.
exec 3>>"$app/lock"
flock 3
touch "$app/releases/v2/sick"
expect_soon 20 is_told
kill -KILL "$deploy"
wait "$deploy" || true
waits_for_long() { pgrep -f -- "$SHIPIT_ROOT -a hello rollback .*--wait=1d" >/dev/null; }
expect_soon 20 waits_for_long
# All users of the host can read arguments, and what the app answered is not for them.
! pgrep -af -- "$SHIPIT_ROOT .*sick" || fail "an argument list holds what the app answered"
exec 3>&-
expect_soon 20 is_recorded
expect_soon 20 nobody_goes_back
expect_equal "$(first_of version)" v3
expect_equal "$(readlink "$app/current")" "releases/v3"
expect_answer "$url" "This is release v"
expect_exit 0 ship info v2 --json
expect_equal "$(json "$out" 'it["good"], it["bad"]')" "(False, True)"
expect_out "sick"

# So it is where the deploy is asked to end within the watch, and a hook of its own keeps it.
expect_exit 0 ship set "hooks.deployed=touch $scratch/hooked; until [ -e $scratch/enough ]; do sleep 0.05; done"
echo again >"$scratch/hello/build"
"$SHIPIT_BIN" deploy "$scratch/hello" >"$scratch/deploy.log" 2>&1 </dev/null &
deploy=$!
expect_soon 20 test -e "$scratch/hooked"
expect_soon 20 is_live v4
kill -TERM "$deploy"
touch "$app/releases/v4/sick"
is_back() { [[ $(first_of description) == "Automatic rollback to v"* && $(first_of version) == v5 ]]; }
expect_soon 20 is_back
touch "$scratch/enough"
code=0
wait "$deploy" || code=$?
expect_equal "$code" 143
expect_soon 20 nobody_goes_back
expect_equal "$(readlink "$app/current")" "releases/v5"

# A supervisor of an earlier shipit tells why among the arguments.
expect_exit 0 ship set hooks.deployed=
echo "and again" >"$scratch/hello/build"
rm "$app/releases/v4/sick"
expect_exit 0 ship deploy "$scratch/hello" --no-wait
expect_exit 0 ship rollback "--automatic=it fell over" --failed=v6 --no-wait
expect_exit 0 ship info v6 --json
expect_out "it fell over"
expect_equal "$(first_of version)" v7
