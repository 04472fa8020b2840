# SPDX-License-Identifier: MIT
"""A run of the suite: every line under every allocator, round by round."""
from __future__ import annotations

import datetime
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from barrow_bench import machine
from barrow_bench.allocators import Allocator, options_set
from barrow_bench.lines import Line
from barrow_bench.process import LeftOut, RunError
from barrow_bench.results import Failure, LineResult, Results


@dataclass(frozen=True)
class Step:
    """One measurement to be made."""

    round: int
    line: Line
    allocator: Allocator


def steps(lines: list[Line], allocators: list[Allocator], repeats: int) -> Iterator[Step]:
    """Round-robin: the suite as a whole is repeated, and within a line the allocators take turns, so
    that a drift of the machine falls on all alike. Who comes first changes from line to line and
    from round to round."""
    for number in range(repeats):
        for position, line in enumerate(lines):
            if line.once and number > 0:
                continue
            order = [*line.references(), *line.variants(allocators), *allocators]
            shift = (number + position) % len(order)
            for allocator in order[shift:] + order[:shift]:
                yield Step(number, line, allocator)


class Session:
    """Makes the measurements and keeps what came of them; `results` is valid at any time."""

    def __init__(self, lines: list[Line], allocators: list[Allocator], repeats: int):
        self.lines, self.allocators, self.repeats = lines, allocators, repeats
        self.by_name = {line.name: LineResult(line.as_dict()) for line in lines}
        self.results = Results(
            date=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            machine=machine.describe() | self.options(),
            repeats=repeats,
            allocators=[allocator.describe() for allocator in allocators],
            lines=list(self.by_name.values()),
        )

    @staticmethod
    def options() -> dict[str, str]:
        """Set for all programs, so the reader must know them."""
        shown = ", ".join(f"{name}={value}" for name, value in options_set().items())
        return {"options set": shown} if shown else {}

    def steps(self) -> list[Step]:
        return list(steps(self.lines, self.allocators, self.repeats))

    def run(
        self,
        preparing: Callable[[Line], None] = lambda line: None,
        starting: Callable[[Step], None] = lambda step: None,
        done: Callable[[Step], None] = lambda step: None,
    ) -> Results:
        """Ctrl-C ends it early; the results then say so, and hold what was measured until then."""
        with tempfile.TemporaryDirectory(prefix="barrow-bench-") as directory:
            try:
                for line in self.lines:
                    preparing(line)
                    line.prepare(Path(directory))
                for step in self.steps():
                    starting(step)
                    self.take(step)
                    done(step)
            except KeyboardInterrupt:
                self.results.interrupted = True
        return self.results

    def take(self, step: Step) -> None:
        result, name = self.by_name[step.line.name], step.allocator.name
        if result.left_out is not None:
            return
        try:
            result.samples.setdefault(name, []).append(step.line.measure(step.allocator).as_dict())
        except LeftOut as reason:
            result.left_out = str(reason)
        except RunError as error:
            result.failures.append(Failure(name, step.round, str(error)))
