# ^C (and SIGTERM) before the switch cancels a deploy cleanly: the old release serves, the new one is
# recorded as failed, the exit status is 128 + the signal, and the next deploy works. After the switch
# the new release stays, and the supervisor goes on watching it.
. "$(dirname "$0")/lib.sh"
needs curl python3

hello_is_live
on_terminal() { python3 "$tests/e2e/on_terminal.py" "$@"; }

# still_serves vN: it is live and answers; the newest release failed for having been interrupted.
still_serves() {
    expect_equal "$(readlink "$SHIPIT_ROOT/hello/current")" "releases/$1"
    expect_soon 10 answers "$url" "This is release $1."
    expect_exit 0 ship releases --json
    expect_equal "$(json "$out" 'it[0]["status"]')" failed
    expect_equal "$(json "$out" '"interrupted" in it[0]["why_failed"] or "asked to end" in it[0]["why_failed"]')" True
    expect_exit 0 ship status --json
    expect_equal "$(json "$out" 'it["locked_by"]')" None
}

# --- During the release command: the old release was never stopped ---
first=$(page "$url/pid")
hello_release_command "touch $scratch/begun; sleep 60 & echo \$! >$scratch/sleeper; wait"
expect_exit 130 on_terminal interrupt "$scratch/begun" "$SHIPIT_BIN" deploy "$scratch/hello" -m "Cancelled"
expect_in "interrupted"
still_serves v1
expect_equal "$(page "$url/pid")" "$first" "the process was restarted"
expect_exit 1 kill -0 "$(cat "$scratch/sleeper")"

rm "$scratch/begun"
"$SHIPIT_BIN" deploy "$scratch/hello" -m "Ended" >"$scratch/ended.log" 2>&1 </dev/null &
deploy=$!
expect_soon 30 test -e "$scratch/begun"
kill -TERM "$deploy"
code=0
wait "$deploy" || code=$?
expect_equal "$code" 143
still_serves v1
sed -i '/^\[release\]/,$d' "$scratch/hello/shipit.toml"

# --- While the new release is being checked: the old one is started again ---
a_copy_of never_ready
sed -i 's/^timeout.*/timeout = "60s"/' "$scratch/never_ready/shipit.toml"
expect_exit 130 on_terminal interrupt "=starting v4" "$SHIPIT_BIN" deploy "$scratch/never_ready"
still_serves v1

# --- While it waits for another command: nothing has begun yet ---
hello_release_command "touch $scratch/slow; until [ -e $scratch/go_on ]; do sleep 0.05; done"
ship deploy "$scratch/hello" -m "Slow" >"$scratch/slow.log" 2>&1 </dev/null &
slow=$!
expect_soon 30 test -e "$scratch/slow"
expect_exit 130 on_terminal interrupt "=waiting for" "$SHIPIT_BIN" deploy "$scratch/hello" --wait=60s
touch "$scratch/go_on"
wait "$slow" || fail "the slow deploy failed: $(cat "$scratch/slow.log")"
expect_answer "$url" "This is release v5."

# --- After the switch: it is live and stays, and is watched to the end without us ---
sed -i 's/^watch.*/watch = "3s"/' "$scratch/hello/shipit.toml"
grep -q '^watch' "$scratch/hello/shipit.toml" || sed -i 's/^\[health\]/&\nwatch = "3s"/' "$scratch/hello/shipit.toml"
expect_exit 130 on_terminal interrupt "=switching to v6" "$SHIPIT_BIN" deploy "$scratch/hello" -m "Live"
expect_in "next: nothing: v6 is live, and is watched; to undo: shipit -a hello rollback v5"
expect_equal "$(readlink "$SHIPIT_ROOT/hello/current")" "releases/v6"
expect_answer "$url" "This is release v6."
is_good() { ship info v6 --json >"$scratch/info" && [[ $(json "$scratch/info" 'it["good"]') == True ]]; }
expect_soon 20 is_good

# A restart is not undone by going back, and a rollback by no rollback more.
expect_exit 130 on_terminal interrupt "=switching to v6" "$SHIPIT_BIN" restart
expect_in "next: nothing: v6 is live, and is watched"
expect_not_in "to undo"
expect_exit 130 on_terminal interrupt "=switching to v7" "$SHIPIT_BIN" rollback
expect_in "to undo: shipit -a hello rollback --undo"
