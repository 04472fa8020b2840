# SPDX-License-Identifier: MIT
"""The command line: `barrow bench COMMAND`."""
from __future__ import annotations

import json
import os
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from barrow_bench import instructions, places
from barrow_bench.allocators import Allocator, AllocatorError, discover

ERRORS = (AllocatorError, places.MissingProgram, instructions.CountError)


def allocator_options(command):
    command = click.option(
        "--only", metavar="NAMES", default="", help="Only these allocators, separated by commas."
    )(command)
    return click.option(
        "--allocator",
        "named",
        metavar="NAME=PATH",
        multiple=True,
        help="A further library to preload; may be given more than once.",
    )(command)


def chosen_allocators(named: tuple[str, ...], only: str) -> list[Allocator]:
    return discover(named, tuple(name for name in only.split(",") if name))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure memory allocators side by side."""


@main.command("instructions")
@allocator_options
@click.option("--pattern", "patterns", multiple=True, type=click.Choice(list(instructions.PATTERNS)))
@click.option("--pairs", default=instructions.PAIRS, show_default=True, help="Pairs counted.")
@click.option("--jobs", default=os.cpu_count(), show_default=True, help="Counts made at once.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the counts here.")
@click.option(
    "--limit",
    metavar="NAME=N,N,...",
    help="Fail when this allocator spends more than N in any of the six patterns.",
)
def instructions_command(named, only, patterns, pairs, jobs, json_path, limit) -> None:
    """Count the instructions of malloc and free with callgrind."""
    console = Console()
    patterns = patterns or tuple(instructions.PATTERNS)
    try:
        allocators = chosen_allocators(named, only)
        total = (len(allocators) + 1) * len(patterns)
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("counting", total=total)
            counts = instructions.count_all(
                allocators, patterns, pairs, jobs, lambda: progress.advance(task)
            )
    except ERRORS as error:
        raise click.ClickException(str(error)) from error
    console.print(instructions_table(counts, patterns))
    if json_path is not None:
        json_path.write_text(json.dumps({"instructions": counts}, indent=2) + "\n")
    if limit is not None:
        check_limits(counts, limit)


def instructions_table(counts: instructions.Counts, patterns) -> Table:
    table = Table(title="Instructions for malloc and free, the caller's loop included")
    table.add_column("allocator")
    for pattern in patterns:
        table.add_column(instructions.PATTERNS[pattern], justify="right")
    for name, row in counts.items():
        table.add_row(name, *(f"{row[pattern]:.1f}" for pattern in patterns))
    return table


def check_limits(counts: instructions.Counts, text: str) -> None:
    name, _, numbers = text.partition("=")
    try:
        over = instructions.over_limits(counts, name, [float(n) for n in numbers.split(",")])
    except (ValueError, KeyError) as error:
        raise click.BadParameter(f"{text!r}: one number for each pattern: {error}") from error
    if over:
        raise click.ClickException(f"{name} is over its limits\n  " + "\n  ".join(over))
