# A manifest that cannot be read any more, or a `current` that is not shipit's: told of by name, with
# status 7, and a way out of it that works.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
releases=$SHIPIT_ROOT/hello/releases
sed -i "s/Hello/Good morning/" "$scratch/hello/server.py"
expect_exit 0 ship deploy "$scratch/hello" -m "Second"

# The manifest of what is live.
echo junk >"$releases/v2.toml"
expect_exit 7 ship status
expect_out "v2"
expect_match "^web.1 +up +v2 "
expect_match "problem: .*v2\.toml:1:"
expect_exit 7 ship status --json
expect_equal "$(json "$out" 'it["state"], it["current"], [p["process"] for p in it["processes"] if p["release"] == "v2"]')" "('up', 'v2', ['web.1'])"
expect_exit 0 ship releases
expect_match "^\* +v2 .*v2\.toml:1:"
expect_out "First version"
expect_exit 0 ship releases --json
expect_equal "$(json "$out" '[(r["version"], r["current"]) for r in it]')" "[('v2', True), ('v1', False)]"
expect_exit 7 ship info
expect_err "next: take another release live: shipit -a hello rollback"
expect_exit 7 ship config set NAME=Ada
for options in --dry-run ""; do
    # shellcheck disable=SC2086
    expect_exit 1 ship prune $options
    expect_match "v2\.toml.*no slug is removed while it cannot be read"
    expect_not_in "Nothing to prune"
done
expect_exit 1 ship --json prune --dry-run
expect_equal "$(json "$out" 'it["failures"]')" 1
expect_answer "$url" "Good morning, World! This is release v2."

expect_exit 0 ship rollback
expect_answer "$url" "Hello, World! This is release v3."
expect_exit 0 ship status
expect_equal "$(ship info v2 2>&1 >"$scratch/none" | grep -c rollback || true)" 0
echo junk >"$releases/v3.toml"
sed -i "s/Good morning/Good day/" "$scratch/hello/server.py"
expect_exit 0 ship deploy "$scratch/hello"
expect_not_in "to undo" # which would lead to v3
expect_answer "$url" "Good day, World! This is release v4."

# `current`: what is advised works.
rm "$SHIPIT_ROOT/hello/current"
mkdir "$SHIPIT_ROOT/hello/current"
expect_exit 7 ship deploy "$scratch/hello"
expect_err "move it away (mv $SHIPIT_ROOT/hello/current"
expect_exit 7 ship status
expect_out "damaged"
expect_answer "$url" "Good day, World! This is release v4."
mv "$SHIPIT_ROOT/hello/current" "$SHIPIT_ROOT/hello/current.old"
expect_exit 7 ship rollback
expect_err "next: shipit -a hello rollback v4"
expect_exit 0 ship rollback v4
expect_answer "$url" "Good day, World! This is release v5."
expect_exit 0 ship status

# What is deleted by hand: each command says that, and what is advised works.
releases=$SHIPIT_ROOT/hello/releases
rm "$SHIPIT_ROOT/hello/current"
for command in status info why diff start restart scale "run true" verify; do
    # shellcheck disable=SC2086  # words
    expect_exit 7 ship $command
    expect_in "$SHIPIT_ROOT/hello/current' is gone, and so nothing is live; v5 was"
done
expect_exit 1 ship -a hello doctor
expect_match "^problem +release: .* v5 was$"
expect_out "next: shipit -a hello rollback v5"
expect_exit 0 ship rollback v5
expect_answer "$url" "Good day, World! This is release v6."

rm "$releases/v6.toml"
for command in info restart "config set NAME=Ada"; do
    # shellcheck disable=SC2086
    expect_exit 7 ship $command
    expect_err "v6.toml' is gone, the manifest of what is live"
    expect_err "next: take another release live: shipit -a hello rollback"
done
expect_exit 7 ship verify
expect_out "hello: v6.toml: it is gone (needed by v6)"
expect_exit 1 ship -a hello doctor
expect_match "^problem +release: .*v6.toml' is gone"
expect_exit 0 ship rollback v5
expect_answer "$url" "Good day, World! This is release v7."
rm "$releases/v7.toml"
expect_exit 0 ship deploy "$scratch/hello" # a step forward is a way out, too
expect_answer "$url" "This is release v8."

tree=$(realpath "$SHIPIT_ROOT/hello/current")
rm -r "$tree"
expect_exit 0 ship set processes.web.count=2
expect_exit 1 ship -a hello doctor # of v2 and v3
expect_match "^ok +settings: "
expect_not_in "processes.web" # the slug says what the tree no longer does
expect_exit 7 ship verify --trees
expect_out "hello: tree $(basename "$tree"): it is gone (needed by v8)"
expect_exit 0 ship restart
expect_exit 7 ship verify --trees # of v2 and v3
expect_not_in "is gone"

# That it was stopped: nothing runs, though something should.
expect_exit 0 ship stop
rm "$SHIPIT_ROOT/hello/marks/stopped"
expect_exit 1 ship -a hello doctor
expect_match "^problem +processes: none of them runs$"
expect_exit 0 ship status
expect_match "^state: +down$"
expect_exit 0 ship start
expect_answer "$url" "This is release v8."

# A backup that came without its empty folders, or without what can be made again.
expect_exit 0 ship stop
rm -rf "$SHIPIT_ROOT"/hello/{log,trees,marks}
expect_exit 0 ship start
expect_soon 10 answers "$url" "This is release v"
expect_exit 0 ship logs
rm -rf "$SHIPIT_ROOT"/hello/{log,trees}
expect_exit 0 ship stop
leftovers | xargs -r kill -KILL || true # one of them may have ended with another
expect_soon 5 nothing_left
rm -rf "$SHIPIT_ROOT"/hello/{log,trees}
ship doctor >"$scratch/told" || true
! grep "^problem.*\(log\|trees\)" "$scratch/told" || fail "doctor sees more in it than there is"
echo again >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello"
expect_equal "$(stat -c %a "$SHIPIT_ROOT"/hello/{log,trees} | xargs)" "750 755"
expect_soon 10 answers "$url" "This is release v"
