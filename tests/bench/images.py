"""File systems made for measuring: an image in memory, mounted through a loop device.

Not the machine's own: a root file system without a journal that is mounted `discard`, as virtual
machines often have it, waits for the device at every unlink, and a disk's speed is no tool's merit.
"""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Failed, run

MEMORY = Path("/dev/shm")
MAKE = {
    # Not lazily: the kernel would go on making it while others are timed.
    "ext4": ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
    "xfs": ["mkfs.xfs", "-q"],
    "btrfs": ["mkfs.btrfs", "-q"],
}


class Image:
    """Mounted while the `with` lasts."""

    def __init__(self, kind, gigabytes):
        self.kind = kind
        self.bytes = int(gigabytes * (1 << 30))
        self.base = None

    def __enter__(self):
        free = shutil.disk_usage(MEMORY).free
        if free < self.bytes:
            raise Failed(f"{MEMORY} has {free >> 20} MiB free, and this takes {self.bytes >> 20}; "
                         "measure a smaller corpus")
        self.base = Path(tempfile.mkdtemp(prefix="shipit-bench.", dir=MEMORY))
        try:
            image = self.base / "image"
            with open(image, "wb") as file:
                file.truncate(self.bytes)
            run([*MAKE[self.kind], image])
            self.root.mkdir()
            run(["mount", "-o", "loop", image, self.root])
        except BaseException:
            shutil.rmtree(self.base)
            raise
        return self

    def __exit__(self, *_):
        if subprocess.run(["umount", self.root], check=False).returncode != 0:
            print(f"slug_engine: {self.root} is in use; it goes with its last user",
                  file=sys.stderr)
            subprocess.run(["umount", "-l", self.root], check=False)
        (self.base / "image").unlink()
        self.root.rmdir()
        self.base.rmdir()

    @property
    def root(self):
        return self.base / "root"

    def used(self):
        """Bytes that are allocated, after everything is written."""
        run(["sync", "-f", self.root])
        usage = shutil.disk_usage(self.root)
        return usage.used
