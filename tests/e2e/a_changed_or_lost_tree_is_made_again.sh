# What is on the server is what was deployed: a file that was edited there is brought back from the
# slug, a tree that was not on the disk when the power went is unpacked again, and a stored slug that
# is damaged is packed anew when its build is deployed once more.
. "$(dirname "$0")/lib.sh"
needs curl python3

hello_is_live
url=http://127.0.0.1:$port
slug=$(basename "$(readlink "$SHIPIT_ROOT/hello/releases/v1")")
tree=$SHIPIT_ROOT/hello/trees/$slug
archive=$SHIPIT_ROOT/hello/releases/$slug.tar.zst

# Edited on the server; what the app wrote beside it is the app's.
sed -i 's/Hello, /Hacked, /' "$tree/server.py"
echo mine >"$tree/cache"
expect_exit 0 ship restart
expect_err "'server.py' changed on this server since it was unpacked; restored from the slug"
expect_answer "$url" "Hello, World! This is release v1."
expect_equal "$(cat "$tree/cache")" mine
expect_exit 0 ship restart
expect_not_in "changed on this server"

# A power cut: all processes are gone, and of the tree only a part had reached the disk.
expect_equal "$(grep ^flushed "$tree.stamp")" "flushed yes"
sed -i -e 's/^boot .*/boot 00000000-0000-0000-0000-000000000000/' -e 's/^flushed .*/flushed no/' "$tree.stamp"
leftovers | xargs kill -KILL
expect_soon 5 nothing_left
: >"$tree/server.py"
ship supervise hello >"$scratch/supervisor.log" 2>&1 &
expect_soon 10 answers "$url" "Hello, World! This is release v1."
expect_equal "$(grep ^flushed "$tree.stamp")" "flushed yes"

# A byte of the slug is wrong, and its tree is gone.
python3 - "$archive" <<'END'
import os, sys
with open(sys.argv[1], "r+b") as file:
    file.seek(os.path.getsize(sys.argv[1]) // 2)
    byte = file.read(1)[0]
    file.seek(-1, os.SEEK_CUR)
    file.write(bytes([byte ^ 0x10]))
END
rm -rf "$tree"
touch "$scratch/hello/server.py" # its time is no part of the id, but of the archive
expect_exit 7 ship verify
expect_exit 0 ship deploy --force "$scratch/hello"
expect_err "packing the build anew"
expect_exit 0 ship verify
expect_answer "$url" "Hello, World! This is release v2."
