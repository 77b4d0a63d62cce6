# The supervisor is killed, and its processes go on; `stop` ends them all the same, and so does `destroy`.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
url=http://127.0.0.1:$port
kill_supervisor() { kill -KILL "$(pgrep -f "$SHIPIT_ROOT supervise hello")"; }

kill_supervisor
expect_answer "$url" "This is release v1."
expect_exit 0 ship stop
refused=0
curl -s -o "$scratch/page" --max-time 5 "$url" || refused=$?
expect_equal "$refused" 7 "connections are not refused" # curl(1): failed to connect
expect_exit 0 ship start
expect_answer "$url" "This is release v1."

kill_supervisor
expect_exit 0 ship destroy hello --confirm hello
nothing_left || fail "these outlived their app: $(leftovers)"
