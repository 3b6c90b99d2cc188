"""The fall of a rate along a half cosine (Loshchilov and Hutter 2017, SGDR, equation 5, without restarts)."""

from __future__ import annotations

import math


def half_cosine(rate: float, final: float, progress: float) -> float:
    """``rate`` at progress 0, ``rate * final`` at 1 and beyond.

    >>> half_cosine(0.1, 0.01, 0.0), round(half_cosine(0.1, 0.01, 2.0), 12)
    (0.1, 0.001)
    """
    falling = 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))
    return rate * (final + (1.0 - final) * falling)
