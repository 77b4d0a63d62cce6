"""The tables, in Markdown."""
from measure import Sample, extreme_ratios, floor_of_memory, median, median_ratio

GOALS = {
    "cold pack": (0.82, 0.83, 0.65),
    "nothing changed": (0.10, 0.13, 0.01),
    "1 % changed": (0.25, 0.26, 0.07),
    "10 % changed": (0.45, 0.50, 0.13),
    "fresh checkout": (0.25, 0.27, 0.10),
    "unpack": (0.42, 0.42, 0.45),
    "unpack beside the live tree": (0.34, 0.45, 0.45),
}
COLUMN = {"node": 0, "python-php": 1, "binaries": 2}
REFERENCE = "tar|zstd -T0"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    cells = [[str(cell).replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells) + "\n"


def samples_of(result, job, tool):
    return [Sample.named(values) for values in result["jobs"].get(job, {}).get(tool, [])]


def ratios(result):
    """One line for each job, one column for each tool: wall time by the reference's."""
    jobs = result["jobs"]
    tools = [tool for tool in result["tools"] if tool != REFERENCE]
    rows = []
    for job in jobs:
        reference = samples_of(result, job, REFERENCE)
        row = [job, f"{GOALS[job][COLUMN[result['corpus']]]:.2f}"]
        for tool in tools:
            mine = samples_of(result, job, tool)
            row.append(f"{median_ratio(mine, reference):.2f}" if mine else "-")
        rows.append(row)
    return table(["job", "goal", *tools], rows)


def details(result):
    rows = []
    for job, by_tool in result["jobs"].items():
        reference = samples_of(result, job, REFERENCE)
        for tool in by_tool:
            mine = samples_of(result, job, tool)
            low, high = extreme_ratios(mine, reference)
            memory = median(mine, "memory")
            floor = result["memory_floor"]
            rows.append([
                job, tool, f"{median(mine, 'wall'):.3f}", f"{median(mine, 'cpu'):.3f}",
                f"{memory:.0f}" if memory > floor * 1.05 else f"<= {floor:.0f}",
                f"{median_ratio(mine, reference):.3f} ({low:.2f} to {high:.2f})",
                f"{median_ratio(mine, reference, 'cpu'):.3f}", f"{median(mine, 'others'):.2f}"])
    return table(["job", "tool", "wall s", "CPU s", "memory MiB", "wall ratio (extremes)",
                  "CPU ratio", "others' CPU s"], rows)


def sizes(result):
    size = result["sizes"]
    text = ""
    if size:
        text = (f"Slug: {size['slug'] / 1e6:.1f} MB, {size['slug'] / size['one frame']:.3f} of "
                f"one frame of `zstd -3` ({size['one frame'] / 1e6:.1f} MB); goal: 1.08. ")
    memory = [sample.memory for job in result["jobs"]
              for sample in samples_of(result, job, "shipit")]
    if memory:
        text += f"Most memory that shipit took: {max(memory):.0f} MiB; goal: 64.\n"
    return text


def disk(result):
    rows = []
    for kind, tools in result["disk"].items():
        for tool, taken in tools.items():
            rows.append([kind, tool, f"{taken['one'] / 1e6:.1f} MB", f"{taken['all'] / 1e6:.1f} MB",
                         f"{taken['all'] / taken['one']:.2f}"])
    return table(["file system", "store", "1 release", "11 releases", "ratio"], rows)


def report(result):
    """All that is known about one corpus."""
    facts = result["facts"]["v1"]
    parts = [f"### {result['corpus']}: {facts['files']} files in {facts['folders']} folders, "
             f"{facts['bytes'] / 1e6:.1f} MB, {100 * facts['below_16_KiB'] // facts['files']} % "
             f"below 16 KiB\n"]
    if result["jobs"]:
        parts += [f"Wall time by that of `{REFERENCE}`, medians of {result['repeat']} pairs:\n",
                  ratios(result), sizes(result)]
    if result["disk"]:
        parts.append(disk(result))
    for (job, tool), failure in result["broken"]:
        parts.append(f"{tool} failed at '{job}': {failure.splitlines()[-1].strip()}\n")
    if result["jobs"]:
        parts += ["All of it:\n", details(result)]
    return "\n".join(parts)


def facts_of_run():
    return {"memory_floor": floor_of_memory()}
