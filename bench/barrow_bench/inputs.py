# SPDX-License-Identifier: MIT
"""Inputs for the whole programs, made from fixed seeds: the same bytes on every machine."""
from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path


def vocabulary(rng: random.Random, count: int) -> list[str]:
    syllables = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]
    return ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(count)]


def write_text(path: Path, lines: int = 60_000) -> None:
    """Words of which few are common and many rare, as in any language."""
    rng = random.Random(1)
    words = vocabulary(rng, 20_000)
    weights = [1 / (rank + 5) for rank in range(len(words))]
    drawn = iter(rng.choices(words, weights, k=lines * 12))
    with path.open("w") as file:
        for _ in range(lines):
            line = [next(drawn) for _ in range(rng.randint(4, 12))]
            file.write(" ".join(line).capitalize() + ".\n")


def write_records(path: Path, count: int = 50_000) -> None:
    rng = random.Random(2)
    words = vocabulary(rng, 3000)
    records = [
        {
            "id": number,
            "name": " ".join(rng.choices(words, k=2)),
            "town": rng.choice(words[:200]),
            "price": round(rng.uniform(1, 500), 2),
            "tags": rng.sample(words[:60], 3),
        }
        for number in range(count)
    ]
    path.write_text(json.dumps(records))


def write_binary(path: Path, size: int = 24 << 20) -> None:
    """Compressible, but not trivially: runs of noise repeated at random distances."""
    rng = random.Random(3)
    pieces = [rng.randbytes(rng.randint(20, 400)) for _ in range(2000)]
    data = bytearray()
    while len(data) < size:
        data += rng.choice(pieces)
        data += rng.randbytes(8)
    path.write_bytes(bytes(data[:size]))


def write_formula(path: Path, vertices: int = 90, edges: int = 240) -> None:
    """Bit-vector and array constraints over a random graph, in SMT-LIB."""
    rng = random.Random(4)
    rows = ["(set-logic QF_AUFBV)", "(declare-const memory (Array (_ BitVec 8) (_ BitVec 16)))"]
    rows += [f"(declare-const v{v} (_ BitVec 16))" for v in range(vertices)]
    for _ in range(edges):
        left, right = rng.sample(range(vertices), 2)
        rows.append(f"(assert (not (= (bvand v{left} #x000f) (bvand v{right} #x000f))))")
        rows.append(f"(assert (bvult (bvadd v{left} v{right}) #xf{rng.randrange(4096):03x}))")
    for vertex in range(0, vertices, 3):
        index = f"((_ extract 7 0) v{vertex})"
        value = f"(bvmul v{(vertex + 1) % vertices} v{(vertex + 2) % vertices})"
        rows.append(f"(assert (= (select memory {index}) {value}))")
    rows.append("(check-sat)")
    path.write_text("\n".join(rows) + "\n")


def history(commits: int = 1500, files: int = 40) -> bytes:
    """A history of many small edits, as a stream for git fast-import."""
    rng = random.Random(5)
    words = vocabulary(rng, 4000)
    contents = [[" ".join(rng.choices(words, k=8)) for _ in range(400)] for _ in range(files)]
    stream = bytearray()
    for number in range(commits):
        stamp = 1_600_000_000 + number * 3600
        message = f"Change number {number}".encode()
        stream += b"commit refs/heads/main\n"
        stream += f"committer A. Person <person@example.org> {stamp} +0000\n".encode()
        stream += b"data %d\n%s\n" % (len(message), message)
        for chosen in rng.sample(range(files), 1 if number else files):
            lines = contents[chosen]
            for _ in range(12):
                lines[rng.randrange(len(lines))] = " ".join(rng.choices(words, k=8))
            data = ("\n".join(lines) + "\n").encode()
            stream += f"M 100644 inline d{chosen % 5}/f{chosen}.txt\n".encode()
            stream += b"data %d\n%s\n" % (len(data), data)
    return bytes(stream)


def make_repository(path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
    command = ["git", "-C", str(path), "fast-import", "--quiet"]
    subprocess.run(command, input=history(), check=True)
