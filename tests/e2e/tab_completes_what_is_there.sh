# In the real shells, the tab key offers what is there: commands, releases, pins, settings, process types, apps.
. "$(dirname "$0")/lib.sh"

hello_is_live
expect_exit 0 ship -a hello config set GREETING=hi
expect_exit 0 ship -a hello pin v1 before-the-move
export SHIPIT_APP=hello
ln -s "$SHIPIT_BIN" "$scratch/bin/shipit"
export PATH=$scratch/bin:$PATH
for shell in bash zsh fish; do
    ship completion $shell >"$scratch/completion.$shell"
done

# Each types a command line and prints what is offered, one word a line, as the shell was given it.
type_in_bash() {
    command bash --norc -c '
        . "$1"
        shift
        COMP_WORDS=(shipit "$@") COMP_CWORD=$#
        _shipit 2>/dev/null
        printf "%s\n" "${COMPREPLY[@]}"' bash "$scratch/completion.bash" "$@"
}
# What _describe is given is looked at, as a menu needs a terminal.
type_in_zsh() {
    zsh -f -c '
        compdef() { :; }
        _describe() { print -rl -- "${(@P)argv[3]}"; }
        . "$1"
        shift
        words=(shipit "$@") CURRENT=$((# + 1))
        _shipit' zsh "$scratch/completion.zsh" "$@"
}
type_in_fish() {
    # shellcheck disable=SC2016  # fish expands it
    fish --no-config -c '
        source $argv[1]
        complete -C "shipit $argv[2..-1]"' "$scratch/completion.fish" "$@"
}
# offers TEXT WORD…: in the shell at hand, TEXT begins a line of what the words can become.
offers() {
    local text=$1
    shift
    "type_in_$shell" "$@" >"$out" 2>"$err" || depth=1 fail "$shell failed: $(cat "$err")"
    grep -q -e "^$text" "$out" || depth=1 fail "$shell does not offer $text for: $*"
}

for shell in bash zsh fish; do
    if ! command -v "$shell" >/dev/null; then
        echo "not tried in $shell, which is not here"
        continue
    fi
    offers rollback rollb
    offers v1 rollback ''
    [[ $shell == bash ]] || expect_out "First version" # bash shows descriptions only in a list
    offers before-the-move rollback before
    offers GREETING config get ''
    offers GREETING= config set GREE
    offers web= scale ''
    if [[ $shell == bash ]]; then # which cuts words at '='
        offers hello rollback --app = he
    else
        offers --app=hello rollback --app=he
    fi
done

# It is waited for at each press of the key.
most=50
! is_sanitized || most=500
TIMEFORMAT=%3R
for ((i = 0; i < 11; i++)); do
    { time "$SHIPIT_BIN" complete -- rollback '' >"$out"; } 2>>"$scratch/times"
done
expect_out "First version"
median=$(sort -n "$scratch/times" | sed -n 6p)
((10#${median/./} < most)) || fail "it took $median s"
