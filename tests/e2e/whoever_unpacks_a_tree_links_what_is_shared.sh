# Trees are a cache: whoever makes one again (a command beside the app, a rehearsal, a deploy that only stores)
# links the shared folders into it, so that the app never begins anew with data of the tree's own. A tree that
# has come to lack them gets them when the app is started.
. "$(dirname "$0")/lib.sh"
needs curl python3

reserve_port
url=http://127.0.0.1:$port
a_copy_of visits site
sed -i 's/^watch = .*/watch = "0s"\nwarm = "0s"/' "$scratch/site/shipit.toml"
printf '[app]\nshared = ["data"]\n' >>"$scratch/site/shipit.toml"
# As many apps do, it makes its folder where there is none.
sed -i 's/^http.server.HTTPServer/os.makedirs("data", exist_ok=True)\n&/' "$scratch/site/app.py"
expect_exit 0 ship create site
expect_exit 0 ship set "app.port=$port"
expect_exit 0 ship config set DATABASE=data/db.sqlite3
expect_exit 0 ship deploy "$scratch/site"
tree=$(readlink -f "$SHIPIT_ROOT/site/current")
expect_answer "$url/count" "v1: 1 rows"
is_linked() { [[ $(readlink "$tree/data") == ../../shared/data ]]; }

# By a command that runs beside the app.
expect_exit 0 ship stop
rm -rf "$SHIPIT_ROOT/site/trees"/*
expect_exit 0 ship run -- test -f data/db.sqlite3
expect_exit 0 ship start
expect_answer "$url/count" "v1: 2 rows"
is_linked || fail "the tree has a folder of its own"

# One that lacks them, as an older shipit has left it; not while the app runs in it.
rm "$tree/data"
mkdir "$tree/data"
expect_exit 0 ship start
expect_exit 0 ship restart web.1
[[ -d $tree/data && ! -L $tree/data ]] || fail "its folder is taken from under the app"
expect_exit 0 ship stop
expect_exit 0 ship start
expect_answer "$url/count" "v1: 3 rows"
is_linked || fail "it was started without its data"
# What the app has written into such a tree since is not put out of its reach; it starts all the same.
expect_exit 0 ship stop
rm "$tree/data"
mv -T "$SHIPIT_ROOT/site/shared/data" "$tree/data"
expect_exit 0 ship start
expect_err "warning: app.shared has 'data', and 'data' is not in the build, and not in '$SHIPIT_ROOT/site/shared' yet"
expect_answer "$url/count" "v1: 4 rows"
expect_exit 0 ship stop
mv -T "$tree/data" "$SHIPIT_ROOT/site/shared/data"
expect_exit 0 ship start
expect_answer "$url/count" "v1: 5 rows"

# Of a release that is only stored.
echo '# another' >>"$scratch/site/app.py"
expect_exit 0 ship deploy "$scratch/site" --no-activate
expect_exit 0 ship run --release v2 -- test -f data/db.sqlite3
expect_exit 0 ship activate v2
expect_answer "$url/count" "v3: 6 rows"

# By a rehearsal.
rm -rf "$tree" "$tree.stamp"
expect_exit 0 ship rollback --check v1
is_linked || fail "the rehearsal has left a tree without its data"
