"""Boxes cut where interpolation tables have knots, so that each part lies in one piece of every table.

Halving never ends at knots that are no dyadic fractions of the domain, and a kink inside of a box costs hundreds of smaller
ones. So a box with few knots is bounded by its parts: the range of the error on a box is the union of those on them. The
parts together contain the float box; a knot within `NEAR` of an end of the box is no cut. Any cuts prove the bound.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.rounding import Array, U

Rows = NDArray[np.intp]
# Parts of one box; a box with more is halved (tests/certification/test_tables.py has the numbers of boxes).
MOST_PARTS = 16
NEAR = 1e-9  # of the half-width
BY_PARTS = -1.0  # what stands for the parameter of an ellipse in the file


def cut(error: ErrorProgram, centre: Array, half: Array) -> tuple[Rows, Array, Array]:
    """The parts of the boxes that knots cut: the box of each, its centre and its half-widths.

    Args:
        error: has the knots, in the coordinates of the boxes.
        centre, half: boxes, shapes ``(B, d)``.
    """
    owner: list[int] = []
    ends: list[list[tuple[float, float]]] = []
    counts = np.stack(
        [
            np.searchsorted(k, centre[:, j] + half[:, j]) - np.searchsorted(k, centre[:, j] - half[:, j])
            for j, k in enumerate(error.cuts)
        ]
    )
    for row in np.flatnonzero(counts.any(0)).tolist():
        axes = [_intervals(k, centre[row, j], half[row, j]) for j, k in enumerate(error.cuts)]
        number = int(np.prod([len(a) for a in axes]))
        if 1 < number <= MOST_PARTS:
            for part in itertools.product(*axes):
                owner.append(row)
                ends.append(list(part))
    parts = np.array(ends, dtype=np.float64).reshape(-1, centre.shape[1], 2)
    low, high = parts[..., 0], parts[..., 1]
    middle = 0.5 * (low + high)
    wide = np.maximum(high - middle, middle - low) * (1.0 + 4.0 * U) + 4.0 * U * np.abs(middle)
    return np.array(owner, dtype=np.intp), middle, wide


def _intervals(knots: Array, centre: float, half: float) -> list[tuple[float, float]]:
    low, high = centre - half, centre + half
    near = NEAR * half + 32.0 * U * (abs(centre) + half)
    inside = knots[(knots > low + near) & (knots < high - near)].tolist()
    edges = [low, *inside, high]
    return list(itertools.pairwise(edges))


def joined(owner: Rows, rows: Rows, values: Array, largest: bool) -> Array:
    """The largest or smallest of the values ``(P, ..)`` of the parts of each of the boxes ``rows``."""
    position = np.searchsorted(rows, owner)
    start = -np.inf if largest else np.inf
    out = np.full((len(rows), *values.shape[1:]), start)
    (np.maximum if largest else np.minimum).at(out, position, values)
    return out
