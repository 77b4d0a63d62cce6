# replaced_without_loss.sh PROGRAM [nginx]: under load, an unmodified program is deployed and rolled back
# many times, good releases and bad ones, and no client notices more than another release in the
# answers; with nginx, neither do those that keep their connections to it, for GET and for POST.
. "$(dirname "$0")/lib.sh"
program=$1
deploys=${SHIPIT_LOAD_DEPLOYS:-6}

reserve_port
settings=() clients=4
mkdir "$scratch/app"
cd "$scratch/app"
case $program in
plain)
    cp "$SHIPIT_BUILD/tests/load/plain_server" .
    command="./plain_server $port"
    ;;
slow) # for the clients, not for the health check; what has been asked ends with the process
    clients=40
    cat >server.py <<END
import http.server, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.headers['User-Agent'] is None:
            time.sleep(3)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'release ' + os.environ['SHIPIT_RELEASE'].encode() + b'\n')
    def log_message(self, *arguments):
        pass
http.server.ThreadingHTTPServer(('127.0.0.1', $port), Handler).serve_forever()
END
    command="python3 server.py"
    ;;
node)
    needs node
    cat >server.js <<END
require('http').createServer((request, response) => {
  response.end('release ' + process.env.SHIPIT_RELEASE + '\n');
}).listen($port);
END
    command="node server.js"
    ;;
gunicorn)
    needs gunicorn
    write_wsgi_app
    command="gunicorn --workers 2 --bind 127.0.0.1:$port app:app"
    ;;
taken_sockets)
    settings=(app.listen_fds=true app.listen=127.0.0.1)
    cat >server.py <<'END'
import http.server, os, socket
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'release ' + os.environ['SHIPIT_RELEASE'].encode() + b'\n')
    def log_message(self, *arguments):
        pass
server = http.server.ThreadingHTTPServer(('', 0), Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=3)
server.serve_forever()
END
    command="python3 server.py"
    ;;
taking_gunicorn)
    needs gunicorn
    settings=(app.listen_fds=true)
    write_wsgi_app
    command="gunicorn --workers 2 app:app"
    ;;
php)
    needs php
    echo '<?php echo "release ", getenv("SHIPIT_RELEASE"), "\n";' >index.php
    command="php -S 127.0.0.1:$port"
    ;;
ruby)
    needs ruby
    ruby -e 'require "webrick"' 2>/dev/null || skip "ruby has no webrick here"
    cat >server.rb <<END
require 'webrick'
server = WEBrick::HTTPServer.new(Port: $port, BindAddress: '127.0.0.1', AccessLog: [])
server.mount_proc('/') { |_, answer| answer.body = "release #{ENV['SHIPIT_RELEASE']}\n" }
trap('TERM') { server.shutdown }
server.start
END
    command="ruby server.rb"
    ;;
esac
write_settings "$command"

expect_exit 0 ship create load
expect_exit 0 ship set "app.port=$port" "${settings[@]}"
expect_exit 0 ship deploy "$scratch/app"
expect_answer "http://127.0.0.1:$port/" "release v1"

if [[ ${2:-} == nginx ]]; then
    needs nginx
    start_nginx "http://127.0.0.1:$port"
    expect_soon 10 answers "http://127.0.0.1:$front/" "release v1"
    start_hammer "$front" 2 500 keep
    start_hammer "$front" 2 500 keep post
else
    start_hammer "$port" "$clients"
fi
for ((i = 1; i <= deploys; i++)); do
    expect_exit 0 ship restart
    if ((i % 3 == 0)); then
        echo "$i" >"$scratch/app/build"
        expect_exit 0 ship deploy "$scratch/app"
    elif ((i % 5 == 0)); then
        expect_exit 3 ship deploy "$scratch/bad" --force
    fi
done
expect_none_failed
