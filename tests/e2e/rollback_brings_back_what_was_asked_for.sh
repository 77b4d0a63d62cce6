# Rollback takes a release by its number or its pin's name, code or config vars alone, rehearses when
# it is asked to, and asks on a terminal when it is not obvious where to go.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
next_build() { echo "$1" >"$scratch/hello/build"; }
build() { cat "$SHIPIT_ROOT/hello/current/build"; }
expect_exit 0 ship config set NAME=Ada
next_build 3
expect_exit 0 ship deploy "$scratch/hello" -m "Build 3"
expect_exit 0 ship config set NAME=Bob
next_build 5
expect_exit 0 ship deploy "$scratch/hello" -m "Build 5"

# Across a config change: both come back, or one of them.
expect_exit 0 ship rollback --config-only
expect_out "Rolled back the config vars of hello to v3 as v6"
expect_err "skipped: v4 has the config vars that are live"
expect_answer "$url" "Hello, Ada! This is release v6."
expect_equal "$(build)" 5
expect_exit 0 ship config get NAME
expect_out "Ada"
expect_exit 0 ship rollback v3 --config-only
expect_out "The config vars of v3 are live already"
expect_exit 0 ship rollback --undo
expect_answer "$url" "Hello, Bob! This is release v7."
expect_exit 0 ship rollback V3 --code-only -m "only the code"
expect_answer "$url" "Hello, Bob! This is release v8."
expect_equal "$(build)" 3
expect_exit 0 ship releases
expect_match "v8 .*Rollback to v3, its code only: only the code"
expect_exit 0 ship rollback 3
expect_answer "$url" "Hello, Ada! This is release v9."
expect_exit 2 ship rollback --code-only --config-only
expect_exit 2 ship rollback --undo v3

# By the name of a pin.
expect_exit 0 ship pin v1 first
expect_exit 0 ship pin v1 # once more, which takes it no name
expect_err "its name is first"
expect_exit 0 ship pin
expect_match "v1 first: pinned by"
expect_exit 0 ship run --release first -- printenv SHIPIT_RELEASE
expect_out v1
expect_exit 0 ship config --release first
expect_exit 0 ship logs --release first
expect_exit 2 ship config --release second
expect_err "or by the name of a pin"
expect_exit 2 ship pin v3 first
expect_err "v1 is pinned as 'first' already"
expect_exit 2 ship pin v3 v7
expect_exit 2 ship rollback second
expect_err "or by the name of a pin"
expect_exit 0 ship rollback first
expect_out "Rolled back hello to v1 as v10"
expect_exit 0 ship unpin first
expect_exit 1 ship unpin v1

# A rehearsal says what it would meet, and leaves everything as it is.
rm -rf "$SHIPIT_ROOT"/hello/trees/"$(basename "$(readlink "$SHIPIT_ROOT/hello/releases/v3")")"*
expect_exit 0 ship rollback --check v3
expect_match "^ok +slug [0-9a-f]{10} is whole"
expect_match "^ok +.* to unpack, .* is free"
expect_match "^ok +it unpacks"
expect_match "^ok +its config vars are complete"
expect_match "v3 is ready to be rolled back to, in about "
expect_answer "$url" "This is release v10."
expect_exit 0 ship rollback --check v3 --json
expect_equal "$(json "$out" 'it["ready"], it["rolled_back_to"], it["estimated_ms"] > 0')" "(True, 'v3', True)"
expect_in "it is unpacked already"
expect_exit 1 ship rollback --check
expect_err "there is no release before that"
expect_exit 0 ship hold -m "until Monday"
expect_exit 6 ship rollback --check v3
expect_match "^PROBLEM +'hello' is held by .*until Monday"
expect_out "v3 is not ready to be rolled back to"
expect_exit 0 ship hold --clear
slug=$SHIPIT_ROOT/hello/releases/$(json <(ship info v3 --json) 'it["slug"]["id"]').tar.zst
printf 'changed.' | dd of="$slug" bs=1 seek=100 conv=notrunc status=none
expect_exit 7 ship rollback --check v3
expect_match "^PROBLEM +"
expect_answer "$url" "This is release v10."

# On a terminal, where nothing before is good.
for release in v1 v2 v3 v4 v5 v6 v7 v8 v9; do expect_exit 0 ship mark-bad "$release"; done
answer() { # runs shipit rollback on a terminal of its own, and types that
    python3 - "$1" "$SHIPIT_BIN" -a hello rollback <<'END'
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen = b""
typed = False
while True:
    try:
        seen += os.read(terminal, 1000)
    except OSError:
        break
    if b"Which one" in seen and not typed:
        os.write(terminal, sys.argv[1].encode() + b"\n")
        typed = True
print(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
}
next_build 11
expect_exit 0 ship deploy "$scratch/hello" -m "Build 11"
expect_exit 0 ship mark-bad v10
expect_exit 1 ship rollback
expect_exit 1 answer ""
expect_out "none was chosen; nothing was changed"
expect_match "v5 +Build 5, .*: is marked bad"
expect_exit 1 answer v99
expect_out "'v99' is none of these"
expect_exit 0 answer v5
expect_out "Rolled back hello to v5 as v12"
expect_equal "$(build)" 5
