"""What cut an audit short is a fact of the report, and no sentence is read to learn it."""

from __future__ import annotations

import pytest

from supnorm.auditing import audit
from supnorm.evaluation.events import Advanced
from supnorm.problem import Domain, Function, Problem
from supnorm.results import Interrupted

LOST = "Stopped by your cluster; stored evaluations are kept"


@pytest.mark.parametrize(
    ("end", "cause", "beginning"),
    [(KeyboardInterrupt(), "", "Stopped by you after "), (Interrupted(LOST), LOST, f"{LOST} after ")],
)
def test_a_report_knows_what_ended_the_audit(end: BaseException, cause: str, beginning: str) -> None:
    ends = [end]

    def observer(event: object) -> None:
        if isinstance(event, Advanced) and event.done > 60_000 and ends:
            raise ends.pop()

    asked = Problem(Function(lambda x: x**2), Function(lambda x: 0.9 * x**2), Domain(a=(0.0, 1.0)))
    report = audit(asked, evaluations=100_000, observer=observer)
    assert report.status.code == "interrupted"
    assert report.halted is not None
    assert report.halted.cause == cause
    assert report.status.advice.startswith(beginning)


def test_a_report_that_was_not_cut_short_has_no_cause() -> None:
    asked = Problem(Function(lambda x: x), Function(lambda x: 2 * x), Domain(a=(0.0, 1.0)))
    assert audit(asked, evaluations=500).halted is None
