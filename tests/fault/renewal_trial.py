"""The supervisor, disturbed at each call of its renewal: while it tries the program that is to take its place, hands
over what it knows, and becomes that one. The app answers all the while; a supervisor that did not survive it is
followed by the next command's."""

import os
import shutil
import signal

from invariants import violations
from supervisor_trial import SupervisorTrial
from world import SHIPIT, wait_for


class RenewalTrial(SupervisorTrial):
    def __init__(self, options, case):
        super().__init__(options, case)
        self.world.program = self.world.scratch / "shipit"
        self.during = self.world.scratch / "during"  # is there while calls count
        self.upgrade()

    def upgrade(self):
        """Another file under the same name, as packages are upgraded."""
        new = self.world.scratch / "shipit.new"
        shutil.copy(SHIPIT, new)
        os.replace(new, self.world.program)

    def log(self):
        file = self.world.app / "log/supervisor.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def is_renewed(self, pid):
        """Also where it could not be written down: the file that it was started from is gone."""
        try:
            return os.readlink(f"/proc/{pid}/exe") == str(self.world.program)
        except FileNotFoundError:
            return False  # it has ended

    def is_log_disturbed(self):
        hit = self.hit()
        return hit is not None and hit.target.endswith("supervisor.log")

    def renew(self, found):
        """What its log says of it, and the process that there was."""
        pid, before = self.world.supervisors()[0], len(self.log())

        def is_over():
            return self.has_ended() or self.is_renewed(pid) or "not renewed" in self.log()[before:]

        self.upgrade()
        self.during.touch()
        os.kill(pid, signal.SIGHUP)
        if not wait_for(30, is_over) and not self.is_log_disturbed():
            found.append("it is neither renewed, nor says why it is not, nor ends")
        if not wait_for(30, lambda: self.has_ended() or self.is_up()):
            found.append("it does not answer after that")
        self.during.unlink()
        return pid, self.log()[before:]

    def disturb(self, number, error):
        if self.case is None:
            self.begin_epoch()
        self.end_supervisor()
        self.during.unlink(missing_ok=True)
        how = f"--kill={number}" if error is None else f"--fail={number}:{error}"
        self.start_disturbed([how, f"--while={self.during}"])
        assert wait_for(30, self.is_up), "the supervisor does not come up"
        found = []
        pid, said = self.renew(found)
        hit = self.hit()
        if hit is None and ("goes on with" not in said or self.world.supervisors() != [pid]):
            found.append(f"undisturbed, and {pid} was not renewed: {said}")
        if hit:
            found += violations(self.world, is_settled=False)
        result = self.world.ship(*self.case.words(), expect=None)
        if result.code != 0:
            found.append(f"after it, {result}")
        found += self.in_the_end()
        self.end_round(f"renewal, {error or 'killed'} at call {hit or number}", found, result, hit)
        return hit is not None
