# The real systemd with the real units: an app's first deploy starts its service, which says what is live;
# reload makes it the new shipit, a killed supervisor comes back, and no request is lost in all of that;
# stop lets requests be answered; what ran runs again after the host's next start, and what was stopped
# does not.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/systemd.sh"
needs curl
! is_sanitized || skip "what the units allow is too little for sanitizers"

boot
install_shipit() { inside bash "$(realpath "$tests/..")/install.sh" --build "$SHIPIT_BUILD"; }
expect_exit 0 install_shipit
expect_exit 0 inside systemctl is-enabled shipit.service shipit-prune.timer
expect_exit 0 inside systemctl is-active shipit.service shipit-prune.timer

expect_exit 0 inside shipit doctor
expect_match "^ok +start: systemd starts apps with the host and prunes old releases daily"
expect_exit 0 inside systemctl disable shipit.service
expect_exit 0 inside shipit doctor
expect_match "^note +start: nothing starts the apps when the host starts"
expect_match "^ +next: systemctl enable --now shipit.service"
expect_exit 0 inside systemctl enable shipit.service

# An app that answers /slow when it is told to, even if it is asked to stop meanwhile.
reserve_port
mkdir "$scratch/app" "$scratch/slow"
chmod 777 "$scratch/slow"
cat >"$scratch/app/server.py" <<'PYTHON'
import http.server, os, signal, threading, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/slow':
            open(os.environ['SLOW'] + '/begun', 'w').close()
            while not os.path.exists(os.environ['SLOW'] + '/go'):
                time.sleep(0.01)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'release ' + os.environ['SHIPIT_RELEASE'].encode() + b'\n')
    def log_message(self, *arguments):
        pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler)
server.daemon_threads = False
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
PYTHON
cat >"$scratch/app/shipit.toml" <<'TOML'
[processes]
web = "python3 server.py"
[health]
path = "/"
watch = "0s"
TOML
expect_exit 0 ship create blog
expect_exit 0 ship set -a blog "app.port=$port" app.user=www-data
expect_exit 0 ship -a blog config set "SLOW=$scratch/slow"
expect_exit 0 ship -a blog deploy "$scratch/app"

unit=shipit@blog.service
expect_equal "$(unit_says $unit ActiveState)" active
says_status() { [[ $(unit_says $unit StatusText) == "$1" ]]; }
expect_soon 5 says_status "v1 is live, 1 of 1 processes are up"
expect_exit 0 inside systemctl status $unit
expect_out "v1 is live"
web() { ship -a blog ps --json | python3 -c 'import json, sys; print(*[p["pid"] for p in json.load(sys.stdin) if p["state"] == "up"])'; }
# As the app's user, in a control group of its own.
expect_match_in_proc() { inside grep -qE -e "$2" "/proc/$(web)/$1" || depth=1 fail "$1: $(inside cat "/proc/$(web)/$1")"; }
expect_match_in_proc status "^Uid:.*\s$(id -u www-data)$"
expect_match_in_proc cgroup "/shipit@blog.service/shipit:.*/v1.web.1"
# Another user is not told that nothing runs.
as_nobody() { inside setpriv --reuid=nobody --regid=nogroup --clear-groups shipit --root /var/lib/shipit "$@"; }
expect_exit 1 as_nobody -a blog ps
expect_err "/var/lib/shipit/blog': Permission denied"
expect_err "run shipit as its owner or as root"

start_hammer
echo 2 >"$scratch/app/build"
expect_exit 0 ship -a blog deploy "$scratch/app"
expect_soon 10 says_status "v2 is live, 1 of 1 processes are up"

# An upgrade: install.sh reloads what runs.
supervisor=$(unit_says $unit MainPID) process=$(web)
expect_exit 0 install_shipit
was_renewed() { grep -q "goes on with" "$scratch/changes/var/lib/shipit/blog/log/supervisor.log"; }
expect_soon 20 was_renewed
expect_equal "$(unit_says $unit MainPID) $(web)" "$supervisor $process"
expect_equal "$(inside readlink "/proc/$supervisor/exe")" /usr/local/bin/shipit

# A killed supervisor.
inside kill -KILL "$supervisor"
is_back() { [[ $(unit_says $unit NRestarts) == 1 && $(unit_says $unit SubState) == running ]]; }
expect_soon 10 is_back
expect_soon 10 says_status "v2 is live, 1 of 1 processes are up"
expect_equal "$(web)" "$process" "the app was not restarted"
[[ $(unit_says $unit MainPID) != "$supervisor" ]] || fail "it is the same supervisor"
expect_exit 0 ship -a blog rollback
expect_none_failed

# Restarted, it is another process; stopped, it answers first what it has accepted.
expect_exit 0 inside systemctl restart $unit
expect_soon 10 answers "http://127.0.0.1:$port/" "release v3"
curl --silent --max-time 30 "http://127.0.0.1:$port/slow" >"$scratch/slow.answer" &
asking=$!
expect_soon 10 test -e "$scratch/slow/begun"
inside systemctl stop $unit >"$scratch/stop.log" 2>&1 &
stopping=$!
is_stopping() { [[ $(unit_says $unit ActiveState) == deactivating && $(unit_says $unit StatusText) == stopping ]]; }
expect_soon 10 is_stopping
touch "$scratch/slow/go"
wait "$asking" || fail "it was cut off"
expect_equal "$(cat "$scratch/slow.answer")" "release v3"
wait "$stopping"
expect_equal "$(unit_says $unit ActiveState)" inactive
expect_equal "$(ship -a blog ps --json)" "[]"
expect_exit 0 ship -a blog start
expect_equal "$(unit_says $unit ActiveState)" active

# The power goes, and comes back. What was stopped by `shipit stop` is not started.
expect_exit 0 ship create other
reserve_port
expect_exit 0 ship set -a other "app.port=$port"
other=$port
expect_exit 0 ship -a other config set "SLOW=$scratch/slow"
expect_exit 0 ship -a other deploy "$scratch/app"
expect_exit 0 ship -a other stop
stop_host
boot
expect_equal "$(unit_says shipit.service Result)" success
expect_soon 10 says_status "v3 is live, 1 of 1 processes are up"
expect_equal "$(unit_says shipit@other.service ActiveState)" inactive
expect_exit 0 ship -a other start
expect_answer "http://127.0.0.1:$other/" "release v1"

# All of them at once; an app that is destroyed leaves no service behind.
expect_exit 0 inside systemctl stop shipit.service
are_inactive() { [[ $(unit_says $unit ActiveState) == inactive && $(unit_says shipit@other.service ActiveState) == inactive ]]; }
expect_soon 10 are_inactive
expect_exit 0 inside systemctl start shipit.service
expect_soon 10 answers "http://127.0.0.1:$other/" "release v1"

# An upgrade reaches what runs, also where another app does not start.
expect_exit 0 inside systemctl stop shipit.service
inside cp /var/lib/shipit/other/app.toml /root/app.toml
inside sh -c 'echo "retention = 3" >>/var/lib/shipit/other/app.toml'
expect_exit 1 inside systemctl start shipit.service
expect_soon 10 says_status "v3 is live, 1 of 1 processes are up"
expect_exit 1 inside systemctl start shipit@other.service
expect_equal "$(unit_says shipit@other.service ActiveState)" failed
renewals() { grep -c "goes on with" "$scratch/changes/var/lib/shipit/blog/log/supervisor.log"; }
before=$(renewals)
expect_exit 0 install_shipit
expect_err "not every app was started"
expect_err "next: shipit start --all"
is_renewed() { (($(renewals) > before)); }
expect_soon 20 is_renewed
inside mv /root/app.toml /var/lib/shipit/other/app.toml
expect_exit 0 ship start --all
expect_exit 0 inside systemctl start shipit.service
expect_soon 10 answers "http://127.0.0.1:$other/" "release v1"

expect_exit 0 ship destroy other --confirm other
is_inactive() { [[ $(unit_says shipit@other.service ActiveState) == inactive ]]; }
expect_soon 5 is_inactive

uninstall() { inside bash "$(realpath "$tests/..")/install.sh" --uninstall; }
expect_exit 0 uninstall
expect_equal "$(unit_says shipit.service LoadState)" not-found
for left in /usr/local/bin/shipit /usr/local/lib/systemd/system/shipit.service /etc/cron.d/shipit; do
    expect_exit 1 inside test -e "$left"
done
