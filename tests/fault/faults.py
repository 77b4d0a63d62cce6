#!/usr/bin/env python3
"""Disturbs one command of shipit at each of its system calls, and looks at what is left of it.

The first call, then the second, and so on until the command gets through undisturbed: no point is left
out when the code changes. After each, what always holds must hold, and the same command, run again, must
succeed without help.

A command is killed, or, with --fail, let fail with an error, or, with --cut, the power is cut. See
tests/README.md.
"""

import argparse
import random
import sys
import time

from cases import CASES, RENEWED, SUPERVISED
from power_trial import PowerTrial
from push_cases import PUSHED
from renewal_trial import RenewalTrial
from supervisor_trial import SupervisorTrial
from trial import Trial

ERRORS = ["ENOSPC", "EIO", "EDQUOT", "EROFS", "EMFILE", "EACCES", "EINTR"]


def options_from(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("case", choices=[*CASES, *PUSHED, *SUPERVISED, *RENEWED])
    parser.add_argument("--scratch", required=True, help="a folder for all of it")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--fail", type=lambda text: ERRORS if text == "all" else text.split(","),
                        help="these errors, or all, instead of killing it")
    parser.add_argument("--cut", action="store_true", help="the power, instead; the root is on scratch/disk")
    parser.add_argument("--flush-log", action="store_true", help="with --cut: of the file system, before")
    parser.add_argument("--every", type=int, default=1, help="only each so manieth call, from a chosen one on")
    parser.add_argument("--only", type=int, help="only this call")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1000000))
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args(words)


def trial_of(options):
    if options.case in SUPERVISED:
        return SupervisorTrial(options, SUPERVISED[options.case])
    if options.case in RENEWED:
        return RenewalTrial(options, RENEWED[options.case])
    return (PowerTrial if options.cut else Trial)(options, (CASES | PUSHED)[options.case])


def main():
    options = options_from(sys.argv[1:])
    trial = trial_of(options)
    begun = time.monotonic()
    try:
        trial.run()
    finally:
        trial.world.clean_up()
    what = f"points of {'/'.join(options.fail)}" if options.fail else "kill points"
    if options.cut:
        what = f"power cuts {'with' if options.flush_log else 'without'} a flush of the log"
    print(f"{options.case}: {trial.points} {what}, {trial.problems} violations "
          f"(every {options.every}, seed {options.seed}, {time.monotonic() - begun:.0f} s)")
    return 1 if trial.problems or trial.points == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
