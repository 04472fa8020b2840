# SPDX-License-Identifier: MIT
"""Private heaps against malloc and free: the program `heaps` under each allocator, whose malloc it
measures beside barrow's heaps."""
from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from barrow_bench import instructions, places, process
from barrow_bench.allocators import SUBJECT, Allocator
from barrow_bench.lines import Line

# The last argument of bench/instructions/patterns.c, built with HEAPS -> what it is.
KINDS = {
    "no_serialize": "HEAP_NO_SERIALIZE",
    "serialized": "serialized",
    "bounded": "with a maximum, HEAP_NO_SERIALIZE",
    "bounded_serialized": "with a maximum, serialized",
}


def library() -> str:
    path = places.barrow_library()
    if path is None:
        raise places.MissingProgram("libbarrow.so has not been built")
    return str(path)


def ratios(report: dict) -> dict[str, float]:
    """Google Benchmark's report -> ratio by line."""
    return {
        result["name"].split("/iterations:")[0]: result["ratio"] for result in report["benchmarks"]
    }


@dataclass
class HeapsLine(Line):
    """Every line of the program in one process: a table of ratios."""

    counted: bool = False
    scale: float = 1.0

    group = "heaps"

    def measure(self, allocator: Allocator) -> process.Sample:
        command = [
            "env",
            f"BARROW_BENCH_HEAPS_LIBRARY={library()}",
            str(places.program("heaps")),
            f"--scale={self.scale:g}",
            "--benchmark_format=json",
        ]
        ran = process.run(allocator, command)
        ran.sample.values = ratios(json.loads(ran.output))
        return ran.sample


@dataclass
class HeapInstructionsLine(Line):
    """Instructions for HeapAlloc and HeapFree: of barrow alone."""

    counted: bool = False
    pairs: int = instructions.PAIRS

    group = "heaps"
    once = True

    def missing(self) -> list[str]:
        return [] if shutil.which("valgrind") else ["valgrind"]

    def measure(self, allocator: Allocator) -> process.Sample:
        sample = process.Sample(0.0, 0.0, 0, 0)
        if allocator.name != SUBJECT:
            return sample
        cells = [(kind, pattern) for kind in KINDS for pattern in instructions.PATTERNS]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            counts = pool.map(
                lambda cell: instructions.count(allocator, cell[1], self.pairs, heap=cell[0]), cells
            )
            for (kind, pattern), count in zip(cells, counts):
                title = f"{KINDS[kind]}: {instructions.PATTERNS[pattern]}"
                sample.values[title] = count
        return sample


def heap_lines(quick: bool = False) -> list[Line]:
    return [
        HeapsLine(
            "heaps: time",
            "time of a private heap over that of the allocator's malloc and free (or of what follows "
            "the colon) for the same work",
            scale=0.1 if quick else 1.0,
        ),
        HeapInstructionsLine(
            "heaps: instructions",
            "instructions a pair of HeapAlloc and HeapFree, the caller's loop included, by callgrind",
            pairs=20_000 if quick else instructions.PAIRS,
        ),
    ]
