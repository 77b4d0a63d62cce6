"""What a command is disturbed in: a root, an app there, its builds, and who asks it all the while."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

SHIPIT = os.environ["SHIPIT_BIN"]
BUILT = Path(os.environ["SHIPIT_BUILD"])
RUNNER = BUILT / "tests/fault/fault_runner"
LONGEST = 90  # seconds that any command may take
MOST_SAID = 1 << 20  # bytes of what it says


class Result:
    def __init__(self, words, code, out, err):
        self.words, self.code, self.out, self.err = words, code, out, err

    def __str__(self):
        said = "".join(f"\n      {line}" for line in (self.out + self.err).splitlines()[-12:])
        return f"`shipit {' '.join(map(str, self.words))}` gave {self.code}{said}"


class Hit:
    """The call that was disturbed."""

    def __init__(self, line):
        number, self.what, self.name, self.target = (line.split(" ", 3) + [""])[:4]
        self.number = int(number)

    def __str__(self):
        return f"{self.number}: {self.name} {self.target}"


def now_us():
    return time.time_ns() // 1000


def wait_for(seconds, condition):
    """Whether it becomes true in that time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


class World:
    """A root with the app `app` in it; of `kind` "web", it serves on `port`, of "files", it does not."""

    def __init__(self, scratch, root, kind, port):
        self.scratch, self.root, self.kind, self.port = Path(scratch), Path(root), kind, port
        self.app = self.root / "app"
        self.folder = self.scratch / "build"
        self.content = 0
        self.hammer = None
        self.host = None  # to which builds are pushed
        self.program, self.more = SHIPIT, {}  # of what is run, and what its environment has beside
        self.taken = {}  # release number: what it was; never another thing

    # --- Running shipit ---

    def environment(self):
        return {**os.environ, "SHIPIT_ROOT": str(self.root), "SHIPIT_APP": "app", **self.more}

    def run(self, program, words):
        # No pipes, which a supervisor would keep open; files of its own, since clients run at once.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            try:
                code = subprocess.run([*program, *map(str, words)], stdin=subprocess.DEVNULL, stdout=out,
                                      stderr=err, env=self.environment(), timeout=LONGEST).returncode
            except subprocess.TimeoutExpired:
                code = "no end"
            said = [os.pread(file.fileno(), MOST_SAID, 0).decode(errors="replace") for file in (out, err)]
        return Result(words, code, *said)

    def ship(self, *words, expect=0):
        result = self.run([self.program], words)
        assert expect is None or result.code == expect, f"preparing: {result}"
        return result

    def facts(self, *words):
        return json.loads(self.ship(*words, "--json").out)

    def disturbed(self, how, *words):
        """Runs a command under the runner with the options `how`: its result, and the call or None."""
        report = self.scratch / "report"
        report.unlink(missing_ok=True)
        result = self.run([RUNNER, f"--report={report}", *how, "--", SHIPIT], words)
        return result, self.hit(report)

    @staticmethod
    def hit(report):
        """The call that a report of the runner's tells of, or None."""
        lines = report.read_text(errors="replace").splitlines() if report.exists() else []
        assert not any(line.startswith("error ") for line in lines), lines
        hits = [Hit(line) for line in lines if line[:1].isdigit()]
        return hits[0] if hits else None

    # --- What is deployed ---

    def next_build(self, folder=None):
        """Its folder; no two have the same content."""
        self.content += 1
        folder = folder or self.folder
        if not folder.exists():
            (folder / "sub/empty").mkdir(parents=True)
            (folder / "same").write_text("in each of them\n" * 50)
            (folder / "program").write_text("#!/bin/sh\n")
            (folder / "program").chmod(0o755)
            (folder / "link").symlink_to("sub/content")
            os.link(folder / "same", folder / "sub/same")
            lines = ['[health]', 'path = "/"', 'timeout = "20s"', 'passes = 1', 'watch = "0s"', 'warm = "0s"']
            if self.kind == "web":
                server = BUILT / "tests/load/plain_server"
                lines += ['[processes]', f'web = "{server} {self.port}"']
            (folder / "shipit.toml").write_text("\n".join(lines if self.kind == "web" else []) + "\n")
        (folder / "sub/content").write_text(f"content {self.content}\n")
        return folder

    def deploy_next(self):
        self.ship("deploy", self.next_build(), "-m", f"content {self.content}")

    def create(self, name="app"):
        self.ship("create", name)
        if self.kind == "web":
            self.ship("-a", name, "set", f"app.port={self.port}")

    def destroy(self, name="app"):
        self.ship("destroy", name, "--confirm", name)
        self.taken.clear()

    def live_content(self):
        file = self.app / "current/sub/content"
        return file.read_text().removeprefix("content ").strip() if file.exists() else None

    def live(self):
        """The number of the release that `current` points at, or None."""
        try:
            return int(os.readlink(self.app / "current").removeprefix("releases/v"))
        except FileNotFoundError:
            return None

    # --- Who asks it ---

    def start_hammer(self, clients=1, pause_us=3000):
        if self.kind != "web":
            return
        self.hammered = open(self.scratch / "hammered", "w+")
        self.hammer = subprocess.Popen([BUILT / "tests/load/hammer", str(self.port), str(clients), str(pause_us)],
                                       stdout=self.hammered)

    def end_hammer(self):
        """What it counted, for each of its phases."""
        self.hammer.send_signal(signal.SIGTERM)
        self.hammer.wait()
        self.hammer = None
        self.hammered.seek(0)
        counts = [json.loads(line) for line in self.hammered]
        self.hammered.close()
        return counts

    def lost_requests(self, rounds=()):
        """Ends the hammer; what it complains of, and in which round: of each is given when it ended, and its name."""
        if self.hammer is None:
            return []
        counts = self.end_hammer()[0]
        found = []
        if counts["failed"] or counts["requests"] == 0:
            found.append(f"{counts['failed']} of {counts['requests']} requests failed: {counts['failures']}")
        for moment in counts["failed_us"]:
            found.append("one of them at " + next((name for end, name in rounds if moment <= end), "the very end"))
        return found

    def answer(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as page:
                return page.read().decode().strip()
        except OSError as error:
            return str(error)

    def running(self):
        """By pid, of which release the app's processes are."""
        found = {}
        for folder in Path("/proc").iterdir():
            try:
                if folder.name.isdigit() and os.readlink(folder / "cwd").startswith(f"{self.app}/trees/"):
                    for variable in (folder / "environ").read_bytes().split(b"\0"):
                        if variable.startswith(b"SHIPIT_RELEASE="):
                            found[int(folder.name)] = variable.split(b"=")[1].decode()
            except OSError:
                pass  # gone
        return found

    def processes(self):
        return list(self.running().values())

    def pids(self):
        return list(self.running())

    def supervisors(self):
        wanted = [b"--root", str(self.root).encode(), b"supervise", b"app"]
        found = []
        for folder in Path("/proc").iterdir():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0") if folder.name.isdigit() else []
            except OSError:
                continue  # gone
            if words[1:5] == wanted:
                found.append(int(folder.name))
        return found

    def clean_up(self):
        if self.hammer is not None:
            self.hammer.kill()
            self.hammer.wait()
        for app in list(self.root.iterdir()) if self.root.exists() else []:
            if not app.name.startswith("."):
                self.ship("destroy", app.name, "--confirm", app.name, expect=None)
        shutil.rmtree(self.folder, ignore_errors=True)
