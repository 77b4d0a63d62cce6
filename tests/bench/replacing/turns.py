"""One turn of a way: it is started, left alone under load, replaces its program, and is stopped."""
import contextlib
import shutil
import statistics
import time

from measure import Failed, busy_seconds
from replacing.load import Load, first_answer_by_another, require_only
from replacing.workplace import end

# Before it counts; then how long at least after the command, in which the old version may still go.
WARM_UP = 0.5
AFTERWARDS = 1.5
# Of a program, to know its own.
OWN_STARTS = 3


@contextlib.contextmanager
def started(way, folder):
    try:
        way.start(folder)
        yield
    finally:
        way.stop()
        shutil.rmtree(folder, ignore_errors=True)


def milliseconds_between(begun, ended):
    return None if ended is None else (ended - begun) / 1000


def now_us():
    return time.time_ns() // 1000


def undisturbed(load, seconds):
    """The share of all processors that was busy meanwhile."""
    time.sleep(WARM_UP)
    load.next_phase()
    before, begun = busy_seconds(), time.monotonic()
    time.sleep(seconds)
    return (busy_seconds() - before) / (time.monotonic() - begun)


def changed(load, way, seconds):
    """When the command began and ended."""
    load.next_phase()
    begun = now_us()
    way.replace()
    ended = now_us()
    time.sleep(max(AFTERWARDS, seconds - (ended - begun) / 1e6))
    return begun, ended


def own_start_ms(way, folder):
    """From the program's start to its first answer, on another port, beside the load that the way's
    own has: the median of some."""
    port = way.place.reserve_port()
    build = way.build(folder, "own", port)
    return statistics.median(one_start_ms(way, build, port) for _ in range(OWN_STARTS))


def one_start_ms(way, build, port):
    begun = time.monotonic()
    process = way.place.start(way.program.argv(port), build)
    try:
        way.wait_for_answer(port)
        return (time.monotonic() - begun) * 1000
    finally:
        end(process)


def take_turn(way, folder, options):
    """What was measured, as plain values."""
    with started(way, folder), \
            Load(options.hammer, way.port, options.rate, options.clients) as load:
        own = own_start_ms(way, folder) if way.starts_only else None
        busy = undisturbed(load, options.seconds)
        way.prepare()
        begun, ended = changed(load, way, options.seconds)
        _, calm, change = load.end()
        evidence = way.evidence() if change["failed"] else ""
    require_only(calm, way.before)
    first = first_answer_by_another(change, way.before)
    if first is None:
        raise Failed(f"only version {way.before} has answered: {change['releases']}")
    return {
        "program": way.program.name, "way": way.name, "busy": busy, "evidence": evidence,
        "own_start_ms": own,
        "requests": change["requests"], "failed": change["failed"],
        "failures": change["failures"],
        "first_ms": milliseconds_between(begun, first),
        "last_old_ms": milliseconds_between(begun, change["last_us"].get(way.before)),
        "whole_ms": milliseconds_between(begun, ended) if way.command_ends else None,
        "undisturbed_us": calm["all_us"], "change_us": change["all_us"]}
