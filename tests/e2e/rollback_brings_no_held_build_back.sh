# A build that somebody has called bad is not what rollback goes to, under whatever number it was live;
# asked for by its number, it is.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
deploy() { echo "$1" >"$scratch/hello/build" && expect_exit 0 ship deploy "$scratch/hello" -m "Build $1"; }
runs_build() { expect_equal "$(cat "$SHIPIT_ROOT/hello/current/build")" "$1"; }
held() { ship hold --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'; }
deploy 2
deploy 3
expect_exit 0 ship rollback
expect_out "Rolled back hello to v2 as v4"
deploy 5
expect_exit 0 ship mark-bad v4 -m "Build 2 eats data"
expect_equal "$(held)" 2

expect_exit 0 ship info v2 --json
expect_equal "$(json "$out" 'it["eligible_for_rollback"], it["why"]')" "(True, 'its build is held: Build 2 eats data')"
expect_exit 0 ship why v2
expect_out "v2 can be rolled back to, but its build is held: Build 2 eats data"
expect_exit 0 ship why
expect_match "Rollback goes to: +v1$"
expect_exit 0 ship rollback --check
expect_out "v1 is ready to be rolled back to"
expect_err "skipped: v2 its build is held: Build 2 eats data"
expect_exit 0 ship rollback
expect_out "Rolled back hello to v1 as v6"
expect_err "skipped: v2 its build is held: Build 2 eats data"
expect_equal "$(held)" 3

# Under a hold of the whole app, what is advised lets this rollback through, and nothing else.
expect_exit 0 ship hold -m "until Monday"
expect_exit 6 ship rollback v2
expect_err "next: if it cannot wait: shipit -a hello rollback --force v2"
expect_exit 6 ship rollback --undo
expect_err "next: if it cannot wait: shipit -a hello rollback --force --undo"
expect_exit 0 ship rollback --force v2
runs_build 2
expect_exit 0 ship hold --clear
expect_err "1 hold cleared: hello"
expect_err "3 holds of builds stay; to see: shipit -a hello hold"
expect_exit 6 ship deploy "$scratch/hello"
expect_err "this build is held by"
expect_exit 0 ship hold --clear
expect_match "^3 holds cleared: .*v6, slug [0-9a-f]{32}" # which is that of v1
expect_match "^3 holds cleared: .*v5, slug [0-9a-f]{32}"
