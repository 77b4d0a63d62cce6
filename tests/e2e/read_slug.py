#!/usr/bin/env python3
"""Reads a slug by what shipit-slug(5) says, with tar, zstd and xxhsum and nothing of shipit's.

usage: read_slug.py ID.tar.zst

Recomputes the slug's id twice: from the file list that it carries, and from the tar alone. Checks
the table's offsets, times and frame hashes too. Prints the id; exits 1 with the reason if anything
is not as the manual page says.
"""

import os
import struct
import subprocess
import sys
import tarfile
import tempfile


def xxh128(data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        out = subprocess.run(["xxhsum", "-q", "-H2", file.name], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, check=True).stdout
        return out.split()[0].decode().lstrip("\\")


def unzstd(data):
    return subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout


def require(holds, what):
    if not holds:
        sys.exit("read_slug: " + what)


def frames_of(slug):
    """From the seek table at the end: (offset, packed, unpacked) of every frame before it."""
    count, descriptor, magic = struct.unpack("<IBI", slug[-9:])
    require(magic == 0x8F92EAB1 and descriptor == 0, "no seek table")
    start = len(slug) - (8 + 8 * count + 9)
    require(struct.unpack("<II", slug[start:start + 8]) == (0x184D2A5E, 8 * count + 9), "no seek table frame")
    frames, at = [], 0
    for i in range(count):
        packed, unpacked = struct.unpack_from("<II", slug, start + 8 + 8 * i)
        frames.append((at, packed, unpacked))
        at += packed
    require(at == start, "frames do not fill the file")
    return frames


def list_frame(slug, frame):
    """The list's text, the times, the hashes of the data frames."""
    at, packed, _ = frame
    magic, size = struct.unpack_from("<II", slug, at)
    require(magic == 0x184D2A5A and size == packed - 8, "no list frame")
    name, version, reserved, text_size, entries, frames = struct.unpack_from("<8sIIQQQ", slug, at + 8)
    require((name, version, reserved) == (b"shipslug", 1, 0), "not the format of this page")
    payload = unzstd(slug[at + 48:at + packed])
    require(len(payload) == text_size + 8 * entries + 16 * frames, "list of another size")
    times = struct.unpack_from("<%dq" % entries, payload, text_size)
    hashes = [payload[i:i + 16].hex() for i in range(text_size + 8 * entries, len(payload), 16)]
    return payload[:text_size], times, hashes


def escaped(name):
    return name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\t", b"\\t")


def line_of(tar, member):
    path, target = os.fsencode(member.name), os.fsencode(member.linkname)
    mode, size, content = b"%04o" % member.mode, b"-", b"-"
    if member.isdir():
        kind, target = b"d", b""
    elif member.issym():
        kind, mode = b"l", b"-"
    elif member.islnk():
        kind, mode = b"h", b"-"
    else:
        kind, target = b"f", b""
        data = tar.extractfile(member).read()
        size, content = b"%d" % len(data), xxh128(data).encode()
    return b"\t".join([kind, mode, size, content, escaped(path), escaped(target)]) + b"\n"


def main():
    path = sys.argv[1]
    with open(path, "rb") as file:
        slug = file.read()
    frames = frames_of(slug)
    text, times, hashes = list_frame(slug, frames[-1])

    data_frames = [frame for frame in frames if frame[2] > 0]
    require(len(data_frames) == len(hashes), "another number of data frames")
    for (at, packed, unpacked), expected in zip(data_frames, hashes):
        data = unzstd(slug[at:at + packed])
        require(len(data) == unpacked and xxh128(data) == expected, "frame at %d is damaged" % at)

    with tempfile.NamedTemporaryFile() as file:
        file.write(unzstd(slug))
        file.flush()
        with tarfile.open(file.name, "r:") as tar:
            members = tar.getmembers()
            from_tar = b"".join(line_of(tar, member) for member in members)
    require([member.mtime for member in members] == list(times), "times differ from the tar's")
    require(from_tar == text, "the list differs from the tar")
    slug_id = xxh128(text)
    require(os.path.basename(path) == slug_id + ".tar.zst", "the id is %s" % slug_id)
    print(slug_id)


main()
