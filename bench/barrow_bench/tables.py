# SPDX-License-Identifier: MIT
"""The report as tables: rows of plain text, shown by rich on a terminal and by the HTML page."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from barrow_bench import figures
from barrow_bench.allocators import SUBJECT
from barrow_bench.results import LineResult, Results

TITLES = {
    "micro": "Micro benchmarks",
    "programs": "Whole programs",
    "curves": "Curves",
    "memory": "Memory given back, start-up, system calls",
    "instructions": "Instructions for malloc and free",
    "heaps": "Private heaps",
    "mimalloc-bench": "Programs of mimalloc-bench",
}
UNITS = {"wall": ("ms", 1e3), "cpu": ("ms", 1e3), "rss": ("MiB", 1 / 2**20), "faults": ("", 1)}
WORST_SHOWN = 12
MISSING = "–"


@dataclass
class TextTable:
    title: str
    header: list[str]
    rows: list[list[str]]
    note: str = ""
    best: set[tuple[int, int]] = field(default_factory=set)  # (row, column) to be set off
    words: int = 1  # so many columns, from the left, hold words and not figures


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0:
        return "0"
    magnitude = abs(value)
    digits = 0 if magnitude >= 100 else 1 if magnitude >= 10 else 2 if magnitude >= 0.1 else 3
    return f"{value:.{digits}f}"


def counted(results: Results, group: str | None = None) -> list[LineResult]:
    return [
        line
        for line in results.lines
        if line.line["counted"] and (group is None or line.group == group)
    ]


def summary(results: Results) -> TextTable:
    """One row an allocator: geometric means over all counted lines, and where it is the first."""
    base, names, lines = results.base_name(), results.names(), counted(results)
    metrics = (results.time, "rss")
    first = {} if results.is_single() else {m: figures.wins(lines, m, names) for m in metrics}
    header = ["allocator", *figures.METRICS.values(), "time to best other", "RSS to best other"]
    header += ["fastest on", "leanest on"] if first else []
    rows = []
    for name in names:
        means = [figures.geometric_mean(lines, metric, name, base) for metric in figures.METRICS]
        cells = [mean_text(mean) for mean in means]
        cells += [ratio_text(figures.mean_against_best(lines, m, name, names)) for m in metrics]
        rows.append([results.title(name), *cells, *(f"{first[m][name]} of {len(lines)}" for m in first)])
    note = f"Geometric means of the ratios to {base}, and to the best other on each line. Lower is better."
    if not results.is_single():
        note += " Within ± lie 95 % of the means of resampled runs."
    return TextTable("All lines", header, rows, note)


def ratio_text(value: float | None) -> str:
    return MISSING if value is None else f"{value:.2f}"


def mean_text(mean: figures.Mean | None) -> str:
    if mean is None:
        return MISSING
    if mean.low == mean.high:
        return f"{mean.value:.2f}"
    return f"{mean.value:.2f} ±{max(mean.high - mean.value, mean.value - mean.low):.2f}"


def by_group(results: Results) -> TextTable:
    """Geometric means of time and peak memory for each group of lines."""
    base = results.base_name()
    groups = [group for group in results.groups() if counted(results, group)]
    header = ["allocator"]
    for group in groups:
        header += [f"{group}: time", f"{group}: memory"]
    rows = []
    for name in results.names():
        row = [results.title(name)]
        for group in groups:
            for metric in (results.time, "rss"):
                mean = figures.geometric_mean(counted(results, group), metric, name, base)
                row.append(MISSING if mean is None else f"{mean.value:.2f}")
        rows.append(row)
    return TextTable("By group", header, rows, f"Geometric means of the ratios to {base}.")


def line_table(results: Results, group: str, metric: str) -> TextTable:
    """One row a line: the base's median in units, then each allocator's ratio to it."""
    base, names = results.base_name(), results.names()
    others = [name for name in names if name != base]
    unit, factor = UNITS[metric]
    rows, best = [], set()
    for line in results.of_group(group):
        own = figures.figure(line.metric(base, metric))
        row = [line.name]
        row.append(MISSING if own is None else number(own.median * factor) + own.spread_text())
        row += [ratio_cell(line, metric, name, base) for name in others]
        winner = None if results.is_single() else figures.best_of(line, metric, names)
        if winner is not None:
            best.add((len(rows), 1 + [base, *others].index(winner[0])))
        rows.append(row)
    shown = results.title(base)
    header = ["line", f"{shown}, {unit}" if unit else shown, *(results.title(name) for name in others)]
    title = f"{TITLES[group]}: {figures.METRICS[metric]}"
    note = f"{base}'s median, then the others' ratios to it" + spread_note(results)
    return TextTable(title, header, rows, note, best)


def spread_note(results: Results) -> str:
    if results.is_single():
        return "; one round, so no spread is known."
    return "; ± is the interquartile range as a share of the median."


def ratio_cell(line: LineResult, metric: str, name: str, base: str) -> str:
    value = figures.ratio(line, metric, name, base)
    own = figures.figure(line.metric(name, metric))
    if own is None:
        return MISSING
    if value is None:
        return number(own.median * UNITS[metric][1]) + own.spread_text()
    return f"{value:.2f}{own.spread_text()}"


def value_table(line: LineResult, results: Results) -> TextTable:
    """A line's own figures: one row each, one column an allocator that has any."""
    names = results.names()
    columns = [*(name for name in line.samples if name not in names), *names]
    columns = [name for name in columns if any(line.value(name, value) for value in line.value_names())]
    rows = []
    for value in line.value_names():
        cells = [figures.figure(line.value(name, value)) for name in columns]
        rows.append([value, *(MISSING if cell is None else number(cell.median) for cell in cells)])
    return TextTable(
        line.name, ["", *(results.title(name) for name in columns)], rows, sentence(line.line["about"])
    )


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def curve_table(results: Results) -> TextTable:
    """One row a point, the time of one operation in each cell."""
    names, rows = results.names(), []
    for line in results.of_group("curves"):
        cells = [figures.figure(line.value(name, "ns per item")) for name in names]
        rows.append(
            [line.name]
            + [number(cell.median) + cell.spread_text() if cell else MISSING for cell in cells]
        )
    header = ["point", *(results.title(name) for name in names)]
    return TextTable("Curves: ns per operation", header, rows, "Medians" + spread_note(results))


def against_best(results: Results, metric: str) -> TextTable | None:
    """The subject against the best of all the others on each line: the lines where it is behind, or the
    worst."""
    if results.is_single() or SUBJECT not in results.names() or len(results.names()) < 2:
        return None
    rows = figures.against_best(counted(results), metric, SUBJECT, results.names())
    if not rows:
        return None
    ahead = sum(row.ratio < 1 for row in rows)
    note = (
        f"{SUBJECT} is ahead of every other on {ahead} of {len(rows)} lines, "
        f"at {rows[0].ratio:.2f} of the best other at worst. All lines where it is behind are listed."
    )
    count = max(WORST_SHOWN, sum(row.ratio > 1 for row in rows))
    shown = [[row.line, results.title(row.best), f"{row.ratio:.2f}"] for row in rows[:count]]
    title = f"{SUBJECT} against the best other: {figures.METRICS[metric]}, worst lines first"
    return TextTable(title, ["line", "best other", "ratio"], shown, note, words=2)


def troubles(results: Results) -> TextTable | None:
    """What failed and what was left out; silence here would make the means lie."""
    failed = Counter(
        (line.name, failure.allocator, failure.reason) for line, failure in results.failures()
    )
    rows = [
        [name, allocator, f"failed {'once' if count == 1 else f'{count} times'}: {reason}"]
        for (name, allocator, reason), count in failed.items()
    ]
    rows += [[line.name, "", f"left out: {line.left_out}"] for line in results.lines if line.left_out]
    if not rows:
        return None
    return TextTable("Failed or left out", ["line", "allocator", "reason"], rows, words=3)


def overview(results: Results) -> list[TextTable]:
    tables = [summary(results), by_group(results)] if counted(results) else []
    tables += [against_best(results, metric) for metric in (results.time, "rss")]
    tables.append(troubles(results))
    return [table for table in tables if table is not None]


def of_group(results: Results, group: str) -> list[TextTable]:
    lines = results.of_group(group)
    if group in ("memory", "instructions", "heaps"):
        return [value_table(line, results) for line in lines if line.value_names()]
    if group == "curves":
        return [curve_table(results)]
    return [line_table(results, group, metric) for metric in (results.time, "rss")]
