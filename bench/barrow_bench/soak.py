# SPDX-License-Identifier: MIT
"""A load like a server's for a long time, under all allocators at once, its memory sampled each
second: whether it stays flat, and what is left of it when the load has ended."""
from __future__ import annotations

import json
import statistics
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from barrow_bench import places
from barrow_bench.allocators import Allocator, environment
from barrow_bench.process import RunError

MIB = 1024 * 1024


@dataclass(frozen=True)
class Sample:
    second: int
    resident: int
    live: int
    requests: int


@dataclass(frozen=True)
class Course:
    """One allocator's samples."""

    name: str
    seconds: float
    samples: list[Sample]

    def between(self, first: float, last: float) -> list[Sample]:
        return [each for each in self.samples if first <= each.second < last]

    def row(self) -> dict[str, float]:
        """After a quarter of the time the load counts as warmed up. MiB, and a ratio."""
        start = self.samples[0].resident
        early = self.between(self.seconds / 4, self.seconds / 2)
        late = self.between(self.seconds * 3 / 4, self.seconds)
        under_load = early + self.between(self.seconds / 2, self.seconds * 3 / 4) + late
        return {
            "start": start / MIB,
            "2nd quarter": statistics.mean(each.resident for each in early) / MIB,
            "4th quarter": statistics.mean(each.resident for each in late) / MIB,
            "highest": max(each.resident for each in self.samples) / MIB,
            "RSS/live": statistics.mean(each.resident / each.live for each in under_load),
            "after the end": self.samples[-1].resident / MIB,
            "requests": self.samples[-1].requests,
        }


def preloaded(allocator: Allocator) -> dict[str, str]:
    return environment(LD_PRELOAD=allocator.path) if allocator.path else environment()


def parse(output: str) -> list[Sample]:
    return [Sample(*(int(word) for word in row.split("\t"))) for row in output.splitlines()]


def run(allocators: list[Allocator], seconds: float, threads: int, rate: float) -> list[Course]:
    """All at the same time: whatever the machine does falls on all alike."""
    command = [str(places.program("soak")), str(seconds), str(threads), str(rate)]
    with ExitStack() as files:
        # Files, for a pipe that is full would stop the process that samples.
        outputs = [files.enter_context(TemporaryFile("w+")) for _ in allocators]
        running = [
            subprocess.Popen(command, env=preloaded(each), stdout=output)
            for each, output in zip(allocators, outputs)
        ]
        return [
            course(allocator.name, seconds, process, output)
            for allocator, process, output in zip(allocators, running, outputs)
        ]


def course(name: str, seconds: float, process: subprocess.Popen[bytes], output: IO[str]) -> Course:
    if process.wait() != 0:
        raise RunError(f"soak under {name} ended with {process.returncode}")
    output.seek(0)
    return Course(name, seconds, parse(output.read()))


def rows(courses: list[Course]) -> tuple[list[str], list[list[str]]]:
    header = ["allocator", *courses[0].row()]
    return header, [
        [each.name, *(f"{value:.2f}" if "/" in name else f"{value:,.0f}"
                      for name, value in each.row().items())]
        for each in courses
    ]


def write_json(courses: list[Course], path: Path) -> None:
    table = {each.name: [list(vars(one).values()) for one in each.samples] for each in courses}
    path.write_text(json.dumps({"columns": ["second", "resident", "live", "requests"], **table}))


POINTS = 400


def thinned(samples: list[Sample]) -> list[Sample]:
    """As many as can be told apart in a plot, the last one among them."""
    step = -(-len(samples) // POINTS)
    return samples[::-1][::step][::-1]


def write_plot(courses: list[Course], path: Path) -> None:
    from barrow_bench import plots  # matplotlib takes a second to load

    figure, axes = plots.plt.subplots(figsize=(plots.WIDTH, 4))
    names = [each.name for each in courses]
    for course in courses:
        shown = thinned(course.samples)
        minutes = [each.second / 60 for each in shown]
        resident = [each.resident / MIB for each in shown]
        colour = plots.style(names, course.name)["color"]
        axes.plot(minutes, resident, label=course.name, color=colour, linewidth=1)
    shown = thinned(courses[0].samples)
    live = [each.live / MIB for each in shown]
    minutes = [each.second / 60 for each in shown]
    axes.plot(minutes, live, label="live, as asked for", color="#999999", linestyle=":")
    axes.set_xlabel("minutes")
    axes.set_ylabel("resident, MiB")
    axes.set_ylim(bottom=0)
    axes.legend(ncols=3, loc="lower center", frameon=False)
    path.write_text(plots.to_svg(figure, "resident memory under a server's load, and after it"))


def watch_length(seconds: float) -> None:
    """A run of an hour should say when it will be over."""
    print(f"This takes {seconds * 7 / 6 / 60:.0f} minutes.", file=sys.stderr)
