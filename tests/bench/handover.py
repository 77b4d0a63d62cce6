#!/usr/bin/env python3
"""Times the replacement of a running program: shipit beside what people do without it.

    handover.py --build FOLDER [OPTION]...

FOLDER is a build with tests (-DSHIPIT_DEV=ON). See README.md. The table goes to stdout, in Markdown.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Failed
from replacements import WAYS, wait_for
from report import table

MILLISECOND = 1000  # microseconds, as the client counts


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=Path, metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="default: 7")
    parser.add_argument("--seconds", type=float, default=1, metavar="S",
                        help="of load undisturbed, and after each replacement; default: 1")
    parser.add_argument("--pause", type=int, default=1000, metavar="US",
                        help="between the requests of each of two clients; default: 1000")
    parser.add_argument("--only", metavar="TEXT", help="ways whose name has it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures")
    return parser.parse_args()


class Load:
    """Two clients, each request on a new connection, until it is ended."""

    def __init__(self, tools, port, pause):
        self.client = subprocess.Popen([tools / "hammer", str(port), "2", str(pause)],
                                       stdout=subprocess.PIPE, text=True)

    def end(self):
        self.client.terminate()
        return json.loads(self.client.communicate()[0])


def measured(way, options, tools):
    """One replacement: under load that is first undisturbed, then not."""
    way.prepare()
    load = Load(tools, way.port, options.pause)
    time.sleep(options.seconds)
    quiet = load.end()
    load = Load(tools, way.port, options.pause)
    time.sleep(options.seconds / 2)
    begun = time.time()
    way.replace()
    whole = time.time() - begun
    wait_for(way.port, way.expected())
    time.sleep(options.seconds / 2)
    result = load.end()
    first = result["first"].get(way.expected())
    if first is None:
        raise Failed(f"{way.name}: nobody was answered by {way.expected()}: {result}")
    return {"requests": result["requests"], "failed": result["failed"],
            "failures": result["failures"], "command_ms": whole * 1000,
            "first_ms": first / MILLISECOND - begun * 1000,
            "p999_ratio": result["p999_us"] / max(1, quiet["p999_us"]),
            "worst_over_ms": (result["max_us"] - quiet["max_us"]) / MILLISECOND}


def start_alone(way):
    """How long the program itself takes, from its start to its first answer; milliseconds."""
    begun = time.monotonic()
    process = way.spawn(way.app, way.port)
    wait_for(way.port, way.expected())
    took = time.monotonic() - begun
    way.end(process)
    return took * 1000


def line(key, rounds, alone):
    def median(what):
        return statistics.median(each[what] for each in rounds)
    return [*key, sum(each["requests"] for each in rounds), sum(each["failed"] for each in rounds),
            f"{median('first_ms'):.0f} ({max(each['first_ms'] for each in rounds):.0f})",
            f"{alone:.0f}", f"{median('command_ms'):.0f}", f"{median('p999_ratio'):.1f}",
            f"{max(each['worst_over_ms'] for each in rounds):.0f}"]


def run_all(options, tools, scratch):
    ways, alone = {}, {}
    try:
        for kind in WAYS:
            if options.only and options.only not in kind.name:
                continue
            if kind.needs and not shutil.which(kind.needs):
                print(f"handover: no {kind.name}: there is no {kind.needs} ({kind.how_to_get})",
                      file=sys.stderr)
                continue
            for program in kind.programs:
                if program != "plain" and not shutil.which(program):
                    continue
                way = kind(program, scratch / f"{kind.__name__}-{program}", tools)
                if program not in alone:
                    alone[program] = statistics.median(start_alone(way) for _ in range(5))
                ways[kind.name, program] = way
                way.start()
                wait_for(way.port, way.expected())
        results = {key: [] for key in ways}
        for number in range(options.rounds):
            for key, way in ways.items():
                print(f"handover: round {number + 1}, {' '.join(key)}", file=sys.stderr)
                results[key].append(measured(way, options, tools))
    finally:
        for way in ways.values():
            way.stop()
    print(table(["way", "program", "requests", "failed", "first answer ms (worst)",
                 "program's own start ms", "command ms", "p99.9 / undisturbed",
                 "worst over undisturbed ms"],
                [line(key, rounds, alone[key[1]]) for key, rounds in results.items()]))
    if options.json:
        options.json.write_text(json.dumps({" ".join(key): rounds
                                            for key, rounds in results.items()}, indent=1))
    lost = sum(each["failed"] for key, rounds in results.items() if key[0].startswith("shipit")
               for each in rounds)
    if lost:
        raise Failed(f"shipit lost {lost} requests")


def main():
    options = parse()
    os.environ.pop("SHIPIT_RELEASE", None)
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: sys.exit(1)) # so that all is cleaned up
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="shipit-handover-", dir=parent) as scratch:
        tools = Path(scratch) / "tools"
        tools.mkdir()
        for program in ("cmd/shipit", "tests/load/hammer", "tests/load/plain_server"):
            shutil.copy(options.build / program, tools)
        run_all(options, tools, Path(scratch))


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"handover: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
