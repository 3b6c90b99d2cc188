"""The best points of a stream, in memory that does not grow with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Best:
    """The best ``size`` points of a stream, how many were seen, and which were climbed from.

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
        """Which were climbed from, shape ``(n,)``; the search sets them."""
        self._settle()
        return self._used

    def add(self, u: Array, score: Array) -> None:
        """Add points; those without an error are dropped."""
        self.seen += len(u)
        good = np.flatnonzero(score > self._bar)
        if len(good):
            self._waiting.append((u.take(good, axis=0), score[good]))
            self._held += len(good)
        if self._held > 2 * self.size:
            self._settle()

    def _settle(self) -> None:
        if not self._held:
            return
        us, scores = zip(*self._waiting, strict=True)
        u, score = np.concatenate([self._u, *us]), np.concatenate([self._score, *scores])
        used = np.concatenate([self._used, np.zeros(self._held, dtype=bool)])
        if len(score) > self.size:
            top = np.argpartition(-score, self.size)[: self.size]
            u, score, used = u.take(top, axis=0), score[top], used[top]
            self._bar = float(score.min())
        self._u, self._score, self._used, self._waiting, self._held = u, score, used, [], 0
