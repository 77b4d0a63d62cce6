# A build with everything that a slug can hold; sourced after lib.sh.
# shellcheck shell=bash

# make_odd_build FOLDER [MEGABYTES]: it does not exist yet; its biggest files have so many.
make_odd_build() {
    local long
    mkdir -p "$1"/{bin,empty,"with space"/deep/er,büro}
    cd "$1"
    echo "text" >plain.txt
    : >nothing.txt
    printf '#!/bin/sh\necho hi\n' >bin/run
    chmod 755 bin/run
    echo "secret" >private.txt
    chmod 600 private.txt
    echo "fixed" >read_only.txt
    chmod 444 read_only.txt
    chmod 700 empty
    echo "once" >"with space/deep/er/file"
    echo "ship" >büro/⛵.txt
    ln -s plain.txt link
    ln -s ../plain.txt bin/up
    ln -s does/not/exist dangling
    ln -s bin link_to_folder
    ln plain.txt hard
    printf 'odd' >$'latin1-\xe9' # not UTF-8
    printf 'odd' >$'new\nline'
    printf 'odd' >'back\slash'
    printf 'odd' >'--checkpoint=1'
    long=$(printf 'n%.0s' {1..250})
    mkdir -p "$long/$long"
    echo "far away" >"$long/$long/file"
    ln -s "$long/$long/file" far
    python3 - "${2:-9}" <<'END'
import random, sys
random.seed(1)
size = int(sys.argv[1]) * 1_000_000
open("big.bin", "wb").write(random.randbytes(size))
with open("holes.bin", "wb") as file:
    file.seek(size * 2)
    file.write(b"end")
END
    touch -d '1999-12-31 23:59:59' plain.txt
    touch -d '2001-09-09 01:46:40' bin
    touch -h -d '2010-10-10 10:10:10' link
    cd "$OLDPWD"
}

# facts_of FOLDER: all that a slug keeps of what is in it, a line each. Times are kept to the second;
# size and links of a folder are the file system's own.
facts_of() {
    (cd "$1" && find . -mindepth 1 -printf '%P|%y|%m|%s|%n|%l|%Ts\n' |
        sed -E 's/^(.*\|d\|[0-7]+)\|[0-9]+\|[0-9]+/\1/' | LC_ALL=C sort)
}

# expect_restored FOLDER ORIGINAL: they are the same to the last bit.
expect_restored() {
    expect_exit 0 diff -r --no-dereference "$2" "$1"
    facts_of "$2" >"$scratch/before"
    facts_of "$1" >"$scratch/after"
    expect_exit 0 diff -u "$scratch/before" "$scratch/after"
    [[ $1/plain.txt -ef $1/hard ]] || fail "the hard link became two files"
}

# The id that a build would get, with nothing stored: id_of BUILD, id_by COMMAND… BUILD.
id_of() { id_by ship "$1"; }
id_by() {
    "${@:1:$#-1}" deploy "${*: -1}" --dry-run --json 2>"$err" |
        sed -nE 's/.*"slug":\{"id":"([0-9a-f]{32})".*/\1/p'
}
expect_id() { # expect_id ID WHAT COMMAND…: COMMAND prints it
    local id
    id=$("${@:3}") || true
    [[ -n $id ]] || { cat "$err" >&2 && fail "no id of $2"; }
    expect_equal "$id" "$1" "$2"
}
