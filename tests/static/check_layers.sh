#!/usr/bin/env bash
# The architecture in force: which room may know which, who may see a library, and a few bans.
# `check_layers.sh [ROOT]` checks the sources below ROOT (default: this checkout); the tables are all
# there is to change when the architecture does.
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"

# Room: the rooms it may include, beside itself.
rooms='
base:
sys:       base
config:    base sys
slug:      base sys
release:   base sys slug
push:      base sys slug release
oci:       base sys slug
ssh:       base sys
supervise: base sys
page:      base
deploy:    base sys config slug release push oci ssh supervise page
cmd:       base sys config slug release push oci ssh supervise page deploy
tests:     base sys config slug release push oci ssh supervise page deploy cmd tests
'

# Headers as an extended regular expression: the rooms whose .cpp files (never .hpp) may include them.
libraries='
toml\+\+/.*             base
nlohmann/.*             base
boost/.*                supervise
archive(_entry)?\.h     slug
zlib\.h                 slug
zstd(_errors)?\.h       slug
xxhash\.h               slug
nettle/.*               slug ssh
CLI/.*                  cmd
doctest/.*              tests
'

failures=0
complain() {
    printf '%s\n' "$1"
    failures=$((failures + 1))
}

# Without a process of its own for each line: there are thousands.
declare -A may_include
while IFS=: read -r room others; do
    [[ -z $room ]] || may_include[$room]=$others
done <<<"$rooms"

# Sets `room` to that of a path.
find_room() {
    room=${1#core/}
    room=${room%%/*}
}

# check_include FILE LINE HEADER
check_include() {
    local file=$1 line=$2 header=$3 room other pattern owners
    case $header in
    core/* | cmd/* | tests/*)
        find_room "$header"
        other=$room
        find_room "$file"
        [[ $other == "$room" || " ${may_include[$room]-} " == *" $other "* ]] ||
            complain "$file:$line: '$room' may not include '$header'"
        return
        ;;
    fmt/core.h) return ;;
    fmt/*)
        [[ $file == tests/fuzz/fmt_by_clang.cpp ]] || # which is that library, compiled again
            complain "$file:$line: of fmt, only <fmt/core.h> is used, not <$header>"
        return
        ;;
    esac
    find_room "$file"
    while read -r pattern owners; do
        if [[ -n $pattern && $header =~ ^$pattern$ ]]; then
            [[ $room == tests || " $owners " == *" $room "* ]] ||
                complain "$file:$line: <$header> is for $owners only, not for '$room'"
            [[ $file == *.cpp || $room == tests ]] ||
                complain "$file:$line: <$header> belongs into a .cpp file"
        fi
    done <<<"$libraries"
}

# ban WHERE-NOT REGEX WHY: no own source file, but those whose path matches WHERE-NOT, has REGEX.
ban() {
    local found
    while IFS= read -r found; do
        [[ -z $found ]] || complain "$found  <- $3"
    done < <(printf '%s\n' "${sources[@]}" | grep -vE -e "$1" | xargs -r -d '\n' grep -nHE -e "$2" |
        grep -vE '^[^:]+:[0-9]+:[[:space:]]*//' || true)
}

mapfile -t sources < <(find cmd core tests -name '*.[ch]pp' 2>/dev/null | sort)
[[ ${#sources[@]} -gt 0 ]] || { echo "there are no sources below $PWD" && exit 1; }

while IFS=: read -r file line text; do
    [[ $text =~ [\<\"]([^\>\"]*)[\>\"] ]] || continue
    header=${BASH_REMATCH[1]}
    if [[ $text == *\"* && $header != core/* && $header != cmd/* && $header != tests/* ]]; then
        complain "$file:$line: own headers are included by their path from the top: '$header'"
    fi
    check_include "$file" "$line" "$header"
done < <(grep -nHE '^[[:space:]]*#[[:space:]]*include' "${sources[@]}")

ban '^core/sys/|^tests/' '\bremove_all *\(' 'sys::remove_tree follows no symlinks, remove_all may'
ban '\.cpp$' '\busing namespace\b' 'no using namespace in a header'
ban '^tests/|^cmd/' 'std::(cout|cerr|clog)\b|\bprintf *\(' 'core never prints'
ban '^cmd/|^tests/' '(^|[^_[:alnum:]])(quick_exit|exit) *\(' 'core never exits; a child after fork(2) calls _exit'
ban '^tests/' '\b(system|popen|tmpnam|mktemp|strcpy|strcat|sprintf|gets) *\(' 'unsafe'
ban '^core/|^cmd/' 'TEST_CASE\(.*;|^    "[^"]*;[^"]*"( \*|\) \{$)' 'CMake cuts names at ";", and then nothing is run'
for file in "${sources[@]}"; do
    [[ $file != *.hpp ]] || grep -q '^#pragma once$' "$file" || complain "$file: has no #pragma once"
    lines=$(wc -l <"$file")
    ((lines <= 500)) || complain "$file: has $lines lines; 300 are usual, 500 the end"
done

((failures == 0)) || { echo "check_layers: $failures violations" && exit 1; }
echo "check_layers: ${#sources[@]} files, no violation"
