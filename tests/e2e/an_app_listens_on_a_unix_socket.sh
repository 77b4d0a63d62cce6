# An app behind a Unix socket: another user's reverse proxy finds it under one name, whatever release is
# live and whoever it runs as; a process that is killed, a supervisor that is killed or upgraded, a stop
# and a start leave nothing that would be in the way.
. "$(dirname "$0")/lib.sh"
needs curl

installed=$scratch/bin/shipit
install -m 755 "$SHIPIT_BUILD/cmd/shipit" "$installed"
SHIPIT_BIN=$installed

mkdir "$scratch/app"
cat >"$scratch/app/server.py" <<'END'
import contextlib, http.server, os, signal, socketserver, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if os.path.exists('broken') and self.path == '/healthz' else 200)
        self.end_headers()
        self.wfile.write(f'release {os.environ["SHIPIT_RELEASE"]}, process {os.getpid()}\n'.encode())
    def address_string(self):
        return 'client'
    def log_message(self, *arguments):
        pass
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    request_queue_size = 1
name = os.environ['SHIPIT_SOCKET']
with contextlib.suppress(FileNotFoundError): # others that start at the same time do the same
    os.unlink(name)
server = Server(name, Handler)
server.socket.setblocking(False) # what the other process accepts first is nothing to wait for
with contextlib.suppress(FileNotFoundError):
    os.chmod(name, 0o606)
def end(*_):
    with contextlib.suppress(FileNotFoundError): # the other process was first
        os.unlink(name)
    threading.Thread(target=server.shutdown).start() # it waits for serve_forever
signal.signal(signal.SIGTERM, end)
server.serve_forever(poll_interval=0.05)
server.server_close() # when all that was accepted is answered
END
cat >"$scratch/app/shipit.toml" <<END
[processes]
web = "python3 server.py"
[health]
path = "/healthz"
timeout = "10s"
watch = "0s"
[app]
listen = "unix:run/web.sock"
END
expect_exit 0 ship create app
app_user=()
client=()
if [[ $(id -u) == 0 ]]; then
    app_user=(app.user=nobody)
    client=(setpriv --reuid=4711 --regid=4711 --clear-groups)
fi
expect_exit 0 ship set processes.web.count=2 "${app_user[@]}"
socket=$SHIPIT_ROOT/app/run/web.sock
served() { "${client[@]}" curl --silent --show-error --max-time 5 --unix-socket "$socket" http://localhost/; }
serves() { [[ $(served) == "release $1,"* ]]; }
expect_served() { serves "$1" || fail "$1 does not serve, but: $(served 2>&1 || true)"; }

expect_exit 0 ship deploy "$scratch/app"
expect_not_in "port"
expect_served v1
both_answer() { (($(for _ in {1..20}; do served; done | sort -u | wc -l) == 2)); }
expect_soon 10 both_answer

# One that fails its check is asked by nobody but its probe; one that does not bind it is told.
cp -R "$scratch/app" "$scratch/bad"
touch "$scratch/bad/broken"
sed -i 's/^timeout.*/timeout = "6s"/' "$scratch/bad/shipit.toml"
expect_exit 3 ship deploy "$scratch/bad"
expect_err "GET /healthz through '$socket' answered 500"
sed -i 's/^web = .*/web = "sleep 1000"/; s/^timeout.*/timeout = "500ms"/' "$scratch/bad/shipit.toml"
expect_exit 3 ship deploy "$scratch/bad"
expect_err "nothing listens on '$socket'"
expect_served v1

echo 2 >"$scratch/app/build"
expect_exit 0 ship deploy "$scratch/app"
expect_served v4
expect_exit 0 ship rollback
expect_served v5

expect_exit 0 ship scale web=3
three_answer() { (($(for _ in {1..30}; do served; done | sort -u | wc -l) == 3)); }
expect_soon 10 three_answer
expect_exit 0 ship scale web=2
expect_soon 10 both_answer

# Killed processes leave a name behind; clients wait until they are back.
pids() { ship ps --json | python3 -c 'import json, sys; print(*(it["pid"] for it in json.load(sys.stdin) if it["state"] == "up"))'; }
# shellcheck disable=SC2046  # two words
kill -KILL $(pids)
expect_soon 10 serves v5

supervisor() { pgrep -f "$SHIPIT_ROOT supervise app"; }
kill -KILL "$(supervisor)"
expect_served v5
expect_exit 0 ship restart
expect_served v5
install -m 755 "$SHIPIT_BUILD/cmd/shipit" "$installed"
kill -HUP "$(supervisor)"
is_renewed() { grep -q "goes on with" "$SHIPIT_ROOT/app/log/supervisor.log"; }
expect_soon 40 is_renewed
expect_served v5
expect_exit 0 ship restart
expect_served v5

expect_exit 0 ship stop
! served 2>/dev/null || fail "it is stopped and served"
[[ ! -e $socket && ! -L $socket ]] || fail "it is stopped and its name is there"
expect_exit 0 ship start
expect_served v5

# In turn: requests wait. (What a program has accepted it has to answer itself before it ends.)
expect_exit 0 ship set app.handover=restart
for _ in {1..50}; do served || echo "not served"; done >"$scratch/answers" 2>&1 &
asking=$!
expect_exit 0 ship restart
wait "$asking"
others=$(grep -v "^release v5," "$scratch/answers") && fail "a request failed: $others"
expect_exit 0 ship set app.handover=gated

# Started with it instead, and given up for a port.
cat >"$scratch/app/server.py" <<'END'
import os, socket
assert os.environ['LISTEN_FDS'] == '1' and os.environ['LISTEN_FDNAMES'] == 'socket'
listening = socket.socket(fileno=3)
assert listening.getsockname() == os.environ['SHIPIT_SOCKET']
while True:
    client, _ = listening.accept()
    client.recv(4096)
    client.sendall(f'HTTP/1.0 200 OK\r\n\r\nrelease {os.environ["SHIPIT_RELEASE"]}, taken\n'.encode())
    client.close()
END
expect_exit 0 ship set app.listen_fds=true
expect_exit 0 ship deploy "$scratch/app"
expect_served v6
reserve_port
sed -i 's/^listen = .*//' "$scratch/app/shipit.toml"
sed -i '/^assert/d' "$scratch/app/server.py"
expect_exit 0 ship set app.listen= "app.port=$port" health.warm=0s
expect_exit 0 ship deploy "$scratch/app"
expect_answer "http://127.0.0.1:$port/" "release v7, taken"
is_gone() { [[ ! -L $socket ]]; }
expect_soon 10 is_gone

expect_exit 2 ship set app.listen=unix:/etc/passwd
expect_err "must be \"unix:run/NAME.sock\""
long=$scratch/$(printf 'x%.0s' {1..100})
mkdir "$long"
expect_exit 0 env SHIPIT_ROOT="$long" "$SHIPIT_BIN" create app
expect_exit 0 env SHIPIT_ROOT="$long" "$SHIPIT_BIN" set app.listen=unix:run/web.sock
expect_exit 2 env SHIPIT_ROOT="$long" "$SHIPIT_BIN" deploy "$scratch/app"
expect_err "is too long for a Unix socket"
