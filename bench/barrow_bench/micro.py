# SPDX-License-Identifier: MIT
"""The micro benchmarks: lines of the program `micro`, each run in a process of its own."""
from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass

from barrow_bench import places, process
from barrow_bench.allocators import Allocator
from barrow_bench.lines import Curve, Line


def quoted(name: str) -> str:
    """The name as an extended regular expression of POSIX, which re.escape's is not."""
    return re.sub(r"[^A-Za-z0-9/_-]", lambda found: f"[{found.group()}]", name)


@dataclass
class MicroLine(Line):
    scale: float = 1.0

    group = "micro"

    def measure(self, allocator: Allocator) -> process.Sample:
        command = [
            str(places.program("micro")),
            f"--scale={self.scale:g}",
            f"--benchmark_filter=^{quoted(self.name)}/iterations:",
            "--benchmark_format=json",
        ]
        ran = process.run(allocator, command)
        return with_region(ran.sample, json.loads(ran.output))


@dataclass
class CurvePoint(MicroLine):
    group = "curves"


def with_region(sample: process.Sample, report: dict) -> process.Sample:
    """Takes the times of the measured region from Google Benchmark; peak and faults stay those of the
    whole process."""
    if len(report["benchmarks"]) != 1:
        raise process.RunError(f"expected one benchmark, got {len(report['benchmarks'])}")
    result = report["benchmarks"][0]
    if result.get("error_occurred"):
        raise process.LeftOut(result["error_message"])
    seconds = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}[result["time_unit"]]
    sample.wall = result["real_time"] * result["iterations"] * seconds
    sample.cpu = result["cpu_time"] * result["iterations"] * seconds
    if "items_per_second" in result:
        sample.values["ns per item"] = 1e9 / result["items_per_second"]
    return sample


def parse_lines(listing: str, scale: float) -> list[Line]:
    """`micro --lines`: name, curve, x, unit, counted, about, separated by tabs."""
    lines: list[Line] = []
    for row in listing.splitlines():
        name, curve, x, unit, counted, about = row.split("\t")
        kind = MicroLine if counted == "1" else CurvePoint
        point = Curve(curve, float(x), unit) if curve else None
        lines.append(kind(name, about, point, counted == "1", scale))
    return lines


def micro_lines(scale: float = 1.0) -> list[Line]:
    listing = subprocess.run(
        [str(places.program("micro")), "--lines"], capture_output=True, text=True, check=True
    )
    return parse_lines(listing.stdout, scale)
