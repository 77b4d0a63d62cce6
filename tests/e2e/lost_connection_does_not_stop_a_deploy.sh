# A terminal that is closed, a pipe whose reader has gone, a full disk behind the output: none of it
# stops a deploy half-way, and the audit log has it.
. "$(dirname "$0")/lib.sh"
needs curl python3

hello_is_live
on_terminal() { python3 "$tests/e2e/on_terminal.py" "$@"; }
change() { sed -i "s/return \"[^\"]*, \"/return \"$1, \"/" "$scratch/hello/server.py"; }

# The terminal goes while the release command runs: the deploy goes on to its end.
# (Status 1: there was nowhere to write the result to.)
hello_release_command "
touch $scratch/begun
until [ -e $scratch/begun.over ]; do sleep 0.05; done
echo the terminal is gone"
expect_exit 1 on_terminal hang-up "$scratch/begun" "$SHIPIT_BIN" deploy "$scratch/hello" -m "Hung up"
expect_answer "$url" "This is release v2."
expect_exit 0 ship output v2
expect_out "the terminal is gone"
expect_exit 0 ship info v2 --json
expect_equal "$(json "$out" 'it["status"], it["good"]')" "('succeeded', True)"
sed -i '/^\[release\]/,$d' "$scratch/hello/shipit.toml"

# Nobody reads what it says any more. (`head` ends after the first line.)
unread() { ship deploy "$scratch/hello" 2>&1 | head -n 1; }
change "Good morning"
expect_exit 141 unread # as of any program whose output nobody wants
expect_answer "$url" "Good morning, World! This is release v3."

# No streams at all.
streamless() { ship deploy "$scratch/hello" <&- >&- 2>&-; }
change "Good day"
expect_exit 0 streamless
expect_answer "$url" "Good day, World! This is release v4."

# A full disk behind standard output.
if [[ -w /dev/full ]]; then
    to_full_disk() { ship deploy "$scratch/hello" >/dev/full; }
    change "Good evening"
    expect_exit 1 to_full_disk
    expect_err "No space left on device"
    expect_answer "$url" "Good evening, World! This is release v5."
fi

expect_exit 0 ship releases --json
expect_equal "$(json "$out" 'set(r["status"] for r in it)')" "{'succeeded'}"
