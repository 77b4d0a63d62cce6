"""Times one command as a whole: wall clock, processor time and memory of all its processes."""
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


class Failed(Exception):
    pass


def say(text):
    print(f"{Path(sys.argv[0]).stem}: {text}", file=sys.stderr, flush=True)


@dataclass
class Sample:
    wall: float     # seconds
    cpu: float      # user and system, of the command and all that it waited for
    memory: float   # MiB, of its largest process
    others: float   # processor seconds that went to anything else meanwhile

    @staticmethod
    def named(values):
        return Sample(**values)


def busy_seconds():
    """What all processors have worked since the machine started."""
    with open("/proc/stat", encoding="ascii") as file:
        times = [int(word) for word in file.readline().split()[1:9]]
    idle = times[3] + times[4]
    return (sum(times) - idle) / os.sysconf("SC_CLK_TCK")


def run(argv, cwd=None, env=None):
    """Runs a command to its end, untimed; what it wrote to stdout. Throws Failed."""
    done = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, argv))}\n  ended with {done.returncode}: "
                     f"{done.stderr.strip()[-2000:]}")
    return done.stdout


def machine():
    model = run(["sh", "-c", "grep -m1 'model name' /proc/cpuinfo | cut -d: -f2"]).strip()
    memory = run(["sh", "-c", "awk '/^MemTotal/ { print int($2 / 1048576 + 0.5) }' /proc/meminfo"])
    system = run(["sh", "-c", ". /etc/os-release && echo $PRETTY_NAME"]).strip()
    return (f"{os.cpu_count()} cores ({model}), {memory.strip()} GiB, {system}, "
            f"Linux {os.uname().release}")


def timed(argv, cwd=None, env=None):
    """Runs a command and measures it. Everything dirty is written first, outside the clock."""
    with tempfile.TemporaryFile() as errors:
        os.sync()
        before, start = busy_seconds(), time.monotonic()
        child = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        others = busy_seconds() - before
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            errors.seek(0)
            raise Failed(f"{' '.join(map(str, argv))}\n  ended with {child.returncode}: "
                         f"{errors.read().decode(errors='replace').strip()[-2000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return Sample(wall, cpu, usage.ru_maxrss / 1024, max(0.0, others - cpu))


def floor_of_memory():
    """A child counts what this process had in memory when it was started: less is not seen."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def median_ratio(samples, reference, what="wall"):
    """Repetition by repetition, so that what slows down both does not count."""
    return statistics.median(getattr(mine, what) / max(getattr(theirs, what), 1e-6)
                             for mine, theirs in zip(samples, reference))


def extreme_ratios(samples, reference):
    ratios = [mine.wall / theirs.wall for mine, theirs in zip(samples, reference)]
    return min(ratios), max(ratios)


def median(samples, what):
    return statistics.median(getattr(sample, what) for sample in samples)
