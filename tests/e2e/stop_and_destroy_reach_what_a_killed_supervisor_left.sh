# The supervisor is killed, and its processes go on; `stop` ends them all the same, and so does `destroy`.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
url=http://127.0.0.1:$port
kill_supervisor() { kill_for_good "$(pgrep -f "$SHIPIT_ROOT supervise hello")"; }

kill_supervisor
expect_answer "$url" "This is release v1."
expect_exit 0 ship stop
refused=0
curl -s -o "$scratch/page" --max-time 5 "$url" || refused=$?
expect_equal "$refused" 7 "connections are not refused" # curl(1): failed to connect
expect_exit 0 ship start
expect_answer "$url" "This is release v1."

# A stop of all apps that is killed while it ends them has not stopped this one for good.
sed -i "s|lambda \*_: sys.exit(0)|lambda *_: (open('$scratch/stops', 'w'), wait_for_end(), sys.exit(0))|" "$scratch/hello/server.py"
sed -i "/^import signal/a import time\ndef wait_for_end():\n    while not os.path.exists('$scratch/may_end'):\n        time.sleep(0.01)" \
    "$scratch/hello/server.py"
expect_exit 0 ship deploy "$scratch/hello"
kill_supervisor
"$SHIPIT_BIN" stop --all &
expect_soon 30 test -e "$scratch/stops"
kill -KILL $!
touch "$scratch/may_end"
expect_exit 0 ship start --all
expect_soon 10 answers "$url" "This is release v2."

kill_supervisor
expect_exit 0 ship destroy hello --confirm hello
expect_soon 5 nothing_left
