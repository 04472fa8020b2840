# SPDX-License-Identifier: MIT
"""The plots of the HTML page, each as an SVG element: bars of ratios, curves, and steps."""
from __future__ import annotations

import io
import re

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt  # noqa: E402  (the backend must be chosen first)
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import FuncFormatter  # noqa: E402

from barrow_bench import figures  # noqa: E402
from barrow_bench.results import LineResult, Results  # noqa: E402

# Okabe and Ito's colours: told apart with every kind of colour vision. Markers and hatches tell them
# apart in grey print as well.
COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#0072B2", "#B8A800")
MARKERS = "osD^vPX*"
HATCHES = ("", "////", "", "\\\\\\\\", "", "----", "////", "||||")
WIDTH = 7.4
LINES_A_FIGURE = 14

plt.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "barrow",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "hatch.linewidth": 0.6,
    }
)


def style(names: list[str], name: str) -> dict:
    place = names.index(name) % len(COLOURS)
    return {"color": COLOURS[place], "marker": MARKERS[place]}


def to_svg(figure: Figure, title: str) -> str:
    """The element alone, without XML's prologue and with a title for readers that cannot see it."""
    target = io.StringIO()
    figure.savefig(target, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
    text = target.getvalue()
    svg = text[text.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    svg = re.sub(r' d="[^"]*"', lambda data: re.sub(r"(\d\.\d)\d+", r"\1", data[0]), svg)
    svg = re.sub(r"font: (\d+)px [^;]*", r"font-size: \1px", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r'\1 role="img"', svg, count=1)
    return svg.replace(">", f"><title>{title}</title>", 1)


def ratio_bars(results: Results, lines: list[LineResult], metric: str) -> list[str]:
    """Bars that start at the base's 1.0: to the left better, to the right worse. The lines are spread
    over as many figures as fit a page each."""
    shown = [line for line in lines if line.metric(results.base_name(), metric)]
    count = max(1, -(-len(shown) // LINES_A_FIGURE))
    size = -(-len(shown) // count) if shown else 0
    limits = ratio_limits(results, shown, metric)
    return [
        bars_figure(results, shown[start : start + size], metric, limits)
        for start in range(0, len(shown), size or 1)
    ]


def ratio_limits(results: Results, lines: list[LineResult], metric: str) -> tuple[float, float]:
    """One scale for all figures of a metric."""
    base = results.base_name()
    ratios = [figures.ratio(line, metric, name, base) for line in lines for name in results.names()]
    known = [value for value in ratios if value]
    return min([0.5, *known]) / 1.1, max([1.5, *known]) * 1.1


def bars_figure(
    results: Results, lines: list[LineResult], metric: str, limits: tuple[float, float]
) -> str:
    base, names = results.base_name(), results.names()
    others = [name for name in names if name != base]
    thickness = 0.8 / max(1, len(others))
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + len(lines) * 0.13 * (len(others) + 1.5)))
    for place, name in enumerate(others):
        ratios = [figures.ratio(line, metric, name, base) for line in lines]
        axes.barh(
            [row + (place - (len(others) - 1) / 2) * thickness for row in range(len(lines))],
            [(value or 1.0) - 1.0 for value in ratios],
            height=thickness,
            left=1.0,
            color=style(names, name)["color"],
            edgecolor="white",
            linewidth=0.4,
            hatch=HATCHES[names.index(name) % len(HATCHES)],
            label=results.title(name),
        )
    finish_bars(axes, lines, limits)
    axes.set_xlabel(f"{figures.METRICS[metric]}, ratio to {base} (less is better)")
    return to_svg(figure, f"{figures.METRICS[metric]} of {lines[0].name} to {lines[-1].name}")


def ratio_text(value: float) -> str:
    """A tick of a scale of doublings: 1/128, not 0.0078125."""
    if 0 < value < 1 and abs(1 / value - round(1 / value)) < 1e-9:
        return f"1/{round(1 / value)}"
    return f"{value:g}"


def value_bars(results: Results, line: LineResult, ratios: bool) -> list[str]:
    """A line's own figures, one row of bars each: counts from 0, or ratios around 1."""
    names = [name for name in results.names() if any(line.value(name, v) for v in line.value_names())]
    values = line.value_names()
    return [
        value_figure(results, line, names, values[start : start + LINES_A_FIGURE], ratios)
        for start in range(0, len(values) if names else 0, LINES_A_FIGURE)
    ]


def value_figure(
    results: Results, line: LineResult, names: list[str], values: list[str], ratios: bool
) -> str:
    thickness = 0.8 / len(names)
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + len(values) * 0.13 * (len(names) + 1.5)))
    for place, name in enumerate(names):
        medians = [figures.figure(line.value(name, value)) for value in values]
        start = 1.0 if ratios else 0.0
        axes.barh(
            [row + (place - (len(names) - 1) / 2) * thickness for row in range(len(values))],
            [(each.median if each else start) - start for each in medians],
            height=thickness,
            left=start,
            color=style(results.names(), name)["color"],
            edgecolor="white",
            linewidth=0.4,
            hatch=HATCHES[results.names().index(name) % len(HATCHES)],
            label=results.title(name),
        )
    if ratios:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: ratio_text(value)))
        axes.axvline(1.0, color="black", linewidth=0.8)
    axes.grid(axis="x", linewidth=0.3)
    axes.set_yticks(range(len(values)), values)
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.set_xlabel("heap over malloc (less is better)" if ratios else "instructions (less is better)")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    return to_svg(figure, f"{line.name}: {values[0]} to {values[-1]}")


def finish_bars(axes: Axes, lines: list[LineResult], limits: tuple[float, float]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xlim(*limits)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: ratio_text(value)))
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.grid(axis="x", linewidth=0.3)
    axes.set_yticks(range(len(lines)), [line.name for line in lines])
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)


def size_text(value: float, unit: str) -> str:
    if not unit.startswith("bytes"):
        return f"{value:,.0f}"
    for suffix in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:g} {suffix}"
        value /= 1024
    return f"{value:g} GiB"


def curve(results: Results, name: str) -> str:
    """Time for each operation over x, one line an allocator."""
    points = [line for line in results.lines if (line.line["curve"] or {}).get("name") == name]
    unit = points[0].line["curve"]["unit"]
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    for allocator in results.names():
        drawn = [
            (line.line["curve"]["x"], middle.median)
            for line in points
            if (middle := figures.figure(line.value(allocator, "ns per item"))) is not None
        ]
        if drawn:
            axes.plot(
                *zip(*drawn), **style(results.names(), allocator), markersize=4, linewidth=1.2,
                label=allocator,
            )
    finish_curve(axes, points, unit)
    return to_svg(figure, f"{name}: time for each operation")


def finish_curve(axes: Axes, points: list[LineResult], unit: str) -> None:
    ticks = [point.line["curve"]["x"] for point in points]
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.minorticks_off()
    shown = ticks[:: -(-len(ticks) // 9)]
    axes.set_xticks(shown, [size_text(tick, unit) for tick in shown])
    low, high = axes.get_ylim()
    axes.set_ylim(low / 1.3, high * 1.3)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(base=10, subs=(1, 2, 5)))
    axes.grid(linewidth=0.3)
    axes.set_xlabel({"bytes": "size of a block"}.get(unit, unit))
    axes.set_ylabel("ns per operation")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)


def curve_names(results: Results, group: str) -> list[str]:
    return list(
        dict.fromkeys(
            line.line["curve"]["name"]
            for line in results.of_group(group)
            if line.line["curve"] and line.samples
        )
    )


def resident_steps(results: Results, line: LineResult) -> str:
    """Resident memory after each step of the line `returns`."""
    steps = line.value_names()
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    for name in results.names():
        medians = [figures.figure(line.value(name, step)) for step in steps]
        if all(medians):
            axes.plot(
                range(len(steps)), [middle.median for middle in medians],
                **style(results.names(), name), markersize=4, linewidth=1.2, label=name,
            )
    labels = [step.removesuffix(", MiB") for step in steps]
    axes.set_xticks(range(len(steps)), labels, rotation=25, ha="right")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("resident, MiB")
    axes.grid(axis="y", linewidth=0.3)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    return to_svg(figure, "resident memory after each step")
