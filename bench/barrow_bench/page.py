# SPDX-License-Identifier: MIT
"""The report as one HTML page that needs no other file."""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import jinja2
from markupsafe import Markup

from barrow_bench import figures, places, plots, tables
from barrow_bench.results import LineResult, Results


@dataclass
class Plot:
    caption: str
    svg: Markup


@dataclass
class Section:
    title: str
    anchor: str
    plots: list[Plot] = field(default_factory=list)
    tables: list[tables.TextTable] = field(default_factory=list)


def bars(results: Results, lines: list[LineResult], metric: str) -> list[Plot]:
    name = figures.METRICS[metric]
    caption = name[:1].upper() + name[1:]
    return [Plot(caption, Markup(svg)) for svg in plots.ratio_bars(results, lines, metric)]


def curves(results: Results, group: str) -> list[Plot]:
    drawn = []
    for name in plots.curve_names(results, group):
        first = next(
            line for line in results.of_group(group) if (line.line["curve"] or {}).get("name") == name
        )
        drawn.append(Plot(f"{name}: {first.line['about']}", Markup(plots.curve(results, name))))
    return drawn


def section(results: Results, group: str) -> Section:
    made = Section(tables.TITLES[group], group, tables=tables.of_group(results, group))
    lines = results.of_group(group)
    if any(line.line["counted"] for line in lines):
        for metric in (results.time, "rss"):
            made.plots += bars(results, lines, metric)
    made.plots += curves(results, group)
    if group in ("instructions", "heaps"):
        for line in lines:
            ratios = line.name == "heaps: time"
            made.plots += [Plot(line.name, Markup(svg)) for svg in plots.value_bars(results, line, ratios)]
    for line in lines:
        if line.name == "returns" and line.samples:
            svg = Markup(plots.resident_steps(results, line))
            made.plots.append(Plot("Resident memory after each step", svg))
    return made


def render(results: Results) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(places.PACKAGE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        results=results,
        overview=tables.overview(results),
        sections=[section(results, group) for group in results.groups()],
    )


def write(results: Results, path: Path) -> None:
    path.write_text(render(results))
