# Who asks for a rollback while another one is at work has meant the release that this one leaves: where
# its place is taken in the meantime, the second goes no further back, and calls nothing bad.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
hello_release_command 'touch ../../began; while [ -e ../../wait ]; do sleep 0.05; done'
for build in 2 3; do
    echo "$build" >"$scratch/hello/build"
    expect_exit 0 ship deploy "$scratch/hello" -m "Build $build"
done
# at_once FIRST SECOND: two rollbacks of which the second waits for the first; both by their words. Its
# status is in $status.
at_once() {
    rm -f "$app/began" "$scratch/second.log"
    touch "$app/wait"
    # shellcheck disable=SC2086
    ship rollback $1 >"$scratch/first.log" 2>&1 &
    local first=$!
    expect_soon 20 test -e "$app/began"
    # shellcheck disable=SC2086
    ship rollback $2 --wait=60s >"$scratch/second.log" 2>&1 &
    local second=$!
    expect_soon 20 grep -q "waiting for" "$scratch/second.log"
    rm "$app/wait"
    wait "$first" || [[ $? == 4 ]] # where the second has taken its place within its watch
    status=0
    wait "$second" || status=$?
}
at_once "" ""
expect_equal "$status" 1 "$(cat "$scratch/second.log")"
grep -qE "v4 \('Rollback to v2', by [^)]+\) has taken v3's place meanwhile; nothing was changed" "$scratch/second.log" ||
    fail "it does not say why: $(cat "$scratch/second.log")"
grep -qF "next: if v4 is no good either: shipit -a hello rollback" "$scratch/second.log" ||
    fail "it does not say how to go on: $(cat "$scratch/second.log")"
is_live v4 || fail "v4 is not live any more"
expect_exit 0 ship info v4 --json
expect_equal "$(json "$out" 'it["bad"]')" False

# What is asked for by its number goes there, whatever is live by then.
at_once v3 v1
expect_equal "$status" 0 "$(cat "$scratch/second.log")"
is_live v6 || fail "v1 was not brought back: $(cat "$scratch/second.log")"

# So it is with what is to be undone: that was the newest rollback when it was asked for.
at_once v2 --undo
expect_equal "$status" 1 "$(cat "$scratch/second.log")"
grep -qF "next: if v7 is to be undone: shipit -a hello rollback --undo" "$scratch/second.log" ||
    fail "it does not say how to go on: $(cat "$scratch/second.log")"
is_live v7 || fail "v7 is not live any more"
