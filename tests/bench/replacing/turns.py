"""One turn of a way: it is started, left alone under load, replaces its program, and is stopped."""
import contextlib
import shutil
import statistics
import time

from measure import Failed, busy_seconds
from replacing.load import Load, first_answer_by_another, require_only
from replacing.programs import write_version
from replacing.workplace import answers, end, wait_until

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


def take_turn(way, folder, options):
    """What was measured, as plain values."""
    with started(way, folder), \
            Load(options.hammer, way.port, options.rate, options.clients) as load:
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
        "requests": change["requests"], "failed": change["failed"],
        "failures": change["failures"],
        "first_ms": milliseconds_between(begun, first),
        "last_old_ms": milliseconds_between(begun, change["last_us"].get(way.before)),
        "whole_ms": milliseconds_between(begun, ended) if way.command_ends else None,
        "undisturbed_us": calm["all_us"], "change_us": change["all_us"]}


def own_start_ms(program, place, folder):
    """From the program's start, alone, to its first answer: the median of some."""
    port = place.reserve_port()
    program.write(folder, port)
    write_version(folder, "1")
    took = statistics.median(one_start_ms(program, place, folder, port) for _ in range(OWN_STARTS))
    shutil.rmtree(folder)
    return took


def one_start_ms(program, place, folder, port):
    begun = time.monotonic()
    process = place.start(program.argv(port), folder)
    try:
        wait_until(lambda: answers(port), f"{program.name} answers", every=0.001)
        return (time.monotonic() - begun) * 1000
    finally:
        end(process)
