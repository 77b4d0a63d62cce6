"""The tools that are measured: shipit, the reference (tar and zstd), and the peers.

Each keeps releases in a folder of its own (`store`), by label: `pack` puts a tree there, `unpack`
makes one of it again. Both give the command to time.
"""
import os
import shutil
from pathlib import Path


def shell(script, *words):
    """A pipeline; what is in `words` is $1, $2, …"""
    return ["bash", "-o", "pipefail", "-c", script, "bash", *map(str, words)]


class Tool:
    name = ""
    # Whose stores it can unpack, where it is not only its own.
    reads = None
    programs = ()
    # Whether a copy of a store may share its files, because nothing in it is written in place.
    store_may_be_linked = True
    only_adds = False # packing makes store/LABEL and changes nothing else
    packs = True
    unpacks = True
    lives_beside = False # its trees lie in one folder, and a new one may use those that are there
    can_be_checked = True
    keeps_history = True # what it packs next depends on what it packed before

    def is_here(self):
        return all(shutil.which(program) for program in self.programs)

    def environment(self, store):
        return {}

    def prepare(self, store):
        """Commands that make an empty store, untimed."""
        return []

    def pack(self, store, tree, label):
        raise NotImplementedError

    def unpack(self, store, label, target):
        raise NotImplementedError

    def unpacked(self, store, label, target):
        """Where the tree is that unpacking to `target` made."""
        return target

    def unpack_to_check(self, store, label, target):
        """To see that what was packed is right."""
        return self.unpack(store, label, target), self.unpacked(store, label, target)


class TarZstd(Tool):
    """The reference."""
    name = "tar|zstd -T0"
    reads = "tar|zstd -T0"
    programs = ("tar", "zstd")
    keeps_history = False

    def pack(self, store, tree, label):
        return shell('tar --sort=name -C "$1" -cf - . | zstd -3 -T0 -q -o "$2"', tree,
                     store / f"{label}.tar.zst")

    def unpack(self, store, label, target):
        return ["tar", "--zstd", "-xf", store / f"{label}.tar.zst", "-C", target]


class TarZstdSynced(TarZstd):
    """The reference, but the result is on the disk when it ends, as shipit's is."""
    name = "tar|zstd -T0 synced"
    programs = ("tar", "zstd", "sync")

    def pack(self, store, tree, label):
        return shell('tar --sort=name -C "$1" -cf - . | zstd -3 -T0 -q -o "$2" && sync "$2" "$3"',
                     tree, store / f"{label}.tar.zst", store)

    def unpack(self, store, label, target):
        return shell('tar --zstd -xf "$1" -C "$2" && sync -f "$2"', store / f"{label}.tar.zst",
                     target)


class TarDashZstd(TarZstd):
    name = "tar --zstd"

    def pack(self, store, tree, label):
        return ["tar", "--sort=name", "--zstd", "-C", tree, "-cf", store / f"{label}.tar.zst", "."]


class Bsdtar(TarZstd):
    name = "bsdtar"
    programs = ("bsdtar",)

    def pack(self, store, tree, label):
        return ["bsdtar", "--zstd", "-C", tree, "-cf", store / f"{label}.tar.zst", "."]

    def unpack(self, store, label, target):
        return ["bsdtar", "-xf", store / f"{label}.tar.zst", "-C", target]


class Rsync(Tool):
    """The copy is the release, so there is nothing to unpack."""
    name = "rsync --link-dest"
    programs = ("rsync",)
    unpacks = False
    can_be_checked = False
    only_adds = True

    def pack(self, store, tree, label):
        earlier = sorted(path for path in store.iterdir() if path.name != label)
        links = [f"--link-dest={earlier[-1]}"] if earlier else []
        return ["rsync", "-a", "--delete", *links, f"{tree}/", store / label]


class Restic(Tool):
    name = "restic"
    programs = ("restic",)

    def environment(self, store):
        return {"RESTIC_PASSWORD": "bench", "RESTIC_REPOSITORY": str(store / "repository"),
                "RESTIC_CACHE_DIR": str(store / "cache")}

    def prepare(self, store):
        return [["restic", "-q", "init"]]

    def pack(self, store, tree, label):
        # The path is part of the snapshot, and how it finds the earlier one.
        self.tree = tree
        return ["restic", "-q", "backup", "--tag", label, tree]

    def unpack(self, store, label, target):
        return ["restic", "-q", "restore", "latest", "--tag", label, "--target", target]

    def unpacked(self, store, label, target):
        return target / str(self.tree).lstrip("/")


class Borg(Tool):
    name = "borg"
    programs = ("borg",)
    store_may_be_linked = False

    def environment(self, store):
        return {"BORG_BASE_DIR": str(store), "BORG_REPO": str(store / "repository"),
                "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
                "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}

    def prepare(self, store):
        return [["borg", "init", "-e", "none"]]

    def pack(self, store, tree, label):
        return shell('cd "$1" && borg create --compression zstd,3 "::$2" .', tree, label)

    def unpack(self, store, label, target):
        return shell('cd "$1" && borg extract "::$2"', target, label)


class Casync(Tool):
    """Without its cache: with it, version 2 writes archives that it cannot read back."""
    name = "casync"
    programs = ("casync",)

    def pack(self, store, tree, label):
        return ["casync", "make", f"--store={store}/default.castr", store / f"{label}.caidx", tree]

    def unpack(self, store, label, target):
        return ["casync", "extract", f"--store={store}/default.castr", store / f"{label}.caidx",
                target]


class Ostree(Tool):
    """Its trees are hard links into the repository: an app could write through them."""
    name = "ostree"
    programs = ("ostree",)

    def prepare(self, store):
        return [["ostree", f"--repo={store}", "init", "--mode=bare-user-only"]]

    def pack(self, store, tree, label):
        return ["ostree", f"--repo={store}", "commit", "-b", label, f"--tree=dir={tree}"]

    def unpack(self, store, label, target):
        return ["ostree", f"--repo={store}", "checkout", "-U", "-H", "--union", label, target]


class Git(Tool):
    name = "git"
    programs = ("git",)

    def environment(self, store):
        return {"GIT_DIR": str(store), "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent",
                "GIT_AUTHOR_NAME": "bench", "GIT_AUTHOR_EMAIL": "bench@localhost",
                "GIT_COMMITTER_NAME": "bench", "GIT_COMMITTER_EMAIL": "bench@localhost"}

    def prepare(self, store):
        return [["git", "init", "-q"], ["git", "config", "gc.auto", "0"],
                ["git", "config", "core.logAllRefUpdates", "false"]]

    def pack(self, store, tree, label):
        return shell('git --work-tree="$1" add -A -f . && git --work-tree="$1" commit -q '
                     '--allow-empty -m "$2" && git tag "$2"', tree, label)

    def unpack(self, store, label, target):
        return shell('GIT_INDEX_FILE="$2.index" git --work-tree="$2" checkout -q -f "$1" -- .',
                     label, target)


class Shipit(Tool):
    """As a deploy uses it: its slug is on the disk when it ends; its tree is not yet."""
    name = "shipit"
    reads = "shipit"
    lives_beside = True
    prefix = ()
    options = ()

    def __init__(self, program):
        self.program = Path(program).absolute()

    def packed(self, store, label):
        """What packing said: the slug's id and its SHA-256."""
        return (store / f"{label}.id").read_text(encoding="ascii").split()

    def id_of(self, store, label):
        return self.packed(store, label)[0]

    def earlier(self, store, label):
        """The release before."""
        labels = sorted(path.stem for path in store.glob("*.id"))
        before = [other for other in labels if other < label]
        return self.packed(store, before[-1]) if before else None

    def pack(self, store, tree, label):
        (store / "releases").mkdir(exist_ok=True)
        earlier = self.earlier(store, label)
        return shell('id=$1 && shift && "$@" >"$id"', store / f"{label}.id", *self.prefix,
                     self.program, "pack", tree, store / "releases", f"cache={store}/stat_cache",
                     *([f"earlier={earlier[0]}", f"sha256={earlier[1]}"] if earlier else []))

    def unpack(self, store, label, target):
        earlier = self.earlier(store, label)
        is_beside = earlier and (target / earlier[0]).exists()
        return [self.program, "unpack", store / "releases", self.id_of(store, label), target,
                *([f"beside={earlier[0]}"] if is_beside else []), *self.options]

    def unpacked(self, store, label, target):
        return target / self.id_of(store, label)

    def slug(self, store, label):
        return store / "releases" / f"{self.id_of(store, label)}.tar.zst"

    def unpack_to_check(self, store, label, target):
        """With tar: it knows nothing of what shipit reused."""
        return ["tar", "--zstd", "-xf", self.slug(store, label), "-C", target], target


class ShipitUnsynced(Shipit):
    """What packing would cost if it left it to the kernel when the slug is written, as tar does."""
    name = "shipit unsynced"
    programs = ("eatmydata",)
    prefix = ("eatmydata",)
    unpacks = False


class ShipitFlushed(Shipit):
    """What unpacking costs until the tree is on the disk, which a deploy waits for at its end."""
    name = "shipit flushed"
    packs = False
    options = ("flush=1",)


def all_tools(slug_bench):
    return [TarZstd(), Shipit(slug_bench), ShipitUnsynced(slug_bench),
            ShipitFlushed(slug_bench), TarZstdSynced(), TarDashZstd(), Bsdtar(),
            Rsync(), Restic(), Borg(), Casync(), Ostree(), Git()]


def environment_of(tool, store):
    own = {name: value for name, value in os.environ.items()
           if not name.startswith(("GIT_", "RESTIC_", "BORG_"))}
    return {**own, "LC_ALL": "C.UTF-8", **tool.environment(store)}
