"""Lines along the axes through the best peak: for errors that are nearly a sum over the inputs, each with hills of its own.

Such an error has as many peaks as the product of what the inputs have, and an ascent ends on any of them; but on the line
through a peak each input shows its better hills alone. Every line gets a grid, and its highest hills are ascended by halving
steps. If one is higher than the peak, the inputs that gain move together, those with the largest gains first, as many as the
error allows; and the same again on shorter lines, where hills show that the grid was too coarse for.
Cost: 44 evaluations an input without a higher hill, else 57 a turn. Choose it in two and more inputs; an error
whose ripples are turned against the axes gains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape
from supnorm.results.option import Allowed
from supnorm.results.settings import Limits, Settings

Array = NDArray[np.float64]
Axes = NDArray[np.intp]


@dataclass(frozen=True)
class Lines(Settings):
    """Hyper-parameters, for BBOB in 5 and 10 inputs with 2,000 evaluations an input (`benchmarks.search.functions`).

    Of 32 runs of f3 and f4 (instances 11 to 18, d = 5 and 10) 31 come to 1e-6, and none without lines; rows *BBOB-5* and
    *BBOB-10* guard. In two inputs, with 4,000 evaluations, lines and `Broad` follow `Lattice` where the best screened points
    show a large hill: of 960 runs (instances 31 to 70) 865 come to 1e-6, and 824 without them; 944 and 939 to 1e-2. Without
    that condition it is 857 and 942, because on f23 they leave CMA-ES too little. Of 300 bumps (row *smooth bump, d=2,
    p=1e-04, black box* with 4,000 evaluations) 248 are found with and without them.

    Attributes:
        points: of the grid on a line; with 40 it is 29 of the 32.
        hills: of a line that get one step, the highest ones, and how many of these get the next one. With (4,) or (8,) alone
            28 of the 32: after one step a higher hill need not be higher yet.
        halvings: of the step of the later ascent, of the highest hill and of the peak's own; not tuned.
        widths: of the lines in the unit box, in turn, as long as an input changes its hill. With (4,) and whole lines of 64
            points 22 of the 32.
        share: of the budget of the polish, at most.
    """

    points: int = 32
    hills: tuple[int, ...] = (4, 2)
    halvings: int = 3
    widths: tuple[float, ...] = (1.0, 0.25, 1.0, 0.25)
    share: float = 1 / 3  # what is left suffices for CMA-ES on the peak; not tuned

    LIMITS: ClassVar[Limits] = {"widths": Allowed(low=0, high=1)}

    def cost(self, d: int) -> int:
        """Evaluations of a turn, at most."""
        return d * (self.points + 2 * sum(self.hills) + 4 * self.halvings + 1)

    def run(self, landscape: Landscape, u: Array, score: Array, budget: int) -> tuple[Array, Array, float]:
        """The best point to which lines lead from the best of the peaks ``u`` (n, d) with errors ``score`` (n,).

        Args:
            budget: of the polish, of which the lines take their share.

        Returns:
            It and its error, shapes ``(1, d)`` and ``(1,)``, and how many other hills an input's first line shows, on the
            average; balls round data hold no lines, and the peak comes back.
        """
        top = int(np.argmax(score))
        here, height, seen = u[top], float(score[top]), [0.0]
        floor = landscape.remaining - int(self.share * budget)
        for width in self.widths if landscape.evaluator.problem.domain.cloud is None else ():
            poor = landscape.remaining - floor < self.cost(landscape.d)
            if poor or landscape.late or not np.isfinite(height):
                break
            before = here
            here, height, hills = self._turn(landscape, here, height, width)
            seen.append(hills / landscape.d)
            if np.abs(here - before).max() < width / self.points:  # the same hills
                break
        return here[None], np.array([height]), seen[:2][-1]

    def _turn(self, landscape: Landscape, u: Array, score: float, width: float) -> tuple[Array, float, int]:
        d, gap = len(u), width / self.points
        here = self._others(landscape, u, width)
        hills = len(here.t)
        for kept in self.hills:
            here = here.highest(kept).ascended(landscape, gap / 2)
            gap /= 2
        if not (here.height > score).any():
            return u, score, hills
        here, own = here.highest(1), _Points(u, np.arange(d), u, np.full(d, score))
        for _ in range(self.halvings):
            here, own = here.ascended(landscape, gap / 2), own.ascended(landscape, gap / 2)
            gap /= 2
        return *here.beside(own).highest(1).together(landscape, score), hills

    def _others(self, landscape: Landscape, u: Array, width: float) -> _Points:
        """The hills of a grid on the line of each input, but the peak's own."""
        d, n = len(u), self.points
        begin = np.clip(u - width / 2, 0.0, 1.0 - width)
        t = begin[:, None] + width * (np.arange(n) + 0.5) / n
        grid = _Points(u, np.arange(d).repeat(n), t.reshape(-1), np.empty(0))
        height = landscape.score(grid.points).reshape(d, n)
        beside = np.pad(height, ((0, 0), (1, 1)), constant_values=-np.inf)
        hills = (height > beside[:, :-2]) & (height >= beside[:, 2:]) & (np.abs(t - u[:, None]) > width / n)
        return _Points(u, np.nonzero(hills)[0], t[hills], height[hills])


@dataclass(frozen=True)
class _Points:
    """Points (n,) on lines through ``u`` (d,): the input that differs there, its value ``t``, and the error."""

    u: Array
    axis: Axes
    t: Array
    height: Array

    @property
    def points(self) -> Array:
        """In the unit box, (n, d)."""
        points = np.tile(self.u, (len(self.t), 1))
        points[np.arange(len(self.t)), self.axis] = self.t
        return points

    def beside(self, other: _Points) -> _Points:
        """Both."""
        mine, others = (self.axis, self.t, self.height), (other.axis, other.t, other.height)
        return _Points(self.u, *(np.concatenate(pair) for pair in zip(mine, others, strict=True)))

    def highest(self, kept: int) -> _Points:
        """The highest ``kept`` of each line."""
        higher = (self.axis[:, None] == self.axis) & (self.height[:, None] < self.height)
        going = higher.sum(axis=1) < kept
        return _Points(self.u, self.axis[going], self.t[going], self.height[going])

    def ascended(self, landscape: Landscape, step: float) -> _Points:
        """The best of each point and of those a step beside it on its line."""
        t = np.clip(self.t + step * np.array([[0.0], [1.0], [-1.0]]), 0.0, 1.0)
        sides = _Points(self.u, np.tile(self.axis, 2), t[1:].reshape(-1), np.empty(0))
        height = np.concatenate([self.height, landscape.score(sides.points)]).reshape(3, -1)
        best, line = np.argmax(height, axis=0), np.arange(len(self.t))
        return _Points(self.u, self.axis, t[best, line], height[best, line])

    def together(self, landscape: Landscape, score: float) -> tuple[Array, float]:
        """The best of the points where the first one, two, ... of those inputs have moved that gain most."""
        order = np.argsort(-self.height, kind="stable")
        order = order[self.height[order] > score]
        moved = np.tile(self.u, (len(order), 1))
        for i, which in enumerate(order):
            moved[i:, self.axis[which]] = self.t[which]
        height = landscape.score(moved)
        best = int(np.argmax(height))
        return (moved[best], float(height[best])) if height[best] > score else (self.u, score)
