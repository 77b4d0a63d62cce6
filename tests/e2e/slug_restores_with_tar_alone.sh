# `tar --zstd -xf` gives back what was deployed: content, modes, symlinks, hard links, times.
. "$(dirname "$0")/lib.sh"
needs zstd python3

build=$scratch/build restored=$scratch/restored
mkdir -p "$build"/{bin,empty,"with space"/deep/er} "$restored"
cd "$build"
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
ln -s plain.txt link
ln -s ../plain.txt bin/up
ln -s /nowhere/at/all dangling
ln -s bin link_to_folder
ln plain.txt hard
printf 'odd' >$'latin1-\xe9' # not UTF-8
printf 'odd' >$'new\nline'
printf 'odd' >'--checkpoint=1'
long=$(printf 'n%.0s' {1..250})
mkdir -p "$long/$long"
echo "far away" >"$long/$long/file"
ln -s "$long/$long/file" far
python3 - <<'END'
import random
random.seed(1)
open("big.bin", "wb").write(random.randbytes(9_000_000))
with open("holes.bin", "wb") as file:
    file.seek(20_000_000)
    file.write(b"end")
END
touch -d '1999-12-31 23:59:59' plain.txt
touch -d '2001-09-09 01:46:40' bin
touch -h -d '2010-10-10 10:10:10' link

expect_exit 0 ship create files
expect_exit 0 ship deploy "$build"

slug=$(echo "$SHIPIT_ROOT"/files/releases/*.tar.zst)
expect_exit 0 zstd --test --quiet "$slug"
tar -C "$restored" --zstd -xpf "$slug"

# Times are kept to the second, as tar has them; the build's own folder is no entry of it.
facts() { (cd "$1" && find . -mindepth 1 -printf '%P|%y|%m|%s|%n|%l|%Ts\n' | sed -E 's/^(.*\|d\|[0-7]+)\|[0-9]+\|[0-9]+/\1/' | sort); }
expect_exit 0 diff -r --no-dereference "$build" "$restored"
facts "$build" >"$scratch/before"
facts "$restored" >"$scratch/after"
expect_exit 0 diff -u "$scratch/before" "$scratch/after"
[[ $restored/plain.txt -ef $restored/hard ]] || fail "the hard link became two files"

# What shipit itself unpacks is the same.
expect_exit 0 diff -r --no-dereference "$build" "$SHIPIT_ROOT/files/current/"
expect_equal "$(tar --zstd -tvf "$slug" --numeric-owner | awk '{ print $2 }' | sort -u)" "0/0"
