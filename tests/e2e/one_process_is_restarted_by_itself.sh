# One process is restarted by itself: under a supervisor, which is brought where it was killed, and not where
# the app is stopped.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
url=http://127.0.0.1:$port
first=$(page "$url/pid")
expect_exit 0 ship restart web.1
second=$(page "$url/pid")
[[ $second != "$first" ]] || fail "it was not restarted"

kill_for_good "$(pgrep -f "$SHIPIT_ROOT supervise hello")"
expect_exit 0 ship restart web
[[ $(page "$url/pid") != "$second" ]] || fail "it was not restarted"
expect_exit 0 ship ps
expect_match "web\.1 .*up"

expect_exit 0 ship stop
expect_exit 1 ship restart web
expect_err "'hello' is stopped"
expect_err "next: shipit -a hello start"
expect_exit 0 ship status --json
expect_equal "$(json "$out" 'it["state"]')" stopped
