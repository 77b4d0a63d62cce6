# Where the kernel does not let shipit hand sockets over, one release stops before the next one starts; still
# programs are given sockets by systemd's protocol, or find a Unix socket's name free to bind.
. "$(dirname "$0")/lib.sh"
needs curl
[[ $(uname -m) =~ ^(x86_64|aarch64)$ ]] || skip "the system call's number is not known here"

filtered() { python3 "$tests/e2e/filtered.py" listener "$SHIPIT_BIN" "$@"; }

reserve_port
mkdir "$scratch/app"
cat >"$scratch/app/server.py" <<'END'
import os, socket, sys
if 'LISTEN_FDS' in os.environ:
    listening = socket.socket(fileno=3)
else:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.environ['SHIPIT_SOCKET'])
    listening.listen()
while True:
    client, _ = listening.accept()
    client.recv(4096)
    client.sendall(f'HTTP/1.0 200 OK\r\n\r\nrelease {os.environ["SHIPIT_RELEASE"]}\n'.encode())
    client.close()
END
cat >"$scratch/app/shipit.toml" <<END
[processes]
web = { command = "python3 server.py", stop_signal = "KILL" }
[health]
path = "/healthz"
watch = "0s"
END
expect_exit 0 ship create app
expect_exit 0 ship set "app.port=$port" app.listen_fds=true
url=http://127.0.0.1:$port/
expect_exit 0 filtered deploy "$scratch/app"
expect_answer "$url" "release v1"
echo 2 >"$scratch/app/build"
expect_exit 0 ship deploy "$scratch/app"
expect_err "stopping v1 before its successor starts: the kernel does not let shipit hand over sockets here"
expect_answer "$url" "release v2"

socket=$SHIPIT_ROOT/app/run/web.sock
url=http://localhost/
page() { curl --silent --show-error --fail --max-time 5 --unix-socket "$socket" "$1" 2>&1; }
expect_exit 0 ship set app.listen=unix:run/web.sock
expect_exit 0 ship restart
expect_err "before its successor starts"
expect_answer "$url" "release v2"
expect_exit 0 ship set app.listen_fds=false
for release in 3 4 5; do
    echo "$release" >"$scratch/app/build"
    expect_exit 0 ship deploy "$scratch/app"
    expect_answer "$url" "release v$release"
done
expect_exit 0 ship rollback
expect_answer "$url" "release v6"
kill -KILL "$(ship ps --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["pid"])')"
expect_soon 10 answers "$url" "release v6"
