# Whoever pushes the same again is told how that push ended for as long as it is true: not any more when somebody
# has gone back since. And a push that meets another one of the same build joins it only if both want the same.
. "$(dirname "$0")/lib.sh"
needs curl python3

hello_is_live
another_host_is_near
push() { SHIPIT_ROOT=$scratch/nowhere ship push host:hello "$scratch/hello" "$@"; }
# Another client, which knows nothing of this one's pushes.
push_of_another() { XDG_CACHE_HOME=$scratch/another_cache push "$@"; }
export SHIPIT_REMOTE=$scratch/bin/shipit # by which this scenario's receivers are known among others
no_receiver() { ! pgrep -f -x "$SHIPIT_REMOTE receive hello" >/dev/null; }
releases() { ship releases --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'; }
hello_release_command "touch $scratch/begun; until [ -e $scratch/finish ]; do sleep 0.02; done"
# push_until_it_deploys OPTION…: in the background, as $client.
push_until_it_deploys() {
    rm -f "$scratch/begun" "$scratch/finish"
    SHIPIT_ROOT=$scratch/nowhere "$SHIPIT_BIN" push host:hello "$scratch/hello" "$@" >"$scratch/client.log" 2>&1 &
    client=$!
    expect_soon 20 test -e "$scratch/begun"
}
let_it_go_on_without() { # RELEASE, which it makes live
    kill -KILL "$client"
    wait "$client" || true
    touch "$scratch/finish"
    expect_soon 20 is_live "$1"
    expect_soon 20 no_receiver
}

# --- It went live, and somebody has gone back: it is not live any more, and its build is held ---
push_until_it_deploys -m "Second"
let_it_go_on_without v2
expect_exit 0 ship rollback
expect_exit 6 push -m "Second"
expect_err "this build is held"
expect_not_in "Deployed"
expect_answer "$url" "This is release v3."

# --- Gone back, and forward again: that is another release ---
expect_exit 0 ship hold --clear
echo "# once more" >>"$scratch/hello/server.py"
push_until_it_deploys -m "Fourth"
let_it_go_on_without v4
expect_exit 0 ship config set "GREETING=Hello"
expect_exit 0 push -m "Fourth" --json
expect_equal "$(json "$out" 'it["changed"], it["release"]')" "(False, None)"
expect_equal "$(releases)" 5

# --- Stored, and stored to this day, whatever is live ---
echo "# for later" >>"$scratch/hello/server.py"
exec {lock}>>"$SHIPIT_ROOT/hello/lock"
flock "$lock"
SHIPIT_ROOT=$scratch/nowhere "$SHIPIT_BIN" push host:hello "$scratch/hello" --no-activate -m "Stored" --wait >"$scratch/client.log" 2>&1 {lock}>&- &
client=$!
expect_soon 20 grep -qF "waiting for" "$scratch/client.log"
kill -KILL "$client"
wait "$client" || true
exec {lock}>&-
expect_soon 20 no_receiver
expect_exit 0 ship config set "GREETING=Hi"
expect_exit 0 push --no-activate -m "Stored" --wait --json
expect_equal "$(json "$out" 'it["changed"], it["stored"]')" "(True, 'v6')"

# --- Two who push the same build ---
echo "# by two" >>"$scratch/hello/server.py"
push_until_it_deploys -m "By one"
expect_exit 5 push_of_another --trial 10m
expect_exit 5 push_of_another --force
rm "$err"
push_of_another --no-wait >"$out" 2>"$err" &
another=$!
expect_soon 20 grep -qF "joining" "$err"
touch "$scratch/finish"
wait "$another" || fail "who joined was told of a failure: $(cat "$err")"
wait "$client" || fail "the push failed: $(cat "$scratch/client.log")"
expect_out "Deployed v8 to hello: By one"
expect_equal "$(releases)" 8

# --- And two by one user from one place, who take turns ---
echo "# by one, twice" >>"$scratch/hello/server.py"
push_until_it_deploys -m "At first"
expect_exit 5 push -m "Then"
expect_err "another push from here to the same app is not over: it is by $(id -un), running 'push' since"
expect_err "next: wait for it with --wait"
rm "$err"
push -m "Then" --wait --json >"$out" 2>"$err" &
another=$!
expect_soon 20 grep -qF "waiting for another push from here, by $(id -un), running 'push' since" "$err"
touch "$scratch/finish"
wait "$another" || fail "who waited was told of a failure: $(cat "$err")"
wait "$client" || fail "the push failed: $(cat "$scratch/client.log")"
expect_equal "$(json "$out" 'it["changed"]')" False
expect_equal "$(releases)" 9
