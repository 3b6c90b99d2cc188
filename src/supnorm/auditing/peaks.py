"""Which ends of climbs are the same peak.

Two ends are one peak when they are close, or when the error on the straight line between them never falls
below 90 % of the lower one. The line is sampled: a valley narrower than a sixteenth of the distance is missed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape

Array = NDArray[np.float64]
LINE = 15  # points between two ends
VALLEY = 0.9  # of the lower end: above it there is no valley


def distinct(landscape: Landscape, u: Array, score: Array, k: int, close: float = 1e-3) -> NDArray[np.intp]:
    """Indices of up to ``k`` distinct peaks, highest first.

    Args:
        u, score: ends of climbs, shapes ``(n, d)`` and ``(n,)``.
        close: ends within ``close * sqrt(d)`` in the unit box are one peak without asking.
    """
    order = np.argsort(-score, kind="stable")
    order = order[score[order] > -np.inf]
    near = close * np.sqrt(u.shape[1])
    kept: list[int] = []
    for i in order:
        if len(kept) == k or (landscape.affordable() < LINE and kept):
            break
        if kept:
            gaps = np.linalg.norm(u[kept] - u[i], axis=1)
            if gaps.min() <= near:
                continue
            # The nearest three higher peaks: a ridge joins neighbours, not ends far apart.
            rivals = [kept[j] for j in np.argsort(gaps)[:3]]
            if any(_joined(landscape, u[i], u[j], min(score[i], score[j])) for j in rivals):
                continue
        kept.append(int(i))
    return np.array(kept, dtype=np.intp)


def _joined(landscape: Landscape, a: Array, b: Array, lower: float) -> bool:
    if landscape.affordable() < LINE:
        return False
    t = np.linspace(0.0, 1.0, LINE + 2)[1:-1, None]
    low = landscape.score(a + t * (b - a)).min()
    return landscape.late or bool(low >= VALLEY * lower)  # a line that was not seen shows no valley


def cluster_sizes(u: Array, radius: float) -> list[int]:
    """How many ends lie together: single-linkage groups at ``radius`` in the unit box.

    >>> cluster_sizes(np.array([[0.1], [0.1001], [0.9]]), 0.01)
    [2, 1]
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(u) == 0:
        return []
    if len(u) == 1:
        return [1]
    groups = fcluster(linkage(u, "single"), radius, "distance")
    return sorted(np.bincount(groups)[1:].tolist(), reverse=True)
