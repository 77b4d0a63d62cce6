"""hostile.py --scratch DIR --port N [--only NUMBER] [--verbose] CHAPTER…: runs rows of the table of hostile inputs.

Without a chapter: all. Each row is tried in a root of its own; the last line counts rows, tries and faults.
"""

import argparse
import importlib
import os
import shutil
import sys
import time
import traceback
from pathlib import Path

from box import Box
from table import ROWS

CHAPTERS = ("archives", "builds", "names", "manifests", "config", "cli", "host", "concurrency", "processes")
IN_ALL = 158
MOST_FAULTS = 6  # of one row, that are told


def load(chapters):
    for chapter in chapters:
        before = set(ROWS)
        importlib.import_module(chapter)
        for number in set(ROWS) - before:
            ROWS[number].chapter = chapter


class Templates:
    """A root of each kind, made once; every row gets a copy. A served one cannot be copied: it is made anew."""

    def __init__(self, scratch, port):
        self.scratch, self.port, self.files = scratch, port, None

    def box_for(self, row):
        folder = self.scratch / f"row{row.number}"
        if row.kind == "web":
            box = Box(folder, "web", self.port)
            box.make()
            return box
        if self.files is None:
            self.files = Box(self.scratch / "template", "files", self.port)
            self.files.make()
        return self.files.copy_to(folder)


def run(row, templates, verbose):
    """Its faults, and how many tries it took."""
    box = templates.box_for(row)
    began = time.monotonic()
    try:
        for attempt in row.tries:
            attempt(box)
        if not row.damaged:
            box.look()
    except Exception:  # of the row itself: told with all others
        box.fault(traceback.format_exc())
    finally:
        if not row.damaged or row.kind == "web":
            box.clean_up()
    # What a row locked away by modes is still ours to remove.
    os.system(f"chmod -R u+rwX '{box.box}' 2>/dev/null")
    shutil.rmtree(box.box, ignore_errors=True)
    if verbose:
        print(f"{row.number:4} {time.monotonic() - began:5.1f} s  {box.tries:3} tries  {row.what}")
    return box.faults, box.tries


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--scratch", type=Path, required=True)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--only", type=int)
    options.add_argument("--verbose", action="store_true")
    options.add_argument("chapters", nargs="*", default=CHAPTERS)
    given = options.parse_args()
    load(CHAPTERS)
    if not given.only and not os.environ.get("PARTIAL") and sorted(ROWS) != list(range(1, IN_ALL + 1)):
        sys.exit(f"rows are missing: {sorted(set(range(1, IN_ALL + 1)) - set(ROWS))}")

    rows = [row for row in ROWS.values() if given.only in (None, row.number) and row.chapter in given.chapters]
    templates = Templates(given.scratch, given.port)
    bad = tries = not_here = there = 0
    for row in rows:
        if row.needs_root and os.geteuid() != 0:
            print(f"{row.number} is not tried here, which only root can: {row.what}")
            not_here += 1
            continue
        faults, count = run(row, templates, given.verbose)
        tries += count
        there += all(getattr(attempt, "is_elsewhere", False) for attempt in row.tries)
        bad += bool(faults)
        for fault in faults[:MOST_FAULTS]:
            print(f"{row.number} ({row.what}): {fault}")
    print(f"{len(rows) - not_here} of {len(rows)} hostile inputs tried in {tries} tries ({there} by scenarios of their own), "
          f"of {IN_ALL} in the table; {bad} went wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
