#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What memory allocators find of programs' mistakes, side by side, and what checking costs.

    tools/mistakes.py BUILD                the mistakes, as a table in Markdown
    tools/mistakes.py BUILD --cost         time and memory of three programs under each mode

BUILD is a build tree with tests (tests/conformance/corruption/mistakes makes the mistakes). Each
mistake is made RUNS times in a process of its own with each library preloaded. A cell shows the worst
end of these:

    found    a message and SIGABRT
    crash    another signal, or no message
    damage   the program went on, and two of its blocks overlapped or were written into
    -        the program went on
"""
from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 5
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")
WORST_FIRST = ["damage", "-", "crash", "found"]

# Programs that allocate much; each is repeated as often as --runs says.
PROGRAMS = {
    "python": ["python3", "-c", """
import json
rows = {str(i): [i] * 10 for i in range(60000)}
for _ in range(4):
    rows = json.loads(json.dumps(rows))
print(len(rows))"""],
    "perl": ["perl", "-e", """
for $round (1..4) { my %h; $h{$_} = "x" x ($_ % 100) for 1..200000; print scalar(keys %h), "\\n" }"""],
    "sqlite": ["sqlite3", ":memory:", """
create table t(a, b);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 300000)
insert into t select x, hex(x) from c;
create index i on t(b);
select count(*) from t join t u using(b);"""],
}


def columns(build: Path) -> dict[str, dict[str, str]]:
    """Title -> environment."""
    barrow = str(build / "libbarrow.so")
    return {
        "glibc": {},
        "glibc, check=3": {
            "LD_PRELOAD": str(LIBRARIES / "libc_malloc_debug.so.0"),
            "GLIBC_TUNABLES": "glibc.malloc.check=3",
        },
        "jemalloc": {"LD_PRELOAD": str(LIBRARIES / "libjemalloc.so.2")},
        "mimalloc": {"LD_PRELOAD": str(LIBRARIES / "libmimalloc.so.2.0")},
        "tcmalloc": {"LD_PRELOAD": str(LIBRARIES / "libtcmalloc_minimal.so.4")},
        "tcmalloc, debug": {"LD_PRELOAD": str(LIBRARIES / "libtcmalloc_minimal_debug.so.4")},
        "barrow": {"LD_PRELOAD": barrow},
        "barrow, checks": {"LD_PRELOAD": barrow, "BARROW_CHECKS": "1"},
        "barrow, sample=1": {"LD_PRELOAD": barrow, "BARROW_CHECKS": "sample=1,exit"},
    }


def environment(settings: dict[str, str]) -> dict[str, str]:
    plain = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONMALLOC": "malloc"}
    return plain | settings


def end_of(program: Path, mistake: str, settings: dict[str, str]) -> str:
    ran = subprocess.run([program, mistake], env=environment(settings), capture_output=True,
                         timeout=60, check=False)
    if ran.returncode == -6 and ran.stderr:
        return "found"
    if ran.returncode < 0:
        return "crash"
    if ran.returncode not in (0, 4):
        raise SystemExit(f"{mistake}: exit status {ran.returncode}: {ran.stderr.decode()}")
    return "damage" if ran.returncode == 4 else "-"


def worst_end(program: Path, mistake: str, settings: dict[str, str], runs: int) -> str:
    ends = {end_of(program, mistake, settings) for _ in range(runs)}
    return min(ends, key=WORST_FIRST.index)


def row(cells: list[str]) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def show_mistakes(build: Path, runs: int) -> None:
    program = build / "tests/conformance/corruption/mistakes"
    listed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    each = columns(build)
    row(["", *each])
    row(["---"] * (1 + len(each)))
    for line in listed.splitlines():
        name, title = line.split("\t")
        row([title, *(worst_end(program, name, settings, runs) for settings in each.values())])


def usage(command: list[str], settings: dict[str, str]) -> tuple[float, float]:
    """Processor time in seconds, and peak resident memory in MiB."""
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, env=environment(settings), stdout=out)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = status
    if status != 0:
        raise SystemExit(f"{command[0]} under {settings}: status {status}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def show_cost(build: Path, runs: int) -> None:
    each = {"barrow": columns(build)["barrow"]}
    for checks in ["guard", "guard,fill", "guard,fill,quarantine,random", "sample=1000", "1"]:
        each[checks] = each["barrow"] | {"BARROW_CHECKS": checks}
    each["tcmalloc, debug"] = columns(build)["tcmalloc, debug"]
    row(["", *(f"{name}: time, memory" for name in PROGRAMS)])
    row(["---"] * (1 + len(PROGRAMS)))
    best: dict[tuple[str, str], tuple[float, float]] = {}
    for _ in range(runs):
        for title, settings in each.items():
            for name, command in PROGRAMS.items():
                seconds, mib = usage(command, settings)
                before = best.get((title, name), (seconds, mib))
                best[title, name] = min(before[0], seconds), min(before[1], mib)
    for title in each:
        cells = []
        for name in PROGRAMS:
            (seconds, mib), (base, base_mib) = best[title, name], best["barrow", name]
            cells.append(f"{seconds / base:.2f}, {mib / base_mib:.2f}")
        row([title, *cells])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--cost", action="store_true", help="time and memory instead")
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N")
    chosen = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    started = time.monotonic()
    (show_cost if chosen.cost else show_mistakes)(chosen.build.resolve(), chosen.runs)
    print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
