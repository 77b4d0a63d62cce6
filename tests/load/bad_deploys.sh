# Releases that are bad in every way are deployed under load, again and again: none of them answers
# one request, no request is lost, and each is refused for its reason soon after it showed.
. "$(dirname "$0")/lib.sh"

deploy_plain_app
mkdir "$scratch/bad"
cat >"$scratch/bad/bad.py" <<'END'
import os, socket, sys, time

kind, port = sys.argv[1], int(sys.argv[2])


def leave(name):  # when it showed, to be compared with the end of the deploy
    with open(os.environ["EVIDENCE"] + name, "w") as file:
        file.write(str(time.time_ns() // 1000000))


def serve(port, answer):
    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            with server.accept()[0] as client:
                client.recv(4096)
                body = f"release {os.environ['SHIPIT_RELEASE']}\n"
                client.sendall(
                    f"HTTP/1.1 {answer}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
                )
            if kind == "dies":
                leave("ended")
                os._exit(9)


leave("began")
if kind == "exits":
    leave("ended")
    sys.exit("no database to talk to") # status 1
elif kind == "silent":
    time.sleep(1000)
elif kind == "500":
    serve(port, "500 Internal Server Error")
elif kind == "hangs":
    with socket.create_server(("127.0.0.1", port)) as server:
        kept = server.accept()
        time.sleep(1000)
elif kind == "elsewhere":
    serve(int(sys.argv[3]), "200 OK")
elif kind == "dies":
    serve(port, "200 OK")
END
expect_exit 0 ship config set --no-restart "EVIDENCE=$scratch/"
good=$port
reserve_port
elsewhere=$port port=$good
timeout_ms=1000

kinds=(exits silent 500 hangs elsewhere dies)
declare -A reason=(
    [exits]="exited with status 1"
    [silent]="nothing listens on port $good"
    [500]="500"
    [hangs]="has not answered; it was not healthy within"
    [elsewhere]="but it listens on port $elsewhere"
    [dies]="exited with status 9"
)

# Refused, for its reason; sets `late`: how many milliseconds after it showed.
deploy_bad() {
    local kind=$1 release=$2 now end
    cat >"$scratch/bad/shipit.toml" <<END
# $release
[processes]
web = "python3 bad.py $kind $good $elsewhere"
[health]
path = "/"
timeout = "${timeout_ms}ms"
END
    rm -f "$scratch/began" "$scratch/ended"
    expect_exit 3 ship deploy "$scratch/bad" --force
    now=$((${EPOCHREALTIME/./} / 1000))
    expect_err "${reason[$kind]}"
    expect_err "v1 still serves"
    end=$(cat "$scratch/ended" 2>/dev/null || echo $(($(cat "$scratch/began") + timeout_ms)))
    late=$((now - end))
    ((late <= 2000)) || fail "$kind: refused only $late ms after it showed"
}

start_hammer
for ((i = 1; i <= ${SHIPIT_LOAD_DEPLOYS:-6}; i++)); do
    kind=${kinds[$(((i - 1) % ${#kinds[@]}))]}
    deploy_bad "$kind" $((i + 1))
    echo "$kind: refused $late ms after it showed"
done
expect_none_failed
expect_equal "$(json "$scratch/hammered.0" '[*it["releases"]]')" "['v1']" "only the good one answered"
expect_exit 0 ship releases -n 1000 --json
expect_equal "$(json "$out" '[r["status"] for r in it if r["version"] != "v1" and r["status"] != "failed"]')" "[]"
