# ^C while processes are added, or while all are started anew, calls that off: what runs is what ran before, and
# what the settings say.
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
