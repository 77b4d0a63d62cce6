# Retention leaves a way back: a failed deploy takes no place of a good one, what was pruned is skipped
# and said, what is pinned is still there.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
deploy() {
    echo "$1" >"$scratch/hello/build"
    expect_exit "${2:-0}" ship deploy "$scratch/hello" -m "Build $1"
}
build() { cat "$SHIPIT_ROOT/hello/current/build"; }
expect_exit 0 ship set retention.keep=2

# A failed one between two good ones.
sed -i 's/^web = .*/web = "false"/' "$scratch/hello/shipit.toml"
deploy 2 3
sed -i 's/^web = .*/web = "python3 server.py"/' "$scratch/hello/shipit.toml"
deploy 3
expect_exit 0 ship prune
expect_not_in "v1"
expect_exit 0 ship rollback --check
expect_out "v1 is ready to be rolled back to"

# Pruned, but for the one that is pinned.
deploy 4
deploy 5
expect_exit 0 ship pin v3 before-the-move
expect_exit 0 ship prune --keep 1
expect_out "hello v1 expired"
expect_exit 0 ship why v1
expect_out "v1 cannot be rolled back to: its slug was pruned"
deploy 6
expect_exit 0 ship prune --keep 1
expect_out "hello v4 expired"
expect_exit 0 ship rollback
expect_out "Rolled back hello to v5 as v7"
expect_exit 0 ship rollback
expect_out "Rolled back hello to v3 as v8"
expect_err "skipped: v4 its slug was pruned"
expect_equal "$(build)" 3
expect_exit 1 ship rollback
expect_err "v1 its slug was pruned"
expect_exit 1 ship rollback v4
expect_err "v4 cannot be rolled back to: its slug was pruned"
