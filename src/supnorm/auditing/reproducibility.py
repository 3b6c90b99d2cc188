"""A worst point whose error is another one when the point is called alone: said with both values.

Values may depend on the other points of a batch, on earlier calls, or on digits that cancel, as they do near a pole and
in single precision. ``sup.lower`` is the larger error, and here stands what the other call gave.
"""

from __future__ import annotations

import numpy as np

from supnorm.auditing.infinite import error_unit
from supnorm.evaluation import Evaluator
from supnorm.evaluation.evaluator import Twice
from supnorm.results.audit import CallRecord, FindingRecord


def not_reproducible(evaluator: Evaluator) -> list[FindingRecord]:
    """A finding where a worst point called alone gave another error than in a batch, in digits that are printed.

    The worst point if it is among them, else the one that differs most; both values of each side.
    """
    limit = evaluator.problem.error.limit
    apart = [t for t in evaluator.twice if t.differs or _parted(t, limit)]
    if not apart:
        return []
    top = evaluator.top
    own = [t for t in apart if top is not None and np.array_equal(t.batch.x, top.x)]
    twice = own[0] if own else max(apart, key=lambda t: t.apart)
    measure, domain = evaluator.problem.error, evaluator.problem.domain
    unit = (
        " times the tolerance"
        if measure.per_output
        else f" {name}"
        if (name := error_unit(evaluator.problem))
        else ""
    )
    sides = []
    for side in ("model", "reference"):
        a, b = (getattr(w, side) for w in (twice.batch, twice.alone))
        if not np.array_equal(a, b, equal_nan=True):
            with np.errstate(invalid="ignore"):
                k = int(np.argmax(np.nan_to_num(np.abs(a - b), nan=np.inf, posinf=np.inf)))
            digits = 9 if f"{a[k]:.9g}" != f"{b[k]:.9g}" else 17
            sides.append(f"the {side} gives {a[k]:.{digits}g} in the batch and {b[k]:.{digits}g} alone")
    at = ", ".join(f"{name} = {v:.9g}" for name, v in domain.describe(twice.batch.x).items())
    what = "The worst error" if own else "The error of a point"
    text = (
        f"{what} is not reproducible: in a batch it was {_digits(twice.batch.error, unit)}, and when the same point was "
        f"called alone {_digits(twice.alone.error, unit)} ({at}): {' and '.join(sides) or 'no value was the same'}. "
        f"{'The larger one is reported. ' if own else ''}Values may depend on the batch, on earlier calls or on digits "
        "that cancel, as they do near a pole and in single precision."
    )
    batch, alone = (
        CallRecord(model=w.model.tolist(), reference=w.reference.tolist(), error=w.error)
        for w in (twice.batch, twice.alone)
    )
    x = domain.describe(twice.batch.x)
    return [FindingRecord(code="not-reproducible", text=text, x=x, batch=batch, alone=alone)]


def _digits(error: float, unit: str) -> str:
    return "infinite" if error == np.inf else "not known" if np.isnan(error) else f"{error:.6g}{unit}"


def _parted(twice: Twice, limit: float | None) -> bool:
    """Whether the tolerance lies between the two errors."""
    a, b = twice.batch.error, twice.alone.error
    return limit is not None and (a > limit) != (b > limit)
