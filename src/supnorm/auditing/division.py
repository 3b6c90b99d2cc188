"""Boxes that are divided: the DIRECT algorithm, a batch of points at a time, down to boxes that an ascent can take over.

The unit box is cut into boxes by trisection. Each has been evaluated at its middle. In a turn those boxes are cut that would
have the highest point for some Lipschitz constant: of every size at most one, on the upper hull of size and error (Jones,
Perttunen and Stuckman 1993; the gain that a box has to promise as in Gablonsky and Kelley 2001, section 2). So large boxes
are looked into however low their middle is, and small ones where the error is high. Boxes below a size are not cut: the
last digits of a peak are the affair of ascents, which need ten times fewer evaluations for them.
All points of a turn are evaluated in one call; SciPy's `direct` calls them one by one.
Cost: the evaluations it is given, and memory in proportion to them. Choose it for smooth errors in three to six inputs whose
highest peak fills little of the domain; in many inputs the first cuts alone take all evaluations.
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
        d: inputs.
        deepest: cuts of each axis at which a box is not cut again.
        u: middles of the boxes, shape ``(n, d)``.
        score: errors there, ``(n,)``.
        cuts: how often each axis was cut, ``(n, d)``.

    >>> import supnorm as sn
    >>> from supnorm.auditing.landscape import Landscape
    >>> from supnorm.evaluation import Evaluator
    >>> from supnorm.evaluation.limit import Limit
    >>> domain = sn.Domain.from_axes({"a": (0.0, 1.0), "b": (0.0, 1.0)})
    >>> problem = sn.Problem(lambda x: 1 - ((x - 0.3) ** 2).sum(axis=1), lambda x: 0 * x[:, 0], domain)
    >>> division = Division(2, deepest=4)
    >>> u, score = division.refine(Landscape(Evaluator(problem), Limit(evaluations=200)), 200)
    >>> u[score.argmax()].round(2).tolist()
    [0.3, 0.3]
    """

    d: int
    deepest: int
    u: Array = field(init=False)
    score: Array = field(init=False)
    cuts: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.u, self.score = np.empty((0, self.d)), np.empty(0)
        self.cuts = np.empty((0, self.d), dtype=np.int64)

    def refine(self, landscape: Landscape, budget: int) -> tuple[Array, Array]:
        """Go on dividing; the new points ``(k, d)`` and their errors ``(k,)``."""
        before, floor = len(self.u), landscape.remaining - budget
        if not before and budget > 0:
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
        for box in self._promising().tolist():
            cuts = self.cuts[box]
            axes = np.flatnonzero(cuts == cuts.min())[: left // 2]
            if len(axes):
                left -= 2 * len(axes)
                chosen.append(box)
                steps.append(axes)
        if not chosen:
            return False
        moves = [
            3.0 ** -(self.cuts[box].min() + 1.0) * np.eye(self.d)[axes]
            for box, axes in zip(chosen, steps, strict=True)
        ]
        u = np.concatenate(
            [self.u[box] + np.concatenate([move, -move]) for box, move in zip(chosen, moves, strict=True)]
        )
        at = len(self.u)
        self._add(landscape, u, np.zeros((len(u), self.d), dtype=np.int64))
        for box, axes in zip(chosen, steps, strict=True):
            ahead = at + np.arange(len(axes))
            behind = ahead + len(axes)
            best = np.maximum(self.score[ahead], self.score[behind])
            for i in np.argsort(-best, kind="stable"):  # the axis with the best point keeps the largest boxes
                self.cuts[box, axes[i]] += 1
                self.cuts[[ahead[i], behind[i]]] = self.cuts[box]
            at += 2 * len(axes)
        return True

    def _promising(self) -> NDArray[np.intp]:
        """Boxes on the upper hull of size and error, the largest ones included."""
        # The cuts of a box differ by one at most, so that their sum says how large it is.
        total, score = self.cuts.sum(axis=1), np.where(np.isfinite(self.score), self.score, -np.inf)
        going = total < self.deepest * self.d
        top = np.full(self.deepest * self.d, -np.inf)
        np.maximum.at(top, total[going], score[going])
        levels = np.flatnonzero(top > -np.inf)[::-1]  # from small boxes to large ones
        if not len(levels):
            return levels
        deep, rest = np.divmod(levels, self.d)
        x, y = np.sqrt((self.d - rest) * 9.0**-deep + rest * 9.0 ** -(deep + 1.0)), top[levels]
        hull: list[int] = []
        for i in range(int(np.argmax(y)), len(levels)):
            while len(hull) > 1 and (y[hull[-1]] - y[hull[-2]]) * (x[i] - x[hull[-2]]) <= (
                y[i] - y[hull[-2]]
            ) * (x[hull[-1]] - x[hull[-2]]):
                hull.pop()
            hull.append(i)
        best, kept = score.max(), []
        for i, after in zip(hull, [*hull[1:], -1], strict=True):
            slope = np.inf if after < 0 else (y[i] - y[after]) / (x[after] - x[i])
            if y[i] + slope * x[i] >= best + EPSILON * abs(best):
                kept.append(i)
        return np.array([np.flatnonzero((total == levels[i]) & (score == y[i]))[0] for i in kept])
