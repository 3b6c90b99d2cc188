"""Quantiles from the bits of a float: a histogram whose bins are the first 16 bits of the single-precision number.

For positive numbers the bits of IEEE 754 grow with the number, so ``bits >> 16`` (8 bits of exponent, 7 of mantissa) is a
bin of relative width 2^-7. Counts are whole numbers: histograms are added in any order, and every quantile lies in a
bracket that is known. A sketch (KLL, t-digest) has errors in rank, which in the tail are of the size of the tail.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BINS = 0x7F80 + 1  # of all finite numbers that are not negative, and one of infinity
# The largest area weight as a whole number: shares are exact to a millionth of the largest cell.
WEIGHT = 1 << 20
LARGEST = float(np.finfo(np.float32).max)
SLACK = 2.0**-23  # the value is rounded to single precision before it is counted


def bins_of(values: NDArray[np.floating]) -> NDArray[np.int64]:
    """The bin of each number, none of which is negative or NaN.

    >>> bins_of(np.array([0.0, 1.0, 1.999, 2.0])).tolist()
    [0, 16256, 16383, 16384]
    """
    with np.errstate(over="ignore"):  # beyond single precision counts as infinite
        single = np.ascontiguousarray(values, dtype=np.float32)
    return (single.view(np.uint32) >> np.uint32(16)).astype(np.int64)


def edges(index: int) -> tuple[float, float]:
    """The least and the largest number that a bin can hold.

    >>> low, high = edges(16256)
    >>> low <= 1.0 <= high < 1.008
    True
    """
    if index == BINS - 1:  # what single precision rounds to infinity
        return LARGEST, math.inf
    low, high = (_number(i << 16) for i in (index, index + 1))
    return max(low * (1 - SLACK) - 2.0**-149, 0.0), high * (1 + SLACK) + 2.0**-149


def _number(bits: int) -> float:
    return float(np.array([bits], dtype=np.uint32).view(np.float32)[0]) if bits < 0x7F800000 else math.inf


def brackets(counts: NDArray[np.int64], levels: Sequence[float]) -> list[tuple[float, float]]:
    """For each level the bracket of the quantile: at least this share of the weight is not above it.

    Args:
        counts: weight of each bin, shape ``(BINS,)``.
        levels: from 0 to 1.

    Returns:
        ``(low, high)`` of each level; NaN where nothing was counted.

    >>> counts = np.bincount(bins_of(np.arange(1000) / 1000), minlength=BINS)
    >>> [(low, high)] = brackets(counts, [0.5])
    >>> low <= 0.5 <= high
    True
    """
    total = int(counts.sum())
    if not total:
        return [(math.nan, math.nan) for _ in levels]
    below = np.cumsum(counts)
    indices = [int(np.searchsorted(below, min(max(math.ceil(level * total), 1), total))) for level in levels]
    return [edges(i) for i in indices]


def whole_weights(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Weights as whole numbers, the largest of which is `WEIGHT`; equal weights become 1."""
    largest = float(weights.max())
    if float(weights.min()) == largest:
        return np.ones(weights.shape, dtype=np.int64)
    return np.maximum(np.rint(weights / largest * WEIGHT), 1).astype(np.int64)
