# A database that is in the build, and that the app writes where it is: no change of what is live
# takes it from under it, and a rollback that brings the build's back says where the other one is.
. "$(dirname "$0")/lib.sh"
needs curl python3

# Also by what the supervisor knows, which sees a process end a moment after it has.
only_one_release_runs() {
    ship ps --json | python3 -c 'import json, sys; sys.exit(len({it["release"] for it in json.load(sys.stdin)}) != 1)'
}

reserve_port
url=http://127.0.0.1:$port
a_copy_of visits counter
cd "$scratch/counter"
python3 -c 'import sqlite3; sqlite3.connect("db.sqlite3").execute("create table visits (at integer)")'
cd "$scratch"
expect_exit 0 ship create counter
expect_exit 0 ship set "app.port=$port"
expect_exit 0 ship deploy counter
tree=$(readlink -f "$SHIPIT_ROOT/counter/current")
for rows in 1 2 3 4 5; do
    expect_answer "$url/count" "v1: $rows rows"
done
inode=$(stat -c %i "$tree/db.sqlite3")

# A change that fails leaves it as it is; so do one that succeeds, and a restart.
expect_exit 3 ship config set FAIL=1
expect_err "'db.sqlite3' changed on this server since it was unpacked, and stays so while its release runs"
expect_err "app.shared"
expect_answer "$url" "v1: 5 rows"
expect_exit 0 ship config set NAME=World
expect_answer "$url" "v3: 5 rows"
expect_exit 0 ship restart
expect_answer "$url/count" "v3: 6 rows"
expect_equal "$(stat -c %i "$tree/db.sqlite3")" "$inode"
expect_exit 0 ship -a counter doctor
expect_match "'db.sqlite3' of v3, which is live, changed on this server: the next build comes with its own"

# The next build has its own. Back to the one before while that is still running: it is as it was.
echo '# another' >>counter/app.py
expect_exit 0 ship set health.warm=10m
expect_exit 0 ship deploy counter
expect_answer "$url" "v4: 0 rows"
expect_exit 0 ship rollback
expect_answer "$url" ": 6 rows"

# And when it runs no more: the build's, and where the other one is.
expect_exit 0 ship hold --clear
expect_exit 0 ship set health.warm=0s
expect_exit 0 ship deploy --force counter
expect_soon 10 only_one_release_runs
expect_exit 0 ship rollback v3
expect_answer "$url" ": 0 rows"
kept=("$tree".changed-*)
expect_equal "${#kept[@]}" 1
expect_err "what it was is kept in '${kept[0]}': data belongs into app.shared"
expect_equal "$(python3 -c 'import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute("select count(*) from visits").fetchone())' \
    "${kept[0]}/db.sqlite3")" 6
expect_equal "$(stat -c %a "${kept[0]}")" 700

# Nor from under a command that is at work there when its release comes back.
expect_exit 0 ship deploy --force counter
expect_soon 10 only_one_release_runs
echo "# a note of mine" >>"$tree/app.py"
mkfifo "$scratch/begun" "$scratch/go_on"
ship run --release v3 -- sh -c "exec 3>>app.py; echo >'$scratch/begun'; read -r _ <'$scratch/go_on'; echo '# the end' >&3" &
runs=$!
read -r _ <"$scratch/begun"
expect_exit 0 ship rollback v3
expect_err "'app.py' changed on this server since it was unpacked, and stays so while its release runs"
echo >"$scratch/go_on"
wait "$runs"
expect_equal "$(tail -n 1 "$tree/app.py")" "# the end"

# Nothing removes it but a person, and it is told of.
expect_exit 0 ship -a counter doctor
expect_match "'${kept[0]}' has what was changed on this server"
expect_exit 0 ship prune --keep 1
expect_err "'${kept[0]}' stays: it has what was changed on this server"
[[ -f ${kept[0]}/db.sqlite3 ]] || fail "it is gone"
