# unix_socket.sh PROGRAM: under load, a program behind a Unix socket is deployed and rolled back many times,
# good releases and bad ones, its supervisor is upgraded and killed, and no client notices; nor does one
# of nginx, where there is one.
. "$(dirname "$0")/lib.sh"
program=$1
deploys=${SHIPIT_LOAD_DEPLOYS:-6}

installed=$scratch/bin/shipit
upgrade() { install -m 755 "$SHIPIT_BUILD/cmd/shipit" "$installed"; }
upgrade
SHIPIT_BIN=$installed

mkdir "$scratch/app"
cd "$scratch/app"
case $program in
python)
    cat >server.py <<'END'
import http.server, os, socketserver
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'release ' + os.environ['SHIPIT_RELEASE'].encode() + b'\n')
    def address_string(self):
        return 'client'
    def log_message(self, *arguments):
        pass
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = False
Server(os.environ['SHIPIT_SOCKET'], Handler).serve_forever()
END
    command="python3 server.py"
    ;;
gunicorn)
    needs gunicorn
    write_wsgi_app
    command='gunicorn --workers 2 --bind unix:$SHIPIT_SOCKET app:app'
    ;;
node)
    needs node
    cat >server.js <<'END'
const server = require('http').createServer((request, response) => {
  response.end('release ' + process.env.SHIPIT_RELEASE + '\n');
}).listen(process.env.SHIPIT_SOCKET);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
END
    command="node server.js"
    ;;
esac
write_settings "$command" '[app]
listen = "unix:run/web.sock"'

expect_exit 0 ship create load
expect_exit 0 ship deploy "$scratch/app"
socket=$SHIPIT_ROOT/load/run/web.sock
expect_equal "$(curl --silent --unix-socket "$socket" http://localhost/)" "release v1"

start_hammer "$socket"
if command -v nginx >/dev/null; then
    start_nginx "http://unix:$socket"
    expect_soon 10 answers "http://127.0.0.1:$front/" "release v1"
    start_hammer "$front"
fi

renewals() { grep -c "goes on with" "$SHIPIT_ROOT/load/log/supervisor.log"; }
is_renewed_once_more() { (($(renewals) > before)); }
for ((i = 1; i <= deploys; i++)); do
    expect_exit 0 ship restart
    if ((i % 3 == 0)); then
        echo "$i" >"$scratch/app/build"
        expect_exit 0 ship deploy "$scratch/app"
        expect_exit 0 ship rollback
    elif ((i % 4 == 0)); then
        kill -KILL "$(supervisor)"
        expect_exit 0 ship deploy "$scratch/app" --force
    elif ((i % 2 == 0)); then
        before=$(renewals) || true
        upgrade
        kill -HUP "$(supervisor)"
        expect_soon 40 is_renewed_once_more
    elif ((i % 5 == 0)); then
        expect_exit 3 ship deploy "$scratch/bad" --force
    fi
done
expect_none_failed 1000
