"""What the prediction of audits on workers takes from an audit without workers."""

from __future__ import annotations

from pathlib import Path

from benchmarks.scale.efficiency import FILES
from benchmarks.scale.prediction import recorded

from supnorm import Calls, audit, open_problem


def test_calls_of_the_reference_are_recorded_and_nothing_else(tmp_path: Path) -> None:
    """Points of the searches on the process counted as calls that workers share: 7,000 of them beside 8."""
    for file, text in FILES.items():
        (tmp_path / file).write_text(text.replace("time.sleep(0.1)", "time.sleep(0.002)"), encoding="utf-8")
    problem = open_problem(tmp_path / "problem.toml")
    with recorded() as trace:
        # With this seed the audit finds two peaks.
        audit(problem, evaluations=100, power=None, seed=1, calls=Calls(cost="expensive:1:in-rounds"))
    calls = len((tmp_path / "calls.txt").read_bytes())
    pieces = [n for _, _, n in trace.seen]
    assert max(pieces) < 100
    # The first checks, and a worst point that turns up late, are called alone and one after the other.
    assert calls - 4 <= sum(pieces) < calls
    assert 0.002 <= trace.piece < 0.1
    assert [n for n in pieces if n == 0], "peaks that workers would call at once with the one before"
