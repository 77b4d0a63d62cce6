# Two prunes, a prune and a rollback, a config change and a deploy: whoever comes second is told, or
# waits, and neither spoils what the other does.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
deploy() {
    echo "$1" >"$scratch/hello/build"
    expect_exit 0 ship deploy "$scratch/hello" -m "Build $1"
}
hello_release_command 'touch ../../began; while [ -e ../../wait ]; do sleep 0.05; done'
for build in 2 3 4 5; do deploy "$build"; done
app=$SHIPIT_ROOT/hello
# at_work COMMAND…: runs it in the background until its release command waits.
at_work() {
    touch "$app/wait"
    rm -f "$app/began"
    ship "$@" >"$scratch/first.log" 2>&1 &
    first=$!
    expect_soon 20 test -e "$app/began"
}
# What was waiting may take its place before its watch is over.
let_go() { rm "$app/wait" && { wait "$first" || [[ $? == 4 ]]; }; }

# A prune while a rollback is at work, to a release that had to be unpacked for it.
rm -rf "$app"/trees/"$(basename "$(readlink "$app/releases/v4")")"*
at_work rollback v4
expect_exit 5 ship prune --keep 1
expect_err "rollback"
ship prune --keep 1 --wait >"$scratch/prune.log" 2>&1 &
pruner=$!
let_go
wait "$pruner"
expect_answer "$url" "This is release v6."
expect_equal "$(cat "$app/current/build")" 4
expect_exit 0 ship verify --trees

# Two prunes at once.
for build in 7 8 9; do deploy "$build"; done
ship prune --keep 1 --wait >"$scratch/prune.log" 2>&1 &
pruner=$!
expect_exit 0 ship prune --keep 1 --wait
wait "$pruner"
expect_exit 0 ship verify --trees
expect_equal "$(grep -c '"event":"prune".*"release":"v7"' "$app/events.jsonl")" 1
expect_exit 0 ship rollback --check
expect_out "v8 is ready to be rolled back to"

# A config change while a deploy is at work: it is the next release, with the new code.
expect_exit 0 ship set health.watch=30s # which is not over when the config change comes
echo 10 >"$scratch/hello/build"
at_work deploy "$scratch/hello"
expect_exit 5 ship config set NAME=Ada
expect_err "deploy"
ship config set --wait --no-wait NAME=Ada >"$scratch/config.log" 2>&1 &
setter=$!
let_go
wait "$setter"
expect_exit 0 ship set health.watch=
expect_answer "$url" "Hello, Ada! This is release v11."
expect_equal "$(cat "$app/current/build")" 10
expect_exit 0 ship why v10
expect_out "it never stayed up through its watch" # which the config change has cut short
expect_exit 0 ship rollback v10 --no-wait
is_live v12
expect_answer "$url" "Hello, World! This is release v" # by v10's process, if that is still warm

# Two that activate, and a prune that would take what is about to go live.
expect_exit 0 ship config set NAME=Grace --no-wait
echo 14 >"$scratch/hello/build"
expect_exit 0 ship deploy --no-activate "$scratch/hello"
expect_exit 0 ship set retention.keep_failed=0
at_work activate v14
expect_exit 5 ship activate v14
expect_err "running 'activate'"
expect_exit 5 ship prune
ship activate v14 --wait >"$scratch/second.log" 2>&1 &
second=$!
ship prune --wait >"$scratch/prune.log" 2>&1 &
pruner=$!
let_go
wait "$second" "$pruner"
wait "$pruner"
grep -qx "v14 is live already, as v15" "$scratch/second.log" || fail "it was activated twice: $(cat "$scratch/second.log")"
expect_answer "$url" "Hello, Grace! This is release v15."
expect_equal "$(cat "$app/current/build")" 14
expect_exit 0 ship verify --trees

# First deploys of several apps at once, none of which has a port yet: each gets one of its own.
exec 9>"$SHIPIT_ROOT/.port-lock"
flock 9 # all of them are about to choose when this is let go
deployers=()
for name in a b c d; do
    expect_exit 0 ship create "$name"
    ship -a "$name" deploy "$tests/apps/hello" --no-activate >"$scratch/$name.log" 2>&1 9>&- &
    deployers+=($!)
done
for name in a b c d; do expect_soon 20 grep -q "waiting for" "$scratch/$name.log"; done
exec 9>&-
wait "${deployers[@]}" || fail "a deploy failed: $(cat "$scratch"/[abcd].log)"
expect_equal "$(cat "$SHIPIT_ROOT"/[abcd]/app.toml | grep '^port = ' | sort -u | wc -l)" 4
