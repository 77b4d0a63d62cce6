"""The power is cut at each call that commits something, on a file system that is told to stop at once
(FS_IOC_SHUTDOWN) with its log flushed, or not; then it is mounted again, and looked at."""

import fcntl
import os
import struct
import subprocess
from pathlib import Path

from invariants import violations
from trial import Trial
from world import wait_for

SHUTDOWN = 0x8004587D
FLUSH_LOG, LOSE_LOG = 1, 2
COMMITTING = ("fsync,fdatasync,syncfs,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,"
              "mkdir,mkdirat")


def cut_power(mount, flushes_log):
    fd = os.open(mount, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", FLUSH_LOG if flushes_log else LOSE_LOG))
    finally:
        os.close(fd)


class PowerTrial(Trial):
    """Of an app that is files only: nothing runs that would keep the file system busy."""

    def __init__(self, options, case):
        super().__init__(options, case)
        self.mount, self.image = os.path.join(options.scratch, "disk"), os.path.join(options.scratch, "image")
        self.world.root = self.world.root.parent / "disk/root"
        self.world.app = self.world.root / "app"
        self.boots = 0

    def mount_again(self):
        def is_unmounted():
            return subprocess.run(["umount", self.mount], stderr=subprocess.DEVNULL).returncode == 0

        assert wait_for(10, is_unmounted), "what was shut down cannot be unmounted"
        subprocess.run(["mount", "-o", "loop", self.image, self.mount], check=True)
        # For shipit, which tells by it what was written since, the host has been booted.
        self.boots += 1
        Path(self.options.scratch, "boot_id").write_text(f"00000000-0000-4000-8000-{self.boots:012}\n")

    def disturb(self, number, _):
        if self.case is None:
            self.begin_epoch()
        words = self.case.words()
        how = [f"--cut={number}", f"--under={self.mount}", f"--only={COMMITTING}"]
        result, hit = self.world.disturbed(how + ["--flush-log"] * self.options.flush_log, *words)
        found = []
        if hit is None:
            if result.code != 0:
                found.append(f"undisturbed, but {result}")
            cut_power(self.mount, self.options.flush_log)
        self.mount_again()
        found += violations(self.world, is_settled=False, may_be_torn=True)
        if hit is None and (failure := self.case.failure()):
            found.append(f"it was done before the power was cut, but {failure}")
        again = self.world.ship(*words, expect=None)
        if again.code not in self.case.repeats:
            found.append(f"run again, {again}")
        if failure := self.case.failure():
            found.append(f"in the end, {failure}")
        found += violations(self.world, is_settled=True, may_be_torn=True)
        self.end_round(f"power cut at call {hit or number}", found, result, hit)
        return hit is not None
