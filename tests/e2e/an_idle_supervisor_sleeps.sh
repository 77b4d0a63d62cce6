# A supervisor whose app does nothing does nothing either, and takes next to no memory; and the app's
# processes hold no descriptor but 0, 1, 2 and their listening socket.
. "$(dirname "$0")/lib.sh"
needs curl
reserve_port
a_copy_of hello
cat >"$scratch/hello/shipit.toml" <<'END'
[processes]
web = "python3 server.py"
worker = "exec sleep 1000"
[health]
path = "/healthz"
watch = "0s"
warm = "0s"
END
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port"
expect_exit 0 ship deploy "$scratch/hello"
expect_exit 0 ship restart # so that there was a generation before it
expect_answer "http://127.0.0.1:$port/" "Hello"
supervisor=$(pgrep -f "$SHIPIT_ROOT supervise hello")
wakeups() { sed -nE 's/^voluntary_ctxt_switches:\s+//p' "/proc/$supervisor/status"; }
is_at_rest() {
    local before
    before=$(wakeups)
    sleep 1
    [[ $(wakeups) == "$before" ]]
}
expect_soon 30 is_at_rest
before=$(wakeups)
sleep 5 # nothing to be waited for: it is time itself that is measured
woke=$(($(wakeups) - before))
resident=$(sed -nE 's/^VmRSS:\s+([0-9]+) kB/\1/p' "/proc/$supervisor/status")
echo "woke up $woke times in 5 s; has $resident kB"
((woke < 5)) || fail "the supervisor woke up $woke times in 5 s"
((resident < 5000)) || is_sanitized || fail "the supervisor has $resident kB, and does nothing"

descriptors() {
    local fd
    for fd in /proc/"$1"/fd/*; do
        printf '%s ' "${fd##*/}:$(readlink "$fd" | sed -E 's/:?\[.*//; s|.*/||')"
    done
}
for process in web worker; do
    pid=$(ship ps --json | python3 -c "import json, sys; print(*[p['pid'] for p in json.load(sys.stdin) if p['type'] == '$process'])")
    echo "$process: $(descriptors "$pid")"
    others=$(descriptors "$pid" | tr ' ' '\n' | grep -vE '^(0:null|1:.*\.fifo|2:.*\.fifo|)$' || true)
    expected=
    [[ $process == worker ]] || expected=socket
    expect_equal "${others#*:}" "$expected"
done
