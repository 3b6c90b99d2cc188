"""A report of another problem is refused, and a bound or an allowance is never larger than what is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from tests.mending.cases import LINE, line, line_problem, peak

import supnorm as sn
from supnorm.mending.change import Change, change_of, proved_bound
from supnorm.mending.report_of import demand_report_of
from supnorm.mending.task import Candidate, Task, Wrong
from supnorm.mending.verdict import harm_allowed
from supnorm.results import BadInput


def model() -> sn.Function:
    return line()[0].as_function()


OTHERS = {
    "reference": (
        sn.Problem(model(), lambda x: 10.0 + x[:, 0] ** 2, LINE),
        "of another reference: at its worst point",
    ),
    "axes": (sn.Problem(model(), peak, sn.Domain(x=(-9.0, 9.0))), "its input x goes from -9 to 9"),
    "unit": (
        sn.Problem(model(), peak, sn.Domain(x=sn.Axis(-1.0, 1.0, "km"))),
        "x in km, the problem in no unit",
    ),
    "values": (
        sn.Problem(model(), peak, sn.Domain(x=sn.Axis(values=[-1.0, 0.0, 1.0]))),
        "its input x goes from",
    ),
    "kind": (
        sn.Problem(model(), peak, LINE, error=sn.ErrorMeasure("relative", floor=0.1)),
        "the kind of its error is 'relative'",
    ),
    "side": (
        sn.Problem(model(), peak, LINE, error=sn.ErrorMeasure(side="over")),
        "the side of its error is 'over'",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_report_of_another_problem_is_refused_by_repair_and_guard(name: str) -> None:
    """Its worst error would be the one that the mended model is compared with."""
    problem, words = OTHERS[name]
    report = sn.audit(problem, evaluations=500)
    with pytest.raises(BadInput, match=words):
        sn.repair(line_problem(50.0), report, evaluations=500)
    with pytest.raises(BadInput, match=words):
        sn.guard(line_problem(50.0), report, evaluations=500)


def test_a_report_of_the_problem_with_another_tolerance_is_taken() -> None:
    demand_report_of(line_problem(0.1), sn.audit(line_problem(), evaluations=500))


def test_where_the_old_model_has_no_value_its_largest_finite_error_limits_the_harm() -> None:
    def half(x: Any) -> Any:
        return np.where(x[:, 0] > 0.9, np.nan, np.sin(2.0 * x[:, 0]))

    problem = sn.Problem(half, peak, LINE)
    report = sn.audit(problem, evaluations=1000)
    assert report.record.sup.lower == np.inf
    none = cast(Any, None)
    task = Task(problem, none, Wrong.of_report(report, 1), np.inf, 1.0, None, none, none, 0, none)
    assert harm_allowed(task) == pytest.approx(0.1, rel=0.02)


def test_a_bound_of_the_old_error_counts_only_in_the_unit_of_the_change_and_without_assumptions() -> None:
    """Errors that are multiples of the tolerances of two outputs have another unit than the change."""
    x0 = sn.Function(lambda x: np.stack([x[:, 0], 0.0 * x[:, 0]], axis=1))
    x1 = sn.Function(lambda x: np.stack([1.05 * x[:, 0], 0.0 * x[:, 0]], axis=1))
    for tolerance, counts in (((0.01, 0.01), False), (0.01, True)):
        problem = sn.Problem(x0, x0, LINE, error=sn.ErrorMeasure(tolerance=tolerance))
        change = change_of(problem, Candidate(x1, x1, ()), 20.0, 1.5, lambda event: None)
        assert (change.old_upper == 1.5) is counts
        total = change.record.worst_at_most
        assert (total is not None and total > 1.5 + change.upper) is counts
    report = sn.audit(line_problem(), evaluations=500)
    for kind, bound in (("conditional", None), ("none", None), ("certified", 2.0), ("exact-arithmetic", 2.0)):
        sup = report.record.sup.changed(upper=2.0, upper_kind=kind)
        assert proved_bound(replace(report, record=report.record.changed(sup=sup))) == bound
    assert isinstance(change, Change)


@pytest.mark.slow
def test_a_proof_that_cannot_be_made_leaves_the_mended_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, the whole repair was lost at its end."""

    def refused(*args: object, **options: object) -> None:
        raise BadInput("no formula")

    monkeypatch.setattr("supnorm.mending.work.change_of", refused)
    monkeypatch.setattr("supnorm.mending.proving.prove", refused)
    problem = sn.Problem(lambda x: np.sin(2.0 * x[:, 0]), peak, LINE, tolerance=0.5)
    mended = sn.repair(problem, evaluations=2000, bound_change=True, certify=True)
    assert mended.accepted
    assert mended.status.code == "undecided"
    assert mended.status.exit == 4
    assert mended.change is None
    assert mended.record.notes == (
        "no proof of the tolerance: no formula",
        "no bound of the change: no formula",
    )
