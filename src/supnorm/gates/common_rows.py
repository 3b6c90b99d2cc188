"""Statistics of two runs of a table over the rows in which both have an error.

If each run lacks other predictions, their RMS and largest errors are over other rows. Here both are over the same ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Problem


def common_rows(old: Problem | None, new: Problem | None) -> dict[str, Any]:
    """What both runs are over the rows in which both have a finite error; empty where their tables cannot be read again.

    Args:
        old, new: the problems, of the same rows (`demand_same_rows`); None where one cannot be used.

    Returns:
        ``common`` (rows), ``rms_old``, ``rms_new``, ``worst_old``, ``worst_new``, and ``larger``: rows in which the error of
        the new model is the larger one.
    """
    if old is None or new is None or (before := _errors(old)) is None or (now := _errors(new)) is None:
        return {}
    if before.shape != now.shape:
        return {}
    both = np.isfinite(before) & np.isfinite(now)
    if not both.any():
        return {}
    one, other = before[both], now[both]
    return {
        "common": int(both.sum()),
        "rms_old": _rms(one),
        "rms_new": _rms(other),
        "worst_old": float(one.max()),
        "worst_new": float(other.max()),
        "larger": int((other > one).sum()),
    }


def _errors(problem: Problem) -> NDArray[np.float64] | None:
    """The error of each row, NaN outside of the domain; None where model or truth would have to be called."""
    pairs = problem.pairs
    if pairs is None or pairs.model is None or pairs.reference is None:
        return None
    errors, _ = problem.error(pairs.model, pairs.reference, pairs.x)
    return np.where(pairs.inside(problem.domain), errors, np.nan)


def _rms(errors: NDArray[np.float64]) -> float:
    largest = float(errors.max())  # squares of errors beyond 1e154 overflow
    return largest * float(np.sqrt(np.mean((errors / largest) ** 2))) if largest > 0 else 0.0
