# SPDX-License-Identifier: MIT
"""What a run of the suite leaves behind, and its form as JSON."""
from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from barrow_bench.allocators import SYSTEM

VERSION = 1


@dataclass
class Failure:
    allocator: str
    round: int
    reason: str


@dataclass
class LineResult:
    """A line's facts and its samples by allocator, each as Sample.as_dict made it."""

    line: dict
    samples: dict[str, list[dict]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    left_out: str | None = None

    @property
    def name(self) -> str:
        return self.line["name"]

    @property
    def group(self) -> str:
        return self.line["group"]

    def metric(self, allocator: str, metric: str) -> list[float]:
        """The samples of one metric; none for an allocator that failed in this line: a figure from
        the runs that happened to succeed would flatter it."""
        if any(failure.allocator == allocator for failure in self.failures):
            return []
        return [sample[metric] for sample in self.samples.get(allocator, [])]

    def value(self, allocator: str, name: str) -> list[float]:
        """The samples of one of the line's own figures."""
        return [
            sample["values"][name]
            for sample in self.samples.get(allocator, [])
            if name in sample["values"]
        ]

    def value_names(self) -> list[str]:
        names: dict[str, None] = {}
        for samples in self.samples.values():
            for sample in samples:
                names.update(dict.fromkeys(sample["values"]))
        return list(names)


@dataclass
class Results:
    date: str
    machine: dict[str, str]
    repeats: int
    allocators: list[dict]
    lines: list[LineResult]
    interrupted: bool = False
    base: str | None = None  # what ratios refer to; None: the system's malloc
    time: str = "wall"  # the metric that is called time: "wall" or "cpu"
    version: int = VERSION

    def names(self) -> list[str]:
        return [allocator["name"] for allocator in self.allocators]

    def title(self, name: str) -> str:
        """The name with its version, as tables show it."""
        facts = next((each for each in self.allocators if each["name"] == name), {})
        return facts.get("title") or name

    def is_single(self) -> bool:
        """One round: no spread is known, and no line's best either."""
        return self.repeats == 1

    def base_name(self) -> str:
        """What ratios refer to: as asked, else the system's malloc, else the first allocator."""
        names = self.names()
        wanted = self.base or SYSTEM
        return wanted if wanted in names else names[0]

    def groups(self) -> list[str]:
        return list(dict.fromkeys(line.group for line in self.lines))

    def of_group(self, group: str) -> list[LineResult]:
        return [line for line in self.lines if line.group == group]

    def failures(self) -> list[tuple[LineResult, Failure]]:
        return [(line, failure) for line in self.lines for failure in line.failures]

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        data = json.loads(path.read_text())
        if data.get("version") != VERSION:
            raise ValueError(f"{path}: results of version {data.get('version')}, not {VERSION}")
        data["lines"] = [
            LineResult(**{**line, "failures": [Failure(**each) for each in line["failures"]]})
            for line in data["lines"]
        ]
        return cls(**data)
