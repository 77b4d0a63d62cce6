"""Where a hostile input is tried: a copy of a small root, what is beside it, and what is looked at after each try.

A try is made three times: with its output to files, on a terminal, and with --json. Each time its exit
status, its words and what it left are looked at; see Box.attempt.
"""

import fcntl
import hashlib
import http.client
import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import termios
import time
import unicodedata
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "fault"))
from invariants import leftovers_below, violations  # noqa: E402
from world import BUILT, SHIPIT, Result, World, wait_for  # noqa: E402

LONGEST = 60
# What shipit itself sends to a terminal: colours, and the meter that is written over.
OWN = re.compile(r"\x1b\[[0-9;]*m|\x1b\[[0-9]*[KG]|\r")
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def drives_terminal(shown):
    """What of these bytes a terminal would obey or be confused by; empty if nothing."""
    try:
        text = OWN.sub("", shown.decode())
    except UnicodeDecodeError as error:
        return f"no UTF-8: {error}"
    bad = [c for c in text if c in BIDI or (unicodedata.category(c) == "Cc" and c not in "\n\t")]
    return f"raw {bad[:4]!a}" if bad else ""


def snapshot(folder):
    """Everything in it, as far as anybody could have changed it."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        status = path.lstat()
        content = None
        if stat.S_ISREG(status.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        elif stat.S_ISLNK(status.st_mode):
            content = os.readlink(path)
        found[str(path)] = (status.st_mode, status.st_uid, status.st_nlink, content)
    return found


# With sanitizers each try takes ten times as long; how it is shown is the same without them.
IS_SLOW = os.environ.get("SHIPIT_IS_SANITIZED") == "yes"
MODES = ("plain",) if IS_SLOW else ("plain", "terminal", "json")


class Box(World):
    """An app `app`: of kind "files" with v1 and v2, of which v2 is live; of kind "web" with v1, on `port`."""

    def __init__(self, folder, kind, port):
        super().__init__(folder, Path(folder) / "root", kind, port)
        self.box = Path(folder)
        self.inputs = self.box / "inputs"
        self.beside = self.box / "beside"  # nothing here is shipit's to touch
        self.faults = []
        self.what = ""
        self.variables = {}
        self.tries = 0

    def make(self):
        for path in (self.inputs, self.beside, self.box / "home"):
            path.mkdir(parents=True)
        (self.beside / "secret").write_text("secret of somebody else\n")
        (self.beside / "secret").chmod(0o640)
        self.create()
        self.deploy_next()
        if self.kind == "files":
            self.deploy_next()

    def copy_to(self, folder):
        subprocess.run(["cp", "-a", self.box, folder], check=True)
        return Box(folder, self.kind, self.port)

    def environment(self):
        kept = ("PATH", "LC_ALL", "TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
        return {**{name: os.environ[name] for name in kept if name in os.environ},
                "HOME": str(self.box / "home"), "SHIPIT_ROOT": str(self.root), "SHIPIT_APP": "app",
                **self.variables}

    def answer(self):
        """The beginning of what is served, which may have no end."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as page:
                return page.read(100).decode(errors="replace").strip()
        except (OSError, http.client.HTTPException) as error:
            return str(error)

    # --- Running ---

    def start(self, words, variables=None, **how):
        """shipit with these words; `program` may stand in the place of shipit."""
        program = how.pop("program", [SHIPIT])
        environment = {**self.environment(), **(variables or {})}
        environment = {name: value for name, value in environment.items() if value is not None}
        return subprocess.Popen([*map(os.fspath, program), *words], env=environment,
                                cwd=how.pop("cwd", self.inputs), **how)

    def to_files(self, words, stdin=None, **how):
        with open(self.box / "out", "w+b") as out, open(self.box / "err", "w+b") as err:
            how.setdefault("stdout", out)
            how.setdefault("stderr", err)
            process = self.start(words, stdin=stdin or subprocess.DEVNULL, **how)
            try:
                code = process.wait(LONGEST)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                code = "no end"
            out.seek(0)
            err.seek(0)
            return code if code == "no end" or code >= 0 else 128 - code, out.read(), err.read()

    def on_terminal(self, words, stdin=None, **how):
        """Its exit status, and what a terminal of its own was sent."""
        master, terminal = pty.openpty()

        def take_terminal():
            if stdin is None:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = self.start(words, stdin=stdin or terminal, stdout=terminal, stderr=terminal,
                             start_new_session=True, preexec_fn=take_terminal, **how)
        os.close(terminal)
        shown, end = b"", time.monotonic() + LONGEST
        while time.monotonic() < end and select.select([master], [], [], end - time.monotonic())[0]:
            try:
                shown = (shown + os.read(master, 65536))[-1000000:]
            except OSError:  # nobody has it open any more
                break
        os.close(master)
        try:
            code = process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = "no end"
        return code if code == "no end" or code >= 0 else 128 - code, shown

    # --- Looking ---

    def fault(self, text):
        self.faults.append(f"{self.what}: {text}")

    def expect(self, condition, text):
        if not condition:
            self.fault(text)

    def attempt(self, words, exits, says=(), modes=MODES, stdin=None, advice=True,
                **how):
        """Tries it in each mode. `exits` are the statuses that it may have; `says`, what it must say."""
        words = [os.fspath(word) for word in words]
        for mode in modes:
            self.tries += 1
            self.what = f"[{mode}] {' '.join(map(ascii, words))[:150]}"
            before, live = snapshot(self.beside), self.live()
            if mode == "terminal":
                code, shown = self.on_terminal(words, self.opened(stdin), **how)
                said = OWN.sub("", shown.decode(errors="replace").replace("\r\n", "\n"))
                self.expect(not (bad := drives_terminal(shown)), f"the terminal got {bad}")
            else:
                flag = ["--json"] if mode == "json" else []
                code, out, err = self.to_files([*flag, *words], self.opened(stdin), **how)
                said = self.json_text(code, out, err) if mode == "json" else (err + out).decode(errors="replace")
            self.judge(code, said, exits, says, advice)
            self.expect(snapshot(self.beside) == before, "something outside the root was touched")
            self.expect(code == 0 or self.live() == live, f"v{live} was live, and now v{self.live()} is")
            # A supervisor at work makes such files for as long as it writes.
            self.expect(wait_for(5, lambda: not self.leftovers()), f"left over: {self.leftovers()}")

    def opened(self, stdin):
        if isinstance(stdin, bytes):
            (self.box / "stdin").write_bytes(stdin)
            return open(self.box / "stdin", "rb")
        return open(stdin, "rb") if isinstance(stdin, (str, Path)) else stdin

    def judge(self, code, said, exits, says, advice):
        flat = " ".join(said.split())
        short = "".join(f"\n        {line[:300]}" for line in ascii_lines(said)[-8:])
        self.expect(code in exits, f"exit status {code} instead of {exits}{short}")
        for words in says:
            self.expect(words in said or words in flat, f"it does not say {words!r}{short}")
        if code in (1, 5, 6) and advice:
            self.expect("next" in said, f"it does not say what to do next{short}")
        self.expect("terminate called" not in said and "bug in shipit" not in said, f"it broke{short}")

    def json_text(self, code, out, err):
        """What the documents on stdout say, once they are looked at."""
        try:
            documents = [json.loads(out.decode())] if out.strip() else []
        except UnicodeDecodeError as error:
            self.fault(f"no UTF-8 in JSON: {error}")
            return out.decode(errors="replace")
        except json.JSONDecodeError:
            try:  # one on each line: logs, events
                documents = [json.loads(line) for line in out.decode().splitlines()]
            except json.JSONDecodeError as error:
                self.fault(f"this is no JSON: {error}: {out[-300:]!a} {err[-300:]!a}")
                return (err + out).decode(errors="replace")
        # `verify`, `status` and `doctor` tell what is amiss as facts.
        has_facts = documents and (isinstance(documents[-1], list) or {"faults", "complaint", "findings"} & set(documents[-1]))
        if code in (1, 2, 3, 4, 5, 6, 7, 8) and not has_facts:
            error = documents[-1].get("error", {}) if documents and isinstance(documents[-1], dict) else {}
            self.expect(error.get("code") == code, f"no error with the code {code} in {out[-300:]!a} {err[-300:]!a}")
            return " ".join([*strings(error), "next" if error.get("next") else "", *strings(documents[-1:])])
        return " ".join(strings(documents))

    def leftovers(self):
        return leftovers_below(self.root)

    def look(self):
        """All that always holds, after all tries of a row."""
        self.what = "afterwards"
        for violation in violations(self, is_settled=True):
            self.fault(violation)

    def clean_up(self):
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGCONT)
            except OSError:
                pass
        super().clean_up()


def ascii_lines(text):
    return [ascii(line)[1:-1] for line in text.splitlines() if line.strip()]


def strings(it):
    """All texts and numbers in a JSON document."""
    if isinstance(it, dict):
        it = [part for pair in it.items() for part in pair]
    return [part for each in it for part in strings(each)] if isinstance(it, list) else [str(it)]


def in_mounts(script):
    """A program to start in shipit's place: shipit, once this has run in a mount namespace of its own."""
    return ["unshare", "--mount", "sh", "-ec", f'{script}; exec "$0" "$@"', SHIPIT]
