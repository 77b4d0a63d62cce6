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

# Requests, each on a new connection, 200 a second by 4 at once, until expect_none_failed.
start_hammer() {
    "$SHIPIT_BUILD/tests/load/hammer" "$port" 4 200 >"$scratch/hammered" 2>&1 &
    hammer=$!
}
expect_none_failed() {
    kill -TERM "$hammer"
    wait "$hammer" || true
    cat "$scratch/hammered"
    expect_equal "$(json "$scratch/hammered" 'it["failed"]')" 0 "$(json "$scratch/hammered" 'it["failures"]')"
}
