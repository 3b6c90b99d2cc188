"""What cut an audit short is a fact of the report, and no sentence is read to learn it."""

from __future__ import annotations

from pathlib import Path

import pytest

from supnorm.auditing import audit
from supnorm.evaluation import Calls, EvaluationStore
from supnorm.evaluation.events import Advanced
from supnorm.pages import summary
from supnorm.pages.page import page
from supnorm.problem import Domain, Function, Problem, fingerprint
from supnorm.results import ExitCode, Interrupted

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


@pytest.mark.sampled(1)
@pytest.mark.parametrize("tolerance", [0.05, 0.5, None])
@pytest.mark.parametrize("cost", ["cheap", "expensive"])
def test_terminal_page_and_json_of_an_audit_that_was_cut_short_are_one_statement(
    tolerance: float | None, cost: str
) -> None:
    """They said "tolerance exceeded", "interrupted" and, where no call is stored, "--resume goes on"."""
    ends: list[BaseException] = [KeyboardInterrupt()]

    def observer(event: object) -> None:
        if isinstance(event, Advanced) and event.done > 1500 and ends:
            raise ends.pop()

    asked = Problem(
        Function(lambda x: x**2), Function(lambda x: 0.9 * x**2), Domain(a=(0.0, 1.0)), tolerance=tolerance
    )
    report = audit(asked, evaluations=3000, observer=observer, calls=Calls(cost=cost))
    over, advice = tolerance == 0.05, report.status.advice
    assert (report.status.code, report.status.exit) == ("interrupted", ExitCode.INTERRUPTED)
    chip = "Tolerance exceeded at a point; the search was interrupted" if over else "Interrupted; no verdict"
    terminal, html = summary(report.to_dict(), 200), page(report.record)
    assert chip.upper() in terminal
    assert chip in html
    known = "The error at the worst point is above the tolerance, whatever a longer search finds. Stopped by you after"
    assert advice.startswith(known if over else "Stopped by you after")
    assert ("a longer search may find a larger error" in advice) == over
    assert advice in html
    # Without a store nothing goes on, and a script has no option --resume.
    assert "--resume" not in advice
    assert ("expensive calls are kept" in advice) == (cost == "expensive")


@pytest.mark.parametrize("cost", ["cheap", "expensive"])
def test_an_audit_with_a_store_says_what_resume_does(tmp_path: Path, cost: str) -> None:
    ends: list[BaseException] = [KeyboardInterrupt()]

    def observer(event: object) -> None:
        if isinstance(event, Advanced) and event.done > 1500 and ends:
            raise ends.pop()

    asked = Problem(Function(lambda x: x**2), Function(lambda x: 0.9 * x**2), Domain(a=(0.0, 1.0)))
    store = EvaluationStore(tmp_path / "evaluations.sqlite", fingerprint(asked))
    report = audit(asked, evaluations=3000, observer=observer, calls=Calls(cost=cost, store=store))
    assert report.status.advice.endswith(
        "--resume goes on."
        if cost == "expensive"
        else "--resume searches again from the start, because calls that are cheap are not stored."
    )
