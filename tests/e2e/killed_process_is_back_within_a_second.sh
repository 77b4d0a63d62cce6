# `kill -9` of the web process: it is back within a second, and `ps` counts the restart.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
url=http://127.0.0.1:$port
expect_exit 0 ship ps --json
expect_equal "$(json "$out" 'it[0]["restarts"]')" 0

first=$(page "$url/pid")
is_back() {
    local now
    now=$(page "$url/pid") && [[ $now != "$first" ]]
}
kill -KILL "$first"
expect_soon 1 is_back

expect_exit 0 ship ps
expect_in "web.1"
expect_exit 0 ship ps --json
expect_equal "$(json "$out" 'it[0]["restarts"]')" 1
expect_equal "$(json "$out" 'it[0]["pid"]')" "$(page "$url/pid")"

# Its release is still the one that is live, and the log says what happened.
expect_answer "$url" "This is release v1."
expect_exit 0 ship logs
expect_match "web\.1.*(SIGKILL|signal 9|killed)"
