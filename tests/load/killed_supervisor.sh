# The supervisor is killed under load, again and again: no request is lost, the app is not restarted,
# and the deploy after it, which starts the next supervisor, loses none either.
. "$(dirname "$0")/../e2e/lib.sh"
needs curl

reserve_port
mkdir "$scratch/app"
cp "$SHIPIT_BUILD/tests/load/plain_server" "$scratch/app"
cat >"$scratch/app/shipit.toml" <<END
[processes]
web = "./plain_server $port"
[health]
path = "/"
watch = "0s"
END
expect_exit 0 ship create load
expect_exit 0 ship set "app.port=$port"
expect_exit 0 ship deploy "$scratch/app"

"$SHIPIT_BUILD/tests/load/hammer" "$port" 4 200 >"$scratch/hammered" 2>&1 &
hammer=$!
pid_of() { ship ps --json | python3 -c 'import json, sys; print(*[p["pid"] for p in json.load(sys.stdin) if p["state"] == "up"])'; }
is_gone() { ! kill -0 "$1"; }
for ((i = 1; i <= ${SHIPIT_LOAD_DEPLOYS:-6}; i++)); do
    before=$(pid_of)
    supervisor=$(pgrep -f "$SHIPIT_ROOT supervise load")
    kill -KILL "$supervisor"
    expect_soon 5 is_gone "$supervisor"
    expect_exit 0 ship start # which starts a supervisor
    expect_equal "$(pid_of)" "$before" "the app was not restarted"
    echo "$i" >"$scratch/app/build"
    expect_exit 0 ship deploy "$scratch/app"
    expect_not_in "before its successor starts"
done
kill -TERM "$hammer"
wait "$hammer" || true
cat "$scratch/hammered"
expect_equal "$(json "$scratch/hammered" 'it["failed"]')" 0 "$(json "$scratch/hammered" 'it["failures"]')"
