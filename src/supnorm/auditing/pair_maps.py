"""The largest error in each cell of a grid over each pair of inputs, of everything that was evaluated.

Points are entered into tables over three inputs, chosen so that every pair is in one of them; the map of a pair is
the maximum of its table along the third input. Eight inputs have 28 pairs and take 11 tables: less than half of the
work. Cost: a table has as many cells as a grid's side to the third power, 32 kB for a side of 16; there are about
d^2 / 6 of them. With more than `MOST` inputs, where they would not fit into the cache, each pair has its own.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MOST = 16  # inputs up to which tables are shared
PAIRS = 20_000  # those of 200 inputs: a map takes 2 kB for a side of 16, and every point is entered into every map
MANY = 1 << 16  # points, before the lowest cell is looked for: that takes as long as to enter 10,000 of them


class PairMaps:
    """Maps of all pairs of ``d`` inputs, in the order of ``itertools.combinations``; of neighbours, where they are many.

    Args:
        d: number of inputs.
        cells: of a grid, along one side.

    Attributes:
        lowest: no cell of any map holds less, so that points with smaller errors change nothing; minus infinity until
            there are many points.

    >>> maps = PairMaps(2, 2)
    >>> maps.add(np.array([[0, 1, 1], [1, 1, 1]]), np.array([3.0, 4.0, 5.0]))
    >>> maps.panel(0).tolist()
    [[-inf, -inf], [3.0, 5.0]]
    """

    def __init__(self, d: int, cells: int) -> None:
        self.cells, self.lowest = cells, -np.inf
        self.pairs = chosen(d)
        self._groups = covering(d) if d <= MOST else [*self.pairs]
        held = {
            pair: at for at, group in enumerate(self._groups) for pair in itertools.combinations(group, 2)
        }
        self._held = [held[pair] for pair in self.pairs]
        self._tables = [np.full((cells,) * len(group), -np.inf) for group in self._groups]
        self._entered, self._look_at = 0, MANY

    def add(self, cell: NDArray[np.integer], score: Array) -> None:
        """Enter points by their cells along each input (d, n) and their errors (n,)."""
        rows, slabs = cell * self.cells, cell * self.cells**2
        at = np.empty(len(score), dtype=np.intp)
        for table, (*first, j, k) in zip(self._tables, self._groups, strict=True):
            np.add(rows[j] + slabs[first[0]] if first else rows[j], cell[k], out=at)
            np.maximum.at(table.reshape(-1), at, score)
        self._entered += len(score)
        if self._entered >= self._look_at:
            self._look_at = 2 * self._entered
            self.lowest = min((self.panel(i).min() for i in range(len(self.pairs))), default=np.inf)

    def panel(self, pair: int) -> Array:
        """Largest error per cell of a pair, shape (cells, cells): rows along the second input; -inf where none."""
        wanted = self.pairs[pair]
        table, group = self._tables[self._held[pair]], self._groups[self._held[pair]]
        others = tuple(axis for axis, i in enumerate(group) if i not in wanted)
        return np.asarray(table.max(axis=others).T)


def chosen(d: int) -> list[tuple[int, int]]:
    """All pairs of ``d`` inputs where these are at most `PAIRS`; else the first `PAIRS` of neighbours.

    >>> chosen(3), len(chosen(200)), len(chosen(1000)), len(chosen(50_000))
    ([(0, 1), (0, 2), (1, 2)], 19900, 999, 20000)
    """
    if d * (d - 1) // 2 <= PAIRS:
        return list(itertools.combinations(range(d), 2))
    return [(i, i + 1) for i in range(min(d - 1, PAIRS))]


@functools.cache
def covering(d: int) -> list[tuple[int, ...]]:
    """Groups of three of ``d`` inputs that hold every pair of them, greedily few; of two inputs the pair.

    >>> covering(4)
    [(0, 1, 2), (0, 1, 3), (0, 2, 3)]
    """
    if d < 3:
        return [(0, 1)] * (d - 1)
    missing = np.triu(np.ones((d, d), dtype=bool), 1)
    groups: list[tuple[int, ...]] = []
    for i, j in itertools.combinations(range(d), 2):
        if missing[i, j]:
            either = missing | missing.T
            k = int(np.argmax(np.where(np.isin(range(d), (i, j)), -1, either[i].astype(int) + either[j])))
            groups.append(tuple(sorted((i, j, k))))
            missing[np.ix_(groups[-1], groups[-1])] = False
    return groups
