# SPDX-License-Identifier: MIT
import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from barrow_bench.results import LineResult, Results  # noqa: E402


def sample(wall: float, rss: int = 1 << 20, **values: float) -> dict:
    return {"wall": wall, "cpu": wall, "rss": rss, "faults": 10, "values": values}


@pytest.fixture
def make_line():
    def make(name: str, walls: dict[str, list[float]], group: str = "micro", counted: bool = True):
        line = {"name": name, "group": group, "about": name, "counted": counted, "curve": None}
        samples = {key: [sample(wall) for wall in values] for key, values in walls.items()}
        return LineResult(line, samples)

    return make


@pytest.fixture
def make_results():
    def make(lines: list[LineResult], names: list[str]) -> Results:
        allocators = [
            {"name": name, "path": None, "library": None, "package": None, "sha256": None}
            for name in names
        ]
        return Results("2026-01-02T03:04:05+00:00", {"memory": "1 GiB"}, 3, allocators, lines)

    return make
