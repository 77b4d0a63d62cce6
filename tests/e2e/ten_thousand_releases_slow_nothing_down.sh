# With ten thousand releases, what a person asks for is answered at once, and pruning them takes moments.
# The limits are three times what is promised, for machines that are busy; the times are printed.
. "$(dirname "$0")/lib.sh"
needs curl
! is_sanitized || skip "sanitizers take ten times as long"
count=10000
slowness=1

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
# at_once COMMAND…: answers within 20 ms, as is promised.
at_once() { within 60 "$@"; }
# All of the past is searched: as long as it takes to read it.
after_a_search() { within 1500 "$@"; }
within() {
    local most=$(($1 * slowness))
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
((spent <= 6000 * slowness)) || fail "prune took $spent ms"
expect_equal "$(wc -l <"$out")" $((count - 10)) "so many expire"
expect_equal "$(find "$SHIPIT_ROOT/hello/releases" -name '*.tar.zst' | wc -l)" 10
expect_equal "$(find "$SHIPIT_ROOT/hello/trees" -mindepth 1 -maxdepth 1 -type d | wc -l)" 10
look
expect_exit 0 ship rollback
expect_answer "http://127.0.0.1:$port/" "Hello"
