#!/usr/bin/env python3
"""Three clients at once do what comes to their minds with one app that is asked all the while: deploy, go back,
set config vars, prune, restart, and kill each other's commands, the app's process and its supervisor.

After each round what always holds must hold, and what was promised by an exit status of 0 must be done. In the end
each failed request must be one that a killed process took with it, and each answer one of the release that was live
when it was asked, or of the one just before or after that. The same seed draws the same deeds; how they meet is the
machine's. See tests/README.md.
"""

import argparse
import collections
import os
import random
import signal
import sys
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor

from answers import Answers
from deeds import Client, drawn
from invariants import violations
from world import World, now_us, wait_for

CLIENTS = 3
ASKING = 3  # requests at a time
SETTLES = 10  # each so manieth round ends with commands that must succeed and leave nothing over
MOST_PROBLEMS = 10
# What a command may exit with if nothing was killed.
CODES = {"bad_deploy": (3,), "config_unset": (0, 1)}  # it may not be set
DISTURBED = {0, 1, 3, 4}  # and if something was


class Round:
    def __init__(self, number, deeds, begun_us):
        self.number, self.deeds, self.begun_us, self.ended_us = number, deeds, begun_us, now_us()
        self.web_kills = [deed.at_us for deed in deeds if deed.name == "killed web"]
        self.supervisor_kills = [deed.at_us for deed in deeds if deed.name == "killed supervisor"]
        self.kills = sum(deed.name.startswith("killed ") for deed in deeds)
        self.goes_back = any("rollback" in deed.name for deed in deeds)


class Rounds:
    def __init__(self, options):
        self.options = options
        self.world = World(options.scratch, os.path.join(options.scratch, "root"), "web", options.port)
        self.world.building = threading.Lock()
        self.clients = [Client(self.world, number) for number in range(CLIENTS)]
        self.rounds = []
        self.releases = {}  # number: the manifest as it was when it was last seen
        self.problems = 0
        self.tally = collections.Counter()

    def report(self, where, found):
        self.problems += len(found)
        for what in found:
            print(f"{where}: {what}", flush=True)

    # --- One round ---

    def play(self, number):
        begun_us = now_us()
        plan = drawn(self.options.seed, number, CLIENTS)
        with ThreadPoolExecutor(CLIENTS) as pool:
            deeds = list(pool.map(lambda client, drawn: client.act(*drawn), self.clients, plan))
        played = Round(number, deeds, begun_us)
        self.tally.update(f"{deed.name} {deed.code}" for deed in deeds)
        found = self.wrong_codes(played)
        found += violations(self.world, is_settled=False, killed=max(1, played.kills))
        self.read_manifests()
        found += self.broken_promises(played)
        if number % SETTLES == 0 or number == self.options.rounds:
            found += self.unsettled()
        played.ended_us = now_us()
        self.rounds.append(played)
        self.report(f"round {number}", found)
        if found:
            print("    in that round:", "; ".join(map(str, deeds)), flush=True)
        if self.options.verbose:
            print(f"round {number}: {', '.join(f'{deed.name} {deed.code}' for deed in deeds)}", flush=True)

    def wrong_codes(self, played):
        return [f"exit status {deed.code}: {deed}" for deed in played.deeds
                if not self.is_allowed(deed, DISTURBED if played.kills else CODES.get(deed.name, (0,)))]

    @staticmethod
    def is_allowed(deed, codes):
        if deed.name == "rollback" and "place meanwhile" in deed.said: # what it was meant for is gone
            return deed.code == 1
        if "before its watch was over" in deed.said: # another client's release is live instead
            return deed.code in (0, 1, 4)
        return deed.name.startswith("killed ") or deed.code in codes

    def read_manifests(self):
        for file in (self.world.app / "releases").glob("v*.toml"):
            manifest = tomllib.loads(file.read_text())
            manifest["is_bad"] = manifest["description"].startswith("bad ")
            self.releases[int(file.stem[1:])] = manifest

    def broken_promises(self, played):
        found = []
        for deed in played.deeds:
            if deed.code != 0 or not deed.promise:
                continue
            what, *promised = deed.promise
            if what == "deployed" and not any(
                    release["description"] == promised[0] and release["status"] == "succeeded"
                    for release in self.releases.values()):
                found.append(f"{deed} was done, and no release of it succeeded")
            if what == "set" and not played.goes_back:
                live = self.releases[self.world.live()].get("config", {}).get(promised[0])
                if live != promised[1]:
                    found.append(f"{deed} was done, and {promised[0]} is {live} instead of {promised[1]}")
        return found

    def unsettled(self):
        """What commands that come after all of it leave. A slug whose deploy was killed before it was a release's is
        there for the same deploy, run again, or for a prune."""
        results = [self.world.ship(word, expect=None) for word in ("restart", "prune")]
        found = [f"after all of it, {result}" for result in results if result.code != 0]
        found += violations(self.world, is_settled=True)
        if not wait_for(20, lambda: self.world.processes() == [f"v{self.world.live()}"]):
            found.append(f"v{self.world.live()} is live, and these run: {self.world.processes()}")
        return found

    # --- All of them ---

    def run(self):
        self.world.create()
        self.world.deploy_next()
        self.world.deploy_next()  # something to go back to
        self.world.start_hammer(ASKING, 2000)
        for number in range(1, self.options.rounds + 1):
            self.play(number)
            self.world.hammer.send_signal(signal.SIGUSR1)  # its next phase
            if self.problems >= MOST_PROBLEMS:
                print("too many problems, the rest is left out")
                break
        self.read_manifests()
        answers = Answers(self.world.end_hammer(), self.rounds, self.releases, ASKING)
        self.report("the answers", answers.problems())
        print("what was done, and its exit statuses:",
              ", ".join(f"{count} x {what}" for what, count in sorted(self.tally.items())))
        print(answers.summary())


def options_from(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scratch", required=True, help="a folder for all of it")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1000000))
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args(words)


def main():
    options = options_from(sys.argv[1:])
    rounds = Rounds(options)
    begun = time.monotonic()
    print(f"seed {options.seed}", flush=True)
    try:
        rounds.run()
    finally:
        rounds.world.clean_up()
    print(f"rounds: {len(rounds.rounds)} rounds by {CLIENTS} clients at once, {rounds.problems} violations "
          f"(seed {options.seed}, {time.monotonic() - begun:.0f} s)")
    return 1 if rounds.problems or len(rounds.rounds) != options.rounds else 0


if __name__ == "__main__":
    sys.exit(main())
