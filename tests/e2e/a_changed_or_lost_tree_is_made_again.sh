# What is on the server is what was deployed: a file that was edited there is brought back from the
# slug before its release goes live (what is live keeps it, until somebody removes it), a tree that
# was not on the disk when the power went is unpacked again, and a stored slug that is damaged is
# packed anew when its build is deployed once more.
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
expect_err "'server.py' changed on this server since it was unpacked, and stays so while its release runs"
expect_answer "$url" "Hacked, World! This is release v1."
rm "$tree/server.py"
expect_exit 0 ship restart
expect_err "'server.py' changed on this server since it was unpacked; restored from the slug"
expect_answer "$url" "Hello, World! This is release v1."
expect_equal "$(cat "$tree/cache")" mine
expect_exit 0 ship restart
expect_not_in "changed on this server"

# A power cut: all processes are gone, and of the tree only a part had reached the disk.
expect_equal "$(grep ^flushed "$tree.stamp")" "flushed yes"
sed -i -e 's/^boot .*/boot 00000000-0000-0000-0000-000000000000/' -e 's/^flushed .*/flushed no/' "$tree.stamp"
leftovers | xargs kill -KILL || true # one of them may have ended with another
expect_soon 5 nothing_left
: >"$tree/server.py"
ship supervise hello >"$scratch/supervisor.log" 2>&1 &
expect_soon 10 answers "$url" "Hello, World! This is release v1."
expect_equal "$(grep ^flushed "$tree.stamp")" "flushed yes"

# The tree is gone while the supervisor is there: what starts its processes makes it again.
expect_exit 0 ship stop
rm -rf "$tree"
expect_exit 0 ship start
expect_answer "$url" "Hello, World! This is release v1."
rm -rf "$tree"
expect_exit 0 ship restart web
expect_answer "$url" "Hello, World! This is release v1."

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

# The app reads files of the slug in its folder, and writes some of its own there.
mkdir -p "$scratch/hello/tmp/cache"
echo listed >"$scratch/hello/tmp/cache/listed"
sed -i -e 's|^    if path == "/healthz":|    if path == "/files":\n        return 200, open("server.py").readline() + open("added").read()\n    if path == "/healthz" and "SICK" in os.environ:\n        return 503, "sick"\n&|' \
    "$scratch/hello/server.py"
expect_exit 0 ship deploy "$scratch/hello"
expect_exit 0 ship config set NAME=Folder
expect_answer "$url" "Hello, Folder! This is release v4."
slug=$(basename "$(readlink "$SHIPIT_ROOT/hello/releases/v4")")
tree=$SHIPIT_ROOT/hello/trees/$slug
echo mine >"$tree/added"
expect_answer "$url/files" mine
folder=$(stat -c %i "$tree")

# A rehearsal looks at a tree in which folders and modes were changed, and touches nothing.
rm -r "$tree/tmp/cache"
chmod 775 "$tree/tmp"
expect_exit 0 ship rollback --check v3
expect_match "^ok +it is unpacked already; 'tmp' and 2 more changed on this server since, and will be restored"
expect_match "^ok +its config vars are complete"
[[ ! -e $tree/tmp/cache ]] || fail "a rehearsal brought something back"
expect_equal "$(stat -c %i "$tree")" "$folder"
expect_answer "$url/files" mine

# A change brings it back in place. It fails, and what served before has lost nothing.
expect_exit 3 ship config set SICK=yes
expect_err "'tmp', 'tmp/cache', 'tmp/cache/listed' changed on this server since it was unpacked; restored from the slug"
expect_equal "$(cat "$tree/tmp/cache/listed")" listed
expect_equal "$(stat -c %i "$tree")" "$folder"
expect_answer "$url/files" mine
expect_answer "$url" "Hello, Folder! This is release v4."
expect_equal "$(grep ^flushed "$tree.stamp")" "flushed yes"

# A tree without its stamp is replaced where the file system cannot exchange two names, too.
if type strace >/dev/null 2>&1 && strace -o /dev/null true; then
    rm "$tree.stamp"
    ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 expect_exit 0 \
        strace -f -qq -o /dev/null -e trace=renameat2 -e inject=renameat2:error=EINVAL "$SHIPIT_BIN" config set NAME=Moved
    [[ $(stat -c %i "$tree") != "$folder" ]] || fail "the tree is still the old one"
    expect_answer "$url" "Hello, Moved! This is release v6."
    expect_no_leftovers
fi
