"""The points of a case at which a claim is tried in higher precision: where float64 sees the largest of a million errors.

Float64 only chooses the points: an error above a bound counts when higher precision confirms it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

POINTS, PART = 1_000_000, 50_000
Array = np.ndarray[Any, np.dtype[np.float64]]


def worst(draw: Callable[[int], Array], size: Callable[[Array], Array], most: int, others: int) -> Array:
    """The points with the largest errors, largest first, and then points that are chosen without regard to theirs.

    Args:
        draw: makes n points ``(n, d)`` of the domain.
        size: their errors in float64, ``(n,)``. Infinite and undefined ones do not count as large.
        most, others: how many points of each kind.

    >>> rng = np.random.default_rng(0)
    >>> x = worst(lambda n: rng.random((n, 1)), lambda x: np.abs(x[:, 0] - 0.25), 2, 1)
    >>> x.shape, bool((x[:2] > 1.0 - 1e-5).all())
    ((3, 1), True)
    """
    best, found, rest = None, np.zeros(0), []
    for start in range(0, POINTS, PART):
        x = draw(min(PART, POINTS - start))
        with np.errstate(all="ignore"):
            errors = np.asarray(size(x), dtype=float)
        errors = np.where(np.isfinite(errors), errors, 0.0)
        rest.append(x[:others])
        top = np.argsort(-errors)[:most]
        best = x[top] if best is None else np.concatenate([best, x[top]])
        found = np.concatenate([found, errors[top]])
        top = np.argsort(-found)[:most]
        best, found = best[top], found[top]
    assert best is not None
    spread = np.concatenate(rest)
    return np.concatenate([best, spread[np.linspace(0, len(spread) - 1, others).astype(int)]])
