"""A folder, ports and processes of our own, of which nothing is left in the end."""
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from measure import Failed

# Where tests/e2e/lib.sh reserves its ports, too.
RESERVED = Path("/dev/shm/shipit-e2e-ports")


def wait_until(is_true, what, seconds=30.0, every=0.01):
    end = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > end:
            raise Failed(f"within {seconds:.0f} s this did not become true: {what}")
        time.sleep(every)


def answers(port):
    """Whether a server there answers one request."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def is_free(port):
    with socket.socket(socket.AF_INET6) as one:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("::", port))
        except OSError:
            return False
    return True


class Workplace:
    """On tmpfs, so that no disk is measured. Whatever is started here knows its folder by name:
    that is how what outlives its way is found in the end."""

    def __init__(self):
        parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.root = Path(tempfile.mkdtemp(prefix="shipit-bench-", dir=parent))
        self.root.chmod(0o755)
        # As little as shipit gives: NODE_EXTRA_CA_CERTS alone, say, doubles the time node takes to start.
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.root), "LC_ALL": "C.UTF-8"}
        self.reserved = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for asked_to_end in (signal.SIGINT, signal.SIGTERM):
            signal.signal(asked_to_end, signal.SIG_IGN)
        self.end_leftovers()
        shutil.rmtree(self.root, ignore_errors=True)
        for port in self.reserved:
            port.rmdir()

    def reserve_port(self):
        """Below the range from which the kernel takes the ports of outgoing connections."""
        RESERVED.mkdir(mode=0o1777, exist_ok=True)
        while True:
            port = random.randint(20000, 31999)
            try:
                (RESERVED / str(port)).mkdir()
            except FileExistsError:
                continue
            self.reserved.append(RESERVED / str(port))
            if is_free(port):
                return port

    def folder(self, name):
        """A new one."""
        path = self.root / name
        path.mkdir()
        return path

    def start(self, argv, cwd):
        """In a session of its own: ^C is for us alone. Its output is added to LOG beside it."""
        with open(self.log_of(cwd), "ab") as log:
            return subprocess.Popen(argv, cwd=cwd, env=self.environment, stdin=subprocess.DEVNULL,
                                    stdout=log, stderr=log, start_new_session=True)

    def run(self, argv, cwd):
        """To its end, which has to be a good one; what it wrote."""
        done = subprocess.run(argv, cwd=cwd, env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, start_new_session=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{' '.join(map(str, argv))}\n  ended with {done.returncode}: "
                         f"{(done.stderr + done.stdout).strip()[-2000:]}")
        return done.stdout

    def log_of(self, cwd):
        return cwd.parent / f"{cwd.name}.log"

    def leftovers(self):
        """Processes that our folder's name gives away, by arguments, environment or folder."""
        name = str(self.root).encode()
        found = []
        for process in Path("/proc").iterdir():
            if not process.name.isdigit() or int(process.name) == os.getpid():
                continue
            try:
                where = os.readlink(process / "cwd").encode()
                known = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            except OSError: # gone, or not ours to look into
                continue
            if name in where + known:
                found.append(int(process.name))
        return found

    def end_leftovers(self):
        """The first of them may start others while we look."""
        while pids := self.leftovers():
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)


def end(process, patience=10):
    """Asks it to stop and waits until it has."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
