# A command that is killed within the instant of its switch, just before or after `current` moves:
# what `current` says counts, and what the dead command still had to do is done by the next one.
. "$(dirname "$0")/lib.sh"
needs curl strace

hello_is_live
strace -o /dev/null true || skip "nothing can be traced here"

# No leak detection under ptrace(2).
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
# What a change renames, in which order; each of the changes below does the same.
expect_exit 0 strace -f -qq -o "$scratch/trace" -e trace=rename "$SHIPIT_BIN" config set NAME=Ada

# killed_before_renaming_to FILE COMMAND…: shipit is killed when it is about to give FILE its name.
killed_before_renaming_to() {
    local which
    which=$(awk -v file="/hello/$1\"" 'index($0, file) { print NR; exit }' "$scratch/trace")
    shift
    expect_exit 137 strace -f -qq -o /dev/null -e trace=rename \
        -e "inject=rename:signal=KILL:when=${which:?nothing was renamed to that}" "$SHIPIT_BIN" "$@"
}
fact() { ship info "$1" --json >"$scratch/fact" && json "$scratch/fact" "$2"; }

# Before: recorded, but not live.
killed_before_renaming_to current config set NAME=Grace
expect_soon 10 answers "$url" "Hello, Ada! This is release v2."
expect_equal "$(fact v3 'it["status"], it["live_at"]')" "('failed', None)"
expect_exit 0 ship config get NAME
expect_equal "$(cat "$out")" Ada
expect_exit 0 ship config set NAME=Edsger
expect_err "v3 was interrupted"
expect_answer "$url" "Hello, Edsger! This is release v4."

# After: it is live, and its config vars are today's for whatever comes next.
killed_before_renaming_to config.toml config set NAME=Grace
expect_soon 10 answers "$url" "Hello, Grace! This is release v5."
expect_exit 0 ship config set OTHER=1
expect_err "the switch to v5 was interrupted, and is complete now"
expect_answer "$url" "Hello, Grace! This is release v6."
expect_equal "$(fact v4 'it["ended_at"] is None')" False

# The same for a rollback: what it left is bad and held.
sed -i "s/Hello/Good morning/" "$scratch/hello/server.py"
expect_exit 0 ship deploy "$scratch/hello"
killed_before_renaming_to config.toml rollback v2
expect_soon 10 answers "$url" "Hello, Ada! This is release v8."
expect_exit 6 ship deploy "$scratch/hello"
expect_err "the switch to v8 was interrupted, and is complete now"
expect_equal "$(fact v7 'it["bad"]')" True
expect_exit 0 ship config get NAME
expect_equal "$(cat "$out")" Ada

# The same for `activate`: before, nothing has happened; after, it is live, and is wanted again.
sed -i "s/Good morning/Good evening/" "$scratch/hello/server.py"
expect_exit 0 ship deploy --no-activate "$scratch/hello"
expect_equal "$(fact v9 'it["stored"]')" True
killed_before_renaming_to current activate v9
expect_soon 10 answers "$url" "Hello, Ada! This is release v8."
expect_exit 0 ship mark-bad v9
expect_err "v10 was interrupted"
expect_equal "$(fact v9 'it["stored"], it["status"]')" "(True, 'succeeded')"
expect_equal "$(fact v10 'it["status"], it["live_at"]')" "('failed', None)"
# What a forced one renames last is its record, once the marks are gone.
which=$(awk 'index($0, "/hello/current\"") { print NR; exit }' "$scratch/trace")
expect_exit 137 strace -f -qq -o /dev/null -e trace=rename \
    -e "inject=rename:signal=KILL:when=$((which + 1))" "$SHIPIT_BIN" activate --force v9
expect_soon 10 answers "$url" "Good evening, Ada! This is release v11."
expect_exit 0 ship config set OTHER=2
expect_err "the switch to v11 was interrupted, and is complete now"
expect_answer "$url" "Good evening, Ada! This is release v12."
expect_equal "$(fact v11 'it["activation_of"]')" v9
expect_equal "$(fact v12 'it["activation_of"]')" None
expect_equal "$(fact v9 'it["bad"]')" False
expect_equal "$(fact v8 'it["bad"]')" False
expect_exit 0 ship hold --clear
expect_exit 0 ship rollback
expect_err "skipped: v9 was never live"
expect_answer "$url" "This is release v13."
expect_answer "$url" "Hello, "
