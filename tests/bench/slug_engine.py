#!/usr/bin/env python3
"""Times packing and unpacking: shipit beside tar and zstd and beside other stores of releases.

    slug_engine.py --slug-bench PROGRAM [OPTION]... [CORPUS]...

Needs root, for loop mounts. See README.md. The table goes to stdout, in Markdown; all figures to
RESULTS/CORPUS.json, in the cache.
"""
import argparse
import dataclasses
import json
import os
import signal
import sys
from pathlib import Path

import corpora
import report
from disk import measure_disk
from images import Image
from measure import Failed, machine, run, say
from rounds import JOBS, Rounds
from tools import all_tools

# Of the image that all is timed on, and of that for eleven releases; only what is written is taken.
GIGABYTES = {"node": (7.5, 4), "python-php": (2, 1.5), "binaries": (7.5, 6.5)}
KINDS = ["ext4", "xfs", "btrfs"]


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slug-bench", required=True, type=Path, metavar="PROGRAM")
    parser.add_argument("--cache", type=Path, default=corpora.default_cache())
    parser.add_argument("--results", type=Path, help="default: CACHE/results")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--tools", metavar="A,B", help="beside the reference; all that are there")
    parser.add_argument(
        "--jobs", metavar="A,B", help=f"of: {', '.join(JOBS)}, disk; all".replace("%", "%%")
    )
    parser.add_argument("--no-check", action="store_true",
                        help="do not look whether what was packed comes out as it went in")
    parser.add_argument("corpus", nargs="*", metavar="CORPUS",
                        help=f"of {', '.join(corpora.NAMES)}; all")
    options = parser.parse_args()
    options.jobs = options.jobs.split(",") if options.jobs else [*JOBS, "disk"]
    for given, known in ((options.corpus, corpora.NAMES), (options.jobs, [*JOBS, "disk"])):
        for word in given:
            if word not in known:
                parser.error(f"there is no '{word}'; there are {', '.join(known)}")
    return options


def choose_tools(options):
    tools = all_tools(options.slug_bench)
    chosen = tools
    if options.tools:
        names = options.tools.split(",")
        if unknown := set(names) - {tool.name for tool in tools}:
            raise Failed(f"there is no tool {unknown}; there are {[tool.name for tool in tools]}")
        # shipit's slugs are what its other ways are measured on.
        chosen = [tool for tool in tools if tool.name in (*names, report.REFERENCE, "shipit")]
    for tool in chosen:
        if not tool.is_here():
            say(f"leaving out {tool.name}: {', '.join(tool.programs)} is not installed")
    return [tool for tool in chosen if tool.is_here()]


def measure(corpus, options, tools):
    size, disk_size = GIGABYTES[corpus.name]
    jobs = [job for job in JOBS if job in options.jobs]
    result = {"corpus": corpus.name, "repeat": options.repeat,
              "tools": [tool.name for tool in tools], "jobs": {}, "sizes": {}, "broken": [],
              "disk": {}, "facts": json.loads((corpus / "facts.json").read_text()),
              "load_before": os.getloadavg()[0], **report.facts_of_run()}
    if jobs:
        with Image("ext4", size) as image:
            rounds = Rounds(corpus, image.root, tools, options.repeat, not options.no_check)
            rounds.run(jobs)
        result["jobs"] = {job: {tool: [dataclasses.asdict(sample) for sample in samples]
                                for tool, samples in by_tool.items()}
                          for job, by_tool in rounds.samples.items()}
        result["sizes"] = rounds.sizes
        result["broken"] = list(rounds.broken.items())
    if "disk" in options.jobs:
        with Image("ext4", 2) as image:
            result["disk"] = measure_disk(corpus, KINDS, disk_size, tools, image)
    return result


def versions():
    # What a program calls itself, in its first line.
    asked = ["tar --version", "zstd --version", "bsdtar --version", "rsync --version",
             "restic version", "borg --version", "casync --version", "git --version",
             "sh -c 'ostree --version | sed -n 2,2p'"]
    found = [run(["sh", "-c", f"{command} 2>/dev/null | head -n 1"]).strip() for command in asked]
    return "; ".join(" ".join(line.replace("*", "").split()) for line in found if line)


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if os.geteuid() != 0:
        sys.exit("slug_engine: only root may mount the file systems that this measures on\n"
                 "  next: sudo ./install.sh --bench")
    try:
        tools = choose_tools(options)
        results = options.results or options.cache / "results"
        results.mkdir(parents=True, exist_ok=True)
        print(f"{machine()}.\n\n{versions()}.\n", flush=True)
        for name in options.corpus or corpora.NAMES:
            corpus = corpora.make(name, options.cache.absolute())
            result = measure(corpus, options, tools)
            (results / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
            print(report.report(result), flush=True)
    except Failed as failure:
        sys.exit(f"slug_engine: {failure}")


if __name__ == "__main__":
    main()
