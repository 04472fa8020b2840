# SPDX-License-Identifier: MIT
import os

import pytest

from barrow_bench import allocators, heaps, instructions, memory, micro, process
from barrow_bench.lines import choose

STRACE = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 61.54    0.000080          20         4           mmap
 38.46    0.000050          10         5         2 openat
  0.00    0.000000           0         1           exit_group
------ ----------- ----------- --------- --------- ----------------
100.00    0.000130          13        10         2 total
"""


def report(**fields):
    line = {"real_time": 2.0, "cpu_time": 3.0, "iterations": 5, "time_unit": "ms", **fields}
    return {"benchmarks": [line]}


def test_launcher_report():
    status, sample = process.parse_report("0 1500000000 700000 200000 2048 30 4\n")
    assert status == 0
    assert sample == process.Sample(1.5, 0.9, 2048 * 1024, 34)


def test_launcher_that_was_killed_is_an_error():
    with pytest.raises(process.RunError):
        process.parse_report("")


def test_status_names_the_signal():
    assert process.describe_status(11) == "was ended by SIGSEGV"
    assert process.describe_status(3 << 8) == "ended with status 3"


def test_region_takes_the_time_of_all_iterations():
    sample = micro.with_region(process.Sample(9, 9, 100, 7), report(items_per_second=1e6))
    assert (sample.wall, sample.cpu) == (pytest.approx(0.010), pytest.approx(0.015))
    assert (sample.rss, sample.faults) == (100, 7)
    assert sample.values == {"ns per item": pytest.approx(1000)}


def test_region_that_was_skipped_is_left_out():
    skipped = report(error_occurred=True, error_message="not enough memory available")
    with pytest.raises(process.LeftOut, match="not enough memory"):
        micro.with_region(process.Sample(0, 0, 0, 0), skipped)


def test_region_of_no_benchmark_is_an_error():
    with pytest.raises(process.RunError):
        micro.with_region(process.Sample(0, 0, 0, 0), {"benchmarks": []})


def test_lines_and_points_of_curves():
    listing = "pair/64\t\t0\t\t1\ta pair\ncurve/x/8\tcurve/x\t8\tbytes\t0\ta point\n"
    pair, point = micro.parse_lines(listing, 0.5)
    assert (pair.name, pair.group, pair.curve, pair.counted) == ("pair/64", "micro", None, True)
    assert (point.group, point.curve.x, point.curve.unit) == ("curves", 8.0, "bytes")
    assert not point.counted and point.scale == 0.5


def test_names_become_regular_expressions():
    assert micro.quoted("set/1KiB-wide") == "set/1KiB-wide"
    assert micro.quoted("a.b+c") == "a[.]b[+]c"


def test_choice_by_group_and_name():
    lines = micro.parse_lines("b/1\t\t0\t\t1\t-\na/1\t\t0\t\t1\t-\nc/8\tc\t8\tx\t0\t-\n", 1)
    assert [line.name for line in choose(lines, ["curves", "micro"], [])] == ["c/8", "b/1", "a/1"]
    assert [line.name for line in choose(lines, ["micro"], ["a*", "c*"])] == ["a/1"]


def test_system_calls_are_added_up_without_the_total():
    assert memory.system_calls(STRACE) == 10


def test_instructions_over_their_limits():
    counts = {"x": dict.fromkeys(instructions.PATTERNS, 50.0)}
    assert instructions.over_limits(counts, "x", [50.0] * 7) == []
    assert len(instructions.over_limits(counts, "x", [50.0] * 6 + [49.0])) == 1
    with pytest.raises(ValueError):
        instructions.over_limits(counts, "x", [50.0] * 5)


@pytest.mark.parametrize("text", ["", "name", "=path", "name=", "system=/lib/x.so"])
def test_allocators_must_be_named(text):
    with pytest.raises(allocators.AllocatorError):
        allocators.parse_named(text)


def test_a_library_that_cannot_be_preloaded_is_refused(tmp_path):
    broken = tmp_path / "broken.so"
    broken.write_text("not a library")
    with pytest.raises(allocators.AllocatorError, match="cannot be preloaded"):
        allocators.discover((f"broken={broken}",), ("broken",))
    with pytest.raises(allocators.AllocatorError, match="no such file"):
        allocators.discover((f"absent={tmp_path / 'absent.so'}",), ("absent",))


def test_heaps_report_gives_ratios_by_line():
    report = {
        "benchmarks": [
            {"name": "pair/serialized/iterations:30/manual_time", "ratio": 1.5, "ns": 8.0},
            {"name": "mixed/bounded 1MiB, serialized/iterations:3/manual_time", "ratio": 2.0},
        ]
    }
    assert heaps.ratios(report) == {"pair/serialized": 1.5, "mixed/bounded 1MiB, serialized": 2.0}


def test_peers_are_found_by_their_usual_names(tmp_path, monkeypatch):
    from barrow_bench import allocators

    files = {
        "mimalloc": "libmimalloc.so.2.2",
        "mimalloc3": "libmimalloc.so.3",
        "snmalloc": "libsnmallocshim.so",
        "rpmalloc": "librpmallocwrap.so",
        "tcmalloc-google": "libtcmalloc_google.so",
        "scudo": f"libclang_rt.scudo_standalone-{os.uname().machine}.so",
    }
    for file in files.values():
        (tmp_path / file).write_bytes(b"")
    monkeypatch.setenv("BARROW_BENCH_PEERS", str(tmp_path))
    for name, file in files.items():
        assert allocators.find_packaged(allocators.PACKAGED[name]) == str(tmp_path / file)


def test_titles_have_the_version_or_the_build():
    from barrow_bench import allocators

    assert allocators.title("mimalloc3", "3.4.3", "abc") == "mimalloc 3.4.3"
    assert allocators.title("tcmalloc", "2.10", "abc") == "tcmalloc (gperftools) 2.10"
    assert allocators.title("snmalloc", None, "0123456789") == "snmalloc (0123456)"
    assert allocators.Allocator("system").describe()["title"].startswith("system glibc 2.")


def test_ticks_are_fractions():
    plots = pytest.importorskip("barrow_bench.plots")
    assert [plots.ratio_text(value) for value in (1 / 128, 0.5, 1, 4)] == ["1/128", "1/2", "1", "4"]
