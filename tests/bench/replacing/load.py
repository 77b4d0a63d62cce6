"""The clients: requests at a steady rate, each on a new connection, in phases; and what they saw."""
import json
import os
import signal
import subprocess

from measure import Failed


class Load:
    """From `with` on; `next_phase` ends one, `end` all of it."""

    def __init__(self, hammer, port, rate, clients):
        # Real clients do not wait for the server's processors.
        first = ["nice", "-n", "-10"] if os.geteuid() == 0 else []
        self.argv = [*first, hammer, str(port), str(clients), str(clients * 1_000_000 // rate),
                     "paced", "all"]

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, text=True,
                                        stdout=subprocess.PIPE, start_new_session=True)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def next_phase(self):
        self.process.send_signal(signal.SIGUSR1)

    def end(self):
        """What was seen, by phase."""
        self.process.terminate()
        written, _ = self.process.communicate()
        return [json.loads(line) for line in written.splitlines()]


def require_only(phase, version):
    """Nothing may be wrong before anything is changed."""
    if phase["failed"] or set(phase["releases"]) != {version}:
        raise Failed(f"undisturbed, there were {phase['failures'] or phase['releases']} "
                     f"instead of answers by version {version}")


def first_answer_by_another(phase, before):
    """The moment, in microseconds since 1970; None if there was none."""
    return min((moment for version, moment in phase["first_us"].items() if version != before),
               default=None)


def quantile(latencies, share):
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
