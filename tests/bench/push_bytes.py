#!/usr/bin/env python3
"""Bytes that a push sends, beside `rsync -az` and the whole slug, for the releases of a tree.

    push_bytes.py --shipit PATH [--cache DIR] [--json FILE] [node] [python-php] [binaries]
    push_bytes.py --shipit PATH --trees V1 V2 [V3]...

Each release is pushed over the one before; what stands for ssh counts the bytes both ways, for both
programs. "fresh" is the same with the times of a fresh checkout, as a CI run has it.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import corpora
from measure import Failed, run, say

# ssh's place: runs the command here, and adds what went each way to a file.
COUNTING = """#!/usr/bin/env python3
import os, subprocess, sys, threading
os.environ["PATH"] = "{bin}:" + os.environ["PATH"]
os.environ["SHIPIT_ROOT"] = "{root}"
command = sys.argv[2:]
there = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
counts = [0, 0]
def carry(which, source, target):
    while data := os.read(source, 1 << 16):
        counts[which] += len(data)
        while data:
            data = data[os.write(target, data):]
    os.close(target)
up = threading.Thread(target=carry, args=(0, 0, there.stdin.fileno()), daemon=True)
up.start()
carry(1, there.stdout.fileno(), 1)
status = there.wait()
with open("{counts}", "a") as file:
    print(*counts, file=file)
os._exit(status)
"""


class Bench:
    def __init__(self, folder, shipit):
        self.folder = folder
        self.shipit = shipit
        self.counts = folder / "counts"
        (folder / "bin").mkdir()
        (folder / "bin/shipit").symlink_to(shipit)
        self.ssh = folder / "bin/counting"
        self.ssh.write_text(COUNTING.format(bin=folder / "bin", root=folder / "root",
                                            counts=self.counts))
        self.ssh.chmod(0o755)
        self.env = os.environ | {"SHIPIT_ROOT": str(folder / "root"),
                                 "XDG_CACHE_HOME": str(folder / "cache"), "LC_ALL": "C.UTF-8"}

    def counted(self, argv):
        """Runs a command; the bytes that went there and came back, and how long it took."""
        self.counts.write_text("")
        begun = time.monotonic()
        output = run(argv, env=self.env)
        took = time.monotonic() - begun
        sent, received = map(int, self.counts.read_text().split())
        return {"sent": sent, "received": received, "seconds": round(took, 2)}, output

    def make_app(self, name):
        run([self.shipit, "create", name], env=self.env)
        run([self.shipit, "-a", name, "set", "slug.outside_links=true",
             "slug.max_entries=10000000"], env=self.env)

    def push(self, name, tree):
        counted, output = self.counted([self.shipit, "push", "--json", "--ssh", self.ssh,
                                        f"example:{name}", tree])
        told = json.loads(output)
        if told["traffic"] != {key: counted[key] for key in ("sent", "received")}:
            raise Failed(f"shipit says {told['traffic']}, and it was {counted}")
        return counted | {"slug": told["slug"]["size"]}

    def rsync(self, name, tree):
        target = self.folder / name
        return self.counted(["rsync", "-az", "--delete", "-e", self.ssh, f"{tree}/",
                             f"example:{target}/"])[0]


def touched(tree, folder):
    """A copy with other times."""
    copy = folder / "fresh"
    shutil.rmtree(copy, ignore_errors=True)
    run(["cp", "-a", tree, copy])
    run(["find", copy, "-exec", "touch", "-h", "-d", "2026-01-02 03:04:05", "{}", "+"])
    return copy


def measure(shipit, trees, parent):
    rows = []
    with tempfile.TemporaryDirectory(prefix="shipit-push-", dir=parent) as folder:
        bench = Bench(Path(folder), shipit)
        for kind in ("", "fresh"):
            name = f"app{kind}"
            bench.make_app(name)
            for number, tree in enumerate(trees):
                is_fresh = kind == "fresh" and number > 0
                used = touched(tree, Path(folder)) if is_fresh else tree
                if kind == "fresh" and number > 1:
                    break
                row = {"release": f"{tree.name} {kind}".strip(),
                       "shipit": bench.push(name, used), "rsync": bench.rsync(f"rsync{kind}", used)}
                rows.append(row)
                say(f"{row['release']}: {row['shipit']}, rsync {row['rsync']}")
    return rows


def both_ways(counted):
    return counted["sent"] + counted["received"]


def table(name, rows):
    lines = [f"| {name} | shipit push | rsync -az | whole slug | push / rsync |",
             "| --- | ---: | ---: | ---: | ---: |"]
    for row in rows:
        ours, theirs = both_ways(row["shipit"]), both_ways(row["rsync"])
        lines.append(f"| {row['release']} | {ours:,} | {theirs:,} | {row['shipit']['slug']:,} "
                     f"| {ours / theirs:.2f} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shipit", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=corpora.default_cache())
    parser.add_argument("--folder", type=Path, help="where the copies are made (on tmpfs)")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--trees", type=Path, nargs="+")
    parser.add_argument("corpus", nargs="*", choices=[[], *corpora.NAMES])
    wanted = parser.parse_args()
    if shutil.which("rsync") is None:
        sys.exit("push_bytes: there is no rsync here")
    results = {}
    if wanted.trees:
        results["trees"] = measure(wanted.shipit.absolute(), wanted.trees, wanted.folder)
    for name in wanted.corpus:
        made = corpora.make(name, wanted.cache.absolute())
        results[name] = measure(wanted.shipit.absolute(), [made / v for v in ("v1", "v2", "v3")],
                                wanted.folder)
    if wanted.json:
        wanted.json.write_text(json.dumps(results, indent=2) + "\n")
    print("\n\n".join(table(name, rows) for name, rows in results.items()))


if __name__ == "__main__":
    try:
        main()
    except (Failed, subprocess.CalledProcessError) as failure:
        sys.exit(f"push_bytes: {failure}")
