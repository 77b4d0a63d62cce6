# Config vars are set from the command line, a file, a pipe or the keyboard; what is set at once is one
# release; old values stay visible; what is staged says so; what the code needs is not taken away.
. "$(dirname "$0")/lib.sh"

secrets=$scratch/secrets build=$scratch/build
mkdir "$secrets" "$build"
echo "hello" >"$build/index.html" # files only: nothing has to start
printf -- '-----BEGIN KEY-----\nabc=\n-----END KEY-----\n' >"$secrets/key.pem"
: >"$secrets/empty"
value_of() { ship config get "$@"; }

expect_exit 0 ship create blog
expect_exit 0 ship config set GREETING="good morning" "KEY@$secrets/key.pem" DEBUG=0
expect_out "Staged DEBUG, GREETING, KEY for the next release"
expect_exit 0 ship deploy "$build"
expect_equal "$(value_of KEY)" "$(cat "$secrets/key.pem")"

# From a pipe, by a shell's <(...) and by NAME@-, beside others.
expect_exit 0 ship config set "PIPED@"<(printf 'from a pipe\n') DEBUG=1
expect_out "Changed DEBUG, PIPED as v2"
expect_equal "$(value_of PIPED)" "from a pipe"
from_stdin() { printf 'one\ntwo\n' | ship config set "$@"; }
expect_exit 0 from_stdin PIPED@- DEBUG=2 --json
expect_equal "$(json "$out" 'it["release"], it["names"], it["changes"][0]')" \
    "('v3', ['DEBUG', 'PIPED'], {'name': 'DEBUG', 'change': 'changed'})"
expect_equal "$(value_of PIPED)" $'one\ntwo'
expect_exit 0 from_stdin PIPED
expect_out "Nothing changed."

# Nothing is taken for an empty value by accident, and no error tells what may be a part of a value.
expect_exit 2 ship config set EMPTY
expect_err "nothing came on standard input as the value of 'EMPTY'"
expect_exit 2 ship config set "EMPTY@$secrets/empty"
expect_err "the file holds nothing as the value of 'EMPTY'"
expect_exit 2 ship config set "S3@cret"
expect_err "cannot open the file that holds the value of 'S3': No such file"
expect_not_in "cret"
expect_exit 2 ship config set "FOLDER@$secrets"
expect_err "Is a directory"
expect_exit 2 ship config set GREETING=good morning
expect_err "argument 2 is not NAME=VALUE"
expect_not_in "morning"
expect_exit 0 ship releases --json
expect_equal "$(json "$out" '[release["version"] for release in it]')" "['v3', 'v2', 'v1']"

# From the keyboard: what is typed is not shown; ^C leaves the terminal as it was, and nothing set.
cat >"$scratch/type.py" <<'END'
import os, pty, sys, termios
typed, command = sys.argv[1].encode().decode("unicode_escape").encode(), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
shown, has_typed = b"", False
while True:
    try:
        shown += os.read(terminal, 65536)
    except OSError:
        break
    if not has_typed and b"not shown" in shown: # the terminal is silent by now
        os.write(terminal, typed)
        has_typed = True
echo = termios.tcgetattr(terminal)[3] & termios.ECHO
sys.stdout.write(shown.decode().replace("\r\n", "\n"))
status = os.waitpid(child, 0)[1]
sys.exit(99 if not echo else os.waitstatus_to_exitcode(status))
END
typing() { python3 "$scratch/type.py" "$@"; }
expect_exit 0 typing 't0p secret\n' "$SHIPIT_BIN" config set TYPED
expect_out "Value of TYPED (not shown):"
expect_out "Changed TYPED as v4"
expect_not_in "t0p"
expect_equal "$(value_of TYPED)" "t0p secret"
expect_exit 130 typing 't0p\x03' "$SHIPIT_BIN" config set TYPED
expect_exit 2 typing '\x04' "$SHIPIT_BIN" config set -q TYPED
expect_out "Value of TYPED (not shown):"
expect_out "nothing came"
expect_equal "$(value_of TYPED)" "t0p secret"

# Old values stay with their releases.
expect_exit 0 ship config get --release v1 DEBUG
expect_out "0"
expect_exit 0 ship config --release v2 --reveal
expect_out "PIPED='from a pipe'"
expect_exit 0 ship config --release v1 --json --reveal
expect_equal "$(json "$out" 'sorted(it)')" "['DEBUG', 'GREETING', 'KEY']"
expect_exit 1 ship config get --release v1 TYPED
expect_exit 1 ship config --release v99

# Staged: told, and taken along by the next change, but not by one that changes nothing.
expect_exit 0 ship config set --no-restart LATER=1
expect_out "Staged LATER"
expect_exit 0 ship config
expect_err "staged, for the next release to take up: LATER"
expect_exit 0 ship config set DEBUG=2
expect_out "Nothing changed."
expect_exit 0 ship config set LATER=1
expect_out "Changed LATER as v5"
expect_exit 0 ship config set --no-restart LATER=2
expect_exit 0 ship config set DEBUG=3
expect_out "Changed DEBUG, LATER as v6"
expect_exit 0 ship config set --no-restart LATER=3
expect_exit 0 ship config set LATER=2
expect_not_in "v7" # it is what is live
expect_exit 0 ship config
expect_not_in "staged"
expect_exit 1 ship config unset LATER NOSUCH
expect_err "there is no config var 'NOSUCH'"
expect_equal "$(value_of LATER)" 2
expect_exit 0 ship config unset LATER TYPED
expect_out "Changed LATER, TYPED as v7"
expect_exit 0 ship releases --json
expect_equal "$(json "$out" 'it[0]["description"], it[1]["description"]')" \
    "('Unset LATER, TYPED config vars', 'Set DEBUG, LATER config vars')"

# What the code says it needs.
printf '[config]\nrequired = ["GREETING", "TOKEN", "KEY"]\n' >"$build/shipit.toml"
expect_exit 1 ship deploy "$build"
expect_err "the build needs config vars that are not set: TOKEN"
expect_err "next: shipit -a blog config set TOKEN"
expect_exit 0 ship config set --no-restart TOKEN=1
expect_exit 0 ship deploy "$build"
expect_exit 1 ship config unset KEY DEBUG
expect_err "v8 needs KEY (config.required)"
expect_equal "$(value_of DEBUG)" 3
expect_exit 0 ship config unset --no-restart KEY
expect_err "warning: v8 needs KEY (config.required): the next deploy is refused"
expect_exit 1 ship deploy "$build" --force
expect_err "not set: KEY"
expect_exit 1 ship config set DEBUG=4 # would take along what is staged
expect_err "v8 needs KEY"
printf '[config]\nrequired = ["GREETING"]\n' >"$build/shipit.toml"
expect_exit 0 ship deploy "$build"
expect_exit 0 ship rollback
expect_equal "$(value_of KEY)" "$(cat "$secrets/key.pem")"

# Going back with the code alone, or the config vars alone: what runs then has what it needs.
expect_exit 1 ship rollback v9 --config-only # whose config vars are without KEY
expect_err "the build needs config vars that are not set in v9: KEY"
expect_err "next: with the code that it had: shipit -a blog rollback v9"
expect_exit 1 ship rollback --check v9 --config-only
expect_match "^PROBLEM +the build needs config vars that are not set in v9: KEY"
expect_exit 0 ship rollback v9
expect_exit 1 ship rollback v8 --code-only
expect_err "the build needs config vars that are not set: KEY"
expect_err "next: shipit -a blog config set KEY"
expect_exit 1 ship rollback --check v8 --code-only
expect_match "^PROBLEM +the build needs config vars that are not set: KEY"
expect_exit 0 ship config set KEY=new
expect_exit 0 ship rollback v8 --code-only
expect_equal "$(value_of KEY)" new
# But what it did without when it was live, it can do without again; a step forward cannot.
expect_exit 0 ship set config.required=LATE,GREETING
expect_exit 0 ship rollback v9
expect_exit 0 ship rollback v8
expect_exit 0 ship rollback --check v9 --config-only
expect_exit 0 ship rollback v9 --config-only
expect_exit 0 ship rollback --check v9 --code-only
expect_match "^ok +its config vars are complete"
expect_exit 0 ship rollback v9 --code-only
expect_exit 0 ship config unset DEBUG
expect_exit 1 ship activate --force v8
expect_err "the build needs config vars that are not set: LATE"
expect_exit 1 ship deploy "$build" --force
expect_err "the build needs config vars that are not set: LATE"
expect_exit 0 ship set config.required=GREETING
echo "hello again" >"$build/index.html"
expect_exit 0 ship deploy "$build" --no-activate
expect_exit 0 ship set config.required=LATE
expect_exit 1 ship rollback v19 # which has never run without it
expect_err "the build needs config vars that are not set in v19: LATE"
expect_err "next: with the config vars of today: shipit -a blog activate v19"
