# The story that shipit was made for: eight releases, the last three broken in a way that no health
# check saw. One look, one command, and all is well again; the same without looking.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
works() { answers "$url" "Hello, World!"; }
for build in 2 3 4 5; do
    echo "$build" >"$scratch/hello/build"
    expect_exit 0 ship deploy "$scratch/hello" -m "Build $build"
done
expect_soon 5 works
sed -i 's|return 200, f"{greeting()}.*|raise KeyError("customer")|' "$scratch/hello/server.py"
for build in 6 7 8; do
    echo "$build" >"$scratch/hello/build"
    expect_exit 0 ship deploy "$scratch/hello" -m "Build $build"
done
! works || fail "v8 was to be broken"

expect_exit 0 ship releases
expect_match "^=== hello Releases - Current: v8"
expect_match "^\*  v8  Build 8 +good"
expect_match "^   v1  First version +good"
expect_exit 0 ship releases:info v5
expect_match "^=== Release v5"
expect_match "^Change: +Build 5"
expect_match "^Eligible for Rollback\?: +Yes"
expect_exit 0 ship rollback v5
expect_out "Rolled back hello to v5 as v9"
expect_answer "$url" "Hello, World! This is release v9."
expect_equal "$(cat "$SHIPIT_ROOT/hello/current/build")" 5

# Forward again, as if nothing had been done; and back with `rollback` alone, which goes one further
# each time.
expect_exit 0 ship rollback --undo
! works || fail "v8 was to be broken"
for release in v7 v6 v5; do
    ! works || fail "$release was to be one too many"
    expect_exit 0 ship rollback
    expect_out "Rolled back hello to $release as"
done
expect_answer "$url" "Hello, World! This is release v13."
expect_exit 0 ship releases
expect_match "v11 +Rollback to v7 +bad"
expect_match "v8 +Build 8"
expect_exit 6 ship deploy "$scratch/hello" -m "The same, from cron"
