"""Whether a wrong value exists near by in the truth, and whether the truth fits when it is moved.

A front that a model puts some cells too far east has large errors, but its values are found near by ("double penalty"); a
value that the truth has nowhere near was made up. `nearest` looks for the value alone, within some cells. In a wide enough
window nearly every value is found, so `best_move` asks for more: that the truth, moved as a whole, fits the prediction
around that place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

RADII = (2, 6, 12)  # cells: at 0.25 degrees 55, 170 and 330 km
# Cells around a place in which a moved truth has to fit: 169 points, of which a single wrong one is 1.
AROUND = 6
FARTHEST = RADII[-1]  # cells that the truth is moved at most
CHANCE = 0.01  # that the largest of independent normal errors is above `chance_level`


def nearest(
    value: float, truth: NDArray[Any], row: int, column: int, periodic: bool, radii: Sequence[int] = RADII
) -> list[float]:
    """How far a value is from the range of the truth within each radius, in rows and columns; NaN without any truth there.

    Outside of the range this is the difference to the nearest value; 0 says that the truth has this value, or values on both
    sides of it.

    >>> truth = np.zeros((20, 20))
    >>> truth[:, 10:] = 10.0
    >>> nearest(10.0, truth, 5, 7, False), nearest(24.0, truth, 5, 7, False)
    ([10.0, 0.0, 0.0], [24.0, 14.0, 14.0])
    """
    left = []
    for r in radii:
        near = _window(truth, row, column, r, periodic)[0]
        near = near[np.isfinite(near)]
        with np.errstate(over="ignore"):  # values of opposite sign may be infinitely far apart
            left.append(max(near.min() - value, value - near.max(), 0.0) if near.size else float("nan"))
    return [float(v) for v in left]


@dataclass(frozen=True)
class Move:
    """The move of the truth that fits the prediction best around a place.

    Attributes:
        rows, columns: how far the truth is moved; above 0 towards the last row and column.
        before, after: RMS difference within `AROUND` cells, in place and moved.
        without_bias: the same in place, less the mean difference there: what an offset alone cannot explain.
        spread: RMS deviation of the prediction from its mean there.
        left: the size of the error of the place itself, moved.
    """

    rows: int
    columns: int
    before: float
    after: float
    without_bias: float
    spread: float
    left: float

    def explains(self, error: float) -> bool:
        """Whether it at least halves the error of the place and of its surroundings, and an offset does not do as well.

        In a steep field a move can halve the error of a single wrong cell, but not that of its surroundings as well; and it
        can imitate a bias. Where the prediction shows nothing, any move that takes the truth's feature away fits: the moved
        truth has to fit twice as well as the mean of the prediction.
        """
        return 2 * self.after <= min(self.before, self.without_bias, self.spread) and 2 * self.left <= error


def best_move(
    prediction: NDArray[Any], truth: NDArray[Any], row: int, column: int, periodic: bool
) -> Move | None:
    """Move the truth by up to `FARTHEST` rows and columns; the best fit around a place, None without both values there.

    >>> y, x = np.mgrid[0:40, 0:60]
    >>> truth = np.tanh((x - 30.0) / 2) + 0.01 * y
    >>> found = best_move(np.roll(truth, 4, axis=1), truth, 20, 31, False)
    >>> found.rows, found.columns, found.after
    (0, 4, 0.0)
    >>> spike = truth.copy()
    >>> spike[20, 31] -= 1.5
    >>> best_move(spike, truth, 20, 31, False).explains(1.5)
    False
    >>> missed = best_move(0 * truth, np.exp(-((x - 30.0) ** 2 + (y - 20.0) ** 2) / 8), 20, 30, False)
    >>> missed.after < missed.before / 2, missed.explains(1.0)
    (True, False)
    """
    here, at = _window(prediction, row, column, AROUND, periodic)
    wide, start = _window(truth, row, column, AROUND + FARTHEST, periodic)
    if wide.shape[0] < here.shape[0] or wide.shape[1] < here.shape[1]:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        gaps = np.lib.stride_tricks.sliding_window_view(wide, here.shape) - here
        square = np.where(np.isfinite(gaps), gaps, np.nan) ** 2
        there = np.isfinite(square).sum(axis=(2, 3))
        mean = np.nansum(square, axis=(2, 3)) / np.maximum(there, 1)
    own = np.sqrt(square[:, :, at[0], at[1]])
    stay = (start[0] - at[0], start[1] - at[1])
    fair = (there >= there[stay] // 2) & np.isfinite(own) & np.isfinite(mean)
    if not fair[stay]:
        return None
    rows, columns = (stay[k] - np.arange(mean.shape[k]) for k in (0, 1))
    far = np.abs(rows)[:, None] + np.abs(columns)
    # The best; of equally good ones the shortest move, and of those the first: the order is always the same.
    i, k = np.unravel_index(np.lexsort((far.ravel(), np.where(fair, mean, np.inf).ravel()))[0], mean.shape)
    before, after = (float(np.sqrt(v)) for v in (mean[stay], mean[i, k]))
    known = np.isfinite(gaps[stay])
    without_bias, spread = (float(np.std(values[known])) for values in (gaps[stay], here))
    return Move(int(rows[i]), int(columns[k]), before, after, without_bias, spread, float(own[i, k]))


def chance_level(n: int) -> float:
    """So many RMS errors the largest of ``n`` independent errors with a normal distribution exceeds with `CHANCE` only.

    >>> [round(chance_level(n), 2) for n in (10**4, 10**6, 10**9)]
    [4.89, 5.73, 6.81]
    """
    return -NormalDist().inv_cdf(CHANCE / (2 * max(n, 1)))


def _window(
    field: NDArray[Any], row: int, column: int, radius: int, periodic: bool
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """The field within so many rows and columns of a place, and the numbers of the place in it."""
    top, columns = max(row - radius, 0), np.arange(column - radius, column + radius + 1)
    if periodic and field.shape[1] >= len(columns):
        columns = columns % field.shape[1]
        left = radius
    else:
        if periodic:  # the whole circle, the place in its middle
            columns = (column + np.arange(field.shape[1]) - field.shape[1] // 2) % field.shape[1]
        else:
            columns = columns[(columns >= 0) & (columns < field.shape[1])]
        left = int(np.flatnonzero(columns == column)[0])
    near = np.asarray(field[top : row + radius + 1][:, columns], dtype=np.float64)
    return near, (row - top, left)
