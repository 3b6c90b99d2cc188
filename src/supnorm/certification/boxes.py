"""Dyadic boxes: cells of the domain by level and index on each axis, so that a tiling is exact.

Cell (l, i) of an axis is low + (high - low) [i, i + 1]/2^l in exact arithmetic. The float box used for bounds
contains the cell: its half-width is enlarged by the rounding of its centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.rounding import Array, U

Integers = NDArray[np.int64]
DEEPEST = 50  # halvings of an axis: a box of 2^-50 of it still has centre and ends in float64
LOST = 2.0**-1072  # more than products below the normal numbers lose; no other half-width changes by it


@dataclass(frozen=True, eq=False)
class Boxes:
    """Cells, shapes ``(B, d)``, and the known bound of each, shape ``(B,)``."""

    level: Integers
    index: Integers
    upper: Array

    @classmethod
    def root(cls, d: int) -> Boxes:
        """The whole domain, without a known bound."""
        zero = np.zeros((1, d), dtype=np.int64)
        return cls(zero, zero.copy(), np.array([np.inf]))

    def __len__(self) -> int:
        return len(self.upper)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Boxes:
        """Some of the boxes."""
        return Boxes(self.level[rows], self.index[rows], self.upper[rows])

    def join(self, *others: Boxes) -> Boxes:
        """All together."""
        parts = (self, *others)
        return Boxes(
            np.concatenate([one.level for one in parts]),
            np.concatenate([one.index for one in parts]),
            np.concatenate([one.upper for one in parts]),
        )

    def split(self, axis: NDArray[np.intp]) -> Boxes:
        """Each box halved along its axis; the halves inherit the bound."""
        rows = np.arange(len(self))
        level = self.level.copy()
        level[rows, axis] += 1
        first, second = self.index.copy(), self.index.copy()
        first[rows, axis] *= 2
        second[rows, axis] = first[rows, axis] + 1
        return Boxes(level, first, self.upper).join(Boxes(level.copy(), second, self.upper))

    def centre_and_half(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Float boxes that contain the cells, shapes ``(B, d)``."""
        width = high - low
        part = np.ldexp(1.0, -self.level - 1)
        centre = low + width * ((2 * self.index + 1) * part)
        half = width * part * (1.0 + 8.0 * U) + 8.0 * U * (np.abs(low) + np.abs(high)) + LOST
        return centre, half

    def volume(self) -> Array:
        """Fraction of the domain, shape ``(B,)``."""
        return np.asarray(np.ldexp(1.0, -self.level.sum(1)))
