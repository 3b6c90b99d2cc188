"""What to do next: no advice asks for what was given, whatever ended the work."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.certification.bracket import Goal
from supnorm.certification.measured import NOTHING_SEEN
from supnorm.certification.verdict import WHY, Ended, status_of
from supnorm.checker.check import CheckResult
from supnorm.cli.check_verdict import status_of as status_of_file
from supnorm.problem import Domain, Problem
from supnorm.results import ExitCode

ENDS = (*WHY, "proved", "agreement", "exceeded", "infinite")
RANGES = ((0.0, 0.5), (0.0, 2.0), (0.3, 2.0), (0.0, np.inf), (1.5, 2.0))


def status(end: str, lower: float, upper: float, goal: Goal, tolerance: float | None) -> str:
    problem = Problem(lambda x: x, lambda x: x, Domain(x=(0.0, 1.0)), tolerance=tolerance)
    ended = Ended(
        problem=problem,
        goal=goal,
        lower=lower,
        upper=upper,
        end=end,
        conditional=False,
        obstacle=None,
        seen=NOTHING_SEEN,
    )
    found = status_of(ended)
    assert found.exit in (ExitCode.DONE, ExitCode.EXCEEDED, ExitCode.INTERRUPTED, ExitCode.UNDECIDED)
    return found.advice


@pytest.mark.parametrize(("end", "ends"), list(product(ENDS, RANGES)))
def test_who_gave_a_tolerance_is_not_asked_for_one(end: str, ends: tuple[float, float]) -> None:
    for goal, tolerance in ((Goal(None, 1.0), None), (Goal(None, 1.0), 3.0), (Goal(1.1, None), 1.0)):
        if end == "proved" and ends[1] > goal.target(ends[0]):
            continue  # that is not how the work ends
        advice = status(end, *ends, goal, tolerance)
        assert "give a tolerance" not in advice
        if goal.ratio is None:
            assert "ratio" not in advice


def test_who_gave_a_ratio_only_is_asked_for_a_tolerance() -> None:
    assert "give a tolerance" in status("rounding", 0.0, 0.5, Goal(1.1, None), None)
    assert "leave the ratio out to prove the tolerance 0.2" in status(
        "rounding", 0.0, 0.5, Goal(1.1, None), 0.2
    )
    assert "the tolerance is 0.2" in status("rounding", 0.0, 0.5, Goal(None, 0.2), None)


def test_an_error_in_exact_arithmetic_alone_exceeds_no_tolerance() -> None:
    """Single precision rounds the input away, so the model gives 0 everywhere; its program gives the input."""
    large = np.float32(1e9)

    def single(function: Any) -> sn.Function:
        return sn.Function(lambda x: function(x[:, 0].astype(np.float32)), precision="float32")

    problem = sn.Problem(
        single(lambda x: (x + large) - large), single(np.zeros_like), sn.Domain(x=(0.0, 1.0)), tolerance=0.5
    )
    result = sn.certify(problem)
    assert result.lower > 0.5
    assert result.status.code == "undecided"
    assert "no error above the tolerance was computed" in result.status.advice
    file = CheckResult(
        accepted=True, reason="", seconds=0.0, lower=1.0, upper=1.0, lower_precision=2.0, computed=0.0
    )
    assert status_of_file(file, 0.5).code == "undecided"
    assert status_of_file(replace(file, computed=0.6), 0.5).code == "tolerance-exceeded"
    assert status_of_file(replace(file, lower_precision=0.4), 0.5).code == "tolerance-exceeded"
