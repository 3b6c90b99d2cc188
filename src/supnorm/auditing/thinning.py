"""Starts that are not neighbours of better ones: the multi-level single linkage rule.

A point is dropped when a better one lies within
r = pi^(-1/2) (Gamma(1 + d/2) 4 ln n / n)^(1/d) in the unit box (Rinnooy Kan and Timmer 1987, Part II, eq. 7
with sigma = 4). Cost: one distance for each candidate and start kept, as matrix products; where the radius is a good part of
the box, as it is in four and more inputs, that is cheaper than a KD-tree. Only the best four for each start that is
wanted are candidates.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
DEPTH = 4  # candidates for each start that is wanted
BLOCK = 128  # candidates that are compared with the kept ones at once


def linkage_radius(n: int, d: int) -> float:
    """The critical distance for ``n`` screened points in ``d`` dimensions.

    >>> round(linkage_radius(10_000, 4), 3)
    0.165
    """
    n = max(n, 3)
    return float(math.pi**-0.5) * math.exp((math.lgamma(1 + d / 2) + math.log(4 * math.log(n) / n)) / d)


def thin(
    u: Array,
    score: Array,
    radius: float,
    k: int,
    fill: bool = True,
    used: NDArray[np.bool_] | None = None,
) -> NDArray[np.intp]:
    """Indices of up to ``k`` good starts, best first: greedy by score, at least ``radius`` apart.

    Among the best ``DEPTH * k`` points and the used ones. When fewer than ``k`` remain the best of the dropped ones
    fill up, unless ``fill`` is false.

    Args:
        used: starts of before, shape ``(n,)``: not chosen again, but their neighbours are dropped.
    """
    used = np.zeros(len(u), dtype=bool) if used is None else used
    most = DEPTH * k + int(used.sum())
    best = np.argpartition(-score, most)[:most] if most < len(u) else np.arange(len(u))
    order = _ranked(best, score)
    kept = _greedy(order, u, radius, k, used)
    if fill and len(kept) < k:
        taken = used.copy()
        taken[kept] = True
        others = order[~taken[order]]
        kept += others[: k - len(kept)].tolist()
    return np.asarray(kept, dtype=np.intp)


def _ranked(rows: NDArray[np.intp], score: Array) -> NDArray[np.intp]:
    """Rows with an error, best first, equal ones in their order."""
    rows = np.sort(rows)
    rows = rows[np.argsort(-score[rows], kind="stable")]
    return rows[score[rows] > -np.inf]


def _greedy(order: NDArray[np.intp], u: Array, radius: float, k: int, used: NDArray[np.bool_]) -> list[int]:
    kept: list[int] = []
    # Single precision is enough for all but the smallest radii, and takes two thirds of the time.
    u = u.take(order, axis=0).astype(np.float32 if radius > 0.01 else np.float64)
    d = u.shape[1]
    bound = np.einsum("ij,ij->i", u, u)
    # |a - b|^2 <= r^2 as one product: (a, 1) . (2 b, -|b|^2) >= |a|^2 - r^2.
    left, right = np.empty((len(u), d + 1), dtype=u.dtype), np.empty((d + 1, len(u)), dtype=u.dtype)
    left[:, :d], left[:, d] = u, 1.0
    right[:d], right[d] = 2 * u.T, -bound
    bound -= radius**2
    centres, have = np.empty((d + 1, 256), dtype=u.dtype), 0
    for i in range(0, len(order), BLOCK):
        block = np.arange(i, min(i + BLOCK, len(order)))
        if have:
            block = block[(left[block] @ centres[:, :have]).max(axis=1) < bound[block]]
        if not len(block):
            continue
        near = left[block] @ right[:, block] >= bound[block, None]
        block = block[_apart(near)]
        while have + len(block) > centres.shape[1]:
            centres = np.concatenate([centres, np.empty_like(centres)], axis=1)
        centres[:, have : have + len(block)] = right[:, block]
        have += len(block)
        block = order[block]
        kept += block[~used[block]].tolist()
        if len(kept) >= k:
            break
    return kept[:k]


def _apart(near: NDArray[np.bool_]) -> list[int]:
    """Rows that are near (n, n) to none of the chosen rows before them; whole rows of bits at once."""
    packed = np.packbits(near, axis=1, bitorder="little")
    width, bits = packed.shape[1], packed.tobytes()
    chosen, free = [], (1 << len(near)) - 1
    while free:
        j = (free & -free).bit_length() - 1  # the first that is not near to a chosen one
        chosen.append(j)
        free &= ~(int.from_bytes(bits[j * width : (j + 1) * width], "little") | 1 << j)
    return chosen
