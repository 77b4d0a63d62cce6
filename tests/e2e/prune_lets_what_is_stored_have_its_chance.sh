# What is stored and was never live stays for its chance, while older releases go; once it, or a build from
# after it, has gone live, it counts with those that are not good.
. "$(dirname "$0")/lib.sh"

# An app of files: nothing is started.
expect_exit 0 ship create pages
mkdir "$scratch/build"
deploy() { # deploy TEXT [OPTION…]
    echo "$1" >"$scratch/build/page"
    expect_exit 0 ship deploy "$scratch/build" -m "$1" "${@:2}"
}
has_slug() { [[ -e $SHIPIT_ROOT/pages/releases/$(json <(ship info "$1" --json) 'it["slug"]["id"]').tar.zst ]]; }
deploy "One"
deploy "Two"
deploy "Three"
deploy "Stored four" --no-activate
deploy "Stored five" --no-activate
expect_exit 0 ship set retention.keep=2 retention.keep_failed=0

expect_exit 0 ship prune
expect_out "v1 expired: beyond the 2 good releases that are kept"
expect_not_in "v4"
expect_exit 0 ship prune --max-size 1
expect_out "v4 expired" # the newest one stays, whatever is asked for
has_slug v5 || fail "the newest that is stored has gone"
expect_exit 1 ship activate v4
expect_err "v4 cannot be taken live: its slug was pruned"
expect_exit 0 ship prune --keep 1
expect_not_in "v5"

# Config vars bring no other build: it waits on.
expect_exit 0 ship config set A=1
expect_exit 0 ship prune
expect_not_in "v5"
expect_exit 0 ship activate v5
expect_equal "$(cat "$SHIPIT_ROOT/pages/current/page")" "Stored five"
# It has had its chance; its slug is that of what is live.
expect_exit 0 ship prune
expect_out "v5 expired: beyond the 0 that are kept of those not good"
has_slug v7 || fail "what is live has lost its slug"
expect_exit 0 ship activate v5
expect_out "v5 is live already, as v7"
expect_exit 0 ship verify --trees

# Passed over.
deploy "Stored eight" --no-activate
deploy "Nine"
expect_exit 0 ship prune
expect_out "v8 expired"
