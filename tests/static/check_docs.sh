#!/usr/bin/env bash
# Help, man pages and code say the same: every command in `shipit help` has a section in shipit(1)
# and the other way round, that tells of each of its options; every Outcome is in EXIT STATUS, every key of the settings is in
# shipit.toml(5), every page lints.
# `check_docs.sh SHIPIT [ROOT]`
set -euo pipefail
shipit=${1:?the built shipit}
cd "${2:-$(dirname "${BASH_SOURCE[0]}")/../..}"

failures=0
complain() {
    printf '%s\n' "$1"
    failures=$((failures + 1))
}

# Commands in the help: indented by two, a word, two spaces or more, what it does.
commands=$("$shipit" --help | sed -nE 's/^  ([a-z][a-z-]*( [a-z][a-z-]*)?)  +[^ ].*$/\1/p' | sort -u)
[[ $(wc -l <<<"$commands") -ge 10 ]] || complain "shipit --help lists hardly any command: $commands"
# Commands in the page: ".It Nm NAME …" or ".Ss NAME" or ".It Ic NAME …".
documented=$(sed -nE 's/^\.(It|Ss)( Xo)?( (Nm|Ic|Cm))* "?([a-z][a-z-]*( (get|set|unset|import|export|edit|add|list|remove))?).*$/\5/p' man/shipit.1 | sort -u)
while read -r command; do
    grep -qx -e "$command" <<<"$documented" || complain "man/shipit.1: has nothing on '$command'"
done <<<"$commands"

# Options, as "  -m, --message TEXT" in the command's help: by one of their names in its section.
# (--wait is told of once for all commands.)
while read -r command; do
    section=$(awk -v name="$command" '/^\.(S[sh]|It Ic) / { found = $0 " " ~ "^.(Ss|It Ic) " name " " } found' man/shipit.1)
    # shellcheck disable=SC2086  # "config set" is two words
    while read -r names; do
        any=$(sed -E 's/, /|/g; s/--/(--|Fl -)/g; s/(^|\|)-([a-z])/\1(-|Fl )\2/' <<<"$names")
        grep -qE -e "($any)([^a-z-]|$)" <<<"$section" || complain "man/shipit.1: '$command' has nothing on $names"
    done < <("$shipit" $command --help | sed -nE '/^options:/,/^$/s/^  ((-., )?--[a-z-]+).*/\1/p' | grep -vx -e --wait)
done <<<"$commands"

# The exit statuses: every value of the enum, as ".It 3" or ".It Li 3" in EXIT STATUS.
statuses=$(sed -n '/^enum class Outcome/,/^};/s/^ *[a-z_]* = \([0-9]*\),.*/\1/p' core/base/error.hpp)
[[ -n $statuses ]] || complain "core/base/error.hpp: where is enum class Outcome?"
exit_section=$(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh /p' man/shipit.1)
for status in $statuses; do
    grep -qE "^\.It( Li| Sy)? $status\$" <<<"$exit_section" ||
        complain "man/shipit.1: EXIT STATUS says nothing of $status"
done

if command -v mandoc >/dev/null; then
    for page in man/*.[1-8]; do
        mandoc -T lint -W warning "$page" || complain "$page: does not lint"
    done
fi

((failures == 0)) || { echo "check_docs: $failures differences" && exit 1; }
echo "check_docs: help, pages and code agree on $(wc -l <<<"$commands") commands"
