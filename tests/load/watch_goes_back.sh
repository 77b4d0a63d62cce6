# A release that begins to fail within its watch gives way: the one before serves again within one
# interval of the probe and 50 ms where it answers badly, within 50 ms where it ends, as a client that
# asks all the time finds. The deploying command says so by its exit status.
. "$(dirname "$0")/lib.sh"

reserve_port
url=http://127.0.0.1:$port/
a_copy_of hello
cat >>"$scratch/hello/shipit.toml" <<'END'
warm = "5m"
END
sed -i 's/^watch = .*/watch = "1m"/' "$scratch/hello/shipit.toml"
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port"
expect_exit 0 ship deploy "$scratch/hello" --no-wait

# Asks every other millisecond: "BEGAN_MS ENDED_MS STATUS RELEASE" for each answer, until $scratch/stop is there.
cat >"$scratch/poll.py" <<'END'
import http.client, os, re, sys, time

port, stop = int(sys.argv[1]), sys.argv[2]
while not os.path.exists(stop):
    began = time.time()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/")
        answer = connection.getresponse()
        release = re.search(r"v\d+", answer.read().decode())
        result = answer.status, release and release[0]
    except (OSError, http.client.HTTPException) as error:
        result = type(error).__name__, None
    print(int(began * 1000), int(time.time() * 1000), *result, flush=True)
    connection.close()
    time.sleep(0.002)
END
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
web_pid() { ship ps --json | python3 -c "import json, sys; print(*[p['pid'] for p in json.load(sys.stdin) if p['state'] == 'up'])"; }
# gives_way KIND LIMIT_MS: deploys the next release, breaks it, and measures.
gives_way() {
    local kind=$1 limit=$2 before new code=0 deploy poller pid moment back
    before=$(page "$url" | grep -o 'v[0-9]*')
    expect_exit 0 ship bless # else there is nothing good to go back to
    rm -f "$scratch/broken" "$scratch/stop" "$scratch/polled"
    cp -R "$scratch/hello/." "$scratch/next"
    echo "$kind $round" >"$scratch/next/build" # no build that is held from an earlier round
    sed -i "s|^    if path == \"/healthz\":|    if os.path.exists(\"$scratch/broken\"):\n        raise OSError(\"broken\")\n&|" "$scratch/next/server.py"
    ship deploy "$scratch/next" >"$scratch/deploy.log" 2>&1 </dev/null &
    deploy=$!
    is_new() { new=$(page "$url" | grep -o 'v[0-9]*') && [[ $new != "$before" ]]; }
    expect_soon 20 is_new
    expect_soon 20 grep -q "$new is committed" "$SHIPIT_ROOT/hello/log/supervisor.log"
    python3 "$scratch/poll.py" "$port" "$scratch/stop" >"$scratch/polled" &
    poller=$!
    expect_soon 10 test -s "$scratch/polled"
    pid=$(web_pid)
    moment=$(now_ms)
    if [[ $kind == ends ]]; then kill -KILL "$pid"; else touch "$scratch/broken"; fi
    wait "$deploy" || code=$?
    expect_soon 10 answers "$url" "This is release $before."
    touch "$scratch/stop"
    wait "$poller"
    cat "$scratch/deploy.log"
    expect_equal "$code" 4
    back=$(awk -v moment="$moment" -v new="$new" '$1 >= moment && $3 == 200 && $4 != new { print $2 - moment; exit }' "$scratch/polled")
    echo "$kind: the one before served again after ${back:-never} ms"
    ((${back:-limit + 1} <= limit)) || fail "$kind: the one before was back only after ${back:-5000} ms: $(tail -n 3 "$scratch/polled")"
}
for ((round = 1; round <= ${SHIPIT_LOAD_DEPLOYS:-2}; round++)); do
    gives_way answers_badly 1050
    gives_way ends 50
done
