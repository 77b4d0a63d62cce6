# A release that was good is not taken back for what happens at a restart; one that somebody has called
# bad does not become good because it goes on running.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
may_fall_sick "$scratch/hello"
sed -i 's/^watch = .*/&\nwarm = "0s"/' "$scratch/hello/shipit.toml"
is_going_back() { pgrep -f -- "$SHIPIT_ROOT -a hello rollback" >/dev/null; }
nobody_goes_back() { ! is_going_back; }
# The supervisor answers again when it has done all that follows a failure.
has_seen_to_it() {
    expect_soon 20 has_event watch_failed "$1"
    expect_exit 0 ship ps
    expect_soon 20 nobody_goes_back
}
events_of() { ship events --json | grep -c "\"event\":\"$1\".*\"release\":\"$2\"" || true; }
has_event() { (($(events_of "$1" "$2") > 0)); }

expect_exit 0 ship deploy "$scratch/hello" --no-wait
expect_exit 0 ship bless v2

# The database is away for a moment, just when it is restarted and nobody waits for the end.
expect_exit 0 ship restart --no-wait
touch "$app/releases/v2/sick"
has_seen_to_it v2
expect_equal "$(readlink "$app/current")" "releases/v2"
expect_exit 0 ship info v2 --json
expect_equal "$(json "$out" 'it["good"], it["bad"]')" "(True, False)"
rm "$app/releases/v2/sick"

# Nor are its config vars, brought back: a rollback is not taken back by itself.
expect_exit 0 ship config set NAME=Ada --no-wait
expect_exit 0 ship bless
expect_exit 0 ship rollback --config-only v2 --no-wait
touch "$app/releases/v4/sick"
has_seen_to_it v4
expect_equal "$(readlink "$app/current")" "releases/v4"
rm "$app/releases/v4/sick"

# What is bad stays bad, whatever is watched.
sed -i 's/^watch = .*/watch = "1s"/' "$scratch/hello/shipit.toml"
expect_exit 0 ship deploy "$scratch/hello"
expect_exit 0 ship mark-bad v5 -m "Sends each mail twice"
expect_exit 0 ship restart
expect_exit 0 ship info v5 --json
expect_equal "$(json "$out" 'it["good"], it["bad"]')" "(False, True)"

# What a person has said within the watch counts, also while what was live before is still warm.
expect_exit 0 ship bless v5
sed -i -e '/^warm/d' -e 's/^watch = .*/watch = "20s"/' "$scratch/hello/shipit.toml"
expect_exit 0 ship deploy "$scratch/hello" --no-wait
expect_exit 0 ship bless v6
touch "$app/releases/v6/sick"
has_seen_to_it v6
expect_equal "$(readlink "$app/current")" "releases/v6"
expect_answer "http://127.0.0.1:$port/" "This is release v6."
