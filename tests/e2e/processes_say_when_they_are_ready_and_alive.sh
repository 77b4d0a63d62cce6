# sd_notify(3): a release that says when it is ready gets nothing before, not even its health check; one
# that never says so is refused; a process that stops saying that it is alive is started again.
. "$(dirname "$0")/lib.sh"
needs curl

reserve_port
url=http://127.0.0.1:$port/
a_copy_of says_when_ready app
mkdir "$scratch/signs"
ready() { touch "$scratch/signs/ready-$1"; }
expect_exit 0 ship create app
expect_exit 0 ship set "app.port=$port"
# As another user, where that is possible, who has to come to the socket.
if [[ $(id -u) == 0 ]] && id www-data >/dev/null 2>&1; then
    expect_exit 0 ship set app.user=www-data
fi
expect_exit 0 ship config set "SIGNS=$scratch/signs" NOTIFY_SOCKET=/a/config/var WATCHDOG_PID=1
facts() { ship ps --json | python3 -c "import json, sys; print(*[p['$1'] for p in json.load(sys.stdin) if p['release'] == '$2'])"; }
is() { [[ $(facts "$1" "$2") == "$3" ]]; }

ready v1
expect_exit 0 ship deploy "$scratch/app"
expect_answer "$url" "This is release v1, asked 0 times too early."
expect_soon 5 is state v1 up

# It listens when it says that, and would be healthy; it is not asked.
echo again >"$scratch/app/build"
ship deploy "$scratch/app" >"$scratch/late.log" 2>&1 &
deploying=$!
expect_soon 20 is said v2 "warms up"
for _ in {1..20}; do
    expect_answer "$url" "This is release v1,"
done
expect_exit 0 ship ps
expect_match "web.1 .*starting .*v2"
expect_in "web.1 says: warms up"
ready v2
wait "$deploying" || fail "status $?: $(cat "$scratch/late.log")"
expect_answer "$url" "This is release v2, asked 0 times too early."

# One that never says so.
expect_exit 0 ship set health.timeout=6s
echo and again >"$scratch/app/build"
expect_exit 3 ship deploy "$scratch/app"
expect_err "web.1 did not say READY=1 within 6s; notify = true; its last STATUS was 'warms up'"
expect_answer "$url" "This is release v2,"

# hang_and_return N: it goes silent, and is back for the Nth time.
hang_and_return() {
    facts pid v2 >"$scratch/signs/hang"
    expect_soon 20 is restarts v2 "$1"
    expect_equal "$(facts last_exit v2 | sed 's/ after.*//')" "sent no WATCHDOG=1 for 2s and was killed by SIGABRT"
    expect_soon 20 is state v2 up
    expect_soon 20 answers "$url" "This is release v2, asked 0 times too early."
}
hang_and_return 1
expect_exit 0 ship logs
expect_in "-- sent no WATCHDOG=1 for 2s"

# Another supervisor in the same process knows who is ready, and goes on watching.
before=$(facts pid v2)
kill -HUP "$(pgrep -f "$SHIPIT_ROOT supervise app")"
was_renewed() { grep -q "goes on with" "$SHIPIT_ROOT/app/log/supervisor.log"; }
expect_soon 20 was_renewed
expect_equal "$(facts state v2) $(facts pid v2)" "up $before"
hang_and_return 2
expect_exit 0 ship stop
