"""A build that goes to another host: its sender is disturbed, or the receiver there, with the deploy that it begins.

Both are here, and between them is a connection as ssh makes one: a sender that is killed is the end of it for the
receiver, and the other way round.
"""

import os
import socket
import subprocess
import threading
import tomllib
from pathlib import Path

from cases import Deploy, web
from invariants import LEFTOVER
from world import RUNNER, SHIPIT, wait_for

SSH = """
import os, socket, sys, threading
host = socket.socket(socket.AF_UNIX)
host.connect(sys.argv[1])
def carry():
    while data := os.read(0, 65536):
        host.sendall(data)
    host.shutdown(socket.SHUT_WR)
threading.Thread(target=carry, daemon=True).start()
while data := host.recv(65536):
    while data:
        data = data[os.write(1, data):]
os._exit(0)
"""


class Host:
    """Runs `shipit receive app` for each that connects, as sshd does; under the runner, if `how` says so."""

    def __init__(self, world):
        self.world, self.how = world, None
        self.report = world.scratch / "report"
        self.log = open(world.scratch / "receive.log", "ab")
        path, ssh = world.scratch / "host.sock", world.scratch / "ssh.py"
        path.unlink(missing_ok=True)
        ssh.write_text(SSH)
        world.more["SHIPIT_SSH"] = f"python3 -S -E {ssh} {path}"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            program = [RUNNER, f"--report={self.report}", *self.how, "--"] if self.how else []
            words = [*program, SHIPIT, "--root", self.world.root, "receive", "app"]
            receiver = subprocess.Popen(words, stdin=connection, stdout=connection, stderr=self.log,
                                        start_new_session=True)
            connection.close()
            threading.Thread(target=receiver.wait, daemon=True).start()

    def is_quiet(self):
        """Whether nobody receives, or deploys what was received."""
        for folder in Path("/proc").iterdir():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0") if folder.name.isdigit() else []
            except OSError:
                continue  # gone
            if b"receive" in words and str(self.world.root).encode() in words:
                return False
        return True


class Push(Deploy):
    """push to another host, whose sender is disturbed"""

    def begin(self):
        super().begin()
        if self.world.host is None:
            self.world.host = Host(self.world)

    def words(self):
        return ["push", "--retries", "0", "host:app", self.world.next_build(), "-m", f"content {self.world.content}"]

    def disturbed(self, how, words):
        result, hit = super().disturbed(how, words)
        # A deploy that has begun goes on without its sender.
        assert wait_for(60, self.world.host.is_quiet), "the receiver does not end"
        return result, hit

    def failure(self):
        return super().failure() or self.seen_twice() or self.left_over()

    def seen_twice(self):
        wanted = f"content {self.world.content}"
        manifests = [tomllib.loads(file.read_text()) for file in (self.world.app / "releases").glob("v*.toml")]
        done = [f"v{m['version']}" for m in manifests if m["description"] == wanted and m["status"] == "succeeded"]
        return None if len(done) == 1 else f"{done} are releases of '{wanted}'"

    def left_over(self):
        pieces = [path.name for path in (self.world.app / "push").iterdir() if path.is_dir()]
        if pieces:
            return f"the pieces of {len(pieces)} pushes are there yet"
        cache = Path(os.environ["HOME"], ".cache/shipit")
        half_written = [path.name for path in cache.rglob("*") if LEFTOVER.match(path.name)]
        return f"there are {half_written} yet" if half_written else None


class Receive(Push):
    """push to another host, whose receiver is disturbed"""

    ended = (0, 1)  # of the sender, to which the connection ends, with the result said or not

    def disturbed(self, how, words):
        self.world.host.report.unlink(missing_ok=True)
        self.world.host.how = how
        result = self.world.ship(*words, expect=None)
        assert wait_for(60, self.world.host.is_quiet), "the receiver does not end"
        self.world.host.how = None
        return result, self.world.hit(self.world.host.report)


PUSHED = {"push": Push, "receive": Receive, "web_push": web(Push), "web_receive": web(Receive)}
