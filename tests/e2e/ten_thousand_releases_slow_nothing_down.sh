# With ten thousand releases, what a person asks for is answered at once, and pruning them takes moments.
# What counts is processor time, as others may be busy; the times are printed.
. "$(dirname "$0")/lib.sh"
needs curl
! is_sanitized || skip "sanitizers take ten times as long"
count=10000

hello_is_live
export SHIPIT_APP=hello
sed -i "s/Hello/Good morning/" "$scratch/hello/server.py"
expect_exit 0 ship deploy "$scratch/hello"
expect_exit 0 ship stop

# took COMMAND…: sets `spent` to its processor time in ms, as others may be busy, and `real` to what the clock
# says, both the median of five runs.
took() {
    local i real_times=() spent_times=()
    for i in {1..5}; do
        once "$@"
        real_times+=("$real")
        spent_times+=("$spent")
    done
    real=$(printf '%s\n' "${real_times[@]}" | sort -n | sed -n 3p)
    spent=$(printf '%s\n' "${spent_times[@]}" | sort -n | sed -n 3p)
    echo "$spent ms of the processor, $real ms in all: ${*:2:4}"
}
once() {
    local TIMEFORMAT='%3R %3U %3S' user system
    { time { "$@" >"$out" 2>"$err" </dev/null || true; }; } 2>"$scratch/time"
    read -r real user system <"$scratch/time"
    real=$((10#${real/./})) spent=$((10#${user/./} + 10#${system/./}))
}
# at_once COMMAND…: answers within the 20 ms that are promised; it takes 5.
at_once() { within 20 "$@"; }
# All of the past is searched. It takes 15 ms, which beside other programs may be three times as long.
after_a_search() { within 60 "$@"; }
within() {
    local most=$1
    shift
    took "$@"
    ((spent <= most)) || depth=2 fail "took $spent ms: $*"
}
long_past() { python3 "$tests/e2e/many_releases.py" "$SHIPIT_ROOT/hello" "$count" "$@"; }
look() {
    at_once "$SHIPIT_BIN" releases
    grep -qF "v$count " "$out" || fail "releases does not show the newest"
    at_once "$SHIPIT_BIN" releases --json
    at_once "$SHIPIT_BIN" info
    at_once "$SHIPIT_BIN" info v17
    at_once "$SHIPIT_BIN" why v17
    at_once "$SHIPIT_BIN" output
    at_once "$SHIPIT_BIN" status
    at_once "$SHIPIT_BIN" events
}

# Nobody of a long past worked: there is nothing to go back to.
long_past failed
expect_exit 0 ship start
look
after_a_search "$SHIPIT_BIN" rollback
expect_err "there is no release before"

expect_err "v9999 failed: it was not healthy within 60s"
expect_err "; and 9989 more"
after_a_search "$SHIPIT_BIN" why
expect_exit 1 ship rollback --json
expect_equal "$(json "$out" 'len(it["error"]["details"]), it["error"]["details"][-1]')" \
    "(9999, 'v1 failed: it was not healthy within 60s')"

# Only the oldest of them did.
expect_exit 0 ship stop
long_past failing
expect_exit 0 ship start
after_a_search "$SHIPIT_BIN" rollback --check
expect_out "v1 is not ready to be rolled back to" # its slug is a copy of another
expect_err "skipped: v9999 failed: it was not healthy within 60s"
expect_err "skipped: and 9988 more; all of them with --json"

# All but the live one have expired.
expect_exit 0 ship stop
long_past expired
expect_exit 0 ship start
look
after_a_search "$SHIPIT_BIN" rollback
expect_err "there is no release before"

# All are good.
expect_exit 0 ship stop
long_past good
expect_exit 0 ship start
look
expect_exit 0 ship rollback --check
at_once "$SHIPIT_BIN" rollback --check
expect_exit 0 ship hold -m "not now"
expect_exit 6 ship rollback
at_once "$SHIPIT_BIN" rollback
expect_exit 0 ship hold --clear

once "$SHIPIT_BIN" prune --keep 10
echo "$spent ms of the processor, $real ms in all: prune"
((spent <= 4000)) || fail "prune took $spent ms" # 2 s are promised, of a machine that does nothing else
expect_equal "$(wc -l <"$out")" $((count - 10)) "so many expire"
expect_equal "$(find "$SHIPIT_ROOT/hello/releases" -name '*.tar.zst' | wc -l)" 10
expect_equal "$(find "$SHIPIT_ROOT/hello/trees" -mindepth 1 -maxdepth 1 -type d | wc -l)" 10
look
expect_exit 0 ship rollback
expect_answer "http://127.0.0.1:$port/" "Hello"
