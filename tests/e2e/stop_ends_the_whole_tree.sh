# Stopping an app ends all that it started, even what ignores SIGTERM and made a session of its own.
. "$(dirname "$0")/lib.sh"
needs curl

a_copy_of ignores_sigterm
expect_exit 0 ship create stubborn
expect_exit 0 ship deploy "$scratch/ignores_sigterm"
expect_exit 0 ship ps
expect_in "stubborn.1"

of_the_app() { leftovers | xargs -r ps -o args= -p | grep -v supervise | grep -c "stubborn\|sleep 1000"; }
expect_match "stubborn\.1.*up"
all_of_the_app() { [[ $(of_the_app) == 4 ]]; } # two shells and their sleeps
expect_soon 10 all_of_the_app

expect_exit 0 ship stop
none_of_the_app() { [[ $(of_the_app || true) == 0 ]]; }
expect_soon 5 none_of_the_app
expect_exit 0 ship ps
expect_not_in "up"

expect_exit 0 ship start
expect_exit 0 ship ps
expect_match "stubborn\.1.*up"
expect_exit 0 ship destroy stubborn --confirm stubborn
expect_soon 5 nothing_left
[[ ! -e $SHIPIT_ROOT/stubborn ]] || fail "destroy left a folder"

# Also if the supervisor is killed while it ends them.
mkdir "$scratch/slow"
cat >"$scratch/slow/slow.sh" <<END
trap "touch $scratch/was_told" TERM
while true; do
    sleep 1000 &
    wait
done
END
printf '%s\n' 'health.watch = "1s"' 'processes.slow = { command = "bash slow.sh", stop_timeout = "6s" }' \
    >"$scratch/slow/shipit.toml"
expect_exit 0 ship create slow
expect_exit 0 ship deploy "$scratch/slow"
"$SHIPIT_BIN" destroy slow --confirm slow &
destroying=$!
expect_soon 10 test -e "$scratch/was_told"
kill -KILL "$(pgrep -f "$SHIPIT_ROOT supervise slow")"
wait "$destroying" || fail "destroy failed"
expect_soon 5 nothing_left
[[ ! -e $SHIPIT_ROOT/slow ]] || fail "destroy left a folder"

# Fifty that ignore SIGTERM, each forked twice and in a session of its own: when the main process has ended, nobody
# waits for them.
sed -i 's/stop_timeout = "1s"/stop_timeout = "30s"/' "$scratch/ignores_sigterm/shipit.toml"
cat >"$scratch/ignores_sigterm/stubborn.sh" <<END
for _ in {1..50}; do
    setsid -f setsid -f bash -c 'trap "" TERM; echo \$\$ >>$scratch/pids; while true; do sleep 1000; done'
done
exec sleep 1000
END
groups_of_the_app() { # other scenarios' groups come and go meanwhile
    find /sys/fs/cgroup -ignore_readdir_race -type d -name "shipit:*:$(basename "$scratch"):*" 2>/dev/null || true
}
all_fifty() { [[ -e $scratch/pids && $(wc -l <"$scratch/pids") == 50 ]]; }
living() { xargs ps -o pid= -p <"$scratch/pids" | wc -l; }
expect_exit 0 ship create stubborn
expect_exit 0 ship deploy "$scratch/ignores_sigterm"
expect_soon 10 all_fifty
expect_equal "$(living)" 50
groups=$(groups_of_the_app)
began=${EPOCHREALTIME/./}
expect_exit 0 ship stop
took=$(((${EPOCHREALTIME/./} - began) / 1000))
expect_equal "$(living || true)" 0 "some outlived the stop"
expect_equal "$(groups_of_the_app)" "" "control groups that nobody is in"
with=${groups:+with}
echo "all fifty are gone $took ms after the call of stop, ${with:-without} control groups"
((took <= 10000)) || fail "that took $took ms"

# What the app left behind ends also when its supervisor and its main process were killed.
rm "$scratch/pids"
expect_exit 0 ship start
expect_soon 10 all_fifty
expect_exit 0 ship ps --json
main=$(json "$out" 'it[0]["pid"]')
kill_for_good "$(ps -o ppid= -p "$main" | tr -d ' ')" "$main"
expect_exit 0 ship start
none_of_the_fifty() { [[ $(head -n 50 "$scratch/pids" | xargs ps -o pid= -p | wc -l) == 0 ]]; }
expect_soon 5 none_of_the_fifty
expect_exit 0 ship destroy stubborn --confirm stubborn
expect_soon 5 nothing_left
expect_equal "$(groups_of_the_app)" "" "control groups of an app that is destroyed"

# The release before, kept warm or just being retired, is stopped with the live one: what stop leaves is free
# for the start.
hello_is_live
servers() { leftovers | xargs -r ps -o args= -p | grep -c "python3 server.py"; }
expect_exit 0 ship set health.warm=10m
echo 2 >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello"
expect_equal "$(servers)" 2 "one release is live, one warm"
expect_exit 0 ship stop
expect_equal "$(servers || true)" 0 "processes that outlived the stop"
expect_exit 0 ship start
expect_exit 0 ship scale web=2
expect_exit 0 ship stop
expect_equal "$(servers || true)" 0 "processes that outlived the stop"
expect_exit 0 ship start
