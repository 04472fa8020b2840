# SPDX-License-Identifier: MIT
"""Programs of a checkout of mimalloc-bench that its owner has built: DIR/out/bench holds them. Arguments are
those that its script gives them."""
from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from barrow_bench import process
from barrow_bench.allocators import SYSTEM, Allocator
from barrow_bench.lines import Line

PROCESSORS = str(os.cpu_count() or 1)
TWICE = str(2 * (os.cpu_count() or 1))

# What programs that run for a fixed time print in place of taking less of it.
RELATIVE_TIME = re.compile(rb"(?:relative time|rtime): *([0-9.]+)")


@dataclass
class ForeignLine(Line):
    """One program. With `checked` its output must be that of the run under the system's malloc."""

    command: tuple[str, ...] = ()
    directory: Path = Path()
    stdin: Path | None = None
    checked: bool = False
    expected: str | None = None

    group = "mimalloc-bench"

    def prepare(self, directory: Path) -> None:
        if self.checked:
            self.expected = self.execute(Allocator(SYSTEM)).digest

    def execute(self, allocator: Allocator) -> process.Ran:
        return process.run(allocator, list(self.command), cwd=self.directory, stdin=self.stdin)

    def measure(self, allocator: Allocator) -> process.Sample:
        ran = self.execute(allocator)
        if self.expected is not None and ran.digest != self.expected:
            raise process.RunError("the output differs from the system malloc's run")
        told = RELATIVE_TIME.search(ran.output)
        if told is not None:
            ran.sample.wall = float(told[1])
        return ran.sample


# Line -> program, arguments, whether the output is the same each time. {input} is a file of DIR/bench.
PROGRAMS = {
    "cfrac": ("cfrac", ["17545186520507317056371138836327483792789528"], True),
    "espresso": ("espresso", ["{espresso/largest.espresso}"], True),
    "barnes": ("barnes", ["<barnes/input"], False),
    "larsonN": ("larson", ["5", "8", "1000", "5000", "100", "4141", PROCESSORS], False),
    "larsonN-sized": ("larson-sized", ["5", "8", "1000", "5000", "100", "4141", PROCESSORS], False),
    "mstressN": ("mstress", [PROCESSORS, "50", "25"], False),
    "rptestN": ("rptest", [PROCESSORS, "0", "1", "2", "500", "1000", "100", "8", "16000"], False),
    "alloc-test1": ("alloc-test", ["1"], False),
    "alloc-testN": ("alloc-test", [PROCESSORS], False),
    "sh6benchN": ("sh6bench", [TWICE], False),
    "sh8benchN": ("sh8bench", [TWICE], False),
    "xmalloc-testN": ("xmalloc-test", ["-w", PROCESSORS, "-t", "5", "-s", "64"], False),
    "cache-scratch1": ("cache-scratch", ["1", "1000", "1", "2000000", "1"], False),
    "cache-scratchN": ("cache-scratch", [PROCESSORS, "1000", "1", "2000000", PROCESSORS], False),
    "cache-thrashN": ("cache-thrash", [PROCESSORS, "1000", "1", "2000000", PROCESSORS], False),
    "glibc-simple": ("glibc-simple", [], False),
    "glibc-thread": ("glibc-thread", [PROCESSORS], False),
    "malloc-large": ("malloc-large", [], False),
}


def find_program(folder: Path, name: str) -> Path | None:
    """Older checkouts build into out/bench, with a folder for each program in some."""
    for place in (folder / "out/bench" / name, folder / "out/bench" / name / name):
        if place.is_file() and os.access(place, os.X_OK):
            return place.resolve()
    return None


def foreign_line(folder: Path, name: str, path: Path) -> ForeignLine:
    _, arguments, checked = PROGRAMS[name]
    stdin = None
    words = [str(path)]
    for word in arguments:
        if word.startswith("<"):
            stdin = folder / "bench" / word[1:]
        elif word.startswith("{"):
            words.append(str(folder / "bench" / word[1:-1]))
        else:
            words.append(word)
    return ForeignLine(
        name,
        f"{path.name} of mimalloc-bench",
        command=tuple(words),
        directory=path.parent,
        stdin=stdin,
        checked=checked,
    )


def mimalloc_bench_lines(folder: Path) -> list[Line]:
    """Those that were built, in the order of PROGRAMS."""
    folder = folder.resolve()
    found = {name: find_program(folder, row[0]) for name, row in PROGRAMS.items()}
    return [foreign_line(folder, name, path) for name, path in found.items() if path is not None]
