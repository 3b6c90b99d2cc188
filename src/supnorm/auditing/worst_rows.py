"""The rows with the largest errors, spread over the box: the worst of each cell of a coarse grid over all inputs.

Ascents end on one peak often; a list of the largest errors alone would be a list of that peak. A row that is no worse
than one of its cell seen before is dropped at once, so that late in a search hardly anything is copied.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ROWS = 2000  # kept
LEAST = 20  # kept, however many numbers a row has
KEPT = 4_000_000  # numbers kept, 32 MB: of more than a thousand outputs fewer rows
NUMBERS = 150_000  # held in rows before they are sorted out: about 1 MB
# Where there are more cells, two share one of these now and then, and the worse one is dropped.
SLOTS = 1 << 18
# 2^64 over the golden ratio: spreads cells over the slots (Knuth, vol. 3, 6.4).
ODD = np.uint64(0x9E3779B97F4A7C15)


class WorstRows:
    """Rows of a stream; memory does not grow with it.

    Args:
        d: number of inputs.

    Attributes:
        bar: rows with smaller errors are not kept.

    >>> worst = WorstRows(1)
    >>> u = np.array([[0.1], [0.1], [0.9]])
    >>> worst.add(u, np.array([1.0, 3.0, 2.0]), np.arange(3), [u])
    >>> worst.rows()[0].ravel().tolist()
    [0.1, 0.9]
    """

    def __init__(self, d: int) -> None:
        self._along = max(4, round((2 * ROWS) ** (1 / d)))
        self._hashed = self._along**d > SLOTS
        # A cell's name is a sum of its places along the axes times these: whole numbers that a float holds exactly.
        powers = np.cumprod(np.full(d, ODD)) >> np.uint64(24)
        self._weights = powers.astype(float) if self._hashed else float(self._along) ** np.arange(d)
        self._top = np.full(min(self._along**d, SLOTS), -np.inf)
        self._one = np.empty(len(self._top), dtype=np.intp)  # scratch: a row of each cell
        self._most = ROWS
        self.bar = -np.inf
        self._kept: list[list[NDArray[Any]]] = []
        self._held = 0

    def add(self, u: Array, score: Array, rows: NDArray[np.intp], columns: list[NDArray[Any]]) -> None:
        """Add points ``u`` (n, d) of the unit box with their errors (n,); ``columns[rows]`` is kept of them."""
        self._most = most_rows(sum(column.shape[1] for column in columns))
        cell = self._cell(u)
        better = (score > self._top.take(cell)).nonzero()[0]
        if not len(better):
            return
        cell, score, rows = cell[better], score[better], rows[better]
        np.maximum.at(self._top, cell, score)
        if len(rows) > self._most:
            cell, score, rows = self._worst_of(cell, score, rows)
        self._kept.append([cell, score, *(column.take(rows, axis=0) for column in columns)])
        self._held += len(rows)
        if self._held > max(2 * self._most, NUMBERS // sum(column.shape[1] for column in columns)):
            self._sort_out()

    def _worst_of(
        self, cell: NDArray[np.intp], score: Array, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], Array, NDArray[np.intp]]:
        """One row for each cell of a large batch, and at most as many rows as will be listed in the end."""
        best = (score == self._top.take(cell)).nonzero()[0]
        self._one[cell[best]] = best
        best = best[self._one[cell[best]] == best]
        if len(best) > self._most:
            best = np.sort(best[np.argpartition(-score[best], self._most)[: self._most]])
            self.bar = max(self.bar, float(score[best].min()))
        return cell[best], score[best], rows[best]

    def rows(self) -> list[NDArray[Any]]:
        """What was kept of the rows, the largest error first."""
        if not self._kept:
            return []
        self._sort_out()
        _, score, *columns = self._kept[0]
        order = np.argsort(-score, kind="stable")
        return [column[order] for column in columns]

    def _sort_out(self) -> None:
        cell, score = (np.concatenate([part[i] for part in self._kept]) for i in (0, 1))
        best = (score == self._top.take(cell)).nonzero()[0]
        best = best[np.argsort(cell[best])]
        keep = best[np.diff(cell[best], prepend=-1) > 0]  # of equal errors one
        if len(keep) > self._most:
            keep = keep[np.argpartition(-score[keep], self._most)[: self._most]]
            self.bar = float(score[keep].min())
            np.maximum(self._top, self.bar, out=self._top)
        keep.sort()
        starts = np.cumsum([0, *(len(part[0]) for part in self._kept)])
        parts = [
            [column.take(rows - start, axis=0) for column in part]
            for part, start, rows in zip(
                self._kept, starts, np.split(keep, np.searchsorted(keep, starts[1:-1])), strict=False
            )
        ]
        self._kept, self._held = [[np.concatenate(column) for column in zip(*parts, strict=True)]], len(keep)

    def _cell(self, u: Array) -> NDArray[np.intp]:
        cell = u * self._along
        np.floor(np.clip(cell, 0, self._along - 1, out=cell), out=cell)
        name: Array = cell @ self._weights
        if self._hashed:
            return ((name.astype(np.uint64) * ODD) >> np.uint64(46)).astype(np.intp)
        return name.astype(np.intp)


def most_rows(numbers: int) -> int:
    """How many rows of ``numbers`` numbers each are kept.

    >>> most_rows(5), most_rows(40_003), most_rows(2_000_003)
    (2000, 99, 20)
    """
    return max(LEAST, min(ROWS, KEPT // numbers))


def cells(u: Array, along: int) -> NDArray[np.int32]:
    """Which of ``along`` equal parts of each axis holds each point ``u`` (n, d) of the unit box, shape ``(d, n)``.

    >>> cells(np.array([[0.0, 0.5], [1.0, 0.7]]), 4).tolist()
    [[0, 3], [2, 2]]
    """
    cell = np.empty(u.shape[::-1], dtype=np.int32)
    np.multiply(u.T, along, out=cell, casting="unsafe")
    return np.clip(cell, 0, along - 1, out=cell)
