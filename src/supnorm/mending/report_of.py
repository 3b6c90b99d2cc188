"""Checks that a report is one of the problem: a repair and a guard build on its worst error and its peaks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import AuditReport
from supnorm.problem import Function, Problem
from supnorm.problem.records import axis_records, measure_record
from supnorm.results import BadInput
from supnorm.results.printable import one_line

Array = NDArray[np.float64]
# Of the values: up to this a function gives what its report says, on any machine. In single precision a value in a batch
# and the same value alone differed by 1.5e-6.
SAME, SAME_NARROW = 1e-6, 1e-3


def demand_report_of(problem: Problem, report: AuditReport) -> None:
    """Check that the report is one of this problem: its axes, its measure, and both values at the worst point.

    Raises:
        BadInput: naming what differs.
    """
    if not isinstance(report, AuditReport):
        raise BadInput(
            f"report must be what supnorm.audit or supnorm.load_report gives, got {type(report).__name__}"
        )
    names = tuple(axis.name for axis in report.record.axes)
    if names != problem.domain.names:
        raise BadInput(
            f"the report is of another problem: its inputs are {', '.join(names)}, those of the problem "
            f"{', '.join(problem.domain.names)}"
        )
    for theirs, ours in zip(report.record.axes, axis_records(problem.domain), strict=True):
        one, two = ((a.low, a.high, a.scale, tuple(a.values or ())) for a in (theirs, ours))
        if one != two:
            raise BadInput(
                f"the report is of another problem: its input {ours.name} goes from {theirs.low:g} to {theirs.high:g} "
                f"({theirs.scale}), that of the problem from {ours.low:g} to {ours.high:g} ({ours.scale}), or its list of "
                "values differs; audit this problem"
            )
        if theirs.unit != ours.unit:
            raise BadInput(
                f"the report states its input {ours.name} in {one_line(theirs.unit, 40) or 'no unit'}, the problem in "
                f"{one_line(ours.unit, 40) or 'no unit'}; audit this problem"
            )
    _demand_measure(problem, report)
    worst = report.worst
    if worst is None:
        return
    size = worst.error if np.isfinite(worst.error) else 0.0
    assert problem.model is not None
    _demand_value(problem.model, "model", worst.x, worst.model, size)
    _demand_value(problem.reference, "reference", worst.x, worst.reference, 0.0)


def _demand_measure(problem: Problem, report: AuditReport) -> None:
    theirs, ours = report.record.measure, measure_record(problem, report.record.outputs_total)
    for word in ("kind", "side", "floor", "scale", "per_output"):
        one, two = getattr(theirs, word), getattr(ours, word)
        if one != two:
            raise BadInput(
                f"the report is of another problem: the {word} of its error is {one!r}, that of the problem {two!r}; audit "
                "this problem"
            )


def _demand_value(function: Function, what: str, x: Array, expected: Any, size: float) -> None:
    """Check that a function has the value that the report states; where this is not finite, nothing can be compared."""
    stated = np.asarray(expected, dtype=np.float64)
    if not np.isfinite(stated).all():
        return
    value = function(x)[0]
    apart = SAME if function.precision == "float64" else SAME_NARROW
    size = max(float(np.abs(stated).max(initial=0.0)), size)
    if value.shape != stated.shape or not np.allclose(value, stated, rtol=0.0, atol=apart * size):
        raise BadInput(
            f"the report is of another {what}: at its worst point the {what} gives {value.tolist()}, the report says "
            f"{stated.tolist()}; audit the {'model' if what == 'model' else 'problem'} that is to be mended"
        )
