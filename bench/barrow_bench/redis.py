# SPDX-License-Identifier: MIT
"""redis-server under the allocator, with redis-benchmark and redis-cli as its clients."""
from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from barrow_bench import places, process
from barrow_bench.allocators import SYSTEM, Allocator, environment
from barrow_bench.lines import Line

NEEDS = ("redis-server", "redis-cli", "redis-benchmark")
START_SECONDS = 20.0


def encode(*words: str) -> bytes:
    """A command as the server's protocol has it."""
    parts = [f"*{len(words)}\r\n"]
    parts += [f"${len(word)}\r\n{word}\r\n" for word in words]
    return "".join(parts).encode()


def write_load(path: Path, commands: int = 200_000) -> None:
    """Keys of several types that are set, grown and deleted; the same commands each time."""
    rng = random.Random(6)
    value = "".join(rng.choices("abcdefghijklmnop", k=4096))
    with path.open("wb") as file:
        for _ in range(commands):
            key = str(rng.randrange(40_000))
            size = int(8 * 2 ** (8 * rng.random() ** 2))
            text = value[rng.randrange(2000) :][:size]
            match rng.randrange(8):
                case 0 | 1 | 2:
                    file.write(encode("SET", "s" + key, text))
                case 3:
                    file.write(encode("APPEND", "s" + key, text))
                case 4:
                    file.write(encode("HSET", "h" + key[:3], "f" + key, text))
                case 5:
                    file.write(encode("RPUSH", "l" + key[:2], text))
                case 6:
                    file.write(encode("ZADD", "z" + key[:2], str(size), key))
                case 7:
                    file.write(encode("DEL", "s" + key))


def server_preload(allocator: Allocator) -> Allocator:
    """Debian's redis-server is linked with jemalloc: to have the system's malloc it must be told."""
    if allocator.path is not None:
        return allocator
    return Allocator(SYSTEM, places.loader_cache()["libc.so.6"])


@dataclass
class RedisLine(Line):
    """Wall time is the clients', the rest the server's."""

    requests: int = 100_000
    expected: str | None = None

    group = "programs"

    def missing(self) -> list[str]:
        return [name for name in NEEDS if shutil.which(name) is None]

    def prepare(self, directory: Path) -> None:
        self.directory = directory / self.name
        self.directory.mkdir()
        self.load = self.directory / "load"
        # Paths of sockets are limited to about 100 bytes; the current directory makes it short.
        self.socket = "server.sock"
        write_load(self.load)
        _, self.expected = self.serve(Allocator(SYSTEM))

    def client(self, *words: str, stdin: Path | None = None) -> str:
        with open(stdin or os.devnull, "rb") as source:
            try:
                ran = subprocess.run(
                    words,
                    stdin=source,
                    capture_output=True,
                    text=True,
                    cwd=self.directory,
                    timeout=process.TIMEOUT,
                )
            except subprocess.TimeoutExpired as error:
                raise process.RunError(f"{words[0]} does not end") from error
        if ran.returncode != 0 or "ERR" in ran.stdout:
            raise process.RunError(f"{words[0]}: {(ran.stdout + ran.stderr).strip()[-400:]}")
        return ran.stdout

    def cli(self, *words: str, stdin: Path | None = None) -> str:
        return self.client("redis-cli", "-s", self.socket, *words, stdin=stdin)

    def await_server(self, server: subprocess.Popen) -> None:
        deadline = time.monotonic() + START_SECONDS
        path = self.directory / self.socket
        while time.monotonic() < deadline and server.poll() is None:
            if path.exists() and answers(path):
                return
            time.sleep(0.02)
        raise process.RunError("redis-server does not answer")

    def work(self) -> str:
        """Everything the clients do; returns a digest of the data that was loaded."""
        loaded = self.cli("--pipe", stdin=self.load)
        if "errors: 0," not in loaded:
            raise process.RunError(f"redis-cli --pipe: {loaded.strip()[-400:]}")
        self.client(
            *("redis-benchmark", "-s", self.socket, "-q", "--dbnum", "1", "-d", "100"),
            *("-n", str(self.requests), "-r", "50000", "-P", "16", "-c", "20"),
            *("-t", "set,get,incr,lpush,rpop,sadd,hset,zadd"),
        )
        # The benchmark's keys are random; only the loaded ones are compared.
        self.cli("-n", "1", "flushdb", "sync")
        return self.cli("debug", "digest").strip()

    def shut_down(self, server: subprocess.Popen) -> None:
        self.cli("shutdown", "nosave")
        try:
            server.wait(process.TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise process.RunError("redis-server does not end") from error

    def serve(self, allocator: Allocator) -> tuple[process.Sample, str]:
        (self.directory / self.socket).unlink(missing_ok=True)
        command = ["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", ""]
        command += ["--enable-debug-command", "yes"]
        reader, writer = os.pipe()
        try:
            launch = process.launch_command(server_preload(allocator), command, writer)
            with process.started(
                launch,
                cwd=self.directory,
                env=environment(),
                stdout=subprocess.DEVNULL,
                pass_fds=(writer,),
            ) as server:
                self.await_server(server)
                start = time.monotonic()
                digest = self.work()
                wall = time.monotonic() - start
                self.shut_down(server)
        finally:
            os.close(writer)
            with open(reader) as report:
                text = report.read()
        status, sample = process.parse_report(text)
        if status != 0:
            raise process.RunError(f"redis-server {process.describe_status(status)}")
        sample.wall = wall
        return sample, digest

    def measure(self, allocator: Allocator) -> process.Sample:
        sample, digest = self.serve(allocator)
        if digest != self.expected:
            raise process.RunError("the data differs from the system malloc's run")
        return sample


def answers(path: Path) -> bool:
    """True when a ping over the socket is answered."""
    directory = os.open(path.parent, os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(f"/proc/self/fd/{directory}/{path.name}")
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False
    finally:
        os.close(directory)
