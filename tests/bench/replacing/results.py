"""What was measured, in Markdown."""
import statistics

from replacing.load import quantile
from report import table

WARM, COLD = "shipit warm rollback", "shipit cold rollback"


def tail_of(turn):
    """p99.9 and worst in milliseconds: undisturbed, and during the change."""
    return [(quantile(turn[what], 0.999) / 1000, max(turn[what]) / 1000)
            for what in ("undisturbed_us", "change_us")]


def tails(turns):
    """Medians of the turns, each compared with itself: a machine that stalls once is in one of them."""
    pairs = [tail_of(turn) for turn in turns]
    return {"calm": statistics.median(calm for (calm, _), _ in pairs),
            "change": statistics.median(change for _, (change, _) in pairs),
            "ratio": statistics.median(change / calm for (calm, _), (change, _) in pairs),
            "more": [worst - calm_worst for (_, calm_worst), (_, worst) in pairs]}


def median_and_worst(values):
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    return f"{statistics.median(known):,.0f} ({max(known):,.0f})"


def row_of(turns):
    tail = tails(turns)
    return [turns[0]["program"], turns[0]["way"],
            f"{sum(turn['requests'] for turn in turns):,}",
            f"{sum(turn['failed'] for turn in turns):,}",
            median_and_worst([turn["first_ms"] for turn in turns]),
            median_and_worst([turn["last_old_ms"] for turn in turns]),
            median_and_worst([turn["whole_ms"] for turn in turns]),
            f"{tail['calm']:.1f}", f"{tail['change']:.1f}", f"{tail['ratio']:.2f}",
            f"{statistics.median(tail['more']):+.1f} ({max(tail['more']):+.1f})"]


def ways(results):
    head = ["program", "way", "requests", "failed", "first new answer", "last old answer",
            "command", "p99.9 undisturbed", "changing", "ratio", "worst, more"]
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
            tail = tails(turns)
            way = turns[0]["way"]
            lost = sum(turn["failed"] for turn in turns)
            rows += [[f"{way}: requests lost", lost, within(lost, 0)]]
            more = statistics.median(tail["more"])
            rows += [[f"{way}: p99.9 by undisturbed", f"{tail['ratio']:.2f}",
                      within(tail["ratio"], 1.5)],
                     [f"{way}: worst, ms more than undisturbed",
                      f"{more:.1f} (most {max(tail['more']):.1f})", within(more, 50)]]
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
