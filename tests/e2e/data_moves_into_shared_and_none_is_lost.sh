# Data that an app has written into its release moves into app.shared: no change puts it out of the app's
# reach before that, what is to be done is told, and so is whose it is where the app may not write to it.
. "$(dirname "$0")/lib.sh"
needs curl python3

a_copy_of visits site
sed -i 's/^watch = .*/watch = "0s"\nwarm = "0s"/' "$scratch/site/shipit.toml"
mkdir "$scratch/site/data"
touch "$scratch/site/data/.keep" "$scratch/site/db.sqlite3"

# app_with DATABASE: live, with three rows in there; sets url and tree.
app_with() {
    reserve_port
    url=http://127.0.0.1:$port
    expect_exit 0 ship create site
    expect_exit 0 ship set "app.port=$port"
    expect_exit 0 ship config set "DATABASE=$1"
    expect_exit 0 ship deploy "$scratch/site"
    tree=$(readlink -f "$SHIPIT_ROOT/site/current")
    for rows in 1 2 3; do
        expect_answer "$url/count" "$rows rows"
    done
}
shared=$SHIPIT_ROOT/site/shared

# A file of the build.
app_with db.sqlite3
expect_exit 0 ship set app.shared=db.sqlite3
expect_exit 2 ship restart
expect_err "app.shared has 'db.sqlite3', which is a file in the build: name the folder it is in, or put the file into '$shared' first"
expect_err "shipit -a site stop && mv -T $tree/db.sqlite3 $shared/db.sqlite3"
expect_answer "$url" "3 rows"
expect_exit 0 ship stop
mv -T "$tree/db.sqlite3" "$shared/db.sqlite3"
expect_exit 0 ship restart
expect_answer "$url/count" "4 rows"
echo '# another' >>"$scratch/site/app.py"
expect_exit 0 ship deploy "$scratch/site"
expect_answer "$url/count" "5 rows"
expect_exit 0 ship verify --trees
expect_exit 0 ship destroy site --confirm site

# A folder of the build, in which the app has made something; the next build says that it is shared.
app_with data/db.sqlite3
printf '[app]\nshared = ["data"]\n' >>"$scratch/site/shipit.toml"
expect_exit 2 ship deploy "$scratch/site"
expect_err "app.shared has 'data', and 'data/db.sqlite3' is not in the build, and not in '$shared' yet"
expect_err "mv -T $tree/data $shared/data"
expect_answer "$url" "3 rows"
expect_exit 0 ship stop
mv -T "$tree/data" "$shared/data"
expect_exit 0 ship deploy "$scratch/site"
expect_answer "$url/count" "4 rows"

# Root's data, once the app runs as somebody else.
user=www-data
[[ $(id -u) == 0 ]] && id "$user" >/dev/null 2>&1 || exit 0
expect_exit 0 ship set "app.user=$user"
chown -R root: "$shared/data"
expect_exit 1 ship -a site doctor
expect_match "app.user is '$user', and web.1 still runs as 'root'"
expect_match "'$shared/data' belongs to root: the app, which runs as '$user', may not write there"
expect_match "chown -R $user: $shared/data"
expect_exit 0 ship restart
expect_err "'$shared/data' belongs to root: the app, which runs as '$user', may not write there: chown -R $user: $shared/data"
chown -R "$user:" "$shared/data"
expect_exit 0 ship restart
expect_not_in "belongs to root"
expect_answer "$url/count" "5 rows"
ship -a site doctor >"$out" 2>"$err" || true
expect_match "^ok +app.user: its processes run as '$user'"
