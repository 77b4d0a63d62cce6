"""One command, disturbed again and again: at its first call, at its second, until it gets through."""

import errno
import json
import os
import random
import shutil

from invariants import violations
from world import World, now_us, wait_for

MOST_PROBLEMS = 10  # then the rest is not worth the time


class Trial:
    def __init__(self, options, case):
        self.options, self.case_of = options, case
        self.world = World(options.scratch, os.path.join(options.scratch, "root"), case.kind, options.port)
        self.case = None  # of the epoch
        self.rounds = []  # of the epoch: when each ended, and its name
        self.points = self.problems = 0

    # --- Epochs: a few rounds of one app ---

    def begin_epoch(self):
        self.case, self.rounds = self.case_of(self.world), []
        self.case.begin()
        if self.case.is_asked and self.world.live() is not None:
            self.world.start_hammer()

    def end_epoch(self):
        found = self.world.lost_requests(self.rounds)
        live = self.world.live()
        if live is not None and self.world.kind == "web":
            if not wait_for(20, lambda: self.world.processes() == [f"v{live}"]):
                found.append(f"v{live} is live, and these run: {self.world.processes()}")
        self.case.end()
        found += [f"there is {path} yet" for path in self.world.root.iterdir()]
        self.case = None
        self.report("the end of an epoch", found, None)

    def give_up_epoch(self):
        """After a problem: nothing of it is to be seen in the next round."""
        self.world.lost_requests()
        self.world.ship("destroy", "app", "--confirm", "app", expect=None)
        shutil.rmtree(self.world.root, ignore_errors=True)
        self.world.taken.clear()
        self.case = None

    # --- Rounds ---

    def disturb(self, number, error):
        """Whether call `number` was reached."""
        if self.case is None:
            self.begin_epoch()
        words = self.case.words()
        before = self.world.live()
        if error is None:
            result, hit = self.case.disturbed([f"--kill={number}"], words)
        else:
            how = [f"--fail={number}:{error}", f"--under={self.world.root}"]
            result, hit = self.case.disturbed(how, [*words, "--json"])
        found = []
        if hit is None and result.code != 0:
            found.append(f"undisturbed, but {result}")
        elif hit and error is None and result.code not in self.case.ended:
            found.append(f"not killed: {result}")
        elif hit and error:
            found += self.complaints(result, error, before)
        if hit:
            found += self.after(words, is_killed=error is None)
        found += self.in_the_end()
        self.end_round(f"{error or 'killed'} at call {hit or number}", found, result, hit)
        return hit is not None

    def after(self, words, is_killed):
        found = violations(self.world, is_settled=False, may_be_down=is_killed and self.case.stops)
        again = self.world.ship(*words, expect=None)
        return found if again.code in self.case.repeats else [*found, f"run again, {again}"]

    def in_the_end(self):
        failure = self.case.failure()
        return ([f"in the end, {failure}"] if failure else []) + violations(self.world, is_settled=True)

    def end_round(self, where, found, result, hit):
        self.points += hit is not None
        self.rounds.append((now_us(), where))
        self.report(where, found, result)
        if found:
            self.give_up_epoch()
        elif len(self.rounds) >= self.case.epoch:
            self.end_epoch()

    def complaints(self, result, error, before):
        """What is not as it should be about a command one of whose calls has failed."""
        found = []
        if not isinstance(result.code, int) or result.code == 70 or result.code >= 125:
            found.append(f"it ended badly: {result}")
        try:
            document = json.loads(result.out) if result.out or result.code != 0 else {}
        except json.JSONDecodeError as fault:
            found.append(f"--json is no single document ({fault}): {result}")
            document = {}
        if result.code == 0:
            failure = self.case.failure()
            return found + ([f"it said that it was done, but {failure}: {result}"] if failure else [])
        if self.world.live() != before and self.case.told() not in result.err:
            found.append(f"it failed, and v{self.world.live()} is live instead of v{before}: {result}")
        reason = os.strerror(getattr(errno, error))
        why = document["error"]["why"] if "error" in document else ""
        if document.get("failures"):  # each of which is a warning
            why = result.err
        if reason not in why or "'" not in why or reason not in result.err:
            found.append(f"it is not said what failed with '{reason}', on what: {result}")
        return found

    def report(self, where, found, result):
        if not found:
            if self.options.verbose:
                print(f"{where}: well", flush=True)
            return
        self.problems += 1
        print(f"{self.options.case}: {where}")
        for what in found:
            print(f"    {what}")
        if result is not None:
            print(f"    before that, {result}", flush=True)

    # --- All of it ---

    def numbers(self, chance):
        if self.options.only:
            yield self.options.only
            return
        number = 1 + chance.randrange(self.options.every)
        while True:
            yield number
            number += self.options.every

    def run(self):
        chance = random.Random(self.options.seed)
        for error in self.options.fail or [None]:
            for number in self.numbers(chance):
                if not self.disturb(number, error) or self.problems >= MOST_PROBLEMS:
                    break
            if self.problems >= MOST_PROBLEMS:
                print(f"{self.options.case}: too many problems, the rest is left out")
                break
        if self.case is not None:
            self.end_epoch()
