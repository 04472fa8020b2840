# SPDX-License-Identifier: MIT
"""From samples to figures: medians, spreads, ratios, geometric means, and who is ahead where."""
from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from barrow_bench.results import LineResult

METRICS = {"wall": "wall time", "cpu": "CPU time", "rss": "peak RSS", "faults": "page faults"}
RESAMPLES = 1000


@dataclass(frozen=True)
class Figure:
    """A median with its spread: the interquartile range as a share of the median, of two samples and
    more."""

    median: float
    spread: float | None

    def spread_text(self) -> str:
        return "" if self.spread is None else f" ±{self.spread:.0%}"


@dataclass(frozen=True)
class Mean:
    """A geometric mean of ratios, the interval that 95 % of resampled runs give, and its lines."""

    value: float
    low: float
    high: float
    lines: int


def figure(samples: list[float]) -> Figure | None:
    if not samples:
        return None
    median = float(statistics.median(samples))
    if len(samples) == 1 or median == 0:
        return Figure(median, None)
    low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
    return Figure(median, (high - low) / median)


def ratio(result: LineResult, metric: str, name: str, base: str) -> float | None:
    """Median over median; None unless both were measured."""
    mine, other = result.metric(name, metric), result.metric(base, metric)
    if not mine or not other or not statistics.median(other):
        return None
    return float(statistics.median(mine) / statistics.median(other))


def comparable(lines: list[LineResult], metric: str, name: str, base: str) -> list[LineResult]:
    return [
        line
        for line in lines
        if line.line["counted"] and ratio(line, metric, name, base) not in (None, 0.0)
    ]


def gmean(values: list[float]) -> float:
    return math.exp(statistics.fmean(math.log(value) for value in values))


def resampled_medians(samples: list[float], generator):
    """As many medians of resampled runs as RESAMPLES, an array of numpy's."""
    import numpy  # only intervals need it

    drawn = generator.choice(numpy.asarray(samples), size=(RESAMPLES, len(samples)))
    return numpy.median(drawn, axis=1)


def geometric_mean(lines: list[LineResult], metric: str, name: str, base: str) -> Mean | None:
    """Of the ratios to `base`, over the counted lines that both have. The interval shows the noise
    of the runs, by a bootstrap over the samples of each line; it says nothing about other lines."""
    used = comparable(lines, metric, name, base)
    if not used:
        return None
    value = gmean([ratio(line, metric, name, base) for line in used])
    if name == base:
        return Mean(1.0, 1.0, 1.0, len(used))
    if all(len(line.metric(each, metric)) == 1 for line in used for each in (name, base)):
        return Mean(value, value, value, len(used))
    import numpy  # only intervals need it

    generator = numpy.random.default_rng(1)
    ratios = [
        resampled_medians(line.metric(name, metric), generator)
        / resampled_medians(line.metric(base, metric), generator)
        for line in used
    ]
    means = numpy.exp(numpy.log(numpy.array(ratios)).mean(axis=0))
    low, high = numpy.percentile(means, [2.5, 97.5])
    return Mean(value, float(low), float(high), len(used))


def best_of(result: LineResult, metric: str, names: list[str]) -> tuple[str, float] | None:
    """The allocator with the lowest median, and that median."""
    medians = [
        (float(statistics.median(samples)), name)
        for name in names
        if (samples := result.metric(name, metric))
    ]
    if not medians:
        return None
    median, name = min(medians)
    return name, median


def wins(lines: list[LineResult], metric: str, names: list[str]) -> dict[str, int]:
    """On how many counted lines each allocator has the lowest median."""
    counts = dict.fromkeys(names, 0)
    for line in lines:
        best = best_of(line, metric, names) if line.line["counted"] else None
        if best is not None:
            counts[best[0]] += 1
    return counts


@dataclass(frozen=True)
class Against:
    """One line of the subject against the best of the others."""

    line: str
    best: str
    ratio: float


def against_best(
    lines: list[LineResult], metric: str, subject: str, names: list[str]
) -> list[Against]:
    """The subject's median over the best other median, worst line first."""
    others = [name for name in names if name != subject]
    rows = []
    for line in lines:
        samples = line.metric(subject, metric) if line.line["counted"] else []
        best = best_of(line, metric, others)
        if samples and best is not None and best[1] > 0:
            rows.append(Against(line.name, best[0], float(statistics.median(samples)) / best[1]))
    return sorted(rows, key=lambda row: row.ratio, reverse=True)


def mean_against_best(lines: list[LineResult], metric: str, name: str, names: list[str]) -> float | None:
    """The geometric mean of the ratios to the best other allocator on each line: a stricter measure than the
    ratio to one of them, since the best changes from line to line."""
    ratios = [row.ratio for row in against_best(lines, metric, name, names) if row.ratio > 0]
    return gmean(ratios) if ratios else None
