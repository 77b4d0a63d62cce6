"""What always holds (DESIGN: "Always true"), looked at with other programs' eyes.

violations(world, …) is the one function that every disturbance is followed by.
"""

import fcntl
import hashlib
import io
import json
import os
import re
import stat
import subprocess
import tarfile
import tomllib

from world import wait_for

LEFTOVER = re.compile(r"\.(new|build|tmp|trash)-")
SLUG = re.compile(r"([0-9a-f]{32})\.tar\.zst")
TREE = re.compile(r"([0-9a-f]{32})(\.stamp)?")
SECRET = "hunter2-"  # how each config var's value begins
MOST_LEFTOVERS = 4  # a slug, a tree, a file, and what is being removed


class Look:
    def __init__(self, world):
        self.world = world
        self.found = []
        self.manifests = {}

    def say(self, what):
        self.found.append(what)

    # --- Manifests, numbers ---

    def read_manifests(self):
        for file in (self.world.app / "releases").glob("v*.toml"):
            number = int(file.stem[1:])
            try:
                manifest = tomllib.loads(file.read_text())
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                self.say(f"{file.name} is no TOML: {error}")
                continue
            self.manifests[number] = manifest
            if manifest["version"] != number:
                self.say(f"{file.name} says that it is v{manifest['version']}")
            if stat.S_IMODE(file.stat().st_mode) != 0o600:
                self.say(f"{file.name} has the mode {file.stat().st_mode:o}")
        last = self.world.app / "releases/.last"
        taken = int(last.read_text()[1:]) if last.exists() else 0
        if taken < max(self.manifests, default=0):
            self.say(f"the last number is v{taken}, but there is v{max(self.manifests)}")

    def check_numbers(self):
        for number, manifest in self.manifests.items():
            what = (manifest["created_at"], manifest["description"])
            if self.world.taken.setdefault(number, what) != what:
                self.say(f"v{number} was {self.world.taken[number]}, and is {what} now")

    # --- Slugs, trees ---

    def check_slug(self, name, id):
        path = self.world.app / "releases" / name
        if subprocess.run(["zstd", "-tq", path], stderr=subprocess.DEVNULL).returncode != 0:
            return self.say(f"{name} is damaged")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        for number, manifest in self.manifests.items():
            slug = manifest.get("slug", {})
            if slug.get("id") == id and (slug["sha256"], slug["size"]) != (digest, path.stat().st_size):
                self.say(f"v{number} records another archive than {name}")

    def check_tree(self, tree, id):
        """It has what is in its slug, if that is there, and nothing else."""
        slug = self.world.app / "releases" / f"{id}.tar.zst"
        if not slug.exists():
            return self.say(f"the slug of {tree} is missing")
        tar = subprocess.run(["zstd", "-dcq", slug], stdout=subprocess.PIPE).stdout
        names = set()
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            for entry in archive:
                names.add(entry.name)
                path = tree / entry.name
                if not os.path.lexists(path):
                    self.say(f"'{path}' is missing")
                elif entry.issym():
                    if os.readlink(path) != entry.linkname:
                        self.say(f"'{path}' leads to another place")
                elif entry.isdir() != path.is_dir() or entry.mode != stat.S_IMODE(path.lstat().st_mode):
                    self.say(f"'{path}' is of another type or mode")
                elif not entry.isdir() and path.read_bytes() != archive.extractfile(entry).read():
                    self.say(f"'{path}' has another content")
        there = {str((folder_path := os.path.join(folder, name)))[len(str(tree)) + 1:]
                 for folder, folders, files in os.walk(tree) for name in folders + files}
        if there - names:
            self.say(f"'{tree}' has what its slug has not: {there - names}")

    def check_current(self):
        current = self.world.app / "current"
        if not os.path.lexists(current):
            return
        number = self.world.live()
        manifest = self.manifests.get(number)
        if manifest is None:
            return self.say(f"`current` points at v{number}, which is not recorded")
        if manifest["status"] != "succeeded":
            self.say(f"v{number} is live and {manifest['status']}")
        link = self.world.app / "releases" / f"v{number}"
        if not link.is_symlink() or os.readlink(link) != f"../trees/{manifest['slug']['id']}":
            return self.say(f"'{link}' does not lead to its tree")
        if not link.is_dir():
            return self.say(f"v{number} is live, and its tree is missing")
        self.check_tree(link.resolve(), manifest["slug"]["id"])

    def check_whose(self):
        """Slugs, trees and links belong to releases."""
        slugs = {m["slug"]["id"] for m in self.manifests.values() if "slug" in m}
        for name in os.listdir(self.world.app / "releases"):
            if (of := re.fullmatch(r"v(\d+)(\.log|\.evidence)?", name)) and int(of[1]) not in self.manifests:
                self.say(f"'{name}' belongs to no release")
            if (of := SLUG.fullmatch(name)) and of[1] not in slugs:
                self.say(f"the slug {of[1]} belongs to no release")
        trees = self.world.app / "trees"
        for name in os.listdir(trees) if trees.exists() else []:
            if (of := TREE.fullmatch(name)) and of[1] not in slugs:
                self.say(f"the tree {name} belongs to no release")

    # --- All the rest ---

    def leftovers(self):
        return leftovers_below(self.world.root)

    def check_events(self, may_be_torn):
        file = self.world.app / "events.jsonl"
        if not file.exists():
            return
        lines = file.read_text(errors="replace").split("\n")
        for line in lines[:-1] if may_be_torn or lines[-1] == "" else lines:
            try:
                json.loads(line or "{}")
            except json.JSONDecodeError:
                if not may_be_torn:
                    self.say(f"a line of events.jsonl is torn: {line!r}")

    def check_secrets(self):
        """Nobody else can read a config var; what anybody may read has none."""
        for folder, _, files in os.walk(self.world.app):
            for name in files:
                path = os.path.join(folder, name)
                try:
                    status = os.lstat(path)
                except FileNotFoundError:  # the supervisor is at work
                    continue
                if not stat.S_ISREG(status.st_mode):
                    continue
                open_to_others = status.st_mode & 0o044
                is_log = name.endswith((".log", ".jsonl"))
                if (open_to_others or is_log) and SECRET.encode() in open(path, "rb").read():
                    self.say(f"'{path}' (mode {status.st_mode & 0o777:o}) holds a config var")

    def check_lock(self):
        file = self.world.app / "lock"
        if not file.exists():
            return
        with open(file, "r") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.say("the app is locked, and nobody is at work")

    def check_commands(self):
        """shipit reads all of it, too, and agrees."""
        for words in (["releases"], ["status"], ["events"], ["config"], ["verify"]):
            result = self.world.ship(*words, "--json", expect=None)
            if result.code != 0:
                self.say(str(result))
                continue
            try:
                said = [json.loads(line) for line in result.out.splitlines()]
            except json.JSONDecodeError:
                self.say(f"no JSON: {result}")
                continue
            if words == ["releases"]:
                current = [release["version"] for release in said[0] if release["current"]]
                live = self.world.live()
                if live is not None and current != [f"v{live}"]:
                    self.say(f"`releases` says that {current} is live, and `current` says v{live}")

    def check_service(self):
        """What the ledger says is live answers, soon."""
        if self.world.kind != "web" or self.world.live() is None:
            return
        if not wait_for(15, lambda: self.world.answer() == f"release v{self.world.live()}"):
            self.say(f"v{self.world.live()} is live, and the answer is '{self.world.answer()}'")


def leftovers_below(root):
    """What is half done. In a tree, names are those of the build."""
    found = []
    for folder, folders, files in os.walk(root):
        found += [os.path.join(folder, name) for name in folders + files if LEFTOVER.match(name)]
        folders[:] = [name for name in folders if os.path.basename(folder) != "trees" or not TREE.fullmatch(name)]
    return found


def violations(world, is_settled, may_be_torn=False, killed=1, may_be_down=False):
    """What does not hold of what always does; nothing, it is to be hoped.

    is_settled: a command has succeeded since the disturbance, so that nothing is left of it.
    killed: how many commands, of which each may leave something.
    may_be_torn: the power was cut, and what was being appended may be there in part.
    may_be_down: a command that stops the app was killed.
    """
    look = Look(world)
    if not (world.app / "releases").exists():
        return look.found
    look.check_lock()
    look.read_manifests()
    look.check_numbers()
    for name in os.listdir(world.app / "releases"):
        if of := SLUG.fullmatch(name):
            look.check_slug(name, of[1])
    look.check_current()
    look.check_events(may_be_torn)
    look.check_secrets()
    if not may_be_down:
        look.check_service()
    look.check_commands()
    if is_settled:
        look.check_whose()
    # A supervisor that lives may be writing something.
    most = 0 if is_settled else killed * MOST_LEFTOVERS
    if not wait_for(3, lambda: len(look.leftovers()) <= most):
        look.say(f"left over: {look.leftovers()}")
    return look.found
