# A supervisor whose program was upgraded becomes the new one in the same process: what runs goes on,
# exit statuses are told as ever, and a program that does not work is not taken.
. "$(dirname "$0")/lib.sh"
needs curl

# shipit as it is upgraded on a host: another file under the same name.
built=$SHIPIT_BIN installed=$scratch/bin/shipit
upgrade() { install -m 755 "${1:-$built}" "$installed"; }
upgrade
SHIPIT_BIN=$installed
hello_is_live
supervisor_log=$SHIPIT_ROOT/hello/log/supervisor.log
supervisor() { pgrep -f "$SHIPIT_ROOT supervise hello"; }
process() { ship ps --json | python3 -c "import json, sys; print(*[p['$1'] for p in json.load(sys.stdin) if p['state'] == 'up'])"; }
before=$(supervisor)

# The next command that changes something finds that it was upgraded.
upgrade
echo again >"$scratch/hello/build"
expect_exit 0 ship deploy "$scratch/hello"
expect_answer "http://127.0.0.1:$port/" "This is release v2."
expect_equal "$(supervisor)" "$before" "it is the same process"
grep -q "process $before goes on with $installed after" "$supervisor_log" || fail "the supervisor was not renewed"
[[ $(readlink "/proc/$before/exe") == "$installed" ]] || fail "it runs $(readlink "/proc/$before/exe")"

# So does SIGHUP. The app's process is the same, its status is told when it ends, and it is restarted.
web=$(process pid)
renewals() { grep -c "goes on with" "$supervisor_log"; }
kill -HUP "$before"
is_renewed_again() { [[ $(renewals) == "$1" ]]; }
expect_soon 20 is_renewed_again 2
expect_equal "$(process pid)" "$web" "the app was not restarted"
kill -KILL "$web"
was_restarted() { [[ $(process restarts) == 1 ]]; }
expect_soon 10 was_restarted
expect_equal "$(process last_exit | sed 's/ after.*//')" "was killed by SIGKILL"
is_back() { answers "http://127.0.0.1:$port/" "This is release v2."; }
expect_soon 10 is_back
expect_exit 0 ship rollback # to what this supervisor did not start
expect_answer "http://127.0.0.1:$port/" "This is release v3."

# An upgrade that does not work leaves the old one running.
printf '#!/bin/sh\necho this upgrade is broken; exit 3\n' >"$scratch/broken"
upgrade "$scratch/broken"
kill -HUP "$before"
was_refused() { grep -q "is not renewed: .* was tried and exited with status 3: this upgrade is broken" "$supervisor_log"; }
expect_soon 20 was_refused
expect_equal "$(supervisor)" "$before"
upgrade
expect_exit 0 ship restart
expect_answer "http://127.0.0.1:$port/" "This is release v3."
expect_equal "$(supervisor)" "$before"
expect_exit 0 ship stop
expect_exit 0 ship ps
expect_not_in " up"
