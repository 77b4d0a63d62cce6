# Four processes answer on one port; a release may listen on a port below 1024 that the host grants,
# whoever it runs as, and on no other.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
expect_exit 0 ship set processes.web.count=4
expect_exit 0 ship deploy "$scratch/hello" --force
four_answer() {
    local i
    for ((i = 0; i < 40; i++)); do page "${url}pid"; done | sort -u | wc -l | grep -qx 4
}
expect_soon 10 four_answer
expect_exit 0 ship set processes.web.count=1
expect_exit 0 ship deploy "$scratch/hello" --force
one_answers() { [[ $(for i in 1 2 3 4 5 6 7 8; do page "${url}pid"; done | sort -u | wc -l) == 1 ]]; }
expect_soon 10 one_answers

public=$port
reserve_low_port
low=$port port=$public
cat >"$scratch/hello/two.py" <<END
import http.server, sys, threading, server
listening = [http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), server.Handler) for port in sys.argv[1:]]
for each in listening:
    threading.Thread(target=each.serve_forever).start()
END
sed -i "s/^web = .*/web = \"python3 two.py $port $low\"/" "$scratch/hello/shipit.toml"
expect_exit 0 ship set app.user=nobody
expect_exit 3 ship deploy "$scratch/hello" -m "A port that was not granted"
expect_in "Permission denied"
expect_exit 0 ship set "app.ports=$low"
expect_exit 0 ship deploy "$scratch/hello" -m "Two ports"
expect_answer "http://127.0.0.1:$low/" "This is release v5."
expect_answer "$url" "This is release v5."
