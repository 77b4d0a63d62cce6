# `diff` tells what one release changed against another: files, config vars by name, process types,
# commits. It reads the slugs' file lists and unpacks nothing.
. "$(dirname "$0")/lib.sh"
needs git

build=$scratch/build
git_in_build() { git -C "$build" -c user.name=a -c user.email=a@b -c commit.gpgsign=false "$@" >/dev/null; }
mkdir -p "$build/public" "$build/docs"
cd "$build"
printf '[health]\nwatch = "1s"\n[processes]\nworker = "sleep 1000"\n' >shipit.toml
printf '.git\n' >.slugignore
echo "first page" >public/index.html
echo "old" >public/old.html
printf '#!/bin/sh\n' >run.sh
printf 'name\e[2J' >$'public/odd\e[2J'
git_in_build init -q -b main
git_in_build add -A
git_in_build commit -qm "First page"

expect_exit 0 ship create blog
expect_exit 1 ship diff
expect_in "nothing of 'blog' is deployed"
expect_exit 0 ship config set SECRET=s3cret-before GONE=1
expect_exit 0 ship deploy "$build"
expect_exit 1 ship diff
expect_in "nothing was live before v1"

echo "second, longer page" >public/index.html
rm public/old.html $'public/odd\e[2J'
echo "new" >public/new.html
mkdir -p public/empty
chmod 755 run.sh
printf '[health]\nwatch = "1s"\n[processes]\nworker = "sleep 2000"\nclock = "sleep 3000"\n' >shipit.toml
git_in_build add -A
git_in_build commit -qm "Second page"
expect_exit 0 ship config set --no-restart SECRET=s3cret-after NEW=1
expect_exit 0 ship config unset --no-restart GONE
expect_exit 0 ship deploy "$build"

# Without arguments: what was live before, and what is live.
expect_exit 0 ship diff
expect_out "=== blog v1 -> v2"
expect_match 'source: +[0-9a-f]{12} First page -> [0-9a-f]{12} Second page'
expect_out "files:      2 added, 2 changed, 2 removed, 1 with another mode"
expect_match '^\+  public/new.html +4 B'
expect_match '^\+  public/empty'
expect_match '^~  public/index.html +11 B -> 20 B'
expect_match '^-  public/old.html +4 B'
expect_match '^m  run.sh +0644 -> 0755'
expect_out '-  public/odd\x1b[2J'
expect_out "config var: + NEW"
expect_out "config var: - GONE"
expect_out "config var: ~ SECRET"
expect_out "process:    + clock"
expect_out "            + sleep 2000 (1)"
expect_not_in "s3cret"
expect_not_in $'\e'

expect_exit 0 ship diff --stat v1
expect_out "files:      2 added"
expect_not_in "index.html"
expect_exit 0 ship diff --name-only v2 v1
expect_equal "$(sort "$out")" "$(printf '%s\n' public/empty public/index.html public/new.html 'public/odd\x1b[2J' public/old.html run.sh shipit.toml | sort)"
expect_exit 0 ship diff v2 v2
expect_out "files:      the same"

expect_exit 0 ship diff --json
expect_equal "$(json "$out" '[it["before"]["version"], it["after"]["version"], it["before"]["source"]["subject"]]')" \
    "['v1', 'v2', 'First page']"
expect_equal "$(json "$out" '[(f["size_before"], f["size_after"]) for f in it["files"] if f["path"] == "public/index.html"]')" "[(11, 20)]"
expect_equal "$(json "$out" '[f["mode_before"] + f["mode_after"] for f in it["files"] if f["change"] == "mode"]')" "['06440755']"
expect_equal "$(json "$out" 'it["totals"]["added"]')" "{'files': 2, 'bytes_before': 0, 'bytes_after': 4}"
expect_equal "$(json "$out" '[(c["name"], c["change"]) for c in it["config"]]')" \
    "[('GONE', 'removed'), ('NEW', 'added'), ('SECRET', 'changed')]"
expect_equal "$(json "$out" '[(p["name"], p["change"], p["before"]) for p in it["processes"]][0]')" "('clock', 'added', None)"
expect_not_in "s3cret"
expect_exit 0 ship diff --json --stat
expect_equal "$(json "$out" '"files" in it')" "False"

# A tree is not needed; a slug is.
old=$(basename "$(readlink "$SHIPIT_ROOT/blog/releases/v1")")
chmod -R u+w "$SHIPIT_ROOT/blog/trees/$old"
rm -rf "$SHIPIT_ROOT/blog/trees/$old"
expect_exit 0 ship diff v1 v2
rm -f "$SHIPIT_ROOT/blog/releases/$old.tar.zst"
expect_exit 0 ship diff v1 v2
expect_out "files:      not known: the slug of v1 is gone"
expect_out "config var: ~ SECRET"
expect_exit 0 ship diff --json v1 v2
expect_equal "$(json "$out" '[it["files"], it["totals"], it["why_no_files"][:21]]')" "[None, None, 'the slug of v1 is gon']"
expect_exit 1 ship diff --name-only v1 v2
expect_in "the slug of v1 is gone"

expect_exit 1 ship diff v1 v9
expect_in "there is no release v9"
expect_exit 2 ship diff --stat --name-only
