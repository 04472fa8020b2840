# SPDX-License-Identifier: MIT
"""The command line: `barrow bench COMMAND`."""
from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from barrow_bench import instructions, lines, machine, places, soak, suite, tables, terminal
from barrow_bench.allocators import Allocator, AllocatorError, discover
from barrow_bench.mimalloc_bench import mimalloc_bench_lines
from barrow_bench.process import RunError
from barrow_bench.results import Results
from barrow_bench.session import Session

ERRORS = (AllocatorError, places.MissingProgram, RunError)
INTERRUPTED = 130
REPEATS = 5


class OutputPath(click.Path):
    """A file to be written at the end of a run that may take hours: it is tried before."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(self, value, param, ctx):
        path = super().convert(value, param, ctx)
        existed = path.exists()
        try:
            with open(path, "ab"):
                pass
            if not existed:
                path.unlink()
        except OSError as error:
            self.fail(f"{path} cannot be written: {error.strerror}", param, ctx)
        return path


class MarkdownPath(OutputPath):
    """Its plots go to a folder beside it."""

    def convert(self, value, param, ctx):
        path = super().convert(value, param, ctx)
        folder = path.parent / "plots"
        if not os.access(folder if folder.exists() else path.parent, os.W_OK):
            self.fail(f"{folder} cannot be written", param, ctx)
        return path


class Group(click.Group):
    """`barrow bench --quick` means `barrow bench run --quick`."""

    def parse_args(self, ctx, args):
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["run", *args]
        return super().parse_args(ctx, args)


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


def report_options(command):
    command = click.option(
        "--html", "html_path", type=OutputPath(), help="Write a page here."
    )(command)
    command = click.option(
        "--markdown",
        "markdown_path",
        type=MarkdownPath(),
        help="Write Markdown here, its plots to the folder plots beside it.",
    )(command)
    command = click.option(
        "--time",
        type=click.Choice(["wall", "cpu"]),
        help="The time that is compared; CPU time suffers less from a busy machine.",
    )(command)
    return click.option("--base", metavar="NAME", help="Ratios refer to this allocator.")(command)


def with_choices(results: Results, base: str | None, time: str | None) -> Results:
    if base is not None and base not in results.names():
        raise click.BadParameter(f"{base!r} was not run")
    results.base = base or results.base
    results.time = time or results.time
    return results


def line_options(command):
    command = click.option(
        "--line", "patterns", metavar="GLOB", multiple=True, help="Only lines of such a name."
    )(command)
    return click.argument("groups", nargs=-1, metavar="[GROUP]...")(command)


def chosen_allocators(named: tuple[str, ...], only: str) -> list[Allocator]:
    return discover(named, tuple(name for name in only.split(",") if name))


def chosen_lines(groups: tuple[str, ...], patterns: tuple[str, ...], quick: bool) -> list:
    for group in groups:
        if group not in suite.GROUPS:
            raise click.BadParameter(f"no group {group!r}; there are {', '.join(suite.GROUPS)}")
    default = suite.QUICK_GROUPS if quick and not patterns else tuple(suite.GROUPS)
    chosen = lines.choose(suite.all_lines(quick), groups or default, patterns)
    if not chosen:
        raise click.BadParameter("no line fits")
    return chosen


def foreign_lines(folder: Path, groups: tuple[str, ...], patterns: tuple[str, ...]) -> list:
    if groups:
        raise click.BadParameter("groups are of this suite; --line chooses among mimalloc-bench's programs")
    found = mimalloc_bench_lines(folder)
    chosen = lines.choose(found, ["mimalloc-bench"], patterns)
    if not chosen:
        raise click.BadParameter("no line fits" if found else f"{folder} has no programs in out/bench: build it first")
    return chosen


def needs_modules(html_path: Path | None, markdown_path: Path | None, *more: str | None) -> None:
    """Before a long run: what only its report needs."""
    wanted = [name for name in more if name]
    wanted += ["matplotlib", "jinja2"] if html_path or markdown_path else []
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if missing:
        packages = " ".join(f"python3-{name}" for name in missing)
        raise click.ClickException(f"not installed: {', '.join(missing)}; on Debian: apt install {packages}")


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure memory allocators side by side.

    Without a command, `run` is meant.
    """


@main.command("run")
@line_options
@allocator_options
@click.option("--repeats", type=click.IntRange(1), help=f"Rounds.  [default: {REPEATS}; quick: 1]")
@click.option("--quick", is_flag=True, help="One short round, for a first look.")
@click.option("--skip-missing", is_flag=True, help="Leave out lines whose programs are missing.")
@click.option("--json", "json_path", type=OutputPath(), help="Write all samples here.")
@click.option(
    "--mimalloc-bench",
    "mimalloc_bench",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Run the programs of a built checkout of mimalloc-bench instead.",
)
@report_options
def run_command(
    groups,
    patterns,
    named,
    only,
    repeats,
    quick,
    skip_missing,
    json_path,
    mimalloc_bench,
    base,
    time,
    html_path,
    markdown_path,
) -> None:
    """Run the suite, or the named groups of it: micro, programs, memory, instructions, heaps, curves."""
    try:
        needs_modules(html_path, markdown_path, None if quick or repeats == 1 else "numpy")
        if mimalloc_bench is not None:
            chosen = foreign_lines(mimalloc_bench, groups, patterns)
        else:
            chosen = chosen_lines(groups, patterns, quick)
        allocators = chosen_allocators(named, only)
        chosen = without_missing(chosen, skip_missing)
        session = Session(chosen, allocators, repeats or (1 if quick else REPEATS))
        with_choices(session.results, base, time)
        if machine.busy():
            click.echo("The machine is busy with other work: expect noise in the times.", err=True)
        results = terminal.run(session, Console(stderr=True))
    except ERRORS as error:
        raise click.ClickException(str(error)) from error
    deliver(results, json_path, html_path, markdown_path)
    if results.interrupted:
        sys.exit(INTERRUPTED)
    if results.failures():
        sys.exit(1)


def without_missing(chosen: list, skip: bool) -> list:
    """Lines that cannot run for want of a program are an error, unless asked to be left out."""
    missing = {name for line in chosen for name in line.missing()}
    if not missing:
        return chosen
    text = f"not installed: {', '.join(sorted(missing))} (bench/packages.txt lists the packages)"
    if not skip:
        raise places.MissingProgram(f"{text}; --skip-missing leaves their lines out")
    click.echo(text, err=True)
    return [line for line in chosen if not line.missing()]


def deliver(
    results: Results,
    json_path: Path | None,
    html_path: Path | None,
    markdown_path: Path | None,
) -> None:
    """The files first: a terminal may be closed at the other end of a pipe."""
    if json_path is not None:
        results.write(json_path)
    if html_path is not None:
        from barrow_bench import page  # matplotlib takes a second to load

        page.write(results, html_path)
    if markdown_path is not None:
        from barrow_bench import markdown

        markdown.write(results, markdown_path)
    terminal.show(Console(), results)


@main.command("report")
@click.argument("json_path", type=click.Path(exists=True, path_type=Path))
@report_options
def report_command(json_path, base, time, html_path, markdown_path) -> None:
    """Show the results of an earlier run again."""
    try:
        needs_modules(html_path, markdown_path)
        results = with_choices(Results.read(json_path), base, time)
    except (ValueError, TypeError, KeyError) as error:
        raise click.ClickException(f"{json_path}: not the results of a run: {error}") from error
    deliver(results, None, html_path, markdown_path)


@main.command("list")
@line_options
@allocator_options
def list_command(groups, patterns, named, only) -> None:
    """List the lines and the allocators at hand."""
    try:
        chosen = chosen_lines(groups, patterns, quick=False)
        allocators = chosen_allocators(named, only)
    except ERRORS as error:
        raise click.ClickException(str(error)) from error
    rows = [[line.group, line.name, line.about] for line in chosen]
    console = Console()
    header = ["group", "line", "what it does"]
    terminal.show_table(console, tables.TextTable("Lines", header, rows, words=3))
    rows = [[each.describe()["title"], each.path or "the program's own"] for each in allocators]
    header = ["name", "library"]
    terminal.show_table(console, tables.TextTable("Allocators", header, rows, words=2))


@main.command("instructions")
@allocator_options
@click.option("--pattern", "patterns", multiple=True, type=click.Choice(list(instructions.PATTERNS)))
@click.option("--pairs", default=instructions.PAIRS, show_default=True, help="Pairs counted.")
@click.option("--jobs", default=os.cpu_count(), show_default=True, help="Counts made at once.")
@click.option("--json", "json_path", type=OutputPath(), help="Write the counts here.")
@click.option(
    "--limit",
    metavar="NAME=N,N,...",
    help="Fail when this allocator spends more than N in any of the seven patterns.",
)
def instructions_command(named, only, patterns, pairs, jobs, json_path, limit) -> None:
    """Count the instructions of malloc and free with callgrind."""
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
    titles = {each.name: each.describe()["title"] for each in allocators}
    rows = [
        [titles.get(name, name), *(f"{row[each]:.1f}" for each in patterns)] for name, row in counts.items()
    ]
    header = ["allocator", *(instructions.PATTERNS[each] for each in patterns)]
    title = "Instructions for malloc and free, the caller's loop included"
    terminal.show_table(Console(), tables.TextTable(title, header, rows))
    if json_path is not None:
        json_path.write_text(json.dumps({"instructions": counts}, indent=2) + "\n")
    if limit is not None:
        check_limits(counts, limit)


def check_limits(counts: instructions.Counts, text: str) -> None:
    name, _, numbers = text.partition("=")
    try:
        over = instructions.over_limits(counts, name, [float(n) for n in numbers.split(",")])
    except (ValueError, KeyError) as error:
        raise click.BadParameter(f"{text!r}: one number for each pattern: {error}") from error
    if over:
        raise click.ClickException(f"{name} is over its limits\n  " + "\n  ".join(over))


@main.command("soak")
@allocator_options
@click.option("--minutes", default=60.0, show_default=True, help="How long the load lasts.")
@click.option("--threads", default=os.cpu_count(), show_default=True, help="Of each process.")
@click.option("--rate", default=4000.0, show_default=True, help="Requests a second of each process.")
@click.option("--json", "json_path", type=OutputPath(), help="Write all samples here.")
@click.option("--svg", "svg_path", type=OutputPath(), help="Draw a plot here.")
def soak_command(named, only, minutes, threads, rate, json_path, svg_path) -> None:
    """Put a server's load on all allocators at once, and watch their memory."""
    needs_modules(None, None, "matplotlib" if svg_path else None)
    soak.watch_length(minutes * 60)
    try:
        courses = soak.run(chosen_allocators(named, only), minutes * 60, threads, rate)
    except ERRORS as error:
        raise click.ClickException(str(error)) from error
    if json_path is not None:
        soak.write_json(courses, json_path)
    if svg_path is not None:
        soak.write_plot(courses, svg_path)
    header, rows = soak.rows(courses)
    title = f"Resident memory, MiB, under {rate:g} requests a second for {minutes:g} minutes"
    terminal.show_table(Console(), tables.TextTable(title, header, rows))
