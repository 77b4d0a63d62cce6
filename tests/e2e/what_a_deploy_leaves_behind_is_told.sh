# An app that writes its data into its own tree: doctor tells of it while the release is live, and a deploy or a
# rollback that leaves the tree says what stays behind in it. Data in app.shared, and what programs leave anywhere,
# are nobody's loss.
. "$(dirname "$0")/lib.sh"
needs curl python3

reserve_port
url=http://127.0.0.1:$port
a_copy_of visits shop
cd "$scratch"
sed -i 's/^watch = .*/watch = "200ms"/' shop/shipit.toml
expect_exit 0 ship create shop
expect_exit 0 ship set "app.port=$port"
expect_exit 0 ship config set DATABASE=orders.db
expect_exit 0 ship deploy shop
tree=$(readlink -f "$SHIPIT_ROOT/shop/current")
expect_answer "$url/count" "v1: 1 rows"
mkdir -p "$tree"/{uploads/anna,empty,__pycache__,tmp/cache,log}
touch "$tree"/{uploads/anna/1.jpg,uploads/2.jpg,__pycache__/app.pyc,tmp/cache/page,log/web.log,web.pid}
expect_exit 0 ship -a shop doctor
expect_match "^note +files: 'orders.db', 'uploads/2.jpg', 'uploads/anna/1.jpg' of v1, which is live, were written on this server: the next build comes without"
expect_match "^ +next: .*: shipit -a shop set app.shared=orders.db; shipit -a shop restart; it says what to move"

# The same build with other config vars has the same tree.
expect_exit 0 ship config set NAME=World
expect_not_in "stays behind"
echo '# another' >>shop/app.py
expect_exit 0 ship deploy shop
expect_err "what was written into the tree of v2 stays behind, until that is pruned: 'orders.db', 'uploads/2.jpg', 'uploads/anna/1.jpg' (in '$tree'); data belongs into app.shared (shipit.toml(5))"
expect_answer "$url" "v3: 0 rows"

# Nothing but the pages were asked for: what v3 has is its own, empty database.
expect_exit 0 ship rollback
expect_err "what was written into the tree of v3 stays behind, until that is pruned: 'orders.db' (in"
expect_answer "$url" "v4: 1 rows"

# As advised.
expect_exit 0 ship set app.shared=orders.db
expect_exit 2 ship restart
expect_err "shipit -a shop stop && mv -T $tree/orders.db $SHIPIT_ROOT/shop/shared/orders.db; and this again"
expect_exit 0 ship stop
mv -T "$tree/orders.db" "$SHIPIT_ROOT/shop/shared/orders.db"
expect_exit 0 ship restart
expect_exit 0 ship -a shop doctor
expect_match ": shipit -a shop set app.shared=orders.db,uploads; shipit -a shop restart"
rm -r "$tree/uploads"
echo '# the third' >>shop/app.py
expect_exit 0 ship deploy shop
expect_not_in "stays behind"
expect_answer "$url" "v5: 1 rows"
expect_exit 0 ship -a shop doctor
expect_not_in "app.shared"
