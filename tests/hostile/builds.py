"""Build folders, 46 to 60."""

import os
import socket
import subprocess
import threading

from table import SHIPIT, deploy, elsewhere, folder, in_mounts, row, ship
from tars import file, tar

row(46, "an empty folder", folder({}, 1, "empty"))
row(47, "a folder that is not there", ship("deploy missing", 1, "there is no build 'missing'"))
row(48, "a file that is no archive", deploy(b"#!/bin/sh\n", 1, "archive", name="script"))


def link_to_folder(box):
    (box.inputs / "real").mkdir()
    (box.inputs / "real/file").write_text("x")
    (box.inputs / "link").symlink_to("real")
    box.attempt(["deploy", "link"], (0,))


row(49, "a symlink to a folder", link_to_folder)
row(50, "a folder that holds its own root",
    ship(lambda box: ["deploy", box.box], 2, "root"),
    ship(lambda box: ["deploy", box.app], (1, 2), "root"), ship(lambda box: ["deploy", box.root], 2, "root"))


def as_nobody(box):
    """Everything is nobody's, but for one file that only root may read."""
    (box.inputs / "build").mkdir()
    (box.inputs / "build/private").write_text("x")
    program = box.inputs / "shipit"
    subprocess.run(["cp", SHIPIT, program], check=True)
    subprocess.run(["chown", "-R", "nobody", box.root, box.box / "home"], check=True)
    (box.inputs / "build/private").chmod(0)
    box.attempt(["deploy", box.inputs / "build"], (1,), ["private", "Permission denied"],
                program=["setpriv", "--reuid=nobody", "--clear-groups", program])


row(51, "a file that may not be read", as_nobody, needs_root=True)


def restless(change):
    """A build that somebody changes all the while."""
    def run(box):
        build = box.inputs / "restless"
        build.mkdir()
        (build / "other").write_text("other")
        over = threading.Event()

        def meddle():
            round = 0
            while not over.is_set():
                round += 1
                try:
                    change(build, round, box)
                except OSError:
                    pass  # the other half of the change is still there

        meddler = threading.Thread(target=meddle)
        meddler.start()
        try:
            for _ in range(5):
                box.attempt(["deploy", "--force", build], (0, 1), modes=("plain",), advice=False)
        finally:
            over.set()
            meddler.join()
        for slug in (box.app / "releases").glob("*.tar.zst"):
            content = subprocess.run(["zstd", "-dcq", slug], stdout=subprocess.PIPE).stdout
            box.expect(b"secret of somebody else" not in content, f"{slug} holds what is outside the build")
    return run


def grow_and_shrink(build, round, box):
    if round % 3 == 2:
        (build / "file").unlink()
    else:
        (build / "file").write_text("x" * (round % 7 * 30000))


def fold_and_link(build, round, box):
    spot = build / "spot"
    if round % 2:
        spot.unlink(missing_ok=True)
        spot.mkdir()
        (spot / "secret").write_text("mine")
    else:
        (spot / "secret").unlink()
        spot.rmdir()
        spot.symlink_to(box.beside)


row(52, "a file that grows, shrinks and goes while it is packed", restless(grow_and_shrink))
row(53, "a folder that becomes a symlink while it is packed", restless(fold_and_link))


def with_fifo(build, box):
    (build / "file").write_text("x")
    os.mkfifo(build / "pipe")


def with_socket(build, box):
    (build / "file").write_text("x")
    here = os.getcwd()
    os.chdir(build)  # its name is longer than an address takes
    with socket.socket(socket.AF_UNIX) as s:
        s.bind("socket")
    os.chdir(here)




def instead(box):
    """Somebody writes into it, slowly: it is read to its end, as any stream is."""
    os.mkfifo(box.inputs / "fifo")
    writer = threading.Thread(target=lambda: (box.inputs / "fifo").write_bytes(tar(file())[:700]))
    writer.start()
    box.attempt(["deploy", "fifo"], (1,), ["fifo", "Truncated"], modes=("plain",))
    writer.join()


row(54, "a FIFO in it, and one in its place", folder(with_fifo, 1, "pipe"), instead)
row(55, "a socket in it", folder(with_socket, 1, "socket"))
row(56, "/dev and /proc/self", ship("deploy /dev/null", 1, "/dev/null"), ship("deploy /dev/pts", 1),
    ship("deploy /proc/self", (0, 1)))
row(57, "a file of 9 GiB", elsewhere("unit: a file of more than 8 GiB has a size that tar understands"))


def odd_times(build, box):
    for name, seconds in (("past", -86400), ("before", -2**31), ("future", 2**33 + 1), ("far", 2**34)):
        (build / name).write_text(name)
        os.utime(build / name, ns=(0, seconds * 10**9 + 123456789))


row(58, "times before 1970, beyond 2^33, with nanoseconds", folder(odd_times, 0))


def mounted(box):
    """Another file system is a part of the build, as any folder is."""
    (box.inputs / "build/inside").mkdir(parents=True)
    (box.inputs / "build/file").write_text("x")
    box.attempt(["deploy", "build"], (0,), program=in_mounts(f"mount -t tmpfs none {box.inputs}/build/inside; "
                                                             f"echo y >{box.inputs}/build/inside/file"))
    box.expect((box.app / "current/inside/file").exists(), "what is mounted in the build was left out")


row(59, "a file system mounted inside", mounted, needs_root=True)


def many_links(build, box):
    (build / "first").write_text("once" * 1000)
    for number in range(10000):
        os.link(build / "first", build / f"link{number}")


row(60, "10,000 hard links to one file", folder(many_links, 0, modes=("plain",)),
    lambda box: box.expect((box.app / "current/link9999").stat().st_ino == (box.app / "current/first").stat().st_ino,
                           "what was one file is two"),
    damaged=True)  # not looked at afterwards, since Python's tarfile takes long for so many links
