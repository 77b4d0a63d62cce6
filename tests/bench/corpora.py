#!/usr/bin/env python3
"""Three real trees to measure with, each in three releases: 1 % and 10 % differ from the first.

    corpora.py [--cache DIR] [node] [python-php] [binaries]

makes CACHE/NAME/v1, v2 and v3, unless they are there already. `node` comes from npm, the others
from Debian packages that are unpacked, not installed. The edits depend on a seed alone.
"""
import argparse
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

# All that npm fetches besides is what was there on NODE_DATE.
NODE_DATE = "2026-11-20"
NODE_PACKAGES = {
    "node-red": "4.1.15", "next": "16.4.6", "react": "19.3.1", "react-dom": "19.3.1",
    "@mui/material": "9.5.0", "googleapis": "178.0.0", "jest": "30.5.2", "eslint": "10.15.0",
    "typescript": "7.0.2", "webpack": "5.112.2", "@babel/preset-env": "7.29.14",
    "lodash": "4.18.1", "date-fns": "4.4.0", "express": "5.3.0", "rxjs": "7.8.2",
    "@aws-sdk/client-s3": "3", "prettier": "3.10.1", "core-js": "3.51.0",
}
# Whatever Debian has of them now: its archive keeps no older versions.
DEBIAN_PACKAGES = {
    "python-php": """python3-django wordpress python3-numpy python3-celery python3-kombu
        python3-sqlalchemy python3-jinja2 libpython3.11-stdlib libpython3.11-minimal""",
    "binaries": """libllvm16 libclang-cpp16 gcc-12 g++-12 cpp-12 libwebkit2gtk-4.1-0
        libjavascriptcoregtk-4.1-0 openjdk-17-jre-headless golang-1.19-go
        libclang1-16 gdb libnode108 mariadb-server-core php8.2-cli postgresql-15 libpython3.11""",
}
NAMES = ["node", "python-php", "binaries"]


def default_cache():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shipit-bench"


def say(text):
    print(f"corpora: {text}", file=sys.stderr, flush=True)


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"corpora: this failed: {' '.join(map(str, command))}\n{done.stderr.strip()}")


# --- The first release of each ---

def fetch_node(tree):
    tree.mkdir()
    (tree / "package.json").write_text(json.dumps(
        {"name": "node-corpus", "version": "1.0.0", "private": True, "dependencies": NODE_PACKAGES},
        indent=2) + "\n")
    run(["npm", "install", f"--before={NODE_DATE}", "--ignore-scripts", "--no-audit", "--no-fund",
         "--legacy-peer-deps"], cwd=tree)


def fetch_debian(tree, packages, downloads):
    downloads.mkdir()
    run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *packages], cwd=downloads)
    for package in sorted(downloads.iterdir()):
        run(["dpkg", "-x", package, tree])
    names = sorted(package.name for package in downloads.iterdir())
    shutil.rmtree(downloads)
    # dpkg gives folders the modes of a system's, some of which only root may enter.
    run(["chmod", "-R", "u+rwX,go+rX", tree])
    return names


# --- Edits ---

def plain_files(tree):
    """All regular files below `tree`, in one order everywhere."""
    found = []
    for folder, _, names in os.walk(tree):
        found += [Path(folder, name) for name in names]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def write_new(path, data):
    """Replaces a file, as an installer does: a new inode, the old mode, the time of now."""
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(data)
    path.chmod(mode & 0o7777)


def edit_text(data, chance):
    """A few lines of every hundred change, move or go, as in a new version of a source file."""
    lines = data.split(b"\n")
    for _ in range(1 + len(lines) // 40):
        at = chance.randrange(len(lines))
        what = chance.randrange(4)
        if what == 0:
            lines.insert(at, lines[chance.randrange(len(lines))])
        elif what == 1 and len(lines) > 1:
            del lines[at]
        elif what == 2:
            lines[at] += b" // %x" % chance.randrange(1 << 32)
        else:
            words = lines[at].split(b" ")
            words[chance.randrange(len(words))] = b"changed%d" % chance.randrange(1000)
            lines[at] = b" ".join(words)
    return b"\n".join(lines)


def edit_binary(data, chance):
    """As after a rebuild: addresses differ all over, code has moved, a fifth of it is the same."""
    out = bytearray()
    at = 0
    while at < len(data):
        size = chance.randrange(2048, 14336)
        piece = bytearray(data[at:at + size])
        at += size
        if chance.random() > 0.2:
            for word in range(chance.randrange(64), len(piece) - 4, chance.randrange(48, 160)):
                piece[word] = (piece[word] + chance.randrange(1, 255)) % 256
                piece[word + 1] = (piece[word + 1] + 1) % 256
            # What follows moves by a few bytes; 16, as code is aligned.
            piece += bytes(16 * chance.randrange(3))
        out += piece
    return bytes(out)


def edit(path, chance):
    data = path.read_bytes()
    is_text = b"\0" not in data[:8192]
    edited = edit_text(data, chance) if is_text else edit_binary(data, chance)
    write_new(path, edited if edited != data else data + b"\n")


def add_and_remove(files, count, chance):
    for path in chance.sample(files, count):
        path.with_name("new-" + path.name).write_bytes(edit_text(path.read_bytes(), chance))
    for path in chance.sample(files, count):
        path.unlink()


def edit_scattered(tree, share, seed):
    """Changes `share` of the files of `tree`, scattered all over it; some come new, some go."""
    chance = random.Random(seed)
    files = plain_files(tree)
    for path in chance.sample(files, round(len(files) * share * 0.96)):
        edit(path, chance)
    add_and_remove(files, max(1, round(len(files) * share * 0.02)), chance)


def edit_whole_binaries(tree, share, seed):
    """Rewrites whole binaries of `tree`, with `share` of its bytes in them."""
    chance = random.Random(seed)
    files = plain_files(tree)
    left = share * sum(path.stat().st_size for path in files)
    chance.shuffle(files)
    for path in files:
        size = path.stat().st_size
        if 128 * 1024 <= size <= left and b"\0" in path.read_bytes()[:8192]:
            edit(path, chance)
            left -= size
    small = [path for path in sorted(files) if path.stat().st_size < 16384]
    add_and_remove(small, 2, chance)


def make_release(corpus, tree, percent, seed):
    """Edits `tree` into the next release: `percent` of its files, or half of that of its bytes."""
    if corpus == "binaries":
        # A rebuilt package: fewer files than an edited source, but whole.
        edit_whole_binaries(tree, 0.005 if percent == 1 else percent / 100, seed)
    else:
        edit_scattered(tree, percent / 100, seed)


# --- All of it ---

def facts_of(tree):
    files = plain_files(tree)
    sizes = [path.stat().st_size for path in files]
    folders = sum(len(names) for _, names, _ in os.walk(tree))
    return {"files": len(files), "folders": folders, "bytes": sum(sizes),
            "below_16_KiB": sum(size < 16384 for size in sizes)}


def make(corpus, cache):
    """The folder with the three releases of `corpus`, made if need be."""
    done = cache / corpus
    if (done / "facts.json").exists():
        return done
    new = cache / f"{corpus}.new"
    shutil.rmtree(done, ignore_errors=True)
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    say(f"fetching {corpus} into {done}")
    if corpus == "node":
        fetch_node(new / "v1")
        source = [f"{name} {version}" for name, version in NODE_PACKAGES.items()]
    else:
        source = fetch_debian(new / "v1", DEBIAN_PACKAGES[corpus].split(), new / "downloads")
    facts = {"from": source, "v1": facts_of(new / "v1")}
    for release, percent in (("v2", 1), ("v3", 10)):
        say(f"{corpus}: {release} with {percent} % changed")
        run(["cp", "-a", new / "v1", new / release])
        make_release(corpus, new / release, percent, seed=f"{corpus} {release}")
        facts[release] = facts_of(new / release)
    (new / "facts.json").write_text(json.dumps(facts, indent=2) + "\n")
    new.rename(done)
    say(f"{corpus}: {facts['v1']['files']} files, {facts['v1']['bytes'] / 1e6:.1f} MB")
    return done


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=default_cache())
    parser.add_argument("corpus", nargs="*", metavar="CORPUS", help=f"of {', '.join(NAMES)}; all")
    wanted = parser.parse_args()
    for corpus in wanted.corpus:
        if corpus not in NAMES:
            parser.error(f"there is no corpus '{corpus}'; there are {', '.join(NAMES)}")
    for corpus in wanted.corpus or NAMES:
        print(make(corpus, wanted.cache.absolute()))


if __name__ == "__main__":
    main()
