# `output -f` follows the change that is at work, from its first line to its last, and ends with its exit
# status, also where it began to follow before there was a release, or after it had ended.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
hello_release_command 'echo begun; touch ../../began; while [ -e ../../wait ]; do sleep 0.05; done; echo went on
[ ! -e ../../refuse ]'
another_build() { echo "$1" >"$scratch/hello/build"; }
# at_work COMMAND…: in the background, until its release command waits.
at_work() {
    touch "$app/wait"
    rm -f "$app/began"
    "$SHIPIT_BIN" "$@" >"$scratch/work.log" 2>&1 &
    worker=$!
    expect_soon 20 test -e "$app/began"
}
# follow FILE [OPTION…]: in the background, until it has told that the release command has begun.
follow() {
    rm -f "$scratch/$1" # what the one before has told must not be taken for this one's
    "$SHIPIT_BIN" "${@:2}" >"$scratch/$1" 2>"$scratch/$1.err" &
    follower=$!
    expect_soon 10 grep -q begun "$scratch/$1"
}
expect_end() { # expect_end STATUS PID
    local status=0
    wait "$2" || status=$?
    depth=1 expect_equal "$status" "$1" "the exit status of $2"
}

# With nothing at work: what there is.
expect_exit 0 timeout 10 "$SHIPIT_BIN" output -f
expect_match '^[^ ]+ v1: First version$'
expect_match '^[^ ]+ ended with exit status 0: v1 is live and good$'
expect_exit 1 ship output -f v9
expect_err "there is no release v9"
expect_exit 2 ship output -f new

# Well, and two who follow.
another_build 2
at_work deploy "$scratch/hello"
follow one output -f
one=$follower
follow two --json output -f v2
two=$follower
rm "$app/wait"
expect_end 0 "$worker"
expect_end 0 "$one"
expect_end 0 "$two"
diff "$scratch/one" "$app/releases/v2.log" || fail "what was followed is not what was written"
expect_equal "$(tail -n 1 "$scratch/two")" '{"version":"v2","exit_status":0}'
python3 -c 'import json, sys; assert all(json.loads(line)["version"] == "v2" for line in sys.stdin)' <"$scratch/two"
grep -q '"text":"went on"' "$scratch/two" || fail "no line is there as JSON"

# Not well: before the switch, within the watch, and what had ended before.
another_build 3
touch "$app/refuse"
at_work deploy "$scratch/hello"
follow one output -f
rm "$app/wait"
expect_end 3 "$worker"
expect_end 3 "$follower"
rm "$app/refuse"
expect_exit 3 ship output -f
expect_exit 3 ship output --follow v3
expect_exit 0 ship output v3
may_fall_sick "$scratch/hello"
at_work deploy "$scratch/hello"
follow one releases:output -f
rm "$app/wait"
expect_soon 20 is_live v4
touch "$app/releases/v4/sick"
expect_end 4 "$worker"
expect_end 4 "$follower"
grep -q "ended with exit status 4: v4 went live and failed within its watch window" "$scratch/one" || fail "it is not said how"
cp "$tests/apps/hello/server.py" "$scratch/hello/server.py"
sed -i 's/^watch = .*/watch = "1s"/' "$scratch/hello/shipit.toml"

# Stopped by ^C, and killed.
another_build 6
at_work deploy "$scratch/hello"
follow one output -f
kill -INT "$worker"
rm "$app/wait"
expect_end 130 "$worker"
expect_end 130 "$follower"
at_work deploy "$scratch/hello"
follow one output -f
kill -KILL "$worker"
expect_end 1 "$follower"
grep -q "the command that worked on v7 is gone; it has failed" "$scratch/one.err" || fail "it is not said why: $(cat "$scratch/one.err")"
wait "$worker" || true
rm "$app/wait"
expect_exit 1 ship output -f v7

# From before there is a release: somebody has the lock, and what he is at is not recorded yet.
take_lock() { exec 8>>"$app/lock" && flock 8; }
free_lock() { exec 8>&-; }
follow_who_has_the_lock() {
    rm -f "$scratch/one.err"
    "$SHIPIT_BIN" output -f >"$scratch/one" 2>"$scratch/one.err" 8>&- &
    follower=$!
    expect_soon 10 grep -q "waiting for the release of .*running 'deploy'" "$scratch/one.err"
}
take_lock
rm "$scratch/work.log"
"$SHIPIT_BIN" deploy --wait=1m "$scratch/hello" >"$scratch/work.log" 2>&1 8>&- &
worker=$!
expect_soon 20 grep -q "waiting for" "$scratch/work.log"
follow_who_has_the_lock
free_lock
expect_end 0 "$worker"
expect_end 0 "$follower"
grep -q "ended with exit status 0: v8 is live and good" "$scratch/one" || fail "another release was followed"
take_lock
follow_who_has_the_lock
free_lock
expect_end 1 "$follower"
grep -q "it ended without a release: .*running 'deploy'" "$scratch/one.err" || fail "it is not said why: $(cat "$scratch/one.err")"
[[ ! -s $scratch/one ]] || fail "another release was told: $(cat "$scratch/one")"

# Who follows may go; what is followed goes on.
another_build 9
at_work deploy "$scratch/hello"
follow one output -f
kill -TERM "$follower"
wait "$follower" || true
follow two output -f
kill -KILL "$follower"
wait "$follower" || true
(ship output -f || true) | head -n 1 >"$scratch/first"
rm "$app/wait"
expect_end 0 "$worker"
expect_answer "$url" "This is release v9."
