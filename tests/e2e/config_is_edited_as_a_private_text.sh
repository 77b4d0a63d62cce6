# `config edit` gives the config vars to an editor as a text that nobody else can read, takes what was
# changed as one release, overwrites nothing of what others changed meanwhile, and leaves no text behind.
. "$(dirname "$0")/lib.sh"

build=$scratch/build
mkdir "$build"
echo "hello" >"$build/index.html"
expect_exit 0 ship create blog
expect_exit 0 ship config set KEPT="it's \$5" GREETING=hello OLD=1 KEY=$'one\ntwo\n'
expect_exit 0 ship deploy "$build"

# An editor that notes what it was given and runs a script on it.
cat >"$scratch/bin/editor" <<'END'
#!/bin/bash
set -eu
text=$2
echo "$text" >>"$SCRATCH/texts"
stat -c %a "$text" "$(dirname "$text")" >"$SCRATCH/modes"
stat -f -c %T "$(dirname "$text")" >"$SCRATCH/kind"
cp "$text" "$SCRATCH/seen"
[[ $1 == --wait ]]
. "$SCRATCH/bin/script"
END
chmod +x "$scratch/bin/editor"
export SHIPIT_BIN SCRATCH=$scratch EDITOR="$scratch/bin/editor --wait"
edits() { printf '%s\n' "$1" >"$scratch/bin/script"; }
texts_are_gone() {
    local text
    while read -r text; do
        [[ ! -e $(dirname "$text") ]] || return 1
    done <"$scratch/texts"
}
expect_no_text() { texts_are_gone || depth=1 fail "a text is still there"; }
expect_releases() {
    ship releases --json >"$scratch/list"
    depth=1 expect_equal "$(json "$scratch/list" 'len(it)')" "$1" "releases"
}

# shellcheck disable=SC2016  # scripts are expanded by the editor
edits 'sed -i -e s/GREETING=hello/GREETING=s3cret/ -e /^OLD=/d "$text"; echo "NEW=\"x y\" # mine" >>"$text"'
expect_exit 0 ship config edit
expect_out "Changed GREETING, NEW, OLD as v2"
expect_err "changed  GREETING"
expect_err "added    NEW"
expect_err "removed  OLD"
expect_not_in "s3cret"
expect_equal "$(cat "$scratch/modes")" $'600\n700'
[[ ! -d /dev/shm ]] || expect_equal "$(cat "$scratch/kind")" tmpfs
grep -qxF "KEPT=\"it's \\\$5\"" "$scratch/seen" || fail "the text has no KEPT"
expect_no_text
ship config export --json >"$scratch/now"
expect_equal "$(json "$scratch/now" 'it["GREETING"], it["NEW"], it["KEY"], it["KEPT"], "OLD" in it')" \
    "('s3cret', 'x y', 'one\\ntwo\\n', \"it's \$5\", False)"
expect_exit 0 ship info v2 --json
expect_equal "$(json "$out" 'it["description"]')" "Set GREETING, NEW, unset OLD config vars"

# What changes nothing: a text as it was, an editor that fails or is not there, a text that is empty or
# cannot be read, of which only the line is told.
# shellcheck disable=SC2016
for script in 'true' 'echo "# a remark" >>"$text"'; do
    edits "$script"
    expect_exit 0 ship config edit
    expect_out "Nothing changed."
    expect_no_text
done
# shellcheck disable=SC2016
edits 'echo LOST=1 >>"$text"; exit 3'
expect_exit 1 ship config edit
expect_err "exited with status 3; nothing was changed"
expect_no_text
expect_exit 1 env EDITOR="$scratch/nosuch" "$SHIPIT_BIN" config edit
expect_err "cannot be started (EDITOR and VISUAL say which one to use); nothing was changed"
expect_exit 0 env VISUAL=true EDITOR=false "$SHIPIT_BIN" config edit
# shellcheck disable=SC2016
edits ': >"$text"'
expect_exit 2 ship config edit
expect_err "all config vars are gone from the text; nothing was changed"
expect_no_text
# shellcheck disable=SC2016
edits 'echo "SLIP=\"s3cret" >>"$text"'
expect_exit 2 ship config edit
expect_err "blog.env:11: the quote that begins here is not closed"
expect_not_in "s3cret"
expect_no_text
expect_releases 2

# Staged, if asked for.
# shellcheck disable=SC2016
edits 'echo LATER=1 >>"$text"'
expect_exit 0 ship config edit --no-restart
expect_out "Staged LATER"

# Two editors at once: what the quicker one did stays.
cat >"$scratch/bin/quicker" <<'END'
#!/bin/bash
echo "$1" >>"$SCRATCH/texts"
sed -i s/LATER=1/LATER=2/ "$1"
echo THEIRS=1 >>"$1"
END
chmod +x "$scratch/bin/quicker"
# shellcheck disable=SC2016
edits 'echo MINE=s3cret >>"$text"; EDITOR=$SCRATCH/bin/quicker "$SHIPIT_BIN" config edit >/dev/null 2>&1'
expect_exit 1 ship config edit
expect_err "somebody else has changed config vars meanwhile (LATER, THEIRS); nothing was changed"
expect_not_in "s3cret"
expect_no_text
expect_equal "$(ship config get LATER)" 2
expect_exit 1 ship config get MINE
expect_releases 3

# On a terminal the text can be mended, or taken on from what the others did.
cat >"$scratch/answer.py" <<'END'
import os, pty, sys
answer, command = sys.argv[1].encode().decode("unicode_escape").encode(), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
shown, answered = b"", 0
while True:
    try:
        shown += os.read(terminal, 65536)
    except OSError:
        break
    if shown.count(b"Enter to edit the text again") > answered:
        os.write(terminal, answer)
        answered += 1
sys.stdout.write(shown.decode().replace("\r\n", "\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
END
answering() { python3 "$scratch/answer.py" "$@"; }
# shellcheck disable=SC2016
edits 'if [[ -e $SCRATCH/again ]]; then sed -i "s/\"oops/oops/" "$text"
else echo "SLIP=\"oops" >>"$text"; touch "$SCRATCH/again"; fi'
expect_exit 0 answering '\n' "$SHIPIT_BIN" config edit
expect_out "Changed SLIP as v4"
expect_no_text
rm "$scratch/again"
# shellcheck disable=SC2016
edits 'if [[ ! -e $SCRATCH/again ]]; then touch "$SCRATCH/again"
    sed -i "/^NEW=/d" "$text"; echo MINE=1 >>"$text"
    "$SHIPIT_BIN" config set THEIRS=2 >/dev/null 2>&1
fi'
expect_exit 0 answering '\n' "$SHIPIT_BIN" config edit
expect_out "somebody else has changed config vars meanwhile (THEIRS)"
expect_out "Changed MINE, NEW as v6"
grep -qx THEIRS=2 "$scratch/seen" || fail "theirs is not in the text"
grep -qx MINE=1 "$scratch/seen" || fail "mine is not in the text"
expect_equal "$(ship config get THEIRS)" 2
expect_exit 1 ship config get NEW
expect_no_text
# shellcheck disable=SC2016
edits 'echo "SLIP=\"oops" >>"$text"'
expect_exit 130 answering '\x03' "$SHIPIT_BIN" config edit
expect_exit 2 answering '\x04' "$SHIPIT_BIN" config edit
expect_no_text

# ^C, a lost terminal and SIGTERM, also where the editor takes that for its usual end: nothing is changed
# and nothing left. (The editor runs no program that could take the ^C in its place.)
# shellcheck disable=SC2016
edits 'echo LOST=1 >>"$text"; : >"$SCRATCH/sign"; exec sleep 60'
for end in "130 interrupt" "129 hang-up"; do
    rm -f "$scratch/sign" "$scratch/sign.over"
    expect_exit "${end% *}" python3 "$tests/e2e/on_terminal.py" "${end#* }" "$scratch/sign" "$SHIPIT_BIN" config edit
    expect_soon 5 texts_are_gone
done
edit_until_sign() { # sets $editing
    rm -f "$scratch/sign"
    "$SHIPIT_BIN" config edit >/dev/null 2>&1 </dev/null &
    editing=$!
    expect_soon 20 test -e "$scratch/sign"
}
# shellcheck disable=SC2016
edits 'sleep 60 & sleeper=$!
trap "kill $sleeper; exit 0" TERM
echo LOST=1 >>"$text"; echo $$ >"$SCRATCH/editor.$PPID"; touch "$SCRATCH/sign"; wait'
edit_until_sign
kill -TERM $editing
status=0
wait $editing || status=$?
expect_equal "$status" 143
expect_no_text

# Killed, it leaves its text to the next one; that of one who still edits stays.
edit_until_sign
first=$editing
kill -KILL $first
wait $first || true
killed=$(dirname "$(tail -n 1 "$scratch/texts")")
edit_until_sign
busy=$(dirname "$(tail -n 1 "$scratch/texts")")
[[ ! -e $killed ]] || fail "what was left is still there"
edits true
expect_exit 0 ship config edit
[[ -e $busy ]] || fail "the text was taken away from somebody who edits it"
kill -TERM $editing
wait $editing || true
expect_no_text
kill -TERM "$(cat "$scratch/editor.$first")"
expect_exit 0 ship config
expect_not_in "LOST"
expect_releases 6
