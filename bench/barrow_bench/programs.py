# SPDX-License-Identifier: MIT
"""Whole programs: existing binaries at work for a second or a few, with checked output.

Every run must write the same bytes as the run without a preloaded library did.
"""
from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from barrow_bench import inputs, places, process
from barrow_bench.allocators import SYSTEM, Allocator
from barrow_bench.lines import Line
from barrow_bench.redis import RedisLine

SCRIPTS = places.BENCH / "programs"


@dataclass
class ProgramLine(Line):
    """One command. {input} in it, or in `stdin`, is replaced by the path of what make_input wrote."""

    command: tuple[str, ...] = ()
    stdin: str | None = None
    make_input: Callable[[Path], None] | None = None
    env: dict[str, str] = field(default_factory=dict)
    expected: str | None = None

    group = "programs"

    def missing(self) -> list[str]:
        return [] if shutil.which(self.command[0]) else [self.command[0]]

    def prepare(self, directory: Path) -> None:
        self.directory = directory / self.name
        self.directory.mkdir()
        if self.make_input is not None:
            self.make_input(self.directory / "input")
        self.expected = self.execute(Allocator(SYSTEM)).digest

    def filled(self, word: str) -> str:
        return word.replace("{input}", str(self.directory / "input"))

    def execute(self, allocator: Allocator) -> process.Ran:
        return process.run(
            allocator,
            [self.filled(word) for word in self.command],
            cwd=self.directory,
            env={"TMPDIR": str(self.directory), **self.env},
            stdin=Path(self.filled(self.stdin)) if self.stdin else None,
        )

    def measure(self, allocator: Allocator) -> process.Sample:
        ran = self.execute(allocator)
        if ran.digest != self.expected:
            raise process.RunError("the output differs from the system malloc's run")
        return ran.sample


def script(name: str) -> str:
    return str(SCRIPTS / name)


def compilers() -> list[Line]:
    options = ("-O1", "-std=c++17", "-S", "-o", "-", script("templates.cc"))
    return [
        ProgramLine("g++", "compiles a C++ file of many templates", command=("g++", *options)),
        ProgramLine("clang++", "compiles the same C++ file", command=("clang++", *options)),
    ]


def interpreters() -> list[Line]:
    return [
        ProgramLine(
            "python3",
            "objects, an index, JSON, regular expressions and trees",
            command=("/usr/bin/python3", script("objects.py")),
            env={"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"},
        ),
        ProgramLine(
            "lua", "tables, strings and closures", command=("lua5.4", script("tables.lua"))
        ),
        ProgramLine(
            "perl",
            "hashes and regular expressions over 3 MB of text",
            command=("perl", script("records.pl")),
            stdin="{input}",
            make_input=inputs.write_text,
            env={"PERL_HASH_SEED": "0"},
        ),
        ProgramLine(
            "gawk",
            "associative arrays over 3 MB of text",
            command=("gawk", "-f", script("columns.awk"), "{input}"),
            make_input=inputs.write_text,
        ),
        ProgramLine(
            "jq",
            "groups and rearranges 5 MB of JSON",
            command=("jq", "-f", script("summary.jq"), "{input}"),
            make_input=inputs.write_records,
        ),
    ]


def others() -> list[Line]:
    return [
        ProgramLine(
            "sqlite3",
            "fills, indexes, joins and updates tables in memory",
            command=("sqlite3", "-batch", ":memory:"),
            stdin=script("queries.sql"),
        ),
        ProgramLine(
            "z3",
            "solves bit-vector and array constraints",
            command=("z3", "{input}"),
            make_input=inputs.write_formula,
        ),
        ProgramLine(
            "git-log",
            "shows a history of 1500 commits with its patches",
            command=("git", "-C", "{input}", "log", "-p", "--stat", "-M", "main"),
            make_input=inputs.make_repository,
        ),
        ProgramLine(
            "git-pack",
            "packs the same history afresh, searching for deltas",
            command=tuple(
                "git -C {input} -c pack.threads=1 pack-objects --all --no-reuse-object"
                " --no-reuse-delta --depth=50 --window=40 --stdout -q".split()
            ),
            make_input=inputs.make_repository,
        ),
        ProgramLine(
            "xz",
            "compresses 24 MB with two threads",
            command=("xz", "-6", "-T2", "--block-size=3MiB", "-c", "{input}"),
            make_input=inputs.write_binary,
        ),
        RedisLine("redis", "a server that is filled, and then worked on by redis-benchmark"),
    ]


def program_lines() -> list[Line]:
    return [*interpreters(), *compilers(), *others()]
