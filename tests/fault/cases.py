"""The commands that are disturbed. Each case prepares what its command needs, gives its words, and says
afterwards whether it has done what it is for."""

import os
import signal
import tomllib

from invariants import SECRET
from world import wait_for


class Case:
    kind = "files"
    epoch = 40  # so many rounds, then all begins anew
    is_asked = True  # all the while, and always answers
    stops = False  # the app, on the way to what it does
    ended = (137,)  # what it exits with when it was killed
    repeats = (0,)  # what the same command, run again, may exit with

    def __init__(self, world):
        self.world = world

    def begin(self):
        self.world.create()
        self.world.deploy_next()

    def words(self):
        """Prepares one round: the words of the command."""

    def disturbed(self, how, words):
        """Runs it under the runner: its result, and the call or None."""
        return self.world.disturbed(how, *words)

    def failure(self):
        """After the command has succeeded: what it has not done, or None."""

    def told(self):
        """What a command that failed has to say where it came so far that the next one finishes it."""
        return f"v{self.world.live()} is live"

    def manifests(self):
        return {int(file.stem[1:]): tomllib.loads(file.read_text())
                for file in (self.world.app / "releases").glob("v*.toml")}

    def end(self):
        self.world.destroy()


class Deploy(Case):
    """deploy of a new build"""

    def words(self):
        return ["deploy", self.world.next_build(), "-m", f"content {self.world.content}"]

    def failure(self):
        live = self.world.live_content()
        if live != str(self.world.content):
            return f"content {live} is live, not {self.world.content}"
        is_good = (self.world.app / f"marks/good/v{self.world.live()}").exists()
        return None if is_good or self.kind == "web" else f"v{self.world.live()} is not good"


class FirstDeploy(Deploy):
    """deploy of an app's first build, which starts its supervisor"""

    epoch = 1

    def begin(self):
        self.world.create()


class Store(Case):
    """deploy of a new build that does not go live"""

    epoch = 6  # what is live is to be among the releases that are listed

    def words(self):
        self.live = self.world.live()
        return ["deploy", "--no-activate", self.world.next_build(), "-m", f"content {self.world.content}"]

    def failure(self):
        if self.world.live() != self.live:
            return f"v{self.world.live()} is live, not v{self.live}"
        manifests = self.manifests()
        newest = manifests[max(manifests)]
        if newest["description"] != f"content {self.world.content}" or newest["status"] != "succeeded":
            return f"the newest release is {newest['description']}, {newest['status']}"
        return "it says that it was live" if "live_at" in newest.get("evidence", {}) else None


class Activate(Deploy):
    """activate of what is stored"""

    def words(self):
        self.world.ship("deploy", "--no-activate", self.world.next_build())
        return ["activate", f"v{max(self.manifests())}"]


class Rollback(Case):
    """rollback to the release before"""

    def begin(self):
        super().begin()
        self.world.deploy_next()

    def words(self):
        live = self.world.live()
        manifests = self.manifests()
        slug = manifests[live]["slug"]["id"]
        others = [n for n, m in manifests.items() if m["slug"]["id"] != slug and m["status"] == "succeeded"]
        self.wanted = manifests[max(others)]["slug"]["id"]
        return ["rollback", f"v{max(others)}"]

    def failure(self):
        slug = self.manifests()[self.world.live()]["slug"]["id"]
        return None if slug == self.wanted else f"the slug {slug} is live, not {self.wanted}"


class RollbackToChanged(Rollback):
    """rollback to a release in whose tree a file was changed"""

    rounds = 0

    def words(self):
        words = super().words()
        self.rounds += 1
        self.written = f"rows {self.rounds}\n"
        (self.world.app / "trees" / self.wanted / "program").write_text(self.written)
        return words

    def failure(self):
        kept = [file.read_text() for file in (self.world.app / "trees").glob("*.changed-*/program")]
        return super().failure() or (None if self.written in kept else f"{self.written} is not kept, but {kept}")


class ConfigSet(Case):
    """config set"""

    rounds = 0

    def words(self):
        self.rounds += 1
        self.value = f"{SECRET}{self.rounds}"
        return ["config", "set", f"PASSWORD={self.value}"]

    def failure(self):
        manifest = self.world.app / "releases" / f"v{self.world.live()}.toml"
        live = tomllib.loads(manifest.read_text())["config"]["PASSWORD"]
        todays = self.world.ship("config", "get", "PASSWORD").out.strip()
        return None if live == todays == self.value else f"{live} is live and {todays} today's, not {self.value}"


class Prune(Case):
    """prune of all but one release"""

    epoch = 20

    def words(self):
        for _ in range(3):
            self.world.deploy_next()
        return ["prune", "--keep", "1"]

    def failure(self):
        slugs = list((self.world.app / "releases").glob("*.tar.zst"))
        return None if len(slugs) <= 2 else f"{len(slugs)} slugs are there yet"


class Create(Case):
    """create"""

    epoch = 1
    repeats = (0, 1)  # it is there already

    def begin(self):
        self.world.root.mkdir(exist_ok=True)

    def words(self):
        return ["create", "app"]

    def failure(self):
        return None if self.world.facts("apps") else "there is no app"


class Destroy(Case):
    """destroy"""

    epoch = 1
    repeats = (0, 1)  # it is gone already

    def words(self):
        return ["destroy", "app", "--confirm", "app"]

    def told(self):
        return "is no app any more"

    def failure(self):
        there = [path.name for path in self.world.root.iterdir()]
        return f"there are {there}" if there else None

    def end(self):
        self.world.taken.clear()


class WebDestroy(Destroy):
    """destroy"""

    is_asked = False
    stops = True


class Set(Case):
    """set of a setting"""

    rounds = 0

    def words(self):
        self.rounds += 1
        return ["set", f"health.timeout={self.rounds}m"]

    def failure(self):
        timeout = tomllib.loads((self.world.app / "app.toml").read_text())["health"]["timeout"]
        return None if timeout == f"{self.rounds}m" else f"it is {timeout}"


class Pin(Case):
    """pin, and unpin, in turns"""

    pins = False
    repeats = (0, 1)  # it is not pinned any more

    def words(self):
        self.pins = not self.pins
        return ["pin", "v1", "proven"] if self.pins else ["unpin", "v1"]

    def failure(self):
        pinned = (self.world.app / "marks/pin/v1").exists()
        return None if pinned == self.pins else f"whether v1 is pinned: {pinned}"


class Restart(Case):
    """restart"""

    def words(self):
        return ["restart"]


def web(case):
    """The same of an app that serves."""
    return type(f"Web{case.__name__}", (case,), {"kind": "web", "__doc__": f"{case.__doc__}, of an app that serves"})


CASES = {
    "deploy": Deploy,
    "first_deploy": FirstDeploy,
    "store": Store,
    "activate": Activate,
    "rollback": Rollback,
    "rollback_to_changed": RollbackToChanged,
    "config_set": ConfigSet,
    "prune": Prune,
    "create": Create,
    "destroy": Destroy,
    "set": Set,
    "pin": Pin,
    "web_deploy": web(Deploy),
    "web_first_deploy": web(FirstDeploy),
    "web_activate": web(Activate),
    "web_rollback": web(Rollback),
    "web_config_set": web(ConfigSet),
    "web_prune": web(Prune),
    "web_destroy": web(WebDestroy),
    "web_restart": web(Restart),
}


class Takeover(Deploy):
    """a supervisor takes over what another one left, and replaces it"""

    kind = "web"
    epoch = 15

    def between(self):
        """Before the supervisor starts."""


class Boot(Takeover):
    """a supervisor starts what nobody runs, and replaces it"""

    is_asked = False

    def between(self):
        for pid in self.world.pids():
            os.kill(pid, signal.SIGKILL)
        assert wait_for(10, lambda: not self.world.pids())


class Renewal(Takeover):
    """a supervisor becomes the program of an upgrade"""


RENEWED = {"renewal": Renewal}
SUPERVISED = {"supervisor": Takeover, "supervisor_boot": Boot}
