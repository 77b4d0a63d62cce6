# One flipped byte in a slug: `verify` names the slug and exits 7, and going back to it is refused
# while the live release goes on serving.
. "$(dirname "$0")/lib.sh"
needs curl

hello_is_live
sed -i 's/Hello/Good morning/' "$scratch/hello/server.py"
expect_exit 0 ship deploy "$scratch/hello" -m "Greet politely"
expect_answer "$url" "Good morning"
expect_exit 0 ship verify

slug=$(basename "$(readlink "$SHIPIT_ROOT/hello/releases/v1")")
file=$SHIPIT_ROOT/hello/releases/$slug.tar.zst
chmod u+w "$file"
python3 - "$file" <<'END'
import os, sys
with open(sys.argv[1], "r+b") as file:
    middle = os.path.getsize(sys.argv[1]) // 2
    file.seek(middle)
    byte = file.read(1)[0]
    file.seek(middle)
    file.write(bytes([byte ^ 0x10]))
END

expect_exit 7 ship verify
expect_in "${slug:0:10}"
expect_exit 7 ship verify v1
expect_exit 0 ship verify v2

# The unpacked tree is a cache: without it there is only the slug to go back to.
chmod -R u+w "$SHIPIT_ROOT/hello/trees/$slug"
rm -rf "$SHIPIT_ROOT/hello/trees/$slug"
expect_exit 7 ship rollback v1
expect_in "${slug:0:10}"
expect_answer "$url" "Good morning, World! This is release v2."
expect_equal "$(readlink "$SHIPIT_ROOT/hello/current")" "releases/v2"
