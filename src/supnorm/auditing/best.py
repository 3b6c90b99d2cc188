"""The best points of a stream, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Best:
    """The best ``size`` points of a stream, how many were seen, and which an ascent began at.

    Points wait until there are enough of them to be worth sorting out.
    """

    def __init__(self, size: int, d: int) -> None:
        self.size, self.seen = size, 0
        self._u, self._score, self._used = np.empty((0, d)), np.empty(0), np.empty(0, dtype=bool)
        self._bar = -np.inf
        self._waiting: list[tuple[Array, Array]] = []
        self._held = 0

    @property
    def u(self) -> Array:
        """The points, shape ``(n, d)``."""
        self._settle()
        return self._u

    @property
    def score(self) -> Array:
        """Their errors, shape ``(n,)``."""
        self._settle()
        return self._score

    @property
    def used(self) -> NDArray[np.bool_]:
        """Which an ascent began at, shape ``(n,)``; the search sets them."""
        self._settle()
        return self._used

    def add(self, u: Array, score: Array) -> None:
        """Add points; those without an error are dropped."""
        self.seen += len(u)
        good = np.flatnonzero(score > self._bar)
        if len(good):
            # Most of the first points are good: they are not copied, and must not change.
            self._waiting.append((u, score) if len(good) == len(u) else (u.take(good, axis=0), score[good]))
            self._held += len(good)
        if self._held > 2 * self.size:
            self._settle()

    def _settle(self) -> None:
        if not self._held:
            return
        us, scores = zip((self._u, self._score), *self._waiting, strict=True)
        score = np.concatenate(scores)
        used = np.concatenate([self._used, np.zeros(self._held, dtype=bool)])
        if len(score) > self.size:
            self._bar = float(np.partition(score, -self.size)[-self.size])
            top = np.flatnonzero(score >= self._bar)
            if len(top) > self.size:  # of those at the bar the first ones
                top = np.delete(top, np.flatnonzero(score[top] == self._bar)[self.size - len(top) :])
            u, score, used = _gathered(us, top), score[top], used[top]
        else:
            u = np.concatenate(us)
        self._u, self._score, self._used, self._waiting, self._held = u, score, used, [], 0


def _gathered(parts: Sequence[Array], rows: NDArray[np.intp]) -> Array:
    """Rows, in rising order, of all ``parts`` one after the other, without putting these together."""
    ends = np.cumsum([len(part) for part in parts])
    cuts = np.searchsorted(rows, ends).tolist()
    result = np.empty((len(rows), parts[0].shape[1]))
    begin = first = 0
    for part, cut, end in zip(parts, cuts, ends.tolist(), strict=True):
        part.take(rows[begin:cut] - first, axis=0, out=result[begin:cut])
        begin, first = cut, end
    return result
