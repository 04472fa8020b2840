# SPDX-License-Identifier: MIT
"""The report and the progress of a run on a terminal."""
from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.progress import TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from barrow_bench import tables
from barrow_bench.results import Results
from barrow_bench.session import Session


# Of the first column, before it is wrapped to make place for figures.
LABEL_WIDTH = 30
CELL_PADDING = 3


def width(item: tables.TextTable, column: int) -> int:
    """Of a column's longest cell; a heading may be wrapped between its words."""
    cells = [len(row[column]) for row in item.rows]
    return max([*cells, *(len(word) for word in item.header[column].split())], default=0)


def parts(item: tables.TextTable, available: int) -> list[list[int]]:
    """The columns of each of the tables that a wide one is shown as: figures are never broken. Each has the
    first column."""
    if item.words > 1:
        return [list(range(len(item.header)))]
    label = min(width(item, 0), LABEL_WIDTH) + CELL_PADDING
    chosen: list[list[int]] = [[0]]
    used = label
    for column in range(1, len(item.header)):
        wanted = width(item, column) + CELL_PADDING
        if used + wanted > available - 1 and len(chosen[-1]) > 1:
            chosen.append([0])
            used = label
        chosen[-1].append(column)
        used += wanted
    return chosen


def show_part(console: Console, item: tables.TextTable, columns: list[int], last: bool) -> None:
    table = Table(title=item.title, title_justify="left", caption=item.note if last else None,
                  caption_justify="left")
    for column in columns:
        is_label = column == 0 and item.words == 1
        table.add_column(
            item.header[column],
            justify="left" if column < item.words else "right",
            overflow="fold",
            no_wrap=column >= item.words,
            min_width=min(width(item, 0), LABEL_WIDTH) if is_label else width(item, column) if column >= item.words else None,
        )
    for number, row in enumerate(item.rows):
        table.add_row(
            *(Text(row[column], style="bold green" if (number, column) in item.best else "") for column in columns)
        )
    console.print(table)


def show_table(console: Console, item: tables.TextTable) -> None:
    chosen = parts(item, console.width)
    for columns in chosen:
        show_part(console, item, columns, columns is chosen[-1])
    console.print()


def show(console: Console, results: Results) -> None:
    """Details first, the overview last, where the eye is when the run ends."""
    for group in results.groups():
        for item in tables.of_group(results, group):
            show_table(console, item)
    for item in tables.overview(results):
        show_table(console, item)
    if results.interrupted:
        console.print("Interrupted: these are the figures of what was done until then.")


def run(session: Session, console: Console) -> Results:
    """Runs the session with a bar that tells what is being measured and how long it will take."""
    steps = session.steps()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("", total=len(steps))

        def label(text: str) -> None:
            progress.update(task, description=f"{text:44.44}")

        return session.run(
            preparing=lambda line: label(f"preparing {line.name}"),
            starting=lambda step: label(
                f"round {step.round + 1} of {session.repeats} · "
                f"{step.line.name} · {step.allocator.name}"
            ),
            done=lambda step: progress.advance(task),
        )
