"""Gives an app a long past: many_releases.py APP_FOLDER COUNT [STATE].

The two newest releases of the app, made by shipit itself, become the last two, and the newest stays live. It is the
pattern of all others: its manifest, transcript, evidence, slug, tree, link and good mark are copied, each with a
slug of its own, a minute apart. STATE is what those before it are: good (as the pattern), failed, expired, or
failing: all have failed but the oldest, which is good.
"""

import datetime
import os
import re
import shutil
import sys
from pathlib import Path

app, count = Path(sys.argv[1]), int(sys.argv[2])
state = sys.argv[3] if len(sys.argv) > 3 else "good"
releases, trees, good = app / "releases", app / "trees", app / "marks" / "good"

pattern = max(int(file.stem[1:]) for file in releases.glob("v*.toml"))
manifest = (releases / f"v{pattern}.toml").read_text()
slug_table = re.compile(r"^\[slug\]\n(?:.+\n)*", re.M)
before = slug_table.search((releases / f"v{pattern - 1}.toml").read_text())[0]
manifest_before = slug_table.sub(before, manifest)


def state_of(number):
    if number == count or (state == "failing" and number == 1):
        return "good"
    return "failed" if state == "failing" else state


def slug_in(text):
    return re.search(r'^id = "(\w+)"$', text, re.M)[1]


slug = slug_in(manifest)
real = {count: slug, count - 1: slug_in(before)}
mark = (good / f"v{pattern}").read_text()
made = datetime.datetime.fromisoformat(re.search(r'^created_at = "(.*)Z"$', manifest, re.M)[1])


def text_of(number, slug_id):
    then = made - datetime.timedelta(minutes=count - number)
    text = manifest_before if number == count - 1 else manifest
    text = re.sub(r"^version = \d+$", f"version = {number}", text, flags=re.M)
    if number not in real:
        text = text.replace(slug, slug_id)
    text = re.sub(
        r'^(created_at|live_at|good_at) = ".*"$',
        lambda line: f'{line[1]} = "{then.isoformat(timespec="milliseconds")}Z"',
        text,
        flags=re.M,
    )
    if state_of(number) == "good":
        return text
    text = text.replace('status = "succeeded"', f'status = "{state_of(number)}"')
    if state_of(number) == "failed":
        text = re.sub(r"^(live|good)_at = .*\n", "", text, flags=re.M)
        return text.replace("[evidence]\n", '[evidence]\nwhy_failed = "it was not healthy within 60s"\n')
    return text.replace("[evidence]\n", f'[evidence]\nexpired_at = "{made.isoformat(timespec="milliseconds")}Z"\n')


def private(path, text):
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


for old in good.iterdir():
    old.unlink()
for number in range(1, count + 1):
    slug_id = real.get(number, f"{number:032x}")
    private(releases / f"v{number}.toml", text_of(number, slug_id))
    for kind in "log", "evidence":
        if number != pattern and (releases / f"v{pattern}.{kind}").exists():
            shutil.copy(releases / f"v{pattern}.{kind}", releases / f"v{number}.{kind}")
    if state_of(number) == "good":
        (good / f"v{number}").write_text(mark)
    link = releases / f"v{number}"
    link.unlink(missing_ok=True)
    if state_of(number) == "good":
        link.symlink_to(f"../trees/{slug_id}")
    if number in real or state_of(number) != "good" or (trees / slug_id).exists():
        continue
    shutil.copy(releases / f"{slug}.tar.zst", releases / f"{slug_id}.tar.zst")
    shutil.copytree(trees / slug, trees / slug_id, symlinks=True)
    shutil.copy(trees / f"{slug}.stamp", trees / f"{slug_id}.stamp")

private(releases / ".last", f"v{count}\n")
(app / "current").unlink()
(app / "current").symlink_to(f"releases/v{count}")
