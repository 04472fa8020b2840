# SPDX-License-Identifier: MIT
import pytest

from barrow_bench import figures
from barrow_bench.results import Failure


def test_figure_is_the_median_and_the_interquartile_range():
    shown = figures.figure([10.0, 12.0, 14.0, 16.0, 1000.0])
    assert shown.median == 14.0
    assert shown.spread == pytest.approx(4.0 / 14.0)


def test_figure_of_one_and_of_none():
    assert figures.figure([5.0]).spread_text() == ""
    assert figures.figure([]) is None


def test_ratio_is_of_medians(make_line):
    line = make_line("a", {"system": [2.0, 2.0, 50.0], "other": [1.0, 1.0, 9.0]})
    assert figures.ratio(line, "wall", "other", "system") == 0.5


def test_ratio_needs_both(make_line):
    line = make_line("a", {"other": [1.0]})
    assert figures.ratio(line, "wall", "other", "system") is None


def test_a_failed_allocator_has_no_figures(make_line):
    line = make_line("a", {"system": [2.0], "other": [1.0]})
    line.failures.append(Failure("other", 1, "it crashed"))
    assert figures.ratio(line, "wall", "other", "system") is None
    assert figures.best_of(line, "wall", ["system", "other"]) == ("system", 2.0)


def test_geometric_mean_over_counted_lines_only(make_line):
    lines = [
        make_line("a", {"system": [1.0], "other": [2.0]}),
        make_line("b", {"system": [1.0], "other": [8.0]}),
        make_line("c", {"system": [1.0], "other": [100.0]}, counted=False),
    ]
    mean = figures.geometric_mean(lines, "wall", "other", "system")
    assert mean.value == pytest.approx(4.0)
    assert mean.lines == 2


def test_interval_holds_the_mean_and_grows_with_the_noise(make_line):
    def interval(walls):
        line = make_line("a", {"system": [1.0, 1.0, 1.0], "other": walls})
        return figures.geometric_mean([line], "wall", "other", "system")

    calm, noisy = interval([2.0, 2.01, 1.99]), interval([2.0, 3.0, 1.0])
    assert calm.low <= calm.value <= calm.high
    assert noisy.high - noisy.low > calm.high - calm.low


def test_base_against_itself_is_exactly_one(make_line):
    line = make_line("a", {"system": [1.0, 2.0, 3.0]})
    mean = figures.geometric_mean([line], "wall", "system", "system")
    assert (mean.value, mean.low, mean.high) == (1.0, 1.0, 1.0)


def test_base_is_the_system_s_unless_another_is_named(make_line, make_results):
    results = make_results([make_line("a", {"x": [1.0]})], ["x", "system", "y"])
    assert results.base_name() == "system"
    results.base = "y"
    assert results.base_name() == "y"
    assert make_results([], ["x", "y"]).base_name() == "x"


def test_wins_count_the_lowest_medians(make_line):
    lines = [
        make_line("a", {"system": [1.0], "other": [2.0]}),
        make_line("b", {"system": [3.0], "other": [2.0]}),
        make_line("c", {"system": [3.0], "other": [2.0]}),
    ]
    assert figures.wins(lines, "wall", ["system", "other"]) == {"system": 1, "other": 2}


def test_against_best_takes_the_best_other_and_puts_the_worst_first(make_line):
    lines = [
        make_line("good", {"barrow": [1.0], "x": [2.0], "y": [4.0]}),
        make_line("bad", {"barrow": [3.0], "x": [2.0], "y": [1.0]}),
    ]
    rows = figures.against_best(lines, "wall", "barrow", ["barrow", "x", "y"])
    assert [(row.line, row.best, row.ratio) for row in rows] == [
        ("bad", "y", 3.0),
        ("good", "x", 0.5),
    ]


def test_mean_against_best_takes_the_best_other_of_each_line(make_line):
    lines = [
        make_line("a", {"x": [2.0], "y": [1.0], "z": [4.0]}),
        make_line("b", {"x": [1.0], "y": [4.0], "z": [2.0]}),
    ]
    assert figures.mean_against_best(lines, "wall", "x", ["x", "y", "z"]) == pytest.approx(1.0)
    assert figures.mean_against_best(lines, "wall", "z", ["x", "y", "z"]) == pytest.approx(8**0.5)
    assert figures.mean_against_best(lines, "wall", "x", ["x"]) is None


def test_one_round_has_neither_best_nor_spread(make_line, make_results):
    from barrow_bench import tables

    lines = [make_line("a", {"system": [2.0], "barrow": [1.0]})]
    results = make_results(lines, ["system", "barrow"])
    results.repeats = 1
    shown = [*tables.overview(results), *tables.of_group(results, "micro")]
    text = "".join(str(item) for item in shown)
    assert "±" not in text and "fastest" not in text and not any(item.best for item in shown)
    results.repeats = 3
    assert any(item.best for item in tables.of_group(results, "micro"))
