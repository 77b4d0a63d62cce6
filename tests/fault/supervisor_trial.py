"""The supervisor, disturbed at each of its own calls while it takes an app over and a command has it do
something. What it has started goes on; the next command starts another one."""

import json
import os
import signal
import subprocess

from trial import Trial
from world import RUNNER, wait_for


class SupervisorTrial(Trial):
    def end_supervisor(self):
        for pid in self.world.supervisors():
            os.kill(pid, signal.SIGKILL)
        assert wait_for(10, lambda: not self.world.supervisors())

    def start_disturbed(self, how):
        self.report_file = self.world.scratch / "report"
        self.report_file.unlink(missing_ok=True)
        with open(self.world.scratch / "supervisor.out", "ab") as out:
            self.runner = subprocess.Popen(
                [RUNNER, "--whose=supervisor", f"--report={self.report_file}", *how, "--", self.world.program,
                 "--root", str(self.world.root), "supervise", "app"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                env=self.world.environment())

    def hit(self):
        return self.world.hit(self.report_file)

    def has_ended(self):
        return self.runner.poll() is not None

    def is_up(self):
        result = self.world.ship("ps", "--json", expect=None)
        if result.code != 0:
            return False
        processes = json.loads(result.out)
        return len(processes) == 1 and processes[0]["state"] == "up"

    def is_settled(self):
        return self.world.processes() == [f"v{self.world.live()}"]

    def disturb(self, number, error):
        if self.case is None:
            self.begin_epoch()
        self.end_supervisor()
        self.case.between()
        how = [f"--kill={number}"]
        if error is not None:
            how = [f"--fail={number}:{error}", f"--under={self.world.root}"]
        self.start_disturbed(how)
        found = []
        if not wait_for(30, lambda: self.has_ended() or self.is_up()):
            found.append("the supervisor neither comes up nor ends")
        words = self.case.words()
        result = self.world.ship(*words, expect=None)
        wait_for(15, lambda: self.has_ended() or self.is_settled())
        hit = self.hit()
        if result.code != 0 and (hit is None or not isinstance(result.code, int)):
            found.append(f"{'disturbed' if hit else 'undisturbed'}, {result}")
        if hit and not self.world.answer().startswith("release v") and self.case.is_asked:
            found.append(f"the app does not answer: {self.world.answer()}")
        if hit:
            again = self.world.ship(*words, expect=None)
            if again.code not in self.case.repeats:
                found.append(f"run again, {again}")
        ends = self.in_the_end()
        if ends and hit is None and self.hit():  # it came to that call while it was looked at
            hit = self.hit()
            self.world.ship(*words, expect=None)
            ends = self.in_the_end()
        found += ends
        where = f"supervisor {error or 'killed'} at call {hit or number}"
        self.end_round(where, found, result, hit)
        return hit is not None

    def give_up_epoch(self):
        log = self.world.app / "log/supervisor.log"
        if log.exists():
            print("    its log ends:", *log.read_text(errors="replace").splitlines()[-12:], sep="\n      ")
        super().give_up_epoch()
