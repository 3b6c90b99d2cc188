"""Starts that are not neighbours of better ones: the multi-level single linkage rule.

A point is dropped when a better one lies within
r = pi^(-1/2) (Gamma(1 + d/2) 4 ln n / n)^(1/d) in the unit box (Rinnooy Kan and Timmer 1987, Part II, eq. 7
with sigma = 4). Cost: one KD-tree query a point.
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


def thin(u: Array, score: Array, radius: float, k: int, fill: bool = True) -> NDArray[np.intp]:
    """Indices of up to ``k`` good starts, best first: greedy by score, at least ``radius`` apart.

    When fewer than ``k`` remain the best of the dropped ones fill up, unless ``fill`` is false.
    """
    from scipy.spatial import cKDTree

    order = np.argsort(-score, kind="stable")
    order = order[np.isfinite(score[order]) | (score[order] == np.inf)]
    tree = cKDTree(u[order])
    dropped = np.zeros(len(order), dtype=bool)
    kept: list[int] = []
    for i in range(len(order)):
        if dropped[i]:
            continue
        kept.append(i)
        if len(kept) == k:
            break
        dropped[tree.query_ball_point(u[order[i]], radius)] = True
    if fill and len(kept) < k:
        chosen = set(kept)
        kept += [i for i in range(len(order)) if i not in chosen][: k - len(kept)]
    return np.asarray(order[kept], dtype=np.intp)
