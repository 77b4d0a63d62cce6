"""The jobs: what is timed, on what, and how everything is put back between two repetitions."""
import subprocess
import time
from pathlib import Path

from measure import Failed, run, say, timed
from tools import environment_of

PACKING = ["cold pack", "nothing changed", "1 % changed", "10 % changed", "fresh checkout"]
UNPACKING = ["unpack", "unpack beside the live tree"]
JOBS = PACKING + UNPACKING


def remove(path):
    run(["rm", "-rf", path])


def copy_of(source, target, *options):
    remove(target)
    run(["cp", *options, source, target])


def require_same(tree, wanted, what):
    """Content and links; empty folders may be missing, which git does not know."""
    done = subprocess.run(["diff", "-rq", "--no-dereference", wanted, tree], capture_output=True,
                          text=True, check=False)
    for line in done.stdout.splitlines() + done.stderr.splitlines():
        if line.startswith("Only in ") and ": " in line:
            folder, name = line[len("Only in "):].split(": ", 1)
            path = Path(folder, name)
            if path.is_dir() and not any(child.is_file() for child in path.rglob("*")):
                continue
        raise Failed(f"{what}: the tree that comes out is not the one that went in\n  {line}")


def remove_all_of(tool, store, label, target):
    if target.name != "live":
        return remove(target)
    for path in target.glob(f"*{tool.id_of(store, label)}*"):
        remove(path)


class Rounds:
    """All jobs of one corpus, on the file system at `root`."""

    def __init__(self, corpus, root, tools, repeat, check=True):
        self.corpus = corpus
        self.tools = tools
        self.repeat = repeat
        self.check = check
        self.work = root / "work"
        self.target = root / "target"
        self.stores = root / "stores"
        self.primed = root / "primed"
        self.stores.mkdir()
        self.primed.mkdir()
        self.samples = {}
        self.sizes = {}
        self.broken = {}

    # --- What is packed ---

    def fill(self, release="v1"):
        """A tree as `cp -a` makes it: the times of the corpus."""
        copy_of(self.corpus / release, self.work, "-a")

    def fill_freshly(self):
        """The same content as another checkout has it: all times new."""
        copy_of(self.corpus / "v1", self.work, "-r", "--preserve=mode,links,ownership")

    def become(self, release):
        """What is the same keeps inode and times, as when someone edits or installs there."""
        run(["rsync", "-a", "--delete", f"{self.corpus / release}/", f"{self.work}/"])

    # --- Stores ---

    def store_of(self, tool, base=None):
        return (base or self.stores) / "".join(c if c.isalnum() else "-" for c in tool.name)

    def new_store(self, tool):
        store = self.store_of(tool)
        remove(store)
        store.mkdir()
        for command in tool.prepare(store):
            run(command, env=environment_of(tool, store))
        return store

    def pack(self, tool, label):
        store = self.store_of(tool)
        run(tool.pack(store, self.work, label), env=environment_of(tool, store))

    def prime(self):
        """The first release in every store, and a copy of that to begin each repetition with."""
        # Whoever remembers files by their times must not trust those of the last moment.
        time.sleep(3)
        for tool in filter(lambda tool: tool.packs, self.tools):
            self.new_store(tool)
            if tool.keeps_history:
                self.pack(tool, "v1")
                remove(self.store_of(tool, self.primed))
                self.store_of(tool).rename(self.store_of(tool, self.primed))

    def reset(self, tool):
        if not tool.keeps_history:
            return self.new_store(tool)
        store = self.store_of(tool)
        if tool.only_adds:
            if not store.exists():
                self.store_of(tool, self.primed).rename(store)
            remove(store / "v2")
            return store
        copy_of(self.store_of(tool, self.primed), store,
                "-al" if tool.store_may_be_linked else "-a")
        return store

    # --- Timing ---

    def each_in_turn(self, job, tools, once):
        """Runs `once(tool, is_first)` for a sample, all tools in every repetition."""
        samples = self.samples[job] = {tool.name: [] for tool in tools}
        for repetition in range(self.repeat):
            say(f"{self.corpus.name}, {job}: {repetition + 1} of {self.repeat}")
            for tool in tools:
                if (job, tool.name) in self.broken:
                    continue
                try:
                    samples[tool.name].append(once(tool, repetition == 0))
                except Failed as failure:
                    if tool.name in ("shipit", self.tools[0].name):
                        raise
                    say(f"leaving out {tool.name}: {failure}")
                    self.broken[job, tool.name] = str(failure)
                    del samples[tool.name]

    def time_packing(self, job, begin):
        def once(tool, is_first):
            store = begin(tool)
            sample = timed(tool.pack(store, self.work, "v2"), env=environment_of(tool, store))
            if is_first and self.check and tool.can_be_checked:
                self.check_packed(tool, job)
            if job != "cold pack" and not tool.only_adds:
                remove(store)
            return sample
        self.each_in_turn(job, [tool for tool in self.tools if tool.packs], once)

    def check_packed(self, tool, job):
        store = self.store_of(tool)
        remove(self.target)
        self.target.mkdir()
        command, tree = tool.unpack_to_check(store, "v2", self.target)
        run(command, env=environment_of(tool, store))
        require_same(tree, self.work, f"{tool.name}, {job}")
        remove(self.target)

    def time_unpacking(self, job, label):
        def once(tool, is_first):
            store = self.store_of(self.by_name(tool.reads or tool.name))
            beside = tool.lives_beside and job != "unpack"
            target = self.target / ("live" if beside else "new")
            target.mkdir(exist_ok=True)
            sample = timed(tool.unpack(store, label, target), env=environment_of(tool, store))
            tree = tool.unpacked(store, label, target)
            if is_first and self.check:
                require_same(tree, self.corpus / label, f"{tool.name}, {job}")
            remove_all_of(tool, store, label, target)
            return sample
        self.each_in_turn(job, [tool for tool in self.tools if tool.unpacks], once)

    def by_name(self, name):
        return next(tool for tool in self.tools if tool.name == name)

    # --- The jobs ---

    def run_packing(self, jobs):
        if "cold pack" in jobs:
            self.fill()
            self.time_packing("cold pack", self.new_store)
            for tool in self.tools:
                remove(self.store_of(tool))
        if {"nothing changed", "1 % changed", "fresh checkout"} & set(jobs):
            self.fill()
            self.prime()
        if "nothing changed" in jobs:
            self.time_packing("nothing changed", self.reset)
        if "1 % changed" in jobs:
            self.become("v2")
            self.time_packing("1 % changed", self.reset)
        if "fresh checkout" in jobs:
            self.fill_freshly()
            self.time_packing("fresh checkout", self.reset)
        if "10 % changed" in jobs:
            # Packed anew, or whoever looks at inodes would see what went to 1 % and back.
            self.fill()
            self.prime()
            self.become("v3")
            self.time_packing("10 % changed", self.reset)
        remove(self.primed)

    def run_unpacking(self, jobs):
        stores = [tool for tool in self.tools if tool.unpacks and tool.reads in (None, tool.name)]
        for tool in stores:
            self.new_store(tool)
        for label in ("v1", "v2"):
            if label == "v1":
                self.fill()
            else:
                self.become(label)
            for tool in stores:
                self.pack(tool, label)
            if label == "v1":
                self.note_sizes()
        remove(self.work)
        remove(self.target)
        self.target.mkdir()
        if "unpack" in jobs:
            self.time_unpacking("unpack", "v1")
        if "unpack beside the live tree" in jobs:
            for tool in self.tools:
                if tool.lives_beside and tool.reads == tool.name:
                    self.make_live(tool)
            self.time_unpacking("unpack beside the live tree", "v2")

    def make_live(self, tool):
        store, target = self.store_of(tool), self.target / "live"
        remove(target)
        target.mkdir()
        run(tool.unpack(store, "v1", target), env=environment_of(tool, store))

    def note_sizes(self):
        self.sizes["one frame"] = sum(file.stat().st_size for file in
                                      self.store_of(self.tools[0]).glob("*.tar.zst"))
        shipit = self.by_name("shipit")
        self.sizes["slug"] = shipit.slug(self.store_of(shipit), "v1").stat().st_size

    def run(self, jobs):
        if set(jobs) & set(PACKING):
            self.run_packing(jobs)
        if set(jobs) & set(UNPACKING):
            self.run_unpacking(jobs)
