"""Starts that are not neighbours of better ones: the multi-level single linkage rule.

A point is dropped when a better one lies within
r = pi^(-1/2) (Gamma(1 + d/2) 4 ln n / n)^(1/d) in the unit box (Rinnooy Kan and Timmer 1987, Part II, eq. 7
with sigma = 4). Cost: one pass over the points that are left for each start kept; where the radius is a good
part of the box, as it is in four and more inputs, that is cheaper than a KD-tree.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


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
    most = 16 * (k + int(used.sum()))
    kept = _greedy(order[:most], u, radius, k, used)
    if len(kept) < k and most < len(order):  # the best points are crowded: look at all
        kept = _greedy(order, u, radius, k, used)
    if fill and len(kept) < k:
        others = order[~np.isin(order, kept) & ~used[order]]
        kept += others[: k - len(kept)].tolist()
    return np.asarray(kept, dtype=np.intp)


def _greedy(rest: NDArray[np.intp], u: Array, radius: float, k: int, used: NDArray[np.bool_]) -> list[int]:
    points = u[rest]
    kept: list[int] = []
    while len(rest) and len(kept) < k:
        if not used[rest[0]]:
            kept.append(int(rest[0]))
        gap = points - points[0]
        far = np.einsum("ij,ij->i", gap, gap) > radius**2
        far[0] = False
        rest, points = rest[far], points[far]
    return kept
