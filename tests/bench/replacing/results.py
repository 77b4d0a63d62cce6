"""What was measured, in Markdown."""
import statistics

from replacing.load import quantile
from report import table

WARM, COLD = "shipit warm rollback", "shipit cold rollback"


def pooled(turns, what):
    """All rounds' latencies: a single window has too few for its p99.9 to mean anything."""
    return [latency for turn in turns for latency in turn[what]]


def latencies(turns):
    """Undisturbed and during the change, in milliseconds: p99.9, and the worst."""
    both = [pooled(turns, what) for what in ("undisturbed_us", "change_us")]
    return [(quantile(each, 0.999) / 1000, max(each) / 1000) for each in both]


def median_and_worst(values):
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    return f"{statistics.median(known):,.0f} ({max(known):,.0f})"


def row_of(turns):
    (calm, calm_worst), (change, worst) = latencies(turns)
    return [turns[0]["program"], turns[0]["way"],
            f"{sum(turn['requests'] for turn in turns):,}",
            f"{sum(turn['failed'] for turn in turns):,}",
            median_and_worst([turn["first_ms"] for turn in turns]),
            median_and_worst([turn["last_old_ms"] for turn in turns]),
            median_and_worst([turn["whole_ms"] for turn in turns]),
            f"{calm:.1f}", f"{change:.1f}", f"{change / calm:.2f}",
            f"{calm_worst:.1f}", f"{worst:.1f}", f"{worst - calm_worst:+.1f}"]


def ways(results):
    head = ["program", "way", "requests", "failed", "first new answer", "last old answer",
            "command", "p99.9 undisturbed", "changing", "ratio", "worst undisturbed", "changing",
            "more"]
    return table(head, [row_of(turns) for turns in results["turns"].values()])


def turns_of(results, program, way):
    return results["turns"].get(f"{program}: {way}", [])


def within(value, goal):
    return f"{goal}{'' if value <= goal else ' (missed)'}"


def goals_of(results, program):
    """shipit's own figures beside what they are to be."""
    rows = []
    warm = [turn["first_ms"] for turn in turns_of(results, program, WARM)]
    if warm:
        value = statistics.median(warm)
        rows.append(["warm rollback, ms to the first answer by the old code", f"{value:.1f}",
                     within(value, 25)])
    cold = turns_of(results, program, COLD)
    if cold:
        value = statistics.median(turn["first_ms"] - turn["own_start_ms"] for turn in cold)
        own = statistics.median(turn["own_start_ms"] for turn in cold)
        rows.append([f"cold rollback, ms more than the program's own start ({own:.0f} ms)",
                     f"{value:.1f}", within(value, 30)])
    for name, turns in results["turns"].items():
        if name.startswith(f"{program}: shipit"):
            (calm, calm_worst), (change, worst) = latencies(turns)
            way = turns[0]["way"]
            lost = sum(turn["failed"] for turn in turns)
            rows += [[f"{way}: requests lost", lost, within(lost, 0)]]
            rows += [[f"{way}: p99.9 by undisturbed", f"{change / calm:.2f}",
                      within(change / calm, 1.5)],
                     [f"{way}: worst, ms more than undisturbed", f"{worst - calm_worst:.1f}",
                      within(worst - calm_worst, 50)]]
    return [[program, *row] for row in rows]


def goals(results):
    programs = dict.fromkeys(turns[0]["program"] for turns in results["turns"].values())
    rows = [row for program in programs for row in goals_of(results, program)]
    return table(["program", "shipit's", "measured", "goal at most"], rows) if rows else ""


def lost_by_shipit(results):
    return sum(turn["failed"] for turns in results["turns"].values() for turn in turns
               if turn["way"].startswith("shipit"))


def quiet(results):
    busy = [turn["busy"] for turns in results["turns"].values() for turn in turns]
    return (f"Processors busy in the undisturbed windows: median {statistics.median(busy):.2f}, "
            f"most {max(busy):.2f}, of {results['processors']}.\n")


def report(results):
    if not results["turns"]:
        return ""
    return "\n".join([f"{results['machine']}.\n\n{results['load']}\n", ways(results), goals(results),
                      quiet(results)])
