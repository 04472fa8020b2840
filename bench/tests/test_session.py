# SPDX-License-Identifier: MIT
from dataclasses import dataclass, field

from barrow_bench import page, tables
from barrow_bench.allocators import Allocator
from barrow_bench.lines import Line
from barrow_bench.process import LeftOut, RunError, Sample
from barrow_bench.results import Results
from barrow_bench.session import Session, steps

ALLOCATORS = [Allocator("system"), Allocator("a"), Allocator("b")]


@dataclass
class FakeLine(Line):
    group = "micro"
    asked: list[str] = field(default_factory=list)
    trouble: dict[str, BaseException] = field(default_factory=dict)

    def measure(self, allocator):
        self.asked.append(allocator.name)
        if allocator.name in self.trouble:
            raise self.trouble[allocator.name]
        return Sample(1.0, 1.0, 1 << 20, 3)


class OnceLine(FakeLine):
    once = True


def test_each_round_runs_every_line_under_every_allocator_in_turn():
    lines = [FakeLine("x", "x"), FakeLine("y", "y")]
    made = [(step.round, step.line.name, step.allocator.name) for step in steps(lines, ALLOCATORS, 2)]
    assert len(made) == len(set(made)) == 12
    assert [line for _, line, _ in made] == (["x"] * 3 + ["y"] * 3) * 2
    # Who is first changes between lines and between rounds.
    assert [made[i][2] for i in (0, 3, 6, 9)] == ["system", "a", "a", "b"]


def test_exact_lines_run_once():
    line = OnceLine("x", "x")
    Session([line], ALLOCATORS, 3).run()
    assert line.asked == ["system", "a", "b"]


def test_failures_are_kept_and_do_not_stop_the_run():
    line = FakeLine("x", "x", trouble={"a": RunError("it crashed")})
    results = Session([line], ALLOCATORS, 2).run()
    assert [failure.reason for _, failure in results.failures()] == ["it crashed"] * 2
    assert len(results.lines[0].samples["b"]) == 2
    assert results.lines[0].metric("a", "wall") == []
    assert "failed 2 times: it crashed" in tables.troubles(results).rows[0]


def test_a_line_that_is_left_out_is_not_asked_again():
    line = FakeLine("x", "x", trouble={"system": LeftOut("no room")})
    results = Session([line], ALLOCATORS, 2).run()
    assert line.asked == ["system"]
    assert results.lines[0].left_out == "no room"


def test_an_interrupted_run_keeps_what_was_done():
    lines = [FakeLine("x", "x"), FakeLine("y", "y", trouble={"b": KeyboardInterrupt()})]
    results = Session(lines, ALLOCATORS, 5).run()
    assert results.interrupted
    assert [len(samples) for samples in results.lines[0].samples.values()] == [1, 1, 1]
    assert len(tables.overview(results)) >= 2
    assert "interrupted" in page.render(results)


def test_results_survive_json(tmp_path):
    line = FakeLine("x", "x", trouble={"a": RunError("it crashed")})
    results = Session([line], ALLOCATORS, 1).run()
    results.write(tmp_path / "r.json")
    assert Results.read(tmp_path / "r.json") == results


def test_page_has_bars_and_escapes_what_it_shows(make_line, make_results):
    line = make_line("pair/64", {"system": [1.0, 1.1], "<b>": [2.0, 2.2]})
    text = page.render(make_results([line], ["system", "<b>"]))
    assert text.count("<svg") == 2
    assert "&lt;b&gt;" in text and "<b>" not in text
