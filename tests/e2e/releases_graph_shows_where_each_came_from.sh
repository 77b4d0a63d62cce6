# `releases --graph` draws which release came from which, and says what was rolled back; in ASCII where
# the locale has nothing else.
. "$(dirname "$0")/lib.sh"

# An app of files: nothing is started.
expect_exit 0 ship create pages
mkdir "$scratch/build"
deploy() { echo "$1" >"$scratch/build/page" && expect_exit "${2:-0}" ship deploy "$scratch/build" -m "$1"; }
release_command() { printf '[release]\ncommand = "%s"\n' "$1" >"$scratch/build/shipit.toml"; }
deploy "First"
deploy "Second"
deploy "Third"
deploy "Fourth"
expect_exit 0 ship rollback v2
expect_exit 0 ship config set A=1
release_command false
deploy "Broken" 3
release_command true
deploy "Mended"

# Drawing, number and what is said of the release; not who made it and when.
expect_drawn() { # expect_drawn <TEXT
    depth=1 diff -u - <(sed -E -e 1d -e "s/ +$(id -un) .*//" "$out") || depth=1 fail "the graph is another one"
}
expect_exit 0 ship releases --graph
expect_drawn <<'GRAPH'
●    v8  Mended             good
├─✗  v7  Broken (failed)
○    v6  Set A config vars  good
○    v5  Rollback to v2     good
│ ✗  v4  Fourth             bad, rolled back by v5
├─○  v3  Third              good
○    v2  Second             good
○    v1  First              good
GRAPH
expect_exit 0 env LC_ALL=C "$SHIPIT_BIN" releases --graph -n 5
expect_drawn <<'GRAPH'
*    v8  Mended             good
|-x  v7  Broken (failed)
o    v6  Set A config vars  good
o    v5  Rollback to v2     good
| x  v4  Fourth             bad, rolled back by v5
: :
GRAPH
for locale in C.utf8 POSIX; do # LC_ALL, if set, goes before LANG
    expect_exit 0 env -u LC_ALL LANG=$locale "$SHIPIT_BIN" releases --graph -n 1
    if [[ $locale == POSIX ]]; then expect_match '^\*  v8 '; else expect_match '^●  v8 '; fi
done

# The same as facts, also of those whose origin is not listed with them.
expect_exit 0 ship releases --json
expect_equal "$(json "$out" '[(r["version"], r["came_from"], r["rolled_back_by"]) for r in it[2:6]]')" \
    "[('v6', 'v5', None), ('v5', 'v2', None), ('v4', 'v3', 'v5'), ('v3', 'v2', None)]"
expect_exit 0 ship releases --json -n 2
expect_equal "$(json "$out" '[r["came_from"] for r in it]')" "['v6', 'v6']"

# Forward again: the rollback itself is what was left.
expect_exit 0 ship rollback v5
expect_exit 0 ship rollback --undo
expect_exit 0 ship releases --graph -n 4
expect_drawn <<'GRAPH'
●      v10  Undo: back to v8  good
│ ○    v9   Rollback to v5    good, rolled back by v10
○ │    v8   Mended            good, rolled back by v9
├─│─✗  v7   Broken (failed)
⋮ ⋮
GRAPH

# Nobody knows what came behind a record that cannot be read.
echo junk >"$SHIPIT_ROOT/pages/releases/v5.toml"
expect_exit 0 ship releases --graph
expect_match "✗ +v5 .*v5.toml:1:5: cannot be understood"
expect_exit 0 ship releases --graph --json
expect_equal "$(json "$out" '[r.get("came_from") for r in it[-7:]]')" "['v6', None, None, 'v3', 'v2', 'v1', None]"
