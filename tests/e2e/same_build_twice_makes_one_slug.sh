# Deploying the same build twice makes one slug, and says so; another build makes another.
. "$(dirname "$0")/lib.sh"

slugs() { find "$SHIPIT_ROOT/files/releases" -name '*.tar.zst' | wc -l; }

mkdir "$scratch/build"
echo "one" >"$scratch/build/page.html"
expect_exit 0 ship create files
expect_exit 0 ship deploy "$scratch/build" -m "One"
expect_equal "$(slugs)" 1

# Live already, down to the last byte: nothing to do.
expect_exit 0 ship deploy "$scratch/build" -m "The same"
expect_in "already"
expect_not_in "Deployed"
expect_equal "$(readlink "$SHIPIT_ROOT/files/current")" "releases/v1"

# Neither when nor where nor by whom it was made is part of a build's content.
cp -R "$scratch/build" "$scratch/copy"
touch -d '2001-02-03 04:05:06' "$scratch/copy/page.html"
expect_exit 0 ship config set --no-restart COLOUR=red
expect_exit 0 ship deploy "$scratch/copy" -m "The same in red"
expect_in "already"
expect_equal "$(slugs)" 1
expect_equal "$(readlink "$SHIPIT_ROOT/files/releases/v1")" \
    "$(readlink "$SHIPIT_ROOT/files/releases/v2")"
expect_equal "$(readlink "$SHIPIT_ROOT/files/current")" "releases/v2"

# An archive and a stream of the same files are the same build.
tar -C "$scratch/build" -czf "$scratch/build.tar.gz" .
expect_exit 0 ship deploy "$scratch/build.tar.gz"
expect_equal "$(slugs)" 1
from_stdin() { tar -C "$scratch/build" -cf - . | ship deploy -; }
expect_exit 0 from_stdin
expect_equal "$(slugs)" 1

echo "two" >"$scratch/build/page.html"
expect_exit 0 ship deploy "$scratch/build" -m "Two"
expect_not_in "already"
expect_equal "$(slugs)" 2
expect_equal "$(cat "$SHIPIT_ROOT/files/current/page.html")" "two"
