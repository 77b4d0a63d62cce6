# ^C while processes are added, or while all are started anew, calls that off: what runs is what ran before, and
# what the settings say. A stop, a start and a restart of one process, once begun, go on, and are recorded.
. "$(dirname "$0")/lib.sh"
needs curl python3

reserve_port
url=http://127.0.0.1:$port/
a_copy_of hello
# Healthy only when it may be.
sed -i "s|^    if path == \"/healthz\":|    if path == \"/healthz\" and os.path.exists('$scratch/slow'):\n        open('$scratch/asked', 'w').close()\n        return 503, 'not yet'\n&|" \
    "$scratch/hello/server.py"
sed -i 's/^timeout = .*/timeout = "60s"/' "$scratch/hello/shipit.toml"
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port"
expect_exit 0 ship deploy "$scratch/hello"
on_terminal() { python3 "$tests/e2e/on_terminal.py" "$@"; }
pids() { ship ps --json | python3 -c "import json, sys; print(*[p['pid'] for p in json.load(sys.stdin) if p['state'] == 'up'])"; }
before=$(cat "$SHIPIT_ROOT/hello/app.toml")
web=$(pids)

for command in "scale web=3" restart; do
    touch "$scratch/slow"
    # shellcheck disable=SC2086
    expect_exit 130 on_terminal interrupt "$scratch/asked" "$SHIPIT_BIN" -a hello $command
    rm "$scratch/slow" "$scratch/asked"
    expect_equal "$(cat "$SHIPIT_ROOT/hello/app.toml")" "$before"
    expect_equal "$(pids)" "$web" "$command went on"
    expect_exit 0 ship status --json
    expect_equal "$(json "$out" 'it["locked_by"]')" None
done
expect_answer "$url" "This is release v1."
expect_exit 0 ship scale web=2 # nobody is still at it
expect_equal "$(pids | wc -w)" 2

# --- What is not called off ---

goes_on() { # APP PARTICIPLE SIGN COMMAND…: it does so, once there is the file SIGN
    expect_exit 130 on_terminal interrupt "$3" "$SHIPIT_BIN" -a "$1" "${@:4}"
    expect_in "interrupted"
    expect_in "next: nothing: $2"
    expect_exit 0 ship -a "$1" events -n 1
    expect_match " $4 v1 by .*: done: .*its end was not waited for$"
}
is_in_state() { [[ $(ship -a "$1" status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["state"])') == "$2" ]]; }

touch "$scratch/slow"
goes_on hello "'web.1' goes on being restarted" "$scratch/asked" restart web.1
rm "$scratch/slow" "$scratch/asked"
expect_soon 20 is_in_state hello up
expect_exit 0 ship -a hello stop
touch "$scratch/slow"
goes_on hello "'hello' goes on being started" "$scratch/asked" start
rm "$scratch/slow" "$scratch/asked"
expect_soon 20 is_in_state hello up

mkdir "$scratch/stubborn"
cat >"$scratch/stubborn/stubborn.sh" <<END
trap "touch $scratch/told" TERM
until [[ -e $scratch/may_end ]]; do sleep 0.1; done
END
printf '%s\n' 'health.watch = "1s"' \
    'processes.stubborn = { command = "bash stubborn.sh", stop_timeout = "60s" }' >"$scratch/stubborn/shipit.toml"
expect_exit 0 ship create stubborn
expect_exit 0 ship -a stubborn deploy "$scratch/stubborn"
goes_on stubborn "'stubborn' goes on being stopped" "$scratch/told" stop
touch "$scratch/may_end"
expect_soon 20 is_in_state stubborn stopped
nothing_is_up() { ! ship -a stubborn ps | grep -qE "up|stopping"; }
expect_soon 20 nothing_is_up
