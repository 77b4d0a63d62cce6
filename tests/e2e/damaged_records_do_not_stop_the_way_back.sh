# A manifest that cannot be read any more, or a `current` that is not shipit's: told of by name, with
# status 7, and a way out of it that works.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
url=http://127.0.0.1:$port/
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
expect_match "v2 .*v2\.toml:1:"
expect_out "First version"
expect_exit 7 ship info
expect_err "next: take another release live: shipit -a hello rollback"
expect_exit 7 ship config set NAME=Ada
expect_answer "$url" "Good morning, World! This is release v2."

expect_exit 0 ship rollback
expect_answer "$url" "Hello, World! This is release v3."
expect_exit 0 ship status
expect_equal "$(ship info v2 2>&1 >"$scratch/none" | grep -c rollback || true)" 0
echo junk >"$releases/v3.toml"
sed -i "s/Good morning/Good day/" "$scratch/hello/server.py"
expect_exit 0 ship deploy "$scratch/hello"
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
expect_exit 1 ship rollback
expect_err "rollback vN takes a release of the past live"
expect_exit 0 ship rollback v4
expect_answer "$url" "Good day, World! This is release v5."
expect_exit 0 ship status
