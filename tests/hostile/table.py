"""How rows of the table are written.

row(13, "names that lead out: ../x, a/../.., ..",       what it is
    *[deploy(tar(file(name)), 1, "leads out") for …])    how it is made, the exit status, words that are said

A row's tries are functions of a Box; these make them. An exit status may be several, of which each is
right: whether a file changes while it is read, nobody can say beforehand.
"""

import os
from pathlib import Path

from box import MODES, SHIPIT, in_mounts  # noqa: F401

ROWS = {}
TESTS = Path(__file__).resolve().parent.parent


class Row:
    def __init__(self, number, what, tries, kind="files", damaged=False, needs_root=False):
        self.number, self.what, self.tries, self.kind = number, what, tries, kind
        self.damaged, self.needs_root = damaged, needs_root
        self.chapter = None


def row(number, what, *tries, **how):
    """damaged: the row damages shipit's own files, so that nothing is looked at after its tries."""
    assert number not in ROWS, f"there are two rows {number}"
    ROWS[number] = Row(number, what, tries, **how)


def exits_of(exits):
    return exits if isinstance(exits, tuple) else (exits,)


def ship(words, exits, *says, **how):
    """shipit with these words, which may be made from the box."""
    return lambda box: box.attempt(words(box) if callable(words) else words.split(" ") if isinstance(words, str)
                                   else words, exits_of(exits), says, **how)


def deploy(data, exits, *says, name="build.tar", **how):
    """Deploys an archive, given by its bytes: as a file, and on standard input where the output is JSON."""
    def run(box):
        file = box.inputs / name
        file.write_bytes(data(box) if callable(data) else data)
        for mode in how.pop("modes", MODES):
            words = ["deploy", "-"] if mode == "json" else ["deploy", name]
            box.attempt(words, exits_of(exits), says, modes=(mode,), stdin=file if mode == "json" else None, **how)
    return run


def folder(fill, exits, *says, **how):
    """Deploys a folder that `fill(path, box)` makes or that a dict of names and contents describes."""
    def run(box):
        build = box.inputs / f"folder{len(os.listdir(box.inputs))}"
        build.mkdir()
        if callable(fill):
            fill(build, box)
        else:
            write_files(build, fill)
        box.attempt(["deploy", build], exits_of(exits), says, **how)
    return run


def write_files(build, files):
    for name, content in files.items():
        path = os.path.join(os.fsencode(build), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(os.fsencode(content))


def toml(text, exits, *says, **how):
    """Deploys a folder with this shipit.toml."""
    return folder({"shipit.toml": text, "file": "content"}, exits, *says, **how)


def elsewhere(*names):
    """Tried by these scenarios or cases, which run in the same suite: they are there, that is looked at."""
    def run(box):
        box.what = "tried elsewhere"
        for name in names:
            room, _, sentence = name.partition(": ")
            if room == "unit":
                there = any(f'"{sentence}"' in file.read_text() for file in (TESTS / "unit").glob("*.cpp"))
            else:
                # Of the cases that are killed or fail, the list has the first word.
                there = sentence.partition(",")[0] in (TESTS / room / "CMakeLists.txt").read_text()
            box.expect(there, f"there is no test '{name}'")
            box.tries += 1
    run.is_elsewhere = True
    return run
