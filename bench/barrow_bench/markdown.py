# SPDX-License-Identifier: MIT
"""The report as Markdown, with its plots as files in a folder beside it."""
from __future__ import annotations

from pathlib import Path

from barrow_bench import page, tables
from barrow_bench.results import Results

PLOTS = "plots"


def cell(text: str) -> str:
    return text.replace("|", "\\|") or " "


def row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def table(item: tables.TextTable) -> list[str]:
    """The best of each row is bold."""
    text = ["", f"### {item.title}", "", row([cell(each) for each in item.header])]
    text.append("|" + "---|" * item.words + "---:|" * (len(item.header) - item.words))
    for at, cells in enumerate(item.rows):
        text.append(
            row([f"**{cell(c)}**" if (at, n) in item.best else cell(c) for n, c in enumerate(cells)])
        )
    return text + (["", item.note] if item.note else [])


def plot(item: page.Plot, folder: Path, name: str) -> list[str]:
    (folder / PLOTS).mkdir(exist_ok=True)
    (folder / PLOTS / name).write_text(f"{item.svg}\n")
    return ["", f"![{item.caption}]({PLOTS}/{name})"]


def section(item: page.Section, folder: Path) -> list[str]:
    text = ["", f"## {item.title}"]
    for number, each in enumerate(item.plots, 1):
        text += plot(each, folder, f"{item.anchor}-{number}.svg")
    for each in item.tables:
        text += table(each)
    return text


def heading(results: Results) -> list[str]:
    machine = results.machine
    versions = ", ".join(
        f"{results.title(each['name'])} ({each['package']})"
        if each.get("package")
        else results.title(each["name"])
        for each in results.allocators
    )
    return [
        "# Results",
        "",
        f"{machine['processor']}, {machine['memory']}, {machine['system']}; {results.date[:10]}; "
        f"interleaved rounds: {results.repeats}.",
        "",
        f"{versions}.",
    ]


def write(results: Results, path: Path) -> None:
    text = heading(results)
    for item in tables.overview(results):
        text += table(item)
    for group in results.groups():
        text += section(page.section(results, group), path.parent)
    path.write_text("\n".join(text) + "\n")
