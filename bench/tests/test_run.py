# SPDX-License-Identifier: MIT
"""Runs the real thing, small: the programs of the build tree under the system's malloc and under a
preloaded library. What is looked at is that figures come out, never how long anything took."""
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from barrow_bench import places, process, soak
from barrow_bench.allocators import Allocator

DRIVER = Path(__file__).resolve().parent.parent / "driver.py"


def driver(*words):
    command = [sys.executable, str(DRIVER), *words]
    wide = {**os.environ, "COLUMNS": "200"}  # no table is parted or has its heads wrapped
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=wide)


def test_quick_run(tmp_path):
    out, html = tmp_path / "r.json", tmp_path / "r.html"
    lines = ["pair/64", "threads/1KiB/2", "lua", "startup/one-line", "instructions"]
    options = [word for line in lines for word in ("--line", line)]
    ran = driver(
        *("run", "--quick", "--repeats", "2", "--only", "system,barrow", *options),
        *("--json", str(out), "--html", str(html)),
    )
    assert ran.returncode == 0, ran.stderr
    results = json.loads(out.read_text())
    assert [line["line"]["name"] for line in results["lines"]] == lines
    for line in results["lines"]:
        assert not line["failures"]
        once = line["line"]["group"] == "instructions"
        for name in ("system", "barrow"):
            assert len(line["samples"][name]) == (1 if once else 2)
            assert once or all(s["wall"] > 0 and s["rss"] > 1 << 19 for s in line["samples"][name])
    counts = results["lines"][-1]["samples"]
    pairs = {name: samples[0]["values"]["64 B, one"] for name, samples in counts.items()}
    assert 15 < pairs["stub"] < 30 < pairs["barrow"] < pairs["system"]
    assert "<svg" in html.read_text()
    page = tmp_path / "results.md"
    shown = driver("report", str(out), "--base", "barrow", "--markdown", str(page)).stdout
    assert re.search(r"barrow [\d.]+, ms", shown) and "pair/64" in shown
    written = page.read_text()
    assert re.search(r"\| line \| barrow [\d.]+, ms \| system glibc [\d.]+ \|", written) and "\n| lua | " in written
    plots = re.findall(r"\]\((plots/\S+\.svg)\)", written)
    assert plots and all("<svg" in (tmp_path / plot).read_text() for plot in plots)


def descendants(pid):
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return
    for child in children:
        yield child
        yield from descendants(child)


def await_program(pid, name):
    """Until a program of this name runs below the process."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for each in descendants(pid):
            comm = Path(f"/proc/{each}/comm")
            if comm.exists() and comm.read_text().strip() == name:
                return
        time.sleep(0.05)
    raise AssertionError(f"{name} was not started")


def test_interrupt_reports_what_was_done(tmp_path):
    out = tmp_path / "r.json"
    command = [sys.executable, str(DRIVER), "run", "--line", "pair/64", "--line", "returns"]
    command += ["--only", "system", "--json", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        await_program(child.pid, "returns")
        child.send_signal(signal.SIGINT)
        text, _ = child.communicate(timeout=60)
    assert child.returncode == 130
    assert b"Interrupted" in text
    assert json.loads(out.read_text())["interrupted"]


def test_limit_on_instructions():
    words = ("instructions", "--only", "system", "--pairs", "1000", "--limit")
    assert driver(*words, "system=" + ",".join(["5000"] * 7)).returncode == 0
    over = driver(*words, "system=" + ",".join(["30"] * 7))
    assert over.returncode == 1 and "over its limits" in over.stderr


def test_the_command_starts_the_driver_with_its_own_library():
    given = os.environ.get("BARROW_COMMAND")
    command = Path(given) if given else places.build_directories()[0] / "tools" / "barrow"
    ran = subprocess.run(
        [str(command), "bench", "list", "--line", "pair/64"], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert "pair/64" in ran.stdout and "barrow" in ran.stdout


def test_unknown_names_are_errors():
    assert "no line fits" in driver("run", "--line", "nothing-of-that-name").stderr
    assert "no group" in driver("run", "nothing-of-that-name").stderr
    assert "not found" in driver("run", "--only", "nothing-of-that-name").stderr


def test_peak_is_the_program_s_own():
    """Not that of this large Python process, which exec would pass on."""
    ballast = bytearray(64 << 20)
    ran = process.run(Allocator("system"), [str(places.program("one_line"))])
    assert ran.sample.rss < len(ballast) // 4


def test_failing_programs_are_reported():
    with pytest.raises(process.RunError, match="status 1"):
        process.run(Allocator("system"), ["/bin/false"])
    with pytest.raises(process.RunError, match="SIGSEGV"):
        process.run(Allocator("system"), ["/bin/sh", "-c", "kill -SEGV $$"])
    with pytest.raises(process.RunError, match="within 0.2 s"):
        process.run(Allocator("system"), ["/bin/sleep", "30"], timeout=0.2)


def test_soak(tmp_path):
    out, svg = tmp_path / "soak.json", tmp_path / "soak.svg"
    ran = driver(
        *("soak", "--minutes", "0.1", "--rate", "200", "--threads", "2", "--only", "system,barrow"),
        *("--json", str(out), "--svg", str(svg)),
    )
    assert ran.returncode == 0, ran.stderr
    samples = json.loads(out.read_text())
    for name in ("system", "barrow"):
        assert ran.stdout.count(name) == 1
        seconds, resident, live, requests = zip(*samples[name])
        assert list(seconds) == list(range(len(seconds))) and len(seconds) >= 6
        assert min(resident) > 0 and max(live) > 0 and live[-1] == 0
        assert sorted(requests) == list(requests) and requests[-1] > 100
    assert svg.read_text().startswith("<svg")


def test_soak_never_stops_a_process_that_samples(tmp_path, monkeypatch):
    """The first, which is waited for first, ends only when the second has written a lot and ended."""
    program = tmp_path / "soak"
    program.write_text(
        "#!/bin/sh\n"
        f"if mkdir {tmp_path}/first 2>/dev/null; then\n"
        f"  for i in $(seq 300); do [ -e {tmp_path}/done ] && exit 0; sleep 0.1; done; exit 1\n"
        "fi\n"
        "seq 40000 | sed 's/$/\t1\t1\t1/'\n"
        f"touch {tmp_path}/done\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("BARROW_BENCH_BIN", str(tmp_path))
    courses = soak.run([Allocator("a"), Allocator("b")], 1, 1, 1)
    assert sorted(len(each.samples) for each in courses) == [0, 40000]


@pytest.mark.parametrize("option", ["--html", "--json", "--markdown"])
def test_a_report_that_cannot_be_written_is_refused_before_the_run(option, tmp_path):
    for path in (str(tmp_path / "none" / "report"), str(tmp_path)):
        ran = driver("run", "--line", "returns", option, path)
        assert ran.returncode == 2 and path in ran.stderr and "Traceback" not in ran.stderr
        assert ran.stdout == ""  # nothing was run
    kept = tmp_path / "kept"
    kept.write_text("kept")
    assert driver("run", "--line", "nothing-of-that-name", option, str(kept)).returncode == 2
    assert kept.read_text() == "kept"


def test_wide_tables_keep_their_figures_whole(tmp_path):
    ran = subprocess.run(
        [sys.executable, str(DRIVER), "run", "heaps", "--line", "heaps: instructions", "--quick"],
        capture_output=True, text=True, timeout=300, env={**os.environ, "COLUMNS": "80"},
    )
    assert ran.returncode == 0, ran.stderr
    assert max(len(row) for row in ran.stdout.splitlines()) <= 80
    rows = [row for row in ran.stdout.splitlines() if "HEAP_NO_SERIALIZE: 64 B, one" in row]
    assert rows and re.search(r"\d\d\.\d", rows[0])
    assert "system" not in ran.stdout  # a column without a figure is not shown


def test_programs_of_a_mimalloc_bench(tmp_path):
    built = tmp_path / "out/bench"
    built.mkdir(parents=True)
    for name, text in {
        "cfrac": "echo 42",
        "larson": "echo 'Throughput = 100 operations per second, relative time: 0.250s.'",
        "mstress": "exit 3",
    }.items():
        (built / name).write_text(f"#!/bin/sh\n{text}\n")
        (built / name).chmod(0o755)
    out = tmp_path / "r.json"
    words = ("--mimalloc-bench", str(tmp_path), "--only", "system,barrow", "--repeats", "1")
    ran = driver(*words, "--json", str(out))
    assert ran.returncode == 1  # mstress failed, and that is reported
    assert "mstressN" in ran.stdout and "status 3" in ran.stdout
    lines = {line["line"]["name"]: line for line in json.loads(out.read_text())["lines"]}
    assert list(lines) == ["cfrac", "larsonN", "mstressN"]
    assert lines["larsonN"]["samples"]["barrow"][0]["wall"] == 0.25
    assert "in out/bench" in driver("--mimalloc-bench", str(tmp_path / "out")).stderr


def test_a_checked_program_must_write_the_same(tmp_path):
    built = tmp_path / "out/bench"
    built.mkdir(parents=True)
    (built / "cfrac").write_text('#!/bin/sh\necho "${LD_PRELOAD:-none}"\n')
    (built / "cfrac").chmod(0o755)
    ran = driver("--mimalloc-bench", str(tmp_path), "--only", "system,barrow", "--repeats", "1")
    assert ran.returncode == 1 and "differs" in ran.stdout
