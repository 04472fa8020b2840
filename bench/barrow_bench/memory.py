# SPDX-License-Identifier: MIT
"""Memory given back, the cost of starting, and system calls: lines with figures of their own."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from barrow_bench import places, process
from barrow_bench.allocators import Allocator, environment
from barrow_bench.lines import Line

MIB = 1024 * 1024

# Allocator -> what its other setting is, and the variable for it.
THREADS = {
    "jemalloc": ("with its thread", ("MALLOC_CONF", "background_thread:true")),
}


@dataclass
class MemoryLine(Line):
    counted: bool = False

    group = "memory"


@dataclass
class Returns(MemoryLine):
    """Resident memory after each step of bench/memory/returns.c, in MiB."""

    blocks: int = 300_000
    idle_ms: int = 3000

    def variants(self, allocators: list[Allocator]) -> list[Allocator]:
        """What goes back while a program idles is the work of a thread, which jemalloc has on demand."""
        return [
            Allocator(f"{each.name}, {THREADS[each.name][0]}", each.path, THREADS[each.name][1:])
            for each in allocators
            if each.name in THREADS
        ]

    def measure(self, allocator: Allocator) -> process.Sample:
        command = [str(places.program("returns")), str(self.blocks), str(self.idle_ms)]
        ran = process.run(allocator, command)
        for row in ran.output.decode().splitlines():
            step, resident = row.split("\t")
            ran.sample.values[f"{step}, MiB"] = int(resident) / MIB
        return ran.sample


@dataclass
class Startup(MemoryLine):
    """Start and end of a program that does next to nothing."""

    program: str = "/bin/true"
    runs: int = 200

    def measure(self, allocator: Allocator) -> process.Sample:
        path = self.program if os.path.isabs(self.program) else str(places.program(self.program))
        sample = process.run(allocator, [path], repeat=self.runs).sample
        sample.values["start and end, ms"] = sample.wall / self.runs * 1e3
        sample.values["CPU, ms"] = sample.cpu / self.runs * 1e3
        sample.values["peak RSS, MiB"] = sample.rss / MIB
        sample.values["page faults"] = sample.faults / self.runs
        return sample


CALLS = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", re.MULTILINE)


def system_calls(summary: str) -> int:
    """The number of calls in the table that `strace -c` writes."""
    return sum(int(count) for count, name in CALLS.findall(summary) if name != "total")


@dataclass
class SystemCalls(MemoryLine):
    """System calls a step of bench/memory/cycles.c, from two runs of different lengths, so that the
    start of the process and the first growth are taken off."""

    steps: int = 1000

    def missing(self) -> list[str]:
        return [] if shutil.which("strace") else ["strace"]

    def prepare(self, directory: Path) -> None:
        self.report = directory / "strace.txt"

    def count(self, allocator: Allocator, steps: int) -> int:
        command = ["strace", "-f", "-c", "-o", str(self.report)]
        if allocator.path is not None:
            command += ["-E", f"LD_PRELOAD={allocator.path}"]
        command += [str(places.program("cycles")), str(steps)]
        ran = subprocess.run(command, env=environment(), capture_output=True, text=True)
        if ran.returncode != 0:
            raise process.RunError(f"strace: {ran.stderr.strip()[-400:]}")
        return system_calls(self.report.read_text())

    def measure(self, allocator: Allocator) -> process.Sample:
        sample = process.run(allocator, [str(places.program("cycles")), str(self.steps)]).sample
        more = self.count(allocator, 3 * self.steps) - self.count(allocator, self.steps)
        sample.values["system calls a step"] = more / (2 * self.steps)
        return sample


def memory_lines(quick: bool = False) -> list[Line]:
    return [
        Returns(
            "returns",
            "resident memory as 300,000 blocks of 512 bytes to 2 KiB are freed",
            idle_ms=1000 if quick else 3000,
        ),
        Startup("startup/true", "/bin/true", runs=20 if quick else 200),
        Startup(
            "startup/one-line",
            "a program with one malloc and one free",
            program="one_line",
            runs=20 if quick else 200,
        ),
        SystemCalls("cycles", "16 live blocks of 64 KiB to 4 MiB, the oldest replaced each time"),
    ]
