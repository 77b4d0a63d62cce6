# The host's clock is set back by a year, and right again later: between two releases, under a supervisor that goes
# on, and during a trial. Releases are in the order in which they were made, the way back and retention with
# them, and what is waited for comes when it should.
. "$(dirname "$0")/lib.sh"
needs curl
! is_sanitized || skip "sanitizers want to be loaded first"

# Of shipit alone: what programs it starts have environments of their own.
ship() {
    LD_PRELOAD=$SHIPIT_BUILD/tests/e2e/libshifted_clock.so SHIFTED_CLOCK=$scratch/clock "$SHIPIT_BIN" "$@"
}
# set_clock DAYS ahead, for those that run as well.
set_clock() {
    echo $(($1 * 24 * 60 * 60)) >"$scratch/clock.new"
    mv "$scratch/clock.new" "$scratch/clock"
}
deploy() {
    echo "$1" >"$scratch/hello/build"
    expect_exit 0 ship deploy "$scratch/hello" -m "Build $1"
    expect_err "v$1 is live and good"
}
made() { json <(ship info "$1" --json) 'it["created_at"]'; }
pid() { page "${url}pid"; }
is_another() { [[ $(pid) =~ ^[0-9]+$ && ${BASH_REMATCH[0]} != "$1" ]]; }

set_clock 0
hello_is_live
deploy 2
set_clock -366
deploy 3 # its watch passes, and it is good
set_clock 0
deploy 4
[[ $(made v3) < $(made v1) ]] || fail "the clock was not set back: v3 was made at $(made v3)"
[[ $(made v4) > $(made v2) ]] || fail "the clock was not set right again"
expect_exit 0 ship releases --json
expect_equal "$(json "$out" '[r["version"] for r in it]')" "['v4', 'v3', 'v2', 'v1']"
expect_exit 0 ship rollback --check
expect_out "v3 is ready to be rolled back to"

# While the clock is behind: nothing is old, nothing lasts, and people are told of no year between.
set_clock -366
killed=$(pid)
kill -KILL "$killed"
expect_soon 20 is_another "$killed"
expect_exit 0 ship ps
expect_match "^web.1 +up +v4 "
expect_exit 0 ship prune --older-than 30d
expect_not_in "expired"
expect_exit 0 ship rollback
expect_out "Rolled back hello to v3 as v5"
expect_exit 0 ship rollback
expect_out "Rolled back hello to v2 as v6"
expect_exit 0 ship rollback --undo
expect_exit 0 ship rollback --undo
expect_out "Rolled back hello to v4 as v8"
expect_answer "$url" "This is release v8."
expect_exit 0 ship prune --keep 1
expect_out "hello v1 expired"
expect_exit 0 ship rollback --check

# A trial began a year ahead, and takes no year.
set_clock 0
echo 9 >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello" --trial 10s --no-wait
expect_answer "$url" "This is release v9."
set_clock -366
expect_soon 90 answers "$url" "This is release v10."
expect_exit 0 ship info v9
expect_match "bad: the trial of 10s ended without \`shipit bless\`"
expect_exit 0 ship events
expect_equal "$(grep -oE '"release":"v[0-9]+"' "$SHIPIT_ROOT/hello/events.jsonl" | tail -n 1)" '"release":"v10"'
