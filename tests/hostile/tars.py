"""Archives as nobody but an attacker writes them."""

import io
import struct
import subprocess
import tarfile


def header(name="file", size=0, mode=0o644, kind=b"0", link="", **more):
    """One block; `more` are fields of tarfile.TarInfo, or raw=BYTES at=OFFSET to write over it."""
    raw, at = more.pop("raw", None), more.pop("at", 0)
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.type, info.linkname = size, mode, kind, link
    for field, value in more.items():
        setattr(info, field, value)
    block = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    if raw is not None:
        block = block[:at] + raw + block[at + len(raw):]
        block = with_checksum(block)
    return block


def with_checksum(block):
    total = sum(block[:148]) + 8 * 32 + sum(block[156:512])
    return block[:148] + b"%06o\0 " % total + block[156:]


def padded(data):
    return data + bytes(-len(data) % 512)


def file(name="file", content=b"content", **more):
    return header(name, len(content), **more) + padded(content)


def folder(name, **more):
    return header(name, kind=b"5", **{"mode": 0o755, **more})


def symlink(name, target):
    return header(name, kind=b"2", link=target, mode=0o777)


def hard_link(name, target, **more):
    return header(name, kind=b"1", link=target, **more)


def pax(records, kind=b"x", name="pax"):
    """Its records, given as pairs or, to lie about their lengths, as bytes."""
    if not isinstance(records, bytes):
        records = b"".join(record(key.encode(), value if isinstance(value, bytes) else value.encode())
                           for key, value in records)
    return header(name, len(records), kind=kind) + padded(records)


def record(key, value):
    size = len(key) + len(value) + 3
    while len(b"%d" % size) + len(key) + len(value) + 3 != size:
        size += 1
    return b"%d %s=%s\n" % (size, key, value)


def tar(*entries, end=2):
    return b"".join(entries) + bytes(512 * end)


def zstd(data, *options):
    return subprocess.run(["zstd", "-qc", *options], input=data, stdout=subprocess.PIPE, check=True).stdout


def gzip(data):
    return subprocess.run(["gzip", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def frame(*blocks, window=0x38, descriptor=0, more=b""):
    """A zstd frame without a checksum; a block is BYTES as they are or (BYTE, COUNT)."""
    out = io.BytesIO()
    out.write(b"\x28\xb5\x2f\xfd" + bytes([descriptor, window]) + more)
    for number, block in enumerate(blocks):
        last = number == len(blocks) - 1
        if isinstance(block, bytes):
            out.write((last | len(block) << 3).to_bytes(3, "little") + block)
        else:
            out.write((last | 1 << 1 | block[1] << 3).to_bytes(3, "little") + block[0])
    return out.getvalue()


def zeros(count, part=1 << 17):
    return [(b"\0", part)] * (count // part)


def skippable(data, claimed=None):
    return struct.pack("<II", 0x184D2A50, len(data) if claimed is None else claimed) + data
