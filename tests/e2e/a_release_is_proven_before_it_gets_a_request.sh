# Side by side: no request meets a release before its health check passed, none is refused meanwhile,
# and what was live before is back at once if the new one fails in its watch.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
expect_exit 0 ship set health.watch=60s
first=$(page "${url}pid")

# Asks as fast as it can until $scratch/stop is there, and keeps each answer that is not of RELEASE.
nothing_but() {
    while [[ ! -e $scratch/stop ]]; do
        page "$url" | grep -vF "This is release $1." || true
    done >"$scratch/others" 2>&1
}

nothing_but v1 &
asking=$!
a_copy_of answers_500
expect_exit 3 ship deploy "$scratch/answers_500"
expect_err "v1 still serves"
a_copy_of crashes_at_start
expect_exit 3 ship deploy "$scratch/crashes_at_start"
a_copy_of never_ready
expect_exit 3 ship deploy "$scratch/never_ready"
touch "$scratch/stop"
wait "$asking"
expect_equal "$(cat "$scratch/others")" ""
expect_equal "$(page "${url}pid")" "$first" "the old process was never stopped"

# Both run; the old one is warm.
sed -i 's/"Hello, "/"Howdy, "/' "$scratch/hello/server.py"
expect_exit 0 ship deploy "$scratch/hello" --no-wait -m "Howdy"
expect_answer "$url" "Howdy, World! This is release v5."
expect_exit 0 ship ps
expect_match "web.1 .*up .*v5"
expect_match "web.1 .*warm .*v1"

# Back to it without a start: the very process answers, under another release's number.
expect_exit 0 ship rollback --no-wait
expect_equal "$(page "${url}pid")" "$first"
expect_exit 0 ship ps
expect_match "web.1 .*up .*v6"

# One that begins to fail in its watch: the old process has the port again before anybody is told.
sed -i "s|if path == \"/healthz\":|&\n        assert not os.path.exists('$scratch/broken')|" \
    "$scratch/hello/server.py"
ship deploy "$scratch/hello" --force -m "Breaks" >"$scratch/breaks.log" 2>&1 &
deploying=$!
expect_soon 20 answers "$url" "This is release v7."
touch "$scratch/broken"
code=0
wait "$deploying" || code=$?
cat "$scratch/breaks.log"
expect_equal "$code" 4
expect_equal "$(page "${url}pid")" "$first"
expect_exit 0 ship releases
expect_match "v8 .*Automatic rollback to v"

# One after the other where the host wants it so, which is said.
rm "$scratch/broken"
expect_exit 0 ship set app.handover=restart health.watch=0s
expect_exit 0 ship deploy "$scratch/hello" --force -m "In turn"
expect_err 'stopping v8 before its successor starts: app.handover is "restart"'
expect_answer "$url" "This is release v9."
