"""What may be promised of a guard: statistics of fresh points, drawn after the guard and its cuts were fixed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.statistics import clopper_pearson_upper

Array = NDArray[np.float64]


def share_above(errors: Array, level: float, confidence: float) -> tuple[int, float]:
    """How many of the accepted points' errors exceed a level, and an upper limit of that share (Clopper and Pearson).

    The points have to be independent draws of the law, and neither guard nor level may depend on them.

    >>> k, limit = share_above(np.zeros(3000), 0.1, 0.95)
    >>> k, round(limit * 1000, 3)
    (0, 0.998)
    """
    k = int(np.sum(~(errors <= level)))
    return k, clopper_pearson_upper(k, len(errors), confidence)


def share_above_largest(n: int, confidence: float) -> float:
    """An upper limit of the share above the largest of ``n`` independent errors: Wilks (1941), 1 - (1 - confidence)^(1/n).

    >>> round(share_above_largest(3000, 0.95) * 1000, 3)
    0.998
    """
    return 1.0 if n == 0 else float(-np.expm1(np.log1p(-confidence) / n))


def fixed_sequence(
    errors: Array, rank: Array, rejected: Sequence[float], level: float, risk: float, confidence: float
) -> float | None:
    """The least share to reject with which at most ``risk`` of the accepted inputs exceed the level; None if there is none.

    The shares are tested in turn, from the one that rejects most; the first that fails ends it. So each may use the whole
    confidence (fixed-sequence testing; Angelopoulos et al., Learn then Test, arXiv 2110.01052, section 2.4).

    Args:
        errors: of labelled independent points, shape ``(n,)``.
        rank: of these points, from 0 to 1; a share ``r`` rejects what is above ``1 - r``.
        rejected: the shares.
    """
    chosen = None
    for share in sorted(rejected, reverse=True):
        accepted = errors[rank <= 1.0 - share]
        if not len(accepted) or share_above(accepted, level, confidence)[1] > risk:
            break
        chosen = share
    return chosen
