"""What the clients of rounds.py do, each for itself."""

import os
import random
import signal
import subprocess
import tempfile
import time

from invariants import SECRET
from world import SHIPIT, now_us

WAIT = "--wait=60s"  # for the others' commands


class Deed:
    """What one client did in one round."""

    def __init__(self, name, code, said="", promise=None):
        self.name, self.code, self.said, self.promise = name, code, said, promise
        self.at_us = now_us()

    def __str__(self):
        said = "".join(f"\n      {line}" for line in self.said.splitlines()[-6:])
        return f"{self.name} gave {self.code}{said if self.code else ''}"


class Client:
    # What is drawn from, as often as it is said to be.
    KINDS = {"deploy": 6, "bad_deploy": 1, "rollback": 3, "config_set": 3, "config_unset": 1, "prune": 2, "restart": 1,
             "kill_command": 4, "kill_web": 1, "kill_supervisor": 1}
    KILLED = ("deploy", "bad_deploy", "rollback", "config_set", "prune", "restart")

    def __init__(self, world, number):
        self.world, self.number = world, number
        self.key = f"PASSWORD_{number}"
        self.values = 0

    def act(self, kind, chance):
        """Does it; all that is chosen is chosen by `chance`."""
        if kind == "kill_command":
            return self.kill_command(chance)
        if kind == "kill_web":
            return self.kill_web(chance)
        if kind == "kill_supervisor":
            return self.kill_supervisor(chance)
        words, promise = self.words(kind, chance)
        result = self.world.ship(*words, WAIT, expect=None)
        return Deed(kind, result.code, str(result), promise)

    # --- Commands: their words, and what they promise by an exit status of 0 ---

    def words(self, kind, chance):
        return getattr(self, kind)(chance)

    def deploy(self, _):
        folder, what = self.build(is_bad=False)
        return ["deploy", folder, "-m", what], ("deployed", what)

    def bad_deploy(self, _):
        folder, what = self.build(is_bad=True)
        return ["deploy", folder, "-m", f"bad {what}"], None

    def rollback(self, _):
        return ["rollback"], None

    def config_set(self, _):
        self.values += 1
        value = f"{SECRET}{self.number}-{self.values}"
        return ["config", "set", f"{self.key}={value}"], ("set", self.key, value)

    def config_unset(self, _):
        return ["config", "unset", self.key], ("set", self.key, None)

    def prune(self, chance):
        return ["prune", "--keep", str(chance.choice([4, 6, 9]))], None

    def restart(self, _):
        return ["restart"], None

    def build(self, is_bad):
        """A folder, and what is in it: another build each time, which serves; a bad one, too, but it is not well."""
        folder = self.world.scratch / f"{'bad' if is_bad else 'build'}{self.number}"
        is_new = not folder.exists()
        with self.world.building:
            self.world.next_build(folder)
            what = f"content {self.world.content}"
        if is_bad and is_new:
            settings = folder / "shipit.toml"
            text = settings.read_text().replace('path = "/"', 'command = "false"').replace('"20s"', '"300ms"')
            settings.write_text(text)
        return folder, what

    # --- Kills ---

    def kill_command(self, chance):
        kind = chance.choice(self.KILLED)
        words, _ = self.words(kind, chance)
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen([SHIPIT, *map(str, words), WAIT], stdin=subprocess.DEVNULL, stdout=said,
                                       stderr=said, env=self.world.environment())
            try:
                code = process.wait(chance.uniform(0, 0.4))
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            said.seek(0)
            return Deed(f"killed {kind}" if code == -signal.SIGKILL else kind, code, said.read().decode(errors="replace"))

    def kill_web(self, chance):
        running = sorted(self.world.pids())
        if not running:
            return Deed("no web to kill", 0)
        deed = Deed("killed web", 0)
        self.kill(chance.choice(running))
        return deed

    def kill_supervisor(self, chance):
        """And starts the next one, as systemd does."""
        deed = Deed("killed supervisor", 0)
        for pid in self.world.supervisors():
            self.kill(pid)
        time.sleep(chance.uniform(0, 0.3))
        result = self.world.ship("start", WAIT, expect=None)
        deed.code, deed.said = result.code, str(result)
        return deed

    @staticmethod
    def kill(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has ended by itself


def drawn(seed, round_number, clients):
    """What each of so many clients does in that round, and by which chance: the same for the same seed."""
    kinds, weights = zip(*Client.KINDS.items())
    chances = [random.Random(f"{seed}/{round_number}/{client}") for client in range(clients)]
    return [(chance.choices(kinds, weights)[0], chance) for chance in chances]
