"""The rows with the largest errors, spread over the box: the worst of each cell of a coarse grid over all inputs.

Climbs end on one peak often; a list of the largest errors alone would be a list of that peak. A row that is no worse
than one of its cell seen before is dropped at once, so that late in a search hardly anything is copied.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ROWS = 2000  # kept
NUMBERS = 150_000  # held in rows before they are sorted out: about 1 MB
SLOTS = (
    1 << 18
)  # where there are more cells, two share one of these now and then, and the worse one is dropped
ODD = np.uint64(
    0x9E3779B97F4A7C15
)  # 2^64 over the golden ratio: spreads cells over the slots (Knuth, vol. 3, 6.4)


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
        self._top = np.full(min(self._along**d, SLOTS), -np.inf)
        self.bar = -np.inf
        self._kept: list[list[NDArray[Any]]] = []
        self._held = 0

    def add(self, u: Array, score: Array, rows: NDArray[np.intp], columns: list[NDArray[Any]]) -> None:
        """Add points ``u`` (n, d) of the unit box with their errors (n,); ``columns[rows]`` is kept of them."""
        high = (score > self.bar).nonzero()[0]
        cell, score = self._cell(u[high]), score[high]
        better = (score > self._top.take(cell)).nonzero()[0]
        if not len(better):
            return
        cell, score, rows = cell[better], score[better], rows[high[better]]
        np.maximum.at(self._top, cell, score)
        self._kept.append([cell, score, *(column[rows] for column in columns)])
        self._held += len(rows)
        if self._held > max(2 * ROWS, NUMBERS // sum(column.shape[1] for column in columns)):
            self._sort_out()

    def rows(self) -> list[NDArray[Any]]:
        """What was kept of the rows, the largest error first."""
        if not self._kept:
            return []
        self._sort_out()
        _, score, *columns = self._kept[0]
        order = np.argsort(-score, kind="stable")
        return [column[order] for column in columns]

    def _sort_out(self) -> None:
        parts = [np.concatenate(column) for column in zip(*self._kept, strict=True)]
        cell, score = parts[:2]
        best = (score == self._top[cell]).nonzero()[0]
        keep = best[np.unique(cell[best], return_index=True)[1]]  # of equal errors one
        if len(keep) > ROWS:
            keep = keep[np.argpartition(-score[keep], ROWS)[:ROWS]]
            self.bar = float(score[keep].min())
        self._kept, self._held = [[part[keep] for part in parts]], len(keep)

    def _cell(self, u: Array) -> NDArray[np.intp]:
        place = cells(u, self._along)
        if self._along ** len(place) <= SLOTS:
            cell: NDArray[np.intp] = place[0].astype(np.intp)
            for along in place[1:]:
                cell = cell * self._along + along
            return np.asarray(cell)
        name: NDArray[np.uint64] = place[0].astype(np.uint64)
        for along in place[1:]:
            name = name * ODD + along.astype(np.uint64)
        return np.asarray(((name * ODD) >> np.uint64(46)).astype(np.intp))


def cells(u: Array, along: int) -> NDArray[np.int32]:
    """Which of ``along`` equal parts of each axis holds each point ``u`` (n, d) of the unit box, shape ``(d, n)``.

    >>> cells(np.array([[0.0, 0.5], [1.0, 0.7]]), 4).tolist()
    [[0, 3], [2, 2]]
    """
    place = (u * along).astype(np.int32)
    return np.ascontiguousarray(np.minimum(np.maximum(place, 0, out=place), along - 1, out=place).T)
