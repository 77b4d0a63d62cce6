# Sourced by what has the plain server under load.
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"
needs curl

# deploy_plain_app [WATCH]: as release v1 of the app `load`, whose build is $scratch/app.
deploy_plain_app() {
    reserve_port
    mkdir "$scratch/app"
    cp "$SHIPIT_BUILD/tests/load/plain_server" "$scratch/app"
    cat >"$scratch/app/shipit.toml" <<END
[processes]
web = "./plain_server $port"
[health]
path = "/"
watch = "${1:-0s}"
END
    expect_exit 0 ship create load
    expect_exit 0 ship set "app.port=$port"
    expect_exit 0 ship deploy "$scratch/app"
}

supervisor() { pgrep -f "$SHIPIT_ROOT supervise load"; }

# start_nginx UPSTREAM [SERVER]: in front of that URL, in its default set-up, on the port `front`, until the end;
# with another server block, if one is given.
start_nginx() {
    local public=$port
    reserve_port
    front=$port port=$public
    run_nginx "server {
        listen 127.0.0.1:$front;
        location / { proxy_pass $1; }
    }
    ${2:-}"
}

# What gunicorn serves as app:app, in the current folder.
write_wsgi_app() {
    cat >app.py <<'END'
import os
def app(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'release ' + os.environ['SHIPIT_RELEASE'].encode() + b'\n']
END
}

# write_settings COMMAND [MORE]: $scratch/app runs it; $scratch/bad, the same, never gets healthy.
write_settings() {
    cat >"$scratch/app/shipit.toml" <<END
[processes]
web = "$1"
[health]
path = "/"
timeout = "10s"
watch = "0s"
warm = "0s"
${2:-}
END
    cp -R "$scratch/app" "$scratch/bad"
    sed -i 's|^web = .*|web = "sleep 1000"|; s|^timeout.*|timeout = "300ms"|' "$scratch/bad/shipit.toml"
}
