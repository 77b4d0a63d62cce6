# A release on trial goes back by itself, with the reason on record, whatever becomes of its supervisor
# meanwhile; one that is blessed stays.
. "$(dirname "$0")/lib.sh"
needs curl

reserve_port
url=http://127.0.0.1:$port/
a_copy_of hello
expect_exit 0 ship create hello
for options in --dry-run ""; do
    # shellcheck disable=SC2086
    expect_exit 1 ship deploy "$scratch/hello" --trial 10m $options
    expect_err "nothing of 'hello' is live that a trial could go back to"
    expect_not_in "chosen"
done
expect_exit 0 ship set "app.port=$port"
expect_exit 2 ship deploy "$scratch/hello" --trial soon
expect_exit 0 ship deploy "$scratch/hello"

next_build() { echo "$1" >"$scratch/hello/build"; }
says() { answers "$url" "This is release $1."; }
supervisor() { pgrep -f "$SHIPIT_ROOT supervise hello"; }
first_of() { ship releases --json | python3 -c "import json, sys; print(json.load(sys.stdin)[0]['$1'])"; }

# In time.
next_build 2
expect_exit 0 ship deploy "$scratch/hello" --trial 20s
expect_err "on trial until"
expect_err "shipit -a hello bless"
expect_exit 0 ship info --json
expect_equal "$(json "$out" 'it["good"], it["trial_ends"] > it["live_at"]')" "(False, True)"
expect_exit 0 ship deploy "$scratch/hello" # the same again, which makes no more of it
expect_out "Nothing changed"
expect_err "on trial until"
expect_exit 0 ship bless
expect_out "v2 of hello is good"

# Not in time.
next_build 3
expect_exit 0 ship deploy "$scratch/hello" --trial 5s --no-wait
expect_answer "$url" "This is release v3."
expect_soon 20 says v4
is_recorded() { [[ $(first_of description) == "Automatic rollback to v2" ]]; } # the blessed one
expect_soon 10 is_recorded
expect_exit 0 ship info v3
expect_match "bad: the trial of 5s ended without \`shipit bless\`"
expect_exit 6 ship deploy "$scratch/hello" # held, as after any rollback

# The supervisor becomes another, is killed while it waits, and is not there when the time comes.
next_build 5
expect_exit 0 ship deploy "$scratch/hello" --trial 12s --no-wait
kill -HUP "$(supervisor)"
was_renewed() { grep -q "goes on with" "$SHIPIT_ROOT/hello/log/supervisor.log"; }
expect_soon 20 was_renewed
kill_for_good "$(supervisor)"
expect_answer "$url" "This is release v5."
expect_exit 0 ship start # which brings the next one
expect_soon 30 says v6
expect_exit 0 ship info v5
expect_match "bad: the trial of 12s ended without \`shipit bless\`"

# Another release in its place, and there is nothing to go back from.
next_build 7
expect_exit 0 ship deploy "$scratch/hello" --trial 8s --no-wait
next_build 8
expect_exit 0 ship deploy "$scratch/hello"
ends=$(ship info v7 --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["live_at"])')
is_over() { (($(date +%s) > $(date -d "$ends" +%s) + 10)); }
expect_soon 20 is_over
expect_answer "$url" "This is release v8."
expect_equal "$(first_of version)" "v8"
expect_exit 1 ship bless v99

# What was blessed is on trial no more, whatever is changed; what is on trial still is so, and it is said.
next_build 9
expect_exit 0 ship deploy "$scratch/hello" --trial 10m
expect_exit 0 ship config set NAME=Ada
expect_err "on trial until"
expect_exit 0 ship bless
expect_exit 0 ship config set NAME=Eve --json
expect_equal "$(json "$out" 'it["good"], it.get("trial_ends")')" "(True, None)"

# What is stopped when its trial ends stays stopped, until a person starts it.
next_build 12
expect_exit 0 ship deploy "$scratch/hello" --trial 8s --no-wait
tried=$(first_of version)
expect_exit 0 ship stop
is_noted() { grep -q "the trial of $tried is over" "$SHIPIT_ROOT/hello/log/supervisor.log"; }
expect_soon 20 is_noted
expect_exit 0 ship ps # after whatever the supervisor has done then
expect_not_in " up "
! grep -q "\"trial_over\".*\"$tried\"" "$SHIPIT_ROOT/hello/events.jsonl" || fail "it goes back though it is stopped"
expect_exit 0 ship start
went_back() { [[ $(first_of version) != "$tried" && $(first_of description) == "Automatic rollback to "* ]]; }
expect_soon 20 went_back
