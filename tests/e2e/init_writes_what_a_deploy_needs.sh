# What init writes for a source tree is enough to create, deploy and serve it, as a Procfile, a Node
# package or a Django site; it overwrites nothing, and writes nothing where it is only asked to show.
. "$(dirname "$0")/lib.sh"
needs curl

# served_as APP TEXT: by the commands that init has just told (in $err),
# but for the port.
served_as() {
    local app=$1 step words
    reserve_port
    while read -r step; do
        step=${step/#shipit /ship }
        read -ra words <<<"${step/port=8000/port=$port health.watch=200ms}"
        depth=1 expect_exit 0 "${words[@]}"
    done < <(sed -n 's/^next: //p' "$err")
    depth=1 expect_soon 20 answers "http://127.0.0.1:$port/" "$2"
    expect_exit 0 ship destroy "$app" --confirm "$app"
}

# --- A Procfile ---

a_copy_of hello blog
rm "$scratch/blog/shipit.toml"
echo 'web: python3 server.py' >"$scratch/blog/Procfile"

cd "$scratch/blog"
expect_exit 0 ship init --dry-run
expect_out '# What runs stands in Procfile.'
expect_exit 0 ship --json init --dry-run .
expect_equal "$(json "$out" '(it["app"], it["written"], it["found"][0]["file"])')" "('blog', False, 'Procfile')"
[[ ! -e shipit.toml ]] || fail "it was written"

# Databases are told of, but for those that no build has.
mkdir media db
touch media/thumbs.db db/shop.sqlite3 old.db orders.db
echo old.db >.slugignore
expect_exit 0 ship init --dry-run
expect_err "note: each release would have a database of its own, as it is in the build (db/shop.sqlite3, orders.db): put it into a folder that is named in app.shared"
rm -r media db ./*.db .slugignore

umask 022
expect_exit 0 ship init
expect_out "Wrote $scratch/blog/shipit.toml"
expect_err "found: Procfile: process types web"
expect_equal "$(stat -c %a shipit.toml)" 644
served_as blog "This is release v1."

cp shipit.toml "$scratch/before"
expect_exit 1 ship init
expect_err "'$scratch/blog/shipit.toml' is there already, and is left as it is"
expect_err "next: 'shipit init --dry-run' prints what would be written"
cmp shipit.toml "$scratch/before"
rm shipit.toml
expect_exit 0 ship -a other init
grep -qx 'name = "other"' shipit.toml || fail "it is not called other"
echo '<<<<<<< HEAD' >>Procfile
rm shipit.toml
expect_exit 2 ship init
expect_err "Procfile:2: "
expect_exit 1 ship init absent
[[ -z $(find . -name '*shipit.toml*') ]] || fail "something is left"
cd "$scratch"

# --- Node ---

if command -v node >/dev/null; then
    mkdir "$scratch/shop"
    printf '{"name": "shop", "scripts": {"start": "node index.js"}}\n' >"$scratch/shop/package.json"
    cat >"$scratch/shop/index.js" <<'END'
const answer = (request, response) => response.end("Node here\n");
require("http").createServer(answer).listen(process.env.PORT, "127.0.0.1");
END
    expect_exit 0 ship init "$scratch/shop"
    grep -qx 'web = "node index.js"' "$scratch/shop/shipit.toml" || fail "what runs is something else"
    served_as shop "Node here"
fi

# --- Django ---

if command -v gunicorn >/dev/null && /usr/bin/python3 -c 'import django' 2>/dev/null; then
    mkdir "$scratch/site"
    /usr/bin/python3 -m django startproject mysite "$scratch/site"
    echo "gunicorn" >"$scratch/site/requirements.txt"
    expect_exit 0 ship init "$scratch/site"
    expect_err "found: manage.py: a Django site, mysite.wsgi"
    expect_err "note: each release would have a database of its own"
    sed -i 's|BASE_DIR / .db.sqlite3.|BASE_DIR / "data" / "db.sqlite3"|' "$scratch/site/mysite/settings.py"
    served_as site "The install worked successfully!"
fi
