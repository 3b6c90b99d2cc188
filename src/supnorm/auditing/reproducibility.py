"""A worst point whose error is another one when the point is called alone: said with both values.

Values may depend on the other points of a batch, on earlier calls, or on digits that cancel, as they do near a pole and
in single precision. ``sup.lower`` is the larger error, and here stands what the other call gave.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from supnorm.auditing.many_outputs import Outputs
from supnorm.evaluation import Evaluator
from supnorm.evaluation.twice import Twice
from supnorm.results.audit import CallRecord, Finding


def not_reproducible(evaluator: Evaluator, outputs: Outputs) -> list[Finding]:
    """A finding where a worst point called alone gave another error than in a batch, in digits that are printed.

    The worst point if it is among them, else the one that differs most; both values of each side.
    """
    limit, top = evaluator.problem.error.limit, evaluator.top
    apart = [t for t in evaluator.twice if t.differs or _parted(t, limit)]
    if not apart:
        return []
    own = [t for t in apart if top is not None and np.array_equal(t.batch.x, top.x)]
    twice = own[0] if own else max(apart, key=lambda t: t.difference)
    x, values = evaluator.problem.domain.describe(twice.batch.x), _differing(twice)
    values |= {"worst": bool(own), "batch": twice.batch.error, "alone": twice.alone.error, "at": x}
    batch, alone = (
        CallRecord(model=outputs.values(w.model), reference=outputs.values(w.reference), error=w.error)
        for w in (twice.batch, twice.alone)
    )
    return [Finding(code="not-reproducible", values=values, x=x, batch=batch, alone=alone)]


def _differing(twice: Twice) -> dict[str, Any]:
    """Of each side that differs the output that differs most, in the batch and alone: values for a fact."""
    values: dict[str, Any] = {}
    for side in ("model", "reference"):
        a, b = (getattr(w, side) for w in (twice.batch, twice.alone))
        if not np.array_equal(a, b, equal_nan=True):
            with np.errstate(invalid="ignore"):
                k = int(np.argmax(np.nan_to_num(np.abs(a - b), nan=np.inf, posinf=np.inf)))
            values |= {f"{side}_batch": float(a[k]), side: float(b[k])}
    return values or {"same": True}


def _parted(twice: Twice, limit: float | None) -> bool:
    """Whether the tolerance lies between the two errors."""
    a, b = twice.batch.error, twice.alone.error
    return limit is not None and (a > limit) != (b > limit)
