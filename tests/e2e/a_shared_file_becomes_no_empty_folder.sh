# A file that app.shared names, and that is in the build or in what is live, but not in `shared` yet: no way of
# deploying makes an empty folder of it. What is to be done is told, and does it.
. "$(dirname "$0")/lib.sh"
needs python3

ln -s "$SHIPIT_BIN" "$scratch/bin/shipit"
export PATH=$scratch/bin:$PATH
shared=$SHIPIT_ROOT/site/shared
build=$scratch/build
# The commands of the last error's advice.
advised() { sed -nE 's/.*(to (go on with the release|begin with the build).s: )(.*); and this again$/\3/p' "$err"; }

# The first deploy, of a build in any form.
mkdir "$build"
echo page >"$build/index.html"
echo KEY=1 >"$build/.env"
printf '[app]\nshared = [".env"]\n' >"$build/shipit.toml"
expect_exit 0 ship create site
tar -C "$build" -cf "$scratch/build.tar" .
why="app.shared has '.env', which is a file in the build: name the folder it is in, or put the file into '$shared' first"
expect_exit 2 ship deploy "$scratch/build.tar"
expect_err "$why"
printf '#!/bin/sh\nshift\nexec "$@"\n' >"$scratch/bin/ssh" # a connection to this host
chmod +x "$scratch/bin/ssh"
export SHIPIT_SSH=$scratch/bin/ssh SHIPIT_REMOTE=$SHIPIT_BIN XDG_CACHE_HOME=$scratch/cache
expect_exit 2 ship push host:site "$build"
expect_err "$why"
expect_exit 2 ship deploy "$build" --dry-run
expect_exit 2 ship deploy "$build" --no-activate
expect_exit 2 ship deploy "$build"
expect_err "$why"
expect_equal "$(ls -A "$shared")" ""
expect_exit 0 ship --json releases
expect_equal "$(json "$out" 'len(it)')" 0
mkdir "$shared/.env" # as an older shipit has left it
expect_exit 2 ship deploy "$build"
eval "$(advised)"
expect_exit 0 ship deploy "$build"
expect_equal "$(cat "$SHIPIT_ROOT/site/current/.env")" "KEY=1"
expect_equal "$(readlink "$SHIPIT_ROOT/site/current/.env")" ../../shared/.env
expect_exit 0 ship push host:site "$build"

# A database that the live release came with, and that is as it came: the next build has another, or none.
echo rows >"$build/blog.sqlite"
expect_exit 0 ship deploy "$build"
tree=$(readlink -f "$SHIPIT_ROOT/site/current")
expect_exit 0 ship set app.shared=.env,blog.sqlite
expect_exit 2 ship restart
echo "other rows" >"$build/blog.sqlite"
expect_exit 2 ship deploy "$build"
expect_err "app.shared has 'blog.sqlite', which is a file in the build"
expect_equal "$(advised)" "shipit -a site stop && mv -T $tree/blog.sqlite $shared/blog.sqlite"
rm "$build/blog.sqlite"
expect_exit 2 ship deploy "$build"
expect_err "app.shared has 'blog.sqlite', which is a file in what is live"
expect_equal "$(ls -A "$shared")" .env
expect_exit 0 ship set app.shared=.env
expect_exit 0 ship deploy "$build" # without it

# As an older shipit left it: an empty folder, to which what is live leads. The way back is found by what is told.
expect_exit 0 ship set app.shared=.env,blog.sqlite
expect_exit 0 ship deploy "$build" --force
expect_equal "$(find "$shared/blog.sqlite" -type d -empty)" "$shared/blog.sqlite"
expect_exit 2 ship rollback v2
expect_equal "$(advised)" "shipit -a site stop && rmdir $shared/blog.sqlite && mv -T $tree/blog.sqlite $shared/blog.sqlite"
eval "$(advised)"
expect_exit 0 ship rollback v2
expect_equal "$(cat "$SHIPIT_ROOT/site/current/blog.sqlite")" rows
