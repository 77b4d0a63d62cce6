# `events` tells what was done to an app, oldest first, in lines that drive no terminal; with -f, which
# asks nobody again and again, also what comes, until the app is destroyed. Whatever was killed when,
# each event is one whole line.
. "$(dirname "$0")/lib.sh"
mkdir "$scratch/files"
expect_exit 0 ship create files
export SHIPIT_APP=files
events=$SHIPIT_ROOT/files/events.jsonl

"$SHIPIT_BIN" events -f >"$scratch/followed" &
follower=$!
"$SHIPIT_BIN" events -f --json >"$scratch/followed.json" &
json_follower=$!
has_followed() { grep -qF -e "$1" "$scratch/followed" && grep -qF -e "$2" "$scratch/followed.json"; }
expect_soon 10 has_followed ' create' '"event":"create"'

# Who, what, which release, with what result.
echo one >"$scratch/files/file"
expect_exit 0 ship deploy "$scratch/files" -m $'One\033[2J'
! grep -q $'\033' "$err" || fail "an escape sequence reaches the terminal"
expect_soon 10 has_followed "deploy v1 by " '"release":"v1"'
expect_exit 0 ship events
grep -qE '^20[0-9TZ:.-]+ create by .*: done$' "$out" || fail "no line tells of the creation"
expect_match '^20[0-9TZ:.-]+ deploy v1 by [^ ]+.*: done: One'
! grep -q $'\033' "$out" || fail "an escape sequence reaches the terminal"
expect_exit 0 ship events -n 1
expect_equal "$(wc -l <"$out")" 1
expect_exit 0 ship events --json
while read -r line; do
    python3 -c 'import json, sys; assert json.loads(sys.argv[1])["app"] == "files"' "$line"
done <"$out"

# Junk in the file, and half an event at its end: neither is shown, nothing else is lost.
printf '\033]0;junk\a\n{"at":"2026-11-23T00:33:10.092Z","event":"\\u001b[31mred","app":"files"}\n{"at":"2026-' >>"$events"
expect_exit 0 ship events -n 2
expect_not_in "junk"
expect_out 'x1b[31mred'
! grep -q $'\033' "$out" || fail "an escape sequence reaches the terminal"
expect_exit 0 ship hold -m "not now"
expect_soon 10 has_followed "hold" '"detail":"not now"'
expect_exit 0 ship hold --clear

# What this host's settings were made; a command is not told, since there may be a token in it.
expect_exit 0 ship set health.timeout=30s hooks.deployed="curl https://example.org/TOKEN"
expect_soon 10 has_followed " set by " '"event":"set"'
expect_exit 0 ship events -n 1
expect_match '^20[0-9TZ:.-]+ set by .*: done: health.timeout=30s hooks.deployed=\.\.\.$'
expect_exit 0 ship set hooks.deployed=
expect_exit 0 ship set health.timeout=30s # which it is: nothing is done
expect_exit 0 ship events -n 1
expect_match ' set by .*: done: hooks.deployed=$'

# Deploys that are killed somewhere: all lines are whole, and in order.
for i in {1..20}; do
    echo "$i" >"$scratch/files/file"
    "$SHIPIT_BIN" deploy "$scratch/files" >/dev/null 2>&1 & # itself, not a shell that runs it
    killed=$!
    sleep "0.0$((RANDOM % 60))" # anywhere in a deploy
    kill -KILL "$killed" 2>/dev/null || true
    wait "$killed" 2>/dev/null || true
done
echo last >"$scratch/files/file"
expect_exit 0 ship deploy "$scratch/files" -m "The last one" --wait=60s
expect_soon 10 has_followed "The last one" "The last one"
python3 - "$events" <<'END'
import json, sys
lines = open(sys.argv[1]).read().split("\n")
assert lines.pop() == "", "the last line is not whole"
numbers, broken = [], []
for line in lines:
    try:
        event = json.loads(line)
    except ValueError:
        broken.append(line)
    else:
        if event["event"] == "deploy":
            numbers.append(int(event["release"][1:]))
assert len(broken) == 2, broken  # ours
assert numbers == sorted(set(numbers)), numbers
END

# The file is replaced, as log rotation does it.
mv "$events" "$events.1"
expect_exit 0 ship hold -m "after the rotation"
expect_soon 10 has_followed "after the rotation" "after the rotation"

# It waits without waking up.
switches() { awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$follower/status"; }
is_at_rest() {
    local before
    before=$(switches)
    sleep 1.2 # a look each second would be seen, too
    [[ $(switches) == "$before" ]]
}
expect_soon 10 is_at_rest # when it has told all

# Nobody reads any more.
mkfifo "$scratch/pipe"
"$SHIPIT_BIN" events -f >"$scratch/pipe" &
deserted=$!
head -n 1 "$scratch/pipe" >/dev/null
has_ended() { ! kill -0 "$1" 2>/dev/null; }
expect_soon 10 has_ended "$deserted"

# The app is destroyed.
expect_exit 0 ship destroy files --confirm files
wait "$follower" || fail "events -f ended with status $?"
wait "$json_follower" || fail "events -f --json ended with status $?"
has_followed "destroy" '"event":"destroy"' || fail "the destruction was not told"
