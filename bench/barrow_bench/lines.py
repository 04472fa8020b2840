# SPDX-License-Identifier: MIT
"""What a line of the report is: one piece of work, run under each allocator."""
from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from barrow_bench.allocators import Allocator
from barrow_bench.process import Sample


@dataclass(frozen=True)
class Curve:
    """A line that is one point of a curve."""

    name: str
    x: float
    unit: str


@dataclass
class Line:
    """One piece of work. `counted` lines are part of the geometric means."""

    name: str
    about: str
    curve: Curve | None = None
    counted: bool = True

    group: ClassVar[str] = ""
    once: ClassVar[bool] = False  # exact figures: one round is enough

    def references(self) -> list[Allocator]:
        """Libraries that only this line runs, beside the allocators."""
        return []

    def variants(self, allocators: list[Allocator]) -> list[Allocator]:
        """The chosen allocators with other settings, where only this line's figures depend on them."""
        return []

    def missing(self) -> list[str]:
        """The programs that this line needs and that are not there."""
        return []

    def prepare(self, directory: Path) -> None:
        """Makes the input, once, before anything is measured."""

    def measure(self, allocator: Allocator) -> Sample:
        """One run. Raises RunError for a run that failed, LeftOut for one that is impossible here."""
        raise NotImplementedError

    def as_dict(self) -> dict:
        return {
            "name": self.name,
            "group": self.group,
            "about": self.about,
            "counted": self.counted,
            "curve": vars(self.curve) if self.curve else None,
        }


def choose(lines: Iterable[Line], groups: Iterable[str], patterns: Iterable[str]) -> list[Line]:
    """The lines of these groups, in the groups' order, whose name fits one of the patterns; without
    patterns, all."""
    groups, patterns = list(groups), list(patterns)
    fitting = [
        line
        for line in lines
        if line.group in groups
        and (not patterns or any(fnmatch.fnmatchcase(line.name, each) for each in patterns))
    ]
    return sorted(fitting, key=lambda line: groups.index(line.group))
