"""Which ends of ascents are the same peak.

Two ends are one peak when they are close, or when the error on the straight line between them never falls
below 90 % of the lower one. The line is sampled: a valley narrower than a sixteenth of the distance is missed.
Many lines are looked at in one call: a call of a few points costs a network as much as one of hundreds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape
from supnorm.auditing.thinning import thin

Array = NDArray[np.float64]
LINE = 15  # points between two ends
VALLEY = 0.9  # of the lower end: above it there is no valley
RIVALS = 3  # nearest higher peaks: a ridge joins neighbours, not ends far apart
BLOCK = 32  # ends that are compared with them at once


def distinct(landscape: Landscape, u: Array, score: Array, k: int, close: float = 1e-3) -> NDArray[np.intp]:
    """Indices of up to ``k`` distinct peaks, highest first.

    Args:
        u, score: ends of ascents, shapes ``(n, d)`` and ``(n,)``.
        close: ends within ``close * sqrt(d)`` in the unit box are one peak without asking.
    """
    waiting = thin(u, score, close * np.sqrt(u.shape[1]), len(u), fill=False).tolist()
    kept, waiting = waiting[:1], waiting[1:]
    valleys: set[tuple[int, int]] = set()
    while waiting and len(kept) < k and landscape.affordable() >= (each := LINE * min(RIVALS, len(kept))):
        # At most an eighth of what is left is spent on ends that may turn out not to be asked for, or one line a worker: a
        # batch of 15 calls leaves one of four without work, and all of them between two batches.
        left = landscape.affordable()
        most = max(1, left // (8 * LINE), min(landscape.ahead, left // each))
        block = waiting[: min(BLOCK, most)]
        joined = _joined(landscape, u, score, block, kept, valleys)
        alone = [i for i in block if i not in joined]
        # The highest that stands alone is a peak; those below it may stand on it.
        kept += alone[:1]
        waiting = alone[1:] + waiting[len(block) :]
    return np.array(kept, dtype=np.intp)


def _joined(
    landscape: Landscape,
    u: Array,
    score: Array,
    ends: list[int],
    peaks: list[int],
    valleys: set[tuple[int, int]],
) -> set[int]:
    """Those of ``ends`` that no valley parts from one of their nearest peaks; pairs with a valley go into ``valleys``."""
    gaps = np.linalg.norm(u[ends][:, None] - u[peaks], axis=2)
    rivals = np.array(peaks)[np.argsort(gaps, axis=1, kind="stable")[:, :RIVALS]]
    t = np.linspace(0.0, 1.0, LINE + 2)[1:-1, None]
    joined: set[int] = set()
    for nearest in rivals.T.tolist():
        pairs = [p for p in zip(ends, nearest, strict=True) if p[0] not in joined and p not in valleys]
        if not pairs:
            continue
        i, j = np.array(pairs).T
        lines = u[i][:, None] + t * (u[j] - u[i])[:, None]
        low = landscape.score(lines.reshape(-1, u.shape[1])).reshape(-1, LINE).min(axis=1)
        for pair, above in zip(pairs, low >= VALLEY * np.minimum(score[i], score[j]), strict=True):
            if above or landscape.late:  # a line that was not seen shows no valley
                joined.add(pair[0])
            else:
                valleys.add(pair)
    return joined


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
