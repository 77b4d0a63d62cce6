# An app's processes swap folders, files and symlinks in all that they may write, without a pause, while
# root deploys, rolls back, prunes, stops and destroys: nothing outside the app is touched or read.
. "$(dirname "$0")/lib.sh"
needs curl python3
[[ $(id -u) == 0 ]] || skip "only root can be misled"
user=www-data
id "$user" >/dev/null 2>&1 || skip "there is no user $user here"

# What is root's, and is to stay so.
mkdir -m 755 "$scratch/roots" "$scratch/roots/sub"
echo "root's own" >"$scratch/roots/sub/file"
chmod 600 "$scratch/roots/sub/file"
state_of() { find "$scratch/roots" -printf '%p %U:%G %m %s %C@\n' | sort; }
before=$(state_of)

reserve_port
a_copy_of hello
cat >"$scratch/hello/swap.py" <<'END_OF_SWAP'
import itertools, os, sys

there, rounds = sys.argv[1], itertools.count()
spots = ["data/spot", "data/deep", "data/deep/deeper", "var/log/web.log", "data/a/b/c", "."]
for number in rounds:
    for spot in spots:
        for step in (lambda: os.makedirs(spot), lambda: os.rename(spot, f"{spot}.away{number % 3}"),
                     lambda: os.symlink(there, spot), lambda: os.symlink(f"{there}/sub/file", spot + ".file"),
                     lambda: os.unlink(spot), lambda: os.unlink(spot + ".file"),
                     lambda: os.rmdir(f"{spot}.away{number % 3}"), lambda: os.mkfifo(spot + ".pipe")):
            try:
                step()
            except OSError:
                pass
END_OF_SWAP
cat >"$scratch/hello/shipit.toml" <<END_OF_SETTINGS
[processes]
web = "exec python3 server.py"
swap = { command = "exec python3 swap.py $scratch/roots", stop_timeout = "100ms" }
[health]
path = "/"
watch = "0s"
[app]
shared = ["data", "var/log"]
END_OF_SETTINGS
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port" "app.user=$user"
for round in 1 2 3; do
    echo "$round" >"$scratch/hello/build"
    expect_exit 0 ship deploy "$scratch/hello" -m "Round $round"
    expect_exit 0 ship restart
    expect_exit 0 ship config set "ROUND=$round"
    expect_exit 0 ship rollback
    expect_exit 0 ship logs
    expect_exit 0 ship verify --trees
    expect_exit 0 ship doctor
    expect_exit 0 ship prune --keep 1
    expect_equal "$(state_of)" "$before" "what is outside"
done
expect_answer "http://127.0.0.1:$port/" "This is release v"
! grep -rF "root's own" "$SHIPIT_ROOT" || fail "what is outside was read"

# `destroy` removes what is being moved about, and nothing that a link leads to. Someone of the app's user goes
# on meanwhile who is none of its processes.
(cd "$SHIPIT_ROOT/hello/shared" && exec env -i PATH=/usr/bin:/bin \
    setpriv --reuid="$user" --regid="$user" --clear-groups python3 "$scratch/hello/swap.py" "$scratch/roots") &
swapper=$!
is_at_work() { [[ $(cat "/proc/$swapper/comm") == python3 ]]; }
expect_soon 20 is_at_work
for _ in 1 2 3; do
    ship destroy hello --confirm hello >"$out" 2>"$err" && break
    cat "$err"
done
kill -0 "$swapper" || fail "nobody swapped anything"
kill "$swapper"
wait "$swapper" || true
[[ ! -e $SHIPIT_ROOT/hello ]] || expect_exit 0 ship destroy hello --confirm hello
expect_equal "$(state_of)" "$before" "what is outside"
