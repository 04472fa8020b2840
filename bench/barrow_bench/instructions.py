# SPDX-License-Identifier: MIT
"""Instructions for a pair of malloc and free, counted by callgrind: exact, and the same each time."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from barrow_bench import places
from barrow_bench.allocators import Allocator, environment
from barrow_bench.lines import Line
from barrow_bench.process import RunError, Sample

# Name in bench/instructions/patterns.c -> title of the column.
PATTERNS = {
    "one-64": "64 B, one",
    "batch-64": "64 B, 1000",
    "working-set": "working set",
    "batch-random": "mixed, 1000",
    "one-4096": "4 KiB, one",
    "batch-4096": "4 KiB, 100",
    "wide-set": "set to 64 KiB",
}
STUB = "stub"
PAIRS = 100_000
COLLECTED = re.compile(r"Collected\s*:\s*(\d+)")

Counts = dict[str, dict[str, float]]  # allocator -> pattern -> instructions a pair


def stub() -> Allocator:
    return Allocator(STUB, str(places.program("stub.so")))


def count(
    allocator: Allocator, pattern: str, pairs: int = PAIRS, heap: str | None = None
) -> float:
    """Instructions a pair, the caller's loop included, after as many pairs of warm-up: of malloc and
    free, or of HeapAlloc and HeapFree in a heap of that kind."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise places.MissingProgram("valgrind is not installed")
    # env preloads the library into the program alone: Debian's valgrind is a shell script, and no
    # shell runs on the stub.
    preload = [] if allocator.path is None else [f"LD_PRELOAD={allocator.path}"]
    command = [
        valgrind,
        "--trace-children=yes",
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        "--toggle-collect=measured",
        "env",
        *preload,
        str(places.program("patterns" if heap is None else "heap_patterns")),
        pattern,
        str(pairs),
        *([] if heap is None else [heap]),
    ]
    ran = subprocess.run(command, env=environment(), capture_output=True, text=True)
    collected = COLLECTED.search(ran.stderr)
    if ran.returncode != 0 or collected is None:
        raise RunError(f"{allocator.name}, {pattern}: {ran.stderr.strip()[-600:]}")
    return int(collected.group(1)) / pairs


def count_all(
    allocators: Iterable[Allocator],
    patterns: Iterable[str] = PATTERNS,
    pairs: int = PAIRS,
    jobs: int = 1,
    done: Callable[[], None] = lambda: None,
) -> Counts:
    """Every pattern under the stub and every allocator. Counts do not care how busy the machine is,
    so `jobs` of them may run at once."""
    cells = [(each, pattern) for each in [stub(), *allocators] for pattern in patterns]

    def one(cell: tuple[Allocator, str]) -> float:
        result = count(*cell, pairs=pairs)
        done()
        return result

    counts: Counts = {}
    with ThreadPoolExecutor(jobs) as pool:
        for (allocator, pattern), value in zip(cells, pool.map(one, cells)):
            counts.setdefault(allocator.name, {})[pattern] = value
    return counts


def over_limits(counts: Counts, name: str, limits: list[float]) -> list[str]:
    """What `name` spends above its limits, one limit for each pattern; empty when it keeps them."""
    return [
        f"{PATTERNS[pattern]}: {counts[name][pattern]:.1f} instructions, limit {limit:g}"
        for pattern, limit in zip(PATTERNS, limits, strict=True)
        if counts[name][pattern] > limit
    ]


@dataclass
class InstructionLine(Line):
    counted: bool = False
    pairs: int = PAIRS

    group = "instructions"
    once = True

    def missing(self) -> list[str]:
        return [] if shutil.which("valgrind") else ["valgrind"]

    def references(self) -> list[Allocator]:
        return [stub()]

    def measure(self, allocator: Allocator) -> Sample:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            counts = pool.map(lambda pattern: count(allocator, pattern, self.pairs), PATTERNS)
        return Sample(0.0, 0.0, 0, 0, dict(zip(PATTERNS.values(), counts)))


def instruction_lines(quick: bool = False) -> list[Line]:
    about = "instructions a pair of malloc and free, the caller's loop included, by callgrind"
    return [InstructionLine("instructions", about, pairs=20_000 if quick else PAIRS)]
