# With app.listen_fds, web processes are started with listening sockets, as systemd does it: on the
# address and the ports that the settings say, also on a port that their user may not bind. They are
# replaced under load like those that bind themselves.
. "$(dirname "$0")/lib.sh"
needs curl

reserve_port
second=$port
reserve_port
mkdir "$scratch/app"
cat >"$scratch/app/server.py" <<'END'
import os, socket, threading
assert os.environ['LISTEN_PID'] == str(os.getpid()) and os.environ['LISTEN_FDS'] == '2'
names = os.environ['LISTEN_FDNAMES'].split(':')
def serve(listening, name):
    while True:
        client, _ = listening.accept()
        client.recv(4096)
        text = f'release {os.environ["SHIPIT_RELEASE"]}, {name} of {os.environ["LISTEN_FDNAMES"]}'
        client.sendall(f'HTTP/1.0 200 OK\r\n\r\n{text}\n'.encode())
        client.close()
for i, name in enumerate(names):
    threading.Thread(target=serve, args=(socket.socket(fileno=3 + i), name)).start()
END
cat >"$scratch/app/shipit.toml" <<END
[processes]
web = "python3 server.py"
worker = "test -z \"\${LISTEN_FDS:-}\" && sleep 1000"
[health]
path = "/"
timeout = "10s"
watch = "0s"
[app]
listen_fds = true
listen = "127.0.0.1"
END
expect_exit 0 ship create app
expect_exit 0 ship set "app.port=$port" "app.ports=$second" processes.web.count=2
expect_exit 0 ship deploy "$scratch/app"
expect_answer "http://127.0.0.1:$port/" "release v1, $port of $port:$second"
expect_answer "http://127.0.0.1:$second/" "release v1, $second of $port:$second"
if [[ $(hostname -I) =~ ([0-9]+(\.[0-9]+){3}) ]]; then
    answers "http://${BASH_REMATCH[1]}:$port/" release && fail "it listens on all addresses"
fi

start_hammer "$port" 2 2000
expect_exit 0 ship restart
echo 2 >"$scratch/app/build"
expect_exit 0 ship deploy "$scratch/app"
expect_answer "http://127.0.0.1:$second/" "release v2,"
expect_exit 0 ship rollback v1
expect_answer "http://127.0.0.1:$second/" "release v3,"
cp -R "$scratch/app" "$scratch/bad"
echo "import os; os._exit(7)" >"$scratch/bad/server.py"
expect_exit 3 ship deploy "$scratch/bad"
expect_err "exited with status 7"
expect_none_failed

# All addresses, IPv6's too; and a port below 1024 for a user who may not have it.
expect_exit 0 ship set app.listen=
expect_exit 0 ship restart
expect_answer "http://127.0.0.1:$port/" release
[[ ! -s /proc/net/if_inet6 ]] || expect_answer "http://[::1]:$port/" release
public=$port
reserve_low_port
low=$port port=$public
expect_exit 0 ship set app.user=nobody "app.ports=$low"
expect_exit 0 ship restart
expect_answer "http://127.0.0.1:$low/" "$low of $port:$low"
