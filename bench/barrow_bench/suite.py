# SPDX-License-Identifier: MIT
"""All lines there are, by group."""
from __future__ import annotations

from barrow_bench.heaps import heap_lines
from barrow_bench.instructions import instruction_lines
from barrow_bench.lines import Line
from barrow_bench.memory import memory_lines
from barrow_bench.micro import micro_lines
from barrow_bench.programs import program_lines

GROUPS = {
    "micro": "small benchmarks of one operation each",
    "programs": "whole programs",
    "memory": "memory given back, start-up, system calls",
    "instructions": "instructions for malloc and free",
    "heaps": "private heaps against malloc and free",
    "curves": "one operation while something grows",
}
QUICK_GROUPS = ("micro", "programs", "memory", "instructions")
QUICK_SCALE = 0.1


def all_lines(quick: bool = False) -> list[Line]:
    return [
        *micro_lines(QUICK_SCALE if quick else 1.0),
        *program_lines(),
        *memory_lines(quick),
        *instruction_lines(quick),
        *heap_lines(quick),
    ]
