#!/usr/bin/env bash
# Help, man pages and code say the same: every command in `shipit help` has a line in shipit(1) that
# says what the help says, a page of its own or a share in one, and examples; a page's OPTIONS are
# the options of its commands, and its SYNOPSIS says what they take; every Outcome is in shipit(1)'s
# EXIT STATUS, and no page has others, there or in a sentence; every page lints. (That shipit.toml(5) has
# the keys that are read, and says of each what it may be, is a unit test's: config_settings_test.cpp.)
# `check_docs.sh SHIPIT [ROOT]`
set -euo pipefail
shipit=${1:?the built shipit}
cd "${2:-$(dirname "${BASH_SOURCE[0]}")/../..}"

failures=0
complain() {
    printf '%s\n' "$1"
    failures=$((failures + 1))
}
section() { sed -n "/^\.Sh $2\$/,/^\.Sh /p" "$1"; } # section PAGE NAME
# Options as "-m, --message" or "--force", one on a line: of a page's or a command's own.
options_in() { sed -nE 's/^\.It (Fl (.) , )?Fl (-[a-z-]+).*/-\2, -\3/; T; s/^-, //; p'; }
options_of() { "$shipit" "$@" --help | sed -nE '/^options:/,/^$/s/^  ((-., )?--[a-z-]+).*/\1/p'; }
# What a line of usage, or of a SYNOPSIS as it is shown, takes: options, values and arguments, one on a line. Grouping
# and order are for people.
words_of() { sed -E 's/^(usage: )?shipit //' | tr -s '[]|. ' '\n' | sed '/^\(--\)\?$/d' | sort -u; }
shown_synopsis() { # shown_synopsis PAGE: its lines, without the bold that overstriking makes
    mandoc -T ascii -O width=1000 "$1" | sed 's/.\x08//g' | sed -n '/^SYNOPSIS/,/^DESCRIPTION/s/^ *shipit/shipit/p'
}

# Commands in the help: indented by two, a word, two spaces or more, what it does.
listed=$("$shipit" --help | sed -nE 's/^  ([a-z][a-z-]*( [a-z][a-z-]*)?)  +([^ ].*)$/\1\t\3/p')
commands=$(cut -f1 <<<"$listed" | sort -u)
[[ $(wc -l <<<"$commands") -ge 10 ]] || complain "shipit --help lists hardly any command: $commands"
[[ $(wc -l <<<"$commands") == $(wc -l <<<"$listed") ]] || complain "shipit --help lists a command twice"

# Each command: its line in shipit(1), its page, its examples.
declare -A page_of=()
for page in man/shipit-*.[1-8]; do
    for name in $(section "$page" NAME | sed -nE 's/^\.Nm (shipit-[a-z-]+)( ,)?$/\1/p'); do
        [[ -z ${page_of[$name]-} ]] || complain "$page: '$name' is in ${page_of[$name]}, too"
        page_of[$name]=$page
    done
done
while IFS=$'\t' read -r command summary; do
    name=shipit-${command// /-}
    page=${page_of[$name]-}
    [[ -n $page ]] || { complain "man: has no page on '$command'" && continue; }
    line=$(sed -n "/^\.It Xr $name ${page##*.}\$/{n;p;}" man/shipit.1)
    [[ $line == "$summary" ]] || complain "man/shipit.1: of '$command' it says '$line', the help '$summary'"
    # shellcheck disable=SC2086  # "config set" is two words
    grep -q '^examples:' < <("$shipit" $command --help) || complain "shipit $command --help: has no examples"
done <<<"$listed"

while read -r name; do
    grep -qx "$name" < <(sed 's/^/shipit-/; s/ /-/' <<<"$commands") || complain "man/shipit.1: there is no command for $name"
done < <(sed -nE 's/^\.It Xr (shipit-[a-z-]+) [18]$/\1/p' man/shipit.1)

# Each page of commands: its sections, the options of its commands and no others, its statuses.
statuses=$(sed -n '/^enum class Outcome/,/^};/s/^ *[a-z_]* = \([0-9]*\),.*/\1/p' core/base/error.hpp)
[[ -n $statuses ]] || complain "core/base/error.hpp: where is enum class Outcome?"
common=$(options_in <man/shipit.1)
# Those of every command may be in a SYNOPSIS where they matter more than elsewhere.
without_common=''
! command -v mandoc >/dev/null ||
    without_common=$(shown_synopsis man/shipit.1 | { grep -oE '\[-[^]]*\]' || true; } | sed -E 's/[][]/\\&/g; s/.*/s# &##/')
for page in $(printf '%s\n' "${page_of[@]}" | sort -u); do
    [[ $page == *.[18] ]] || continue
    for title in NAME SYNOPSIS DESCRIPTION OPTIONS "EXIT STATUS" EXAMPLES "SEE ALSO"; do
        grep -qx ".Sh $title" "$page" || complain "$page: has no $title"
    done
    names=$(section "$page" SYNOPSIS | sed -nE 's/^\.Nm shipit ([a-z -]+)$/\1/p')
    [[ -n $names ]] || complain "$page: SYNOPSIS has no command"
    of_commands=''
    while read -r command; do
        [[ ${page_of[shipit-${command// /-}]-} == "$page" ]] || complain "$page: '$command' is in SYNOPSIS, not in NAME"
        # shellcheck disable=SC2086
        of_commands+=$(options_of $command)$'\n'
        command -v mandoc >/dev/null || continue
        # shellcheck disable=SC2086
        taken=$("$shipit" $command --help | sed -n '/^usage: /p' | words_of)
        written=$(shown_synopsis "$page" | grep -E "^shipit $command( [^a-z]| v|\$)" | sed "$without_common" | words_of)
        while read -r word; do
            complain "$page: SYNOPSIS of '$command' says nothing of $word"
        done < <(comm -23 <(echo "$taken") <(echo "$written"))
        while read -r word; do
            complain "$page: SYNOPSIS of '$command' has $word, which it does not take"
        done < <(comm -13 <(echo "$taken") <(echo "$written"))
    done <<<"$names"
    in_page=$(section "$page" OPTIONS | options_in)
    while read -r option; do
        [[ -z $option ]] || grep -qx -e "$option" <<<"$in_page" || complain "$page: has nothing on $option"
    done < <(sort -u <<<"$of_commands")
    while read -r option; do
        [[ -z $option ]] || grep -qx -e "$option" <<<"$of_commands$common" || complain "$page: no command of it has $option"
    done <<<"$in_page"
    for status in $(section "$page" "EXIT STATUS" | sed -nE 's/^\.It ([0-9]+)$/\1/p'); do
        ((status > 128)) || grep -qx "$status" <<<"$statuses" || complain "$page: shipit never ends with $status"
    done
done

# The exit statuses: every value of the enum, as ".It 3" or ".It Li 3" in EXIT STATUS.
exit_section=$(section man/shipit.1 "EXIT STATUS")
for status in $statuses; do
    grep -qE "^\.It( Li| Sy)? $status\$" <<<"$exit_section" ||
        complain "man/shipit.1: EXIT STATUS says nothing of $status"
done
while read -r status; do
    grep -qx "$status" <<<"$statuses" || complain "man/shipit.1: shipit never ends with $status"
done < <(sed -nE 's/^\.It (Li |Sy )?([0-9]+)$/\2/p' <<<"$exit_section")
# In sentences: "refused with status 6". 10 is what a release command says.
while IFS=: read -r page status; do
    ((status > 128 || status == 10)) || grep -qx "$status" <<<"$statuses" ||
        complain "$page: speaks of status $status, with which shipit never ends"
done < <(grep -oHE '\b(status|statuses)( is| of)? [0-9]+' man/*.[1-8] README.md 2>/dev/null | sed -E 's/:.* /:/')

# Behind a comma, too, words are of the macro before it: each would get a dash.
shown_wrong=$(grep -nHE '\bFl [a-z-]+ [,;] [a-z]' man/*.[1-8]) &&
    complain "$shown_wrong: these words are shown as options"

if command -v mandoc >/dev/null; then
    for page in man/*.[1-8]; do
        mandoc -T lint -W warning "$page" || complain "$page: does not lint"
    done
fi

((failures == 0)) || { echo "check_docs: $failures differences" && exit 1; }
echo "check_docs: help, pages and code agree on $(wc -l <<<"$commands") commands"
