# `status` tells in one screen what runs, since when, by whom, how well, what it uses, and what happened
# lately; `--watch` tells it again and again, and leaves a terminal as it was.
. "$(dirname "$0")/lib.sh"
needs curl

# Beside the web process a worker that has a child, and each of them some memory and something to do.
reserve_port
a_copy_of hello
cat >"$scratch/hello/worker.py" <<'END'
import os, time

os.fork()
much = os.urandom(24 << 20)
while True:
    end = time.process_time() + 0.01
    while time.process_time() < end:
        pass
    time.sleep(0.01)
END
sed -i '/^\[processes\]/a worker = "python3 worker.py"' "$scratch/hello/shipit.toml"
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port" health.watch=300ms
expect_exit 0 ship deploy "$scratch/hello" -m "First version"
# fact PROCESS EXPRESSION: what `status --json` has of it.
fact() { json <(ship status --json) "[p for p in it['processes'] if p['process'] == '$1'][0]$2"; }
is_true() { [[ $(fact "$@") == True ]]; }

expect_exit 0 ship status
expect_match "^state: +up$"
expect_match "^release: +v1 First version, live since 20.* by $(id -un)$"
expect_match "^health: +(good since|not proven).*; healthy after [0-9]+m?s$"
expect_match "^web\.1 +up +v1 +20[^ ]+Z +0 +[0-9.]+ [KM]B +[0-9.]+ % +1$"
expect_match "^worker\.1 +up +v1 +20[^ ]+Z +0 +[0-9.]+ [KM]B +[0-9.]+ % +[12]$"
expect_match "^20[^ ]+Z +deploy +v1 +First version; by $(id -un)$"
expect_soon 10 is_true worker.1 "['usage']['memory'] > 48 << 20" # two of 24 MB
expect_soon 10 is_true worker.1 "['usage']['cpu_ms'] >= 100"
expect_equal "$(fact worker.1 "['usage']['processes']")" 2

# What happened lately, the newest first; one process that crashes again and again is one line.
has_restarted() { is_true web.1 "['restarts'] == $1" && is_true web.1 "['state'] == 'up'"; }
for times in 1 2; do
    kill -KILL "$(fact web.1 "['pid']")"
    expect_soon 10 has_restarted $times
done
expect_exit 0 ship status
expect_match " crash +v1 +web.1 was killed by SIGKILL after .*; 2 times$"
echo 2 >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello" -m $'Second\e[31m version'
expect_exit 0 ship --color=always status
expect_out 'Second\x1b[31m version; by' # it drives no terminal
expect_exit 0 ship rollback
expect_exit 0 ship status --json
expect_equal "$(json "$out" '[(m["what"], m["release"], m["bad"], m["times"]) for m in it["lately"]]')" \
    "[('rollback', 'v3', False, 1), ('deploy', 'v2', False, 1), ('crash', 'v1', True, 2), ('deploy', 'v1', False, 1)]"
expect_equal "$(json "$out" 'it["release"]["version"], it["release"]["description"]')" "('v3', 'Rollback to v1')"

# --- Again and again ---

# Where there is no terminal, a block each time, until ^C.
"$SHIPIT_BIN" status --watch=200ms >"$scratch/blocks" 2>/dev/null &
watcher=$!
has_blocks() { [[ $(grep -c '^at: ' "$scratch/blocks") -ge $1 ]]; }
expect_soon 20 has_blocks 3
kill -INT $watcher
code=0
wait $watcher || code=$?
expect_equal $code 130
grep -q "^worker.1 " "$scratch/blocks" || fail "the blocks do not tell of processes"
! grep $'\e' "$scratch/blocks" || fail "there are escapes in a file"

# As JSON, a line each time; what is used is that since the last one. It ends when nobody reads it any more.
ship status --watch=500ms --json | head -n 3 >"$scratch/lines" || true
tail -n 1 "$scratch/lines" >"$scratch/line"
expect_equal "$(json "$scratch/line" '5 < [p for p in it["processes"] if p["process"] == "worker.1"][0]["usage"]["cpu_percent"] < 250')" True
for wrong in 0 -1 often 10ms; do
    expect_exit 2 ship status "--watch=$wrong"
    expect_err "'--watch' takes seconds"
done

# On a terminal a screen of its own, which shows what happens meanwhile.
TERM=xterm FIRST_SHOWN=$scratch/first python3 "$tests/e2e/on_terminal.py" interrupt "=What came then" \
    "$SHIPIT_BIN" status --watch=200ms >"$scratch/shown" 2>&1 &
watcher=$!
expect_soon 10 test -e "$scratch/first"
echo 3 >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello" -m "What came then"
code=0
wait $watcher || code=$?
expect_equal $code 130 "$(cat "$scratch/shown")"
python3 - "$scratch/shown" <<'END' || fail "the terminal is not as it was"
import sys

shown = open(sys.argv[1], newline="").read()
before, inside = shown.split("\x1b[?1049h\x1b[?25l\x1b[?7l")
frames, after = inside.split("\x1b[?7h\x1b[?25h\x1b[?1049l")
assert not before and "interrupted" in after, (before, after)
assert frames.count("\x1b[H") >= 2, frames  # each from the top, none scrolls
assert all(frame.count("\n") < 24 for frame in frames.split("\x1b[H")), frames
assert "What came then" in frames and "seconds ago" in frames, frames
END

# Those that a restart has replaced are kept warm, and take nothing away from its being up.
expect_exit 0 ship set health.warm=10m
expect_exit 0 ship restart
expect_exit 0 ship status
expect_match "^state: +up$"
expect_match "^web\.1 +warm +v[0-9]+ "

# The app goes while it is watched.
rm "$scratch/blocks"
"$SHIPIT_BIN" -a hello status --watch=200ms >"$scratch/blocks" 2>"$scratch/complaint" &
watcher=$!
expect_soon 20 has_blocks 1
expect_exit 0 ship destroy hello --confirm hello
code=0
wait $watcher || code=$?
expect_equal $code 1
grep -q "there is no app 'hello'" "$scratch/complaint" || fail "it does not say why it ends: $(cat "$scratch/complaint")"
