# `tar --zstd -xf` gives back what was deployed: content, modes, symlinks, hard links, times.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/odd_build.sh"
needs zstd python3

build=$scratch/build restored=$scratch/restored
make_odd_build "$build"
ln -s /nowhere/at/all "$build/outside"
mkdir "$restored"

expect_exit 0 ship create files
expect_exit 0 ship deploy "$build"

slug=$(echo "$SHIPIT_ROOT"/files/releases/*.tar.zst)
expect_exit 0 zstd --test --quiet "$slug"
tar -C "$restored" --zstd -xpf "$slug"
expect_restored "$restored" "$build"

# What shipit itself unpacks is the same.
expect_exit 0 diff -r --no-dereference "$build" "$SHIPIT_ROOT/files/current/"
expect_equal "$(tar --zstd -tvf "$slug" --numeric-owner | awk '{ print $2 }' | sort -u)" "0/0"
