"""Starts that are not neighbours of better ones: the multi-level single linkage rule.

A point is dropped when a better one lies within
r = pi^(-1/2) (Gamma(1 + d/2) 4 ln n / n)^(1/d) in the unit box (Rinnooy Kan and Timmer 1987, Part II, eq. 7
with sigma = 4). Cost: one distance for each candidate and start kept, as matrix products; where the radius is a good part of
the box, as it is in four and more inputs, that is cheaper than a KD-tree.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BLOCK = 64  # candidates that are compared with the kept ones at once


def linkage_radius(n: int, d: int) -> float:
    """The critical distance for ``n`` screened points in ``d`` dimensions.

    >>> round(linkage_radius(10_000, 4), 3)
    0.165
    """
    n = max(n, 3)
    return float(math.pi**-0.5 * (math.gamma(1 + d / 2) * 4 * math.log(n) / n) ** (1 / d))


def thin(
    u: Array,
    score: Array,
    radius: float,
    k: int,
    fill: bool = True,
    used: NDArray[np.bool_] | None = None,
) -> NDArray[np.intp]:
    """Indices of up to ``k`` good starts, best first: greedy by score, at least ``radius`` apart.

    When fewer than ``k`` remain the best of the dropped ones fill up, unless ``fill`` is false.

    Args:
        used: starts of before, shape ``(n,)``: not chosen again, but their neighbours are dropped.
    """
    used = np.zeros(len(u), dtype=bool) if used is None else used
    order = np.argsort(-score, kind="stable")
    order = order[score[order] > -np.inf]
    kept = _greedy(order, u, radius, k, used)
    if fill and len(kept) < k:
        others = order[~np.isin(order, kept) & ~used[order]]
        kept += others[: k - len(kept)].tolist()
    return np.asarray(kept, dtype=np.intp)


def _greedy(order: NDArray[np.intp], u: Array, radius: float, k: int, used: NDArray[np.bool_]) -> list[int]:
    kept: list[int] = []
    centres = np.empty((0, u.shape[1]))
    for i in range(0, len(order), BLOCK):
        block = order[i : i + BLOCK]
        block = block[~_near(u[block], centres, radius).any(axis=1)]
        close = _near(u[block], u[block], radius)
        free = np.ones(len(block), dtype=bool)
        for j in range(len(block)):
            if free[j]:
                free[j + 1 :] &= ~close[j, j + 1 :]
        block = block[free]
        centres = np.concatenate([centres, u[block]])
        kept += block[~used[block]].tolist()
        if len(kept) >= k:
            break
    return kept[:k]


def _near(a: Array, b: Array, radius: float) -> NDArray[np.bool_]:
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(squares <= radius**2)
