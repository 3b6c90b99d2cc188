"""One object says how functions are called, for every verb."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from supnorm import Calls, Domain, FitCalls, PlanningCalls, Problem, audit, budget, fit
from supnorm.results import BadInput

LINE = Domain(x=(0.0, 1.0))


def cubic(x: np.ndarray) -> np.ndarray:
    return x[:, 0] ** 3


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("verb", "kind"),
    [
        (lambda calls: audit(Problem(cubic, lambda x: x[:, 0], LINE), evaluations=200, calls=calls), Calls),
        (lambda calls: fit(cubic, LINE, tolerance=1e-3, method="chebyshev", calls=calls), FitCalls),
        (lambda calls: budget(cubic, LINE, tolerance=1e-2, calls=calls), PlanningCalls),
    ],
)
def test_every_verb_takes_the_same_calls_and_records_the_cost_that_they_declare(
    verb: Any, kind: type[Calls]
) -> None:
    for made in dict.fromkeys((Calls, kind)):
        cost = verb(made(cost=0.02)).to_dict()["cost"]
        assert cost["by"] == "declared"
        assert cost.get("class", "expensive") == "expensive"


def test_calls_become_those_of_a_verb_with_all_they_say() -> None:
    calls = Calls(workers=3, cost="expensive:4")
    assert FitCalls.of(calls) == FitCalls(workers=3, cost="expensive:4")
    assert FitCalls.of(mine := FitCalls(audit_evaluations=500)) is mine
    assert PlanningCalls.of(None) == PlanningCalls()
    with pytest.raises(BadInput, match="cost must be the seconds"):
        PlanningCalls.of(calls)
