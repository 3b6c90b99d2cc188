"""Whether the gradients of an error can be followed."""

from __future__ import annotations

import numpy as np

from supnorm.auditing.best import Best
from supnorm.auditing.landscape import GRADIENT, Landscape

INFORMANTS = 8  # best screened points that are asked


def informative(landscape: Landscape, screened: Best) -> bool:
    """Whether gradients say where to go: whether they are not zero at most of the best screened points.

    Rounding, tables and hard decisions have derivatives by name only, zero almost everywhere. Asked once a search;
    too few points or too small a budget say yes. Infinite errors have no derivative, and say nothing.
    """
    finite = np.flatnonzero(np.isfinite(screened.score))
    if len(finite) < INFORMANTS or landscape.affordable(GRADIENT) < 10 * INFORMANTS:
        return True
    best = finite[np.argpartition(-screened.score[finite], INFORMANTS - 1)[:INFORMANTS]]
    height, slope = landscape.slope(screened.u[best])
    return bool(np.count_nonzero((height != 0) & ~slope.any(axis=1)) <= INFORMANTS // 2)
