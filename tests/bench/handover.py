#!/usr/bin/env python3
"""Replaces running programs under load: by shipit, and by what is used instead.

Round by round in turn, so that what slows down the machine slows down all. See README.md. The tables
go to stdout, in Markdown; what was not measured is said on stderr.
"""
import argparse
import json
import os
import shutil
import signal
import sys
from pathlib import Path

sys.dont_write_bytecode = True # a benchmark leaves nothing, not in the checkout either
from measure import Failed, machine, say
from replacing import results as tables
from replacing.programs import all_programs
from replacing.turns import take_turn
from replacing.ways import ALL
from replacing.workplace import Workplace

CHECKOUT = Path(__file__).resolve().parents[2]
HOW_TO_GET = {"node": "apt-get install nodejs", "gunicorn": "apt-get install gunicorn",
              "nginx": "apt-get install nginx", "supervisord": "apt-get install supervisor",
              "supervisorctl": "apt-get install supervisor",
              "pm2": "npm install --prefix ~/.cache/shipit-bench/pm2 pm2"}


def words(text):
    return [word for word in text.split(",") if word]


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=CHECKOUT / "build/tested", metavar="DIR",
                        help="where shipit and tests/load are built; default: build/tested")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--seconds", type=float, default=3, metavar="S",
                        help="undisturbed before each change, and again with it; default: 3")
    parser.add_argument("--rate", type=int, default=500, metavar="N",
                        help="requests a second; default: 500")
    parser.add_argument("--clients", type=int, default=10, metavar="N",
                        help="which ask them in turn; default: 10")
    parser.add_argument("--ways", type=words, metavar="A,B", default=[""],
                        help="whose names begin so; all: " + "; ".join(way.name for way in ALL))
    parser.add_argument("--programs", type=words, metavar="A,B", help="plain, node, gunicorn; all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="for all figures")
    options = parser.parse_args()
    options.hammer = options.build / "tests/load/hammer"
    options.shipit = options.build / "cmd/shipit"
    for program in (options.hammer, options.shipit):
        if not program.exists():
            parser.error(f"there is no {program}\n  next: cmake -G Ninja -S {CHECKOUT} -B "
                         f"{options.build} -DSHIPIT_DEV=ON && cmake --build {options.build}")
    return options


def find_tools(options):
    """Programs by name, as far as they are installed."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    path = f"{os.environ['PATH']}:{cache}/shipit-bench/pm2/node_modules/.bin"
    found = {name: shutil.which(name, path=path) for name in HOW_TO_GET}
    return {**found, "shipit": str(options.shipit.resolve())}


def is_there(what, tools):
    for need in what.needs:
        if not tools[need]:
            say(f"leaving out {what.name}: there is no {need} here; {HOW_TO_GET[need]}")
            return False
    return True


def choose(options, tools):
    """The programs, and of each the ways that replace it."""
    programs = [program for program in all_programs(options.build)
                if not options.programs or program.name in options.programs]
    programs = [program for program in programs if is_there(program, tools)]
    ways = [way for way in ALL if way.name.startswith(tuple(options.ways))]
    ways = [way for way in ways if is_there(way, tools)]
    return [(program, [way for way in ways if program.name in way.programs])
            for program in programs]


class Run:
    """All rounds. A way that fails once is left out of all further rounds, and said to have failed."""

    def __init__(self, options, place, tools):
        self.options = options
        self.place = place
        self.tools = tools
        self.broken = {}
        self.turns = {}
        self.count = 0

    def new_folder(self):
        self.count += 1
        return self.place.folder(f"turn{self.count}")

    def round(self, program, ways):
        for way in ways:
            name = f"{program.name}: {way.name}"
            if name not in self.broken:
                self.turn(name, way(self.place, program, self.tools))

    def turn(self, name, way):
        try:
            turn = take_turn(way, self.new_folder(), self.options)
        except Failed as failure:
            say(f"{name} failed: {failure}")
            self.broken[name] = str(failure)
            return
        self.turns.setdefault(name, []).append(turn)
        say(f"{name}: {turn['failed']} of {turn['requests']} failed, first answer after "
            f"{turn['first_ms']:.1f} ms {turn['failures'] or ''}")
        if turn["evidence"]:
            say(turn["evidence"])


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    tools = find_tools(options)
    chosen = choose(options, tools)
    with Workplace() as place:
        run = Run(options, place, tools)
        for number in range(options.rounds):
            say(f"round {number + 1} of {options.rounds}")
            for program, ways in chosen:
                run.round(program, ways)
    results = {"turns": run.turns, "broken": run.broken, "machine": machine(),
               "processors": os.cpu_count(),
               "load": f"{options.rate} requests a second by {options.clients} clients, each on a "
                       f"new connection; {options.rounds} rounds"}
    if options.json:
        options.json.write_text(json.dumps(results) + "\n")
    print(tables.report(results), flush=True)
    if lost := tables.lost_by_shipit(results):
        sys.exit(f"handover: shipit lost {lost} requests")
    if run.broken:
        sys.exit(f"handover: failed: {', '.join(run.broken)}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
