# Slugs of any level are read by what reads tars: zstd, GNU tar, bsdtar, and Python behind zstd.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/odd_build.sh"
needs zstd bsdtar python3

build=$scratch/build
make_odd_build "$build"

by_tar() { tar -C "$2" --zstd -xpf "$1"; }
by_bsdtar() { bsdtar -C "$2" -xpf "$1"; }
by_python() {
    zstd -dcq "$1" | python3 -c '
import os, sys, tarfile
os.chdir(sys.argv[1])
with tarfile.open(fileobj=sys.stdin.buffer, mode="r|", errorlevel=2) as tar:
    tar.extractall()' "$2"
    # It leaves the times of symlinks as they come.
    (cd "$build" && find . -type l -exec touch -h -r {} "$2/{}" \;)
}

for level in 1 3 19; do
    expect_exit 0 ship create "level$level"
    expect_exit 0 ship -a "level$level" set "slug.level=$level"
    expect_exit 0 ship -a "level$level" deploy "$build"
    slug=$(echo "$SHIPIT_ROOT/level$level"/releases/*.tar.zst)
    expect_exit 0 zstd --test --quiet "$slug"
    for reader in tar bsdtar python; do
        mkdir "$scratch/restored"
        "by_$reader" "$slug" "$scratch/restored"
        expect_restored "$scratch/restored" "$build"
        chmod -R u+w "$scratch/restored"
        rm -r "$scratch/restored"
    done
done

# The level changes the bytes and nothing else.
expect_equal "$(basename -a "$SHIPIT_ROOT"/level*/releases/*.tar.zst | sort -u | wc -l)" 1
expect_exit 1 cmp --silent "$SHIPIT_ROOT"/level{1,19}/releases/*.tar.zst
