# Rollback again goes further back, past everything bad; --undo goes forward again, step by step, and
# takes the marks back; what is held is refused by name, whatever commit it is built from.
. "$(dirname "$0")/lib.sh"
needs curl git

hello_is_live
next_build() { echo "$1" >"$scratch/hello/build"; }
deploy() { next_build "$1" && expect_exit 0 ship deploy "$scratch/hello" -m "Build $1"; }
held() { ship hold --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'; }
runs_build() { expect_equal "$(cat "$SHIPIT_ROOT/hello/current/build")" "$1"; }
deploy 2
deploy 3

# Rollback twice.
expect_exit 0 ship rollback -m "orders are lost"
expect_out "Rolled back hello to v2 as v4"
expect_err "to undo: shipit -a hello rollback --undo"
runs_build 2
expect_exit 0 ship info v3
expect_match "bad: orders are lost"
expect_exit 0 ship rollback
expect_out "Rolled back hello to v1 as v5"
expect_exit 1 ship rollback
expect_err "v5 has brought v1 back, and there is no release before that"
expect_answer "$url" "This is release v5."

# And forward again.
expect_equal "$(held)" 2
expect_exit 0 ship rollback --undo
expect_out "Rolled back hello to v4 as v6"
expect_err "to undo: shipit -a hello rollback v5"
runs_build 2
expect_equal "$(held)" 1
expect_exit 0 ship rollback --undo
expect_out "Rolled back hello to v3 as v7"
runs_build 3
expect_equal "$(held)" 0
expect_exit 0 ship releases
expect_match "v7 .*Undo: back to v3 .*good"
expect_match "v3 .*Build 3 +good"
expect_exit 0 ship info v3 # as it was before it was left
expect_not_in "never stayed up"
expect_exit 1 ship rollback --undo
expect_err "there is nothing to undo: v7 is live"

# Bad, bad, bad: past all of them, also those that were never good.
for build in 8 9 10; do deploy "$build"; done
for release in v8 v9 v10; do expect_exit 0 ship mark-bad "$release" -m "500s"; done
expect_err "it is live; to leave it: shipit -a hello rollback"
expect_exit 0 ship why
expect_match "Rollback goes to: +v7$"
expect_match "Skipped: +v9 is marked bad: 500s"
expect_exit 0 ship rollback
expect_out "Rolled back hello to v7 as v11"
expect_err "skipped: v9 is marked bad: 500s"
expect_err "skipped: v8 is marked bad: 500s"
runs_build 3

# The bytes are held, not the commit.
git init -q "$scratch/hello"
git -C "$scratch/hello" -c user.name=a -c user.email=a@b commit -q --allow-empty -m "New commit"
for build in 8 10; do
    next_build "$build"
    expect_exit 6 ship deploy "$scratch/hello" -m "From cron"
    expect_match "this build is held by [^ ]+.* since 20.*: (500s|rolled back from, by v11)"
done
expect_exit 0 ship hold
expect_match "v10, slug [0-9a-f]{32}: held by .*: rolled back from, by v11"
expect_exit 0 ship hold --clear v10 # its build is what is there now
expect_exit 0 ship deploy "$scratch/hello"
next_build 8
expect_exit 6 ship deploy "$scratch/hello"
expect_exit 0 ship deploy "$scratch/hello" --force
expect_exit 0 ship hold v1 -m "never again"
expect_exit 2 ship hold v1
rm "$scratch/hello/build"
expect_exit 6 ship deploy "$scratch/hello"
expect_err "never again"

# The whole app held: all that would make a release is refused, and says who, when, why.
expect_exit 0 ship hold -m "until Monday"
for command in "deploy $scratch/hello" rollback "rollback v1" "config set A=1"; do
    # shellcheck disable=SC2086  # several words
    expect_exit 6 ship $command
    expect_match "'hello' is held by [^ ]+.* since 20.*: until Monday"
done
expect_exit 0 ship hold --clear
expect_err "1 hold cleared: hello"
expect_exit 0 ship hold --clear
expect_match "^2 holds cleared: .*v9, slug [0-9a-f]{32}"
expect_exit 0 ship rollback v1

# Asked for once more, it is there already, and so there is still the way forward that there was.
again=$(readlink "$SHIPIT_ROOT/hello/current")
expect_exit 0 ship rollback v1
expect_out "v1 is live already"
expect_equal "$(readlink "$SHIPIT_ROOT/hello/current")" "$again"
expect_exit 0 ship info "${again#releases/}" --json
expect_equal "$(json "$out" 'it["bad"]')" False
