# shipit-slug(5) is exact enough to read a slug without shipit: its id comes out of what tar unpacks,
# and out of the list inside it, by zstd, xxhsum and a page of Python.
. "$(dirname "$0")/lib.sh"
needs zstd xxhsum python3

build=$scratch/build
mkdir -p "$build"/{a/b,a-b,empty,restored}
echo "one" >"$build/a/b/file"
echo "two" >"$build/a-b/file"
: >"$build/nothing"
chmod 600 "$build/nothing"
ln "$build/a/b/file" "$build/twin"
ln -s '../a b' "$build/a/link"
printf 'odd' >"$build"/$'tab\tnewline\nback\\slash\xff'
head -c 6000000 /dev/urandom >"$build/big"

expect_exit 0 ship create files
expect_exit 0 ship deploy "$build"
slug=$(echo "$SHIPIT_ROOT"/files/releases/*.tar.zst)
id=$(basename "$slug" .tar.zst)

# The list in the slug: in the skippable frame before the seek table, itself in zstd.
python3 - "$slug" "$scratch/packed" <<'END' >"$scratch/text_size"
import struct, sys

slug = open(sys.argv[1], "rb").read()
count, descriptor, magic = struct.unpack("<IBI", slug[-9:])
assert magic == 0x8F92EAB1, "no seekable-format footer"
entry_size = 12 if descriptor & 0x80 else 8
table_size = 8 + count * entry_size + 9
assert struct.unpack_from("<II", slug, len(slug) - table_size) == (0x184D2A5E, table_size - 8)
entries = slug[-9 - count * entry_size : -9]
sizes = [struct.unpack_from("<II", entries, i * entry_size) for i in range(count)]
assert sum(packed for packed, _ in sizes) + table_size == len(slug), "frames do not fill the file"
list_frame = slug[-table_size - sizes[-1][0] : -table_size]
magic, content_size = struct.unpack_from("<II", list_frame)
assert magic == 0x184D2A5A and content_size == len(list_frame) - 8
name, version, _, text_size, entry_count, frame_count = struct.unpack_from("<8sIIQQQ", list_frame, 8)
assert name == b"shipslug" and version == 1
open(sys.argv[2], "wb").write(list_frame[48:])
print(text_size)
END
zstd --decompress --stdout --quiet "$scratch/packed" | head -c "$(cat "$scratch/text_size")" >"$scratch/list"
expect_equal "$(xxhsum -H2 - <"$scratch/list" | cut -d' ' -f1)" "$id" "the hash of the list in the slug"

# The same list from what tar unpacks.
mkdir "$scratch/restored"
tar -C "$scratch/restored" --zstd -xpf "$slug"
python3 - "$scratch/restored" >"$scratch/rebuilt" <<'END'
import os, stat, subprocess, sys

top = os.fsencode(sys.argv[1])
paths = []
for folder, folders, files in os.walk(top):
    paths += [os.path.relpath(os.path.join(folder, name), top) for name in folders + files]
first_by_inode = {}


def escaped(name):
    return name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\t", b"\\t")


def xxh3_128(path):
    with open(path, "rb") as file:
        said = subprocess.run(["xxhsum", "-H2", "-"], stdin=file, capture_output=True, check=True)
    return said.stdout.split()[0]


def line(path):
    where = os.path.join(top, path)
    facts = os.lstat(where)
    mode, target = b"%04o" % (facts.st_mode & 0o777), b""
    kind, size, content = b"f", b"-", b"-"
    if stat.S_ISDIR(facts.st_mode):
        kind = b"d"
    elif stat.S_ISLNK(facts.st_mode):
        kind, mode, target = b"l", b"-", os.readlink(where)
    elif facts.st_ino in first_by_inode:
        kind, mode, target = b"h", b"-", first_by_inode[facts.st_ino]
    else:
        first_by_inode[facts.st_ino] = path
        size, content = b"%d" % facts.st_size, xxh3_128(where)
    return b"\t".join([kind, mode, size, content, escaped(path), escaped(target)]) + b"\n"


# Depth first, the names of each folder in byte order.
for path in sorted(paths, key=lambda path: path.split(b"/")):
    sys.stdout.buffer.write(line(path))
END
expect_exit 0 cmp "$scratch/list" "$scratch/rebuilt"
expect_equal "$(xxhsum -H2 - <"$scratch/rebuilt" | cut -d' ' -f1)" "$id" "the hash of the rebuilt list"

# What the manifest says of the slug is what sha256sum says.
expect_exit 0 ship info v1 --json
expect_equal "$(json "$out" 'it["slug"]["sha256"]')" "$(sha256sum "$slug" | cut -d' ' -f1)"
