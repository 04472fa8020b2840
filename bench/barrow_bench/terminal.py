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


def show_table(console: Console, item: tables.TextTable) -> None:
    table = Table(title=item.title, title_justify="left", caption=item.note, caption_justify="left")
    for column, cell in enumerate(item.header):
        table.add_column(
            cell,
            justify="left" if column < item.words else "right",
            overflow="fold",
            no_wrap=column == 0 and item.words == 1,
        )
    for number, row in enumerate(item.rows):
        cells = [
            Text(cell, style="bold green" if (number, column) in item.best else "")
            for column, cell in enumerate(row)
        ]
        table.add_row(*cells)
    console.print(table)
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
