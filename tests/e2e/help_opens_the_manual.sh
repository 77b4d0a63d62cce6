# `shipit help COMMAND` opens the command's page on a terminal, where MANPATH says, and prints the
# command's help where there is no terminal, no man(1) or no page.
. "$(dirname "$0")/lib.sh"
needs man script col

DESTDIR=$scratch/stage cmake --install "$SHIPIT_BUILD" --prefix /usr >"$scratch/installed"
export MANPATH=$scratch/stage/usr/share/man MANPAGER=cat MANWIDTH=80 TERM=dumb
[[ $(man -w shipit || true) == "$MANPATH"/man1/shipit.1 ]] || skip "man(1) finds no pages here"

# As one reads it: without the backspaces by which a terminal of old prints bold.
on_a_terminal() { script -qec "$*" /dev/null </dev/null | col -b; }
page_shown() { # page_shown PAGE COMMAND…: what is shown is this page
    expect_exit 0 on_a_terminal "$SHIPIT_BIN" help "${@:2}"
    expect_match "^$1\(.\)"
    expect_not_in "usage: shipit"
}
help_shown() {
    expect_out "usage: shipit deploy"
    expect_not_in "SHIPIT-DEPLOY("
}

page_shown SHIPIT-DEPLOY deploy
page_shown SHIPIT-CONFIG config set
page_shown SHIPIT-CONFIG config:set
page_shown SHIPIT-SUPERVISE supervise

expect_exit 0 ship help deploy
help_shown
mkdir "$scratch/empty"
MANPATH=$scratch/empty expect_exit 0 on_a_terminal "$SHIPIT_BIN" help deploy
help_shown
expect_exit 0 on_a_terminal env PATH="$scratch/empty" "$SHIPIT_BIN" help deploy
help_shown
expect_exit 2 ship help deplyo
expect_err "did you mean 'deploy'?"

# man finds every command by its name, also those that share a page.
pages=0
while read -r command; do
    expect_exit 0 man -w "shipit-${command// /-}"
    pages=$((pages + 1))
done < <(ship --help | sed -nE 's/^  ([a-z][a-z-]*( [a-z][a-z-]*)?)  +[^ ].*$/\1/p')
((pages >= 40)) || fail "only $pages commands were looked for"

# Alone, shipit tells its commands by what they are for, with three examples.
expect_exit 2 ship
expect_match "^config vars$"
expect_equal "$(sed -n '/^examples:/,/^$/p' "$out" | grep -c '^  shipit')" 3
for words in "-a blog" -q -v; do
    # shellcheck disable=SC2086
    expect_exit 2 ship $words
done
for words in -h "-a blog --help" -qh; do
    # shellcheck disable=SC2086
    expect_exit 0 ship $words
    expect_match "^config vars$"
done
expect_exit 2 ship --json
expect_equal "$(json "$out" 'it["error"]["why"]')" "there is no command"
