"""Boxes that are divided: the DIRECT algorithm (Jones, Perttunen and Stuckman 1993), a batch of points at a time.

The unit box is cut into boxes by trisection. Each has been evaluated at its middle. In a turn those boxes are cut that would
have the highest point for some Lipschitz constant: of every size at most one, on the upper hull of size and error. So large
boxes are looked into however low their middle is, and small ones where the error is high. All points of a turn are evaluated
in one call; SciPy's `direct` calls them one by one, which takes longer than the search and leaves workers idle.
Cost: the evaluations it is given. Choose it for smooth errors whose highest peak fills little of the domain.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape

Array = NDArray[np.float64]
EPSILON = 1e-4  # least gain that a box has to promise, over the highest error; Jones et al., section 5


@dataclass
class Division:
    """A division of the unit box so far.

    Attributes:
        u: middles of the boxes, shape ``(n, d)``.
        score: errors there, ``(n,)``.
        cuts: how often each axis was cut, ``(n, d)``.
    """

    d: int
    u: Array = field(init=False)
    score: Array = field(init=False)
    cuts: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.u, self.score = np.empty((0, self.d)), np.empty(0)
        self.cuts = np.empty((0, self.d), dtype=np.int64)

    def refine(self, landscape: Landscape, budget: int) -> tuple[Array, Array]:
        """Go on dividing; the new points ``(k, d)`` and their errors ``(k,)``."""
        before, floor = len(self.u), landscape.remaining - budget
        if not before:
            self._add(landscape, np.full((1, self.d), 0.5), np.zeros((1, self.d), dtype=np.int64))
        while (left := landscape.remaining - floor) >= 2 and not landscape.late:
            if not self._turn(landscape, left):
                break
        return self.u[before:], self.score[before:]

    def _add(self, landscape: Landscape, u: Array, cuts: NDArray[np.int64]) -> Array:
        score = landscape.score(u)
        self.u, self.score = np.concatenate([self.u, u]), np.concatenate([self.score, score])
        self.cuts = np.concatenate([self.cuts, cuts])
        return score

    def _turn(self, landscape: Landscape, left: int) -> bool:
        """Cut the boxes of one turn; false where none can be cut."""
        chosen, steps = [], []
        for box in self._promising():
            axes = np.flatnonzero(self.cuts[box] == self.cuts[box].min())
            if 2 * len(axes) > left:
                axes = axes[: left // 2]
            if len(axes):
                left -= 2 * len(axes)
                chosen.append(box)
                steps.append(axes)
        if not chosen:
            return False
        u = []
        for box, axes in zip(chosen, steps, strict=True):
            aside = 3.0 ** -(self.cuts[box].min() + 1.0) * np.eye(self.d)[axes]
            u += [self.u[box] + aside, self.u[box] - aside]
        begin = len(self.u)
        score = self._add(landscape, np.concatenate(u), np.zeros((sum(map(len, u)), self.d), dtype=np.int64))
        at = 0
        for box, axes in zip(chosen, steps, strict=True):
            k = len(axes)
            ahead, behind = begin + at + np.arange(k), begin + at + k + np.arange(k)
            best = np.maximum(score[at : at + k], score[at + k : at + 2 * k])
            for i in np.argsort(-best, kind="stable"):  # the axis with the best point keeps the largest boxes
                self.cuts[box, axes[i]] += 1
                self.cuts[[ahead[i], behind[i]]] = self.cuts[box]
            at += 2 * k
        return True

    def _promising(self) -> NDArray[np.intp]:
        """Boxes on the upper hull of size and error, the largest ones included."""
        size = np.round(np.sqrt((9.0**-self.cuts).sum(axis=1)), 12)
        order = np.lexsort((-self.score, size))
        first = order[
            np.unique(size[order], return_index=True)[1]
        ]  # the best box of each size, from small to large
        first = first[np.isfinite(self.score[first])]
        if not len(first):
            return first
        x, y = size[first], self.score[first]
        hull: list[int] = []
        for i in range(int(np.argmax(y)), len(first)):
            while len(hull) > 1 and (y[hull[-1]] - y[hull[-2]]) * (x[i] - x[hull[-2]]) <= (
                y[i] - y[hull[-2]]
            ) * (x[hull[-1]] - x[hull[-2]]):
                hull.pop()
            hull.append(i)
        best, kept = y.max(), []
        for a, i in enumerate(hull):
            slope = np.inf if a + 1 == len(hull) else (y[i] - y[hull[a + 1]]) / (x[hull[a + 1]] - x[i])
            if y[i] + slope * x[i] >= best + EPSILON * abs(best):
                kept.append(i)
        return np.asarray(first[kept])
