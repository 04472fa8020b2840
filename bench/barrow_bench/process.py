# SPDX-License-Identifier: MIT
"""Runs a program through the launcher and returns what it took."""
from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from barrow_bench import places
from barrow_bench.allocators import Allocator, environment

TIMEOUT = 300.0


class RunError(Exception):
    """A run that yields no sample; the text says why."""


class LeftOut(Exception):
    """A line that cannot be run on this machine; the text says why."""


@dataclass
class Sample:
    """One run: seconds, bytes, counts. `values` holds what only some lines measure."""

    wall: float
    cpu: float
    rss: int
    faults: int
    values: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict:
        return asdict(self)


@dataclass
class Ran:
    sample: Sample
    output: bytes
    digest: str


def preload(allocator: Allocator) -> str:
    return allocator.path or "-"


def launch_command(
    allocator: Allocator, command: list[str], report: int, repeat: int = 1
) -> list[str]:
    launcher = str(places.program("launch"))
    return [launcher, str(report), str(repeat), preload(allocator), *command]


def parse_report(text: str) -> tuple[int, Sample]:
    """The launcher's line: wait status, and the sample."""
    try:
        status, wall, user, system, rss, minor, major = (int(word) for word in text.split())
    except ValueError as error:
        raise RunError(f"the launcher reported {text!r}") from error
    cpu = (user + system) / 1e6
    return status, Sample(wall / 1e9, cpu, rss * 1024, minor + major)


def describe_status(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"was ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"ended with status {os.WEXITSTATUS(status)}"


@contextlib.contextmanager
def started(command: list[str], **options) -> Iterator[subprocess.Popen]:
    """A child in a session of its own, so that it and all it starts can be ended together."""
    child = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield child
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def run(
    allocator: Allocator,
    command: list[str],
    *,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    stdin: Path | None = None,
    repeat: int = 1,
    timeout: float = TIMEOUT,
) -> Ran:
    """Runs the command to its end. Output goes to a file first, so that no reader slows it down."""
    reader, writer = os.pipe()
    with (
        open(reader) as report,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
        open(stdin or os.devnull, "rb") as source,
    ):
        try:
            with started(
                launch_command(allocator, command, writer, repeat),
                cwd=cwd,
                env=environment(**{**dict(allocator.settings), **(env or {})}),
                stdin=source,
                stdout=output,
                stderr=errors,
                pass_fds=(writer,),
            ) as child:
                child.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise RunError(f"{command[0]} did not end within {timeout:g} s") from error
        finally:
            os.close(writer)
        status, sample = parse_report(report.read())
        if status != 0:
            errors.seek(0)
            words = errors.read().decode(errors="replace").strip()[-400:]
            raise RunError(f"{command[0]} {describe_status(status)}: {words}")
        output.seek(0)
        data = output.read()
        return Ran(sample, data, hashlib.sha256(data).hexdigest())
