"""Evaluates rows in blocks of one size: this is fast, and a value does not depend on the batch of its point."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BLOCK = 256  # rows: fast for widths 16 to 64, and cheap enough for a single point


def in_blocks(value: Callable[[Array], Array], x: Array, m: int) -> Array:
    """``value`` of all rows, in blocks of exactly 256 rows, the last one padded.

    BLAS may sum the products of a few rows in another order than those of many rows. With blocks of one size the value at
    a point does not depend on its batch; otherwise the difference would be visible where large weights cancel.
    """
    out = np.empty((len(x), m))
    for start in range(0, len(x), BLOCK):
        rows = x[start : start + BLOCK]
        if len(rows) < BLOCK:
            rows = np.concatenate([rows, np.repeat(rows[:1], BLOCK - len(rows), axis=0)])
        out[start : start + BLOCK] = value(rows)[: len(x) - start]
    return out
