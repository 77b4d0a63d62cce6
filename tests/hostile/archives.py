"""Archives and streams, 1 to 45."""

import os
import random
import signal
import subprocess
import time

from box import wait_for
from table import deploy, elsewhere, row, ship
from tars import (file, folder, frame, gzip, hard_link, header, pax, record, skippable, symlink, tar, with_checksum,
                  zeros, zstd)

GOOD = tar(folder("a"), file("a/one", b"1" * 600), file("two", b"2" * 100))
PLAIN = ("plain",)
NOISE = random.Random(4711).randbytes(20000)


def each(inputs, exits, *says, **how):
    return [deploy(data, exits, *says, **how) for data in inputs]


# --- What is no archive, or a part of one ---

row(1, "an empty file", deploy(b"", 1, "it is empty"))
row(2, "nothing but zero blocks", deploy(bytes(1024), 1, "empty"), deploy(bytes(10240), 1, "empty"))
row(3, "a text file", deploy(b"This is no archive.\n" * 40, 1, "no archive"))
row(4, "a tar cut at each block", *each([GOOD[:at] for at in range(512, len(GOOD) - 1024, 512)], 1, modes=PLAIN))
row(5, "a tar cut inside a header", deploy(GOOD[:512 + 200], 1, "Truncated"))
row(6, "a tar cut inside a file", deploy(GOOD[:1024 + 300], 1, "Truncated"))
row(7, "a tar without end blocks", deploy(GOOD[:-1024], 1, "cut off"))
row(8, "a tar with one end block", deploy(GOOD[:-512], (0, 1)))
row(9, "garbage behind the end", deploy(GOOD + b"garbage" * 100, 1, "end"))
row(10, "a second archive behind the first", deploy(GOOD + tar(file("evil")), 1, "end"))
row(11, "a wrong checksum in the first, the middle, the last header",
    *each([GOOD[:at] + b"X" + GOOD[at + 1:] for at in (0, 512, 2048)], 1))
row(12, "a header of random bytes", deploy(NOISE[:5120], 1), deploy(tar(file(), NOISE[:512], file("two")), 1))

# --- Where it would write ---

row(13, "names that lead out: ../x, a/../.., ..",
    *each([tar(file("first"), file(name)) for name in ("../x", "a/../../beside/x", "..", "a/..", "a/../..")], 1),
    deploy(tar(file("first"), pax([("path", "../x")]), file()), 1))
row(14, "absolute names", *[deploy(lambda box, to=to: tar(file("first"), file(f"{box.beside}{to}")), 1)
                            for to in ("/new", "/secret")],
    deploy(tar(file("//etc/x")), 1))
row(15, "a symlink, and what would be written through it",
    deploy(tar(symlink("l", "../../../beside"), file("l/new")), 1),
    deploy(lambda box: tar(symlink("l", str(box.beside)), file("l/secret")), 1),
    deploy(tar(*[symlink(f"l{n}", f"l{n + 1}") for n in range(20)], symlink("l20", ".."), file("l0/x")), 1),
    deploy(tar(symlink("l", "l"), file("l/x")), 1),
    deploy(tar(symlink("l", "."), file("l/x")), 1),
    deploy(tar(folder("a"), symlink("a/l", ".."), file("a/l/x")), 1))
row(16, "a symlink in the place of a file or folder, and they in its place",
    *each([tar(symlink("a", "b"), file("a")), tar(symlink("a", "b"), folder("a", mode=0o777)),
           tar(file("a"), symlink("a", "b")), tar(folder("a"), symlink("a", "b")),
           tar(folder("a"), symlink("a", "b"), file("a/x"))], 1, "a"))
row(17, "hard links: outside, absolute, through a link, to a symlink, itself, a folder, nothing, what comes later",
    *each([tar(file("first"), hard_link("h", to)) for to in ("../../beside/secret", "/etc/passwd", "h", "none", "later")], 1),
    deploy(lambda box: tar(symlink("l", str(box.beside)), hard_link("h", "l/secret")), 1),
    deploy(tar(symlink("l", "first"), hard_link("h", "l")), 0),
    deploy(tar(symlink("d/l", "../first"), hard_link("h", "d/l")), 1),
    deploy(tar(folder("d"), hard_link("h", "d")), 1),
    deploy(tar(hard_link("h", "later"), file("later")), 1))
row(18, "a hard link with content",
    deploy(tar(file("a"), hard_link("h", "a", raw=b"00000000007\0", at=124) + b"changed".ljust(512, b"\0")), 1),
    deploy(tar(file("a"), pax([("linkpath", "a"), ("size", "7")]),
               hard_link("h", "a") + b"changed".ljust(512, b"\0")), 1))
row(19, "a name twice: a and a, a/, ./a, a//, b/../a",
    *each([tar(file("a"), file(name, b"other")) for name in ("a", "./a", "a//", ".//a", "b/../a")], 1),
    deploy(tar(file("a"), folder("a/")), 1))
row(20, "a file, and then one below it", deploy(tar(file("a"), file("a/child")), 1))
row(21, "names that differ in case alone", deploy(tar(file("a"), file("A", b"x")), 0))
row(22, "twins in Unicode: composed and decomposed", deploy(tar(file("\u00e9"), file("e\u0301", b"x")), 0))
row(23, "devices, FIFOs, sockets, contiguous files and types unknown",
    *each([tar(file("first"), header("d", kind=kind, devmajor=8)) for kind in (b"3", b"4", b"6", b"V", b"M")],
          1),
    # POSIX (pax, ustar): what is not known is a plain file.
    *each([tar(file("first"), header("d", kind=kind, devmajor=8)) for kind in (b"s", b"Z")], 0),
    deploy(tar(file("c", kind=b"7")), (0, 1)))

# --- What it would say of itself ---


def modes_are_plain(box):
    for found in (box.app / "current").resolve().rglob("*"):
        box.expect(found.is_symlink() or found.stat().st_mode & 0o7000 == 0, f"{found} kept a bit of set-uid")


row(24, "set-uid, set-gid, sticky, mode 0, folders of mode 0 and 0111",
    deploy(tar(file("s", mode=0o6755), file("t", mode=0o1777), file("z", mode=0), folder("d", mode=0),
               folder("e", mode=0o111), file("e/x"), folder("f", mode=0o7777)), 0), modes_are_plain)
row(25, "owners 2^31, -1 and names that nobody has",
    deploy(tar(file("a", uid=2**31, gid=2**31), file("b", uname="nobody\u202e", gname="\x1b[2J"),
               file("c", raw=b"\xff" * 8, at=108)), 0))
row(26, "extended attributes: capability, selinux, user",
    deploy(tar(pax([("SCHILY.xattr.security.capability", b"\1\0\0\2\0\x20\0\0" + bytes(12)),
                    ("LIBARCHIVE.xattr.user.x", "eA"), ("RHT.security.selinux", "root:x:y:z")]), file("p", mode=0o755)), 0),
    lambda box: box.expect(not os.listxattr(box.app / "current/p"), "an attribute was kept"))
row(27, "an ACL", deploy(tar(pax([("SCHILY.acl.access", "user::rw-,user:0:rwx,group::rwx,mask::rwx,other::rwx")]), file()), 0))
row(28, "file flags", deploy(tar(pax([("SCHILY.fflags", "immutable,append")]), file()), 0))
row(29, "sparse files: of 1 PiB, with maps that overlap or go backwards",
    *each([tar(pax([("GNU.sparse.major", "0"), ("GNU.sparse.minor", "1"), ("GNU.sparse.name", "s"),
                    ("GNU.sparse.size", size), ("GNU.sparse.map", spots)]), file("s", b"1234567"))
           for size, spots in ((str(2**50), "0,7"), ("100", "0,4,2,3"), ("100", "0,4,-2,3"), ("100", "90,4,2,3"),
                               ("3", "0,7"), ("100", "0,4,4"))], 1))
row(30, "sizes that are negative, overflow, lie",
    *each([tar(pax([("size", size)]), file()) for size in ("-1", "99999999999999999999999", str(2**63 - 1), "1e3", "")], (0, 1)),
    deploy(tar(header("a", raw=b"\xff" * 12, at=124)), 1), deploy(tar(header("a", raw=b"77777777777\0", at=124)), 1))
row(31, "pax headers that change path or linkpath, global ones too",
    deploy(tar(pax([("path", "/etc/evil")]), file()), 1), deploy(tar(pax([("path", "../evil")], b"g"), file()), (0, 1)),
    deploy(tar(file("a"), pax([("linkpath", "/etc/passwd")]), hard_link("h", "a")), 1))
row(32, "pax records: of wrong length, without a newline, with a NUL",
    *each([tar(pax(b"99999 path=x\n"), file()), tar(pax(b"3 p\n"), file()), tar(pax(b"0 path=x\n"), file()),
           tar(pax(b"x path=x\n"), file())], 1),
    deploy(tar(pax(record(b"path", b"x")[:-1] + b"X"), file()), (0, 1)), deploy(tar(pax([("path", b"ok\0../x")]), file()), (0, 1)))
row(33, "a long name of 8 MiB", deploy(tar(header("././@LongLink", 8 << 20, kind=b"L") + b"x" * (8 << 20), file()), 1))
row(34, "as many files as the limit, and one more (of ten thousand, not of a million)",
    ship("set slug.max_entries=10000", 0),
    deploy(lambda box: tar(*[file(f"f{n}", b"") for n in range(10000)]), 0, modes=PLAIN),
    deploy(lambda box: tar(*[file(f"f{n}", b"") for n in range(10001)]), 1, "10000", "slug.max_entries"))
row(35, "folders 2,000 deep",
    deploy(tar(pax([("path", "d/" * 2000 + "x")]), file()), 1, "slug.max_depth"),
    deploy(tar(pax([("path", "long" * 1200)]), file()), 1, "slug.max_name"))

# --- Compressed ---

HUGE = header("zeros", 100 << 30)
row(36, "a bomb: 100 GiB of zeros", deploy(lambda box: frame(HUGE, *zeros(100 << 30)), 1, "slug.max_"))
row(37, "a bomb in many frames", deploy(lambda box: frame(HUGE) + frame(*zeros(1 << 30)) * 100, 1, "slug.max_"))
row(38, "a zstd window of 2^31", deploy(frame(GOOD, window=(31 - 10) << 3), 1, "memory"))
row(39, "a zstd dictionary that nobody has", deploy(frame(GOOD, descriptor=1, more=b"\5"), 1, "Dictionary"))
row(40, "skippable frames: in front, behind, one that claims 4 GiB",
    deploy(lambda box: skippable(b"x" * 100) + zstd(GOOD), 0),
    deploy(lambda box: zstd(GOOD) + skippable(b"x" * 100), 0),
    deploy(lambda box: zstd(GOOD) + skippable(b"x" * 100, claimed=0xFFFFFFFF), 1))
row(41, "a zstd stream that lacks its last byte", deploy(lambda box: zstd(GOOD)[:-1], 1, "Truncated"))


def flipped(box):
    whole = zstd(tar(file("noise", NOISE)))
    for at in range(0, len(whole), 1000):
        deploy(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:], 1, modes=PLAIN)(box)


row(42, "a bit flipped in every 1,000th byte", flipped)
row(43, "the first bytes of gzip, xz, lzip, lrzip, rar, 7z, and nothing of theirs behind",
    *each([magic + b"garbage" * 50 for magic in (b"\x1f\x8b\x08\0", b"\xfd7zXZ\0", b"LZIP\1", b"LRZI", b"Rar!\x1a\7\0",
                                                 b"7z\xbc\xaf\x27\x1c")], 1),
    deploy(lambda box: gzip(gzip(tar(file()))), 1))


# --- How it comes ---


def slowly(box):
    """Byte by byte: it is the same archive."""
    data = zstd(tar(file("slow", b"slow")))
    process = box.start(["deploy", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for byte in data:
        os.write(process.stdin.fileno(), bytes([byte]))
        time.sleep(0.001)
    process.stdin.close()
    box.tries += 1
    box.expect(process.wait() == 0 and (box.app / "current/slow").exists(), "a slow sender's archive was not deployed")


def stalled(box):
    """It says no more, and somebody loses patience."""
    process = box.start(["deploy", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    os.write(process.stdin.fileno(), GOOD[:700])
    box.expect(wait_for(10, lambda: box.leftovers()), "it does not begin to read")
    process.send_signal(signal.SIGINT)
    box.tries += 1
    box.expect(process.wait(20) in (130, -signal.SIGINT), "SIGINT does not end it")
    box.expect(not box.leftovers(), f"left over: {box.leftovers()}")


row(44, "senders that are slow, that stall, that are killed", slowly, stalled, deploy(GOOD[:700], 1, "Truncated"))


def swapped(box):
    """v1's slug is v2's: each whole, and neither what its name says."""
    ids = {number: box.facts("info", f"v{number}")["slug"]["id"] for number in (1, 2)}
    slug = box.app / "releases" / f"{ids[1]}.tar.zst"
    slug.chmod(0o644)
    slug.write_bytes((box.app / "releases" / f"{ids[2]}.tar.zst").read_bytes())
    subprocess.run(["rm", "-rf", box.app / "trees" / ids[1]], check=True)
    box.attempt(["verify"], (7,), [ids[1][:10]])
    box.attempt(["rollback", "v1"], (7,), [ids[1][:10]])


row(45, "a whole slug under the name of another", swapped, damaged=True)
