# What people see on a terminal, of 80 and of 120 columns: deploy, releases, status, rollback and doctor, as tmux
# shows them, with their colours, are the screens that are kept in expected/screens. SHIPIT_ACCEPT=1 rewrites
# them. Colours are of the sixteen that each terminal has in its own shades, so light and dark are one.
. "$(dirname "$0")/lib.sh"
needs tmux faketime
! is_sanitized || skip "sanitizers want to be loaded first, not faketime"
[[ $(id -u) == 0 ]] || skip "root gets warnings that others do not"

kept=$tests/e2e/expected/screens
export TMUX_TMPDIR=$scratch LC_ALL=C.UTF-8
tmux -f /dev/null -D &
has_terminals() { tmux list-commands >/dev/null 2>&1; }
expect_soon 10 has_terminals

# What is another each time, in words that are as wide where a table depends on it.
without_what_passes() {
    sed -E -e "s|$scratch|SCRATCH|g" -e "s|\b$port\b|PORT_|g" \
        -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z/YYYY-MM-DDThh:mm:ss.mmmZ/g' \
        -e 's/\b[0-9]+m?s\b/Nms/g' -e 's/\b[0-9.]+ ([kM]B)\b/N \1/g' -e 's/\b[0-9a-f]{10}\b/SLUGSLUG__/g' \
        -e 's/\b[0-9.]+ %/N %/g' -e '/ CPU | N % /s/ {2,}/  /g' # a table as wide as what it tells
}

# screen WIDTH COMMAND: what a terminal of that width shows when the command has ended, in $shown.
screen() {
    tmux new-session -d -s "screen$1" -x "$1" -y 60 "$2; tmux wait-for -S ended; exec cat"
    timeout 60 tmux wait-for ended || fail "'$2' does not end: $(tmux capture-pane -p -t "screen$1")"
    tmux capture-pane -e -p -t "screen$1" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >"$shown"
    tmux kill-session -t "screen$1"
}
shown=$scratch/shown

# expect_screen NAME COMMAND: as it is kept for `width`.
expect_screen() {
    local name=$1.$width
    screen "$width" "$2"
    without_what_passes <"$shown" >"$scratch/$name"
    if [[ -n ${SHIPIT_ACCEPT:-} ]]; then
        mkdir -p "$kept"
        cp "$scratch/$name" "$kept/$name"
    fi
    diff -u "$kept/$name" "$scratch/$name" || depth=1 fail "this is not what expected/screens/$name shows"
}

reserve_port
a_copy_of hello
cd "$scratch" || exit
expect_exit 0 ship create hello
expect_exit 0 ship set "app.port=$port"
expect_exit 0 ship deploy hello -m "First version"
echo 2 >hello/build
shipit=$(printf %q "$SHIPIT_BIN")

is_one_generation() { [[ $(json <(ship ps --json) 'len(it)') == 1 ]]; }
later="faketime -f +40d" # when no second makes a difference
for width in 80 120; do
    expect_screen deploy "$shipit deploy hello --force -m 'A longer description, which is more than a terminal of eighty columns has room for'"
    expect_screen rollback "$shipit rollback"
    expect_screen releases "$later $shipit releases"
    expect_soon 20 is_one_generation
    expect_screen status "$later $shipit status"
done

# What doctor says is this host's; how it says it is the same anywhere.
expect_exit 0 ship doctor --json
for width in 80 120; do
    screen "$width" "$shipit doctor"
    python3 - "$out" "$shown" "$width" <<'PYTHON' || fail "doctor's screen of $width columns is not as it should be"
import json, re, sys
findings = json.load(open(sys.argv[1]))
coloured = open(sys.argv[2]).read()
assert "\x1b[32mok\x1b[39m" in coloured, coloured
plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
assert max(map(len, plain.splitlines())) <= int(sys.argv[3]), plain
told = re.sub(r"\n {9}(?!next: )", " ", plain)
moment = r"[0-9]+( inodes|-)|T[0-9:.]+Z|[0-9.]+ [kMGT]?B"
for finding in findings:
    said = f"{finding['verdict']:9}{finding['about']}: {finding['what']}"
    assert re.sub(moment, "", said) in re.sub(moment, "", told), said + "\nis not in\n" + told
PYTHON
done
# The terminal's own sixteen colours alone, neither its black nor its white.
! grep -rqP '\x1b\[([0-9;]*;)?([34]8;|[34][07]\b|9[07]|10[07])' "$kept" || fail "a colour that not every terminal shows"
