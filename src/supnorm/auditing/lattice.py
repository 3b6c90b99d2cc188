"""Many smooth peaks without derivatives: quasi-Newton steps from differences of errors, then the lattice of the peaks.

Where the best peak turns out to be smooth, many of the others are ascended as well: a slope takes 2 d evaluations, and the
differences say how curved the error is along each axis, so that a peak takes some ten times fewer evaluations than CMA-ES
needs for it. Ripples put peaks on a lattice, nearly: from the best peak, the vectors between the peaks that were reached
lead to others, of which the highest are ascended, as long as they are better.
Cost: 2 d + 1 evaluations a peak and step. Choose it for ripples in few inputs; at a kink it stops after some steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.ascent import projected
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.quasi_newton import updated
from supnorm.auditing.thinning import thin
from supnorm.results.settings import NONE_TOO, Limits, Settings

Array = NDArray[np.float64]
APART = 1e-2  # peaks that are nearer to each other, in the unit box, count as one
SHORTEST = 1e-4  # share of a step below which a peak is not smooth
LONGEST = 0.1  # step in the unit box


@dataclass(frozen=True)
class Lattice(Settings):
    """Hyper-parameters, for BBOB in two inputs with 4,000 evaluations (`benchmarks.search.functions`).

    Instances 11 to 18 with two seeds chose them; rows *BBOB-2* and *smooth bump, d=2, p=1e-04, black box* guard.

    Attributes:
        inputs: at most; 0 for never. In 5 inputs a variant of it solved 345 of 384 runs to 1e-2, and without it 346.
        peaks: that are ascended where the first one is smooth; 12 and 32 solve about as many.
        looks: steps within which the first one has to converge; 6 and 8 find fewer of the rippled ones (f24).
        steps: of each of the others.
        share, found: of the budget of the polish, for these peaks, and for those that the lattice names.
        apart: of the points whose difference is a slope. 1e-3 finds fewer (f24, f17).
        still: a step that would gain less than this share of the error ends an ascent.
        tried: points of the lattice in a turn, for each input.
        ascended: of them, the highest ones.
        finished: peaks that are ascended in three and more inputs, where `Lines` show few hills; 0 for none. If the best of
            their ends is smooth, CMA-ES would find nothing more there: of 200 functions of GKLS in 5 inputs 174 are solved
            to 1e-2, and 183 with its evaluations in another round, half of whose screen looks on the `Hill` (with two peaks;
            the first 50: 43, and 47 with one or two). With two CMA-ES has too little left where
            neither is smooth (f10, f22 in 10 inputs: 30 and not 32 of 48 to 1e-6).
        nearly: such a peak counts as reached, too, if the step at which it stands still would gain less than this share of
            the error. Where its curvature depends on the direction, as at the minima of GKLS, no step gains less than
            `still`, and CMA-ES took a quarter of all evaluations for digits that were there. Of 200 functions of GKLS in 5
            inputs (101 to 200, 401 to 500) 195 are solved to 1e-2 with 1e-6, and 187 without; of the first hundred 97 with
            1e-8, 98 with 1e-7 and 1e-6, and 94 without. But with 1e-7 a long and narrow peak (f11 in 5 inputs, instances
            31 and 32) counts as reached at 2e-6 and 1e-6.
    """

    inputs: int = 2
    peaks: int = 16
    looks: int = 12
    steps: int = 30
    share: float = 0.5
    found: float = 0.3
    apart: float = 1e-4
    still: float = 1e-10
    tried: int = 8
    ascended: int = 3
    finished: int = 1
    nearly: float = 1e-8

    LIMITS: ClassVar[Limits] = {"inputs": NONE_TOO, "finished": NONE_TOO}

    def run(self, landscape: Landscape, u: Array, score: Array, budget: int) -> tuple[Array, Array]:
        """Ascend from the best of the peaks ``u`` (n, d) with errors ``score`` (n,), and along their lattice.

        Returns:
            The ends of the ascents (k, d) and their errors (k,).
        """
        floor = landscape.remaining - int(self.share * budget)
        top = thin(u, score, APART * np.sqrt(landscape.d), self.peaks)
        u, score = u[top], score[top]
        first = self.ascend(landscape, u[:1], score[:1], landscape.remaining - floor, self.looks)
        if not first.converged.any():
            return first.u, first.best
        rest = self.ascend(landscape, u[1:], score[1:], landscape.remaining - floor, self.steps)
        u, score = np.concatenate([first.u, rest.u]), np.concatenate([first.best, rest.best])
        return self._along(landscape, u, score, int(self.found * budget))

    def finish(self, landscape: Landscape, u: Array, score: Array, budget: int) -> tuple[Array, Array, bool]:
        """Ascend from the best of the peaks ``u`` (n, d) with errors ``score`` (n,).

        Returns:
            The ends of the ascents (k, d), their errors (k,), and whether the best one is a smooth peak, nearly reached.
        """
        if not self.finished:
            return u[:0], score[:0], False
        top = thin(u, score, APART * np.sqrt(landscape.d), self.finished)
        ends = self.ascend(landscape, u[top], score[top], budget, self.steps)
        best = int(np.argmax(ends.best))
        return ends.u, ends.best, bool(ends.gain[best] < self.nearly * abs(ends.best[best]))

    def _along(self, landscape: Landscape, u: Array, score: Array, budget: int) -> tuple[Array, Array]:
        """The same peaks and those to which the vectors between them lead, from the best one, while it gets better."""
        floor = landscape.remaining - budget
        better = True
        while better and (left := landscape.remaining - floor) >= 4 * landscape.d:
            top = int(np.argmax(score))
            # Peaks that are one give vectors that lead nowhere.
            one_each = u[thin(u, score, APART, len(u), fill=False)]
            trials = (u[top] + one_each[:, None] - one_each).reshape(-1, landscape.d)
            trials = trials[((trials >= 0) & (trials <= 1)).all(axis=1)]
            trials = trials[np.argsort(np.linalg.norm(trials - u[top], axis=1), kind="stable")]
            trials = _new(trials, one_each, min(self.tried * landscape.d, left))
            if not len(trials):
                break
            heights = landscape.score(trials)
            best = np.argsort(-heights, kind="stable")[: self.ascended]
            ends = self.ascend(
                landscape, trials[best], heights[best], landscape.remaining - floor, self.steps
            )
            better = bool(ends.best.max() > score[top] + 1e-9 * abs(score[top]))
            u, score = np.concatenate([u, ends.u]), np.concatenate([score, ends.best])
        return u, score

    def ascend(self, landscape: Landscape, u: Array, score: Array, budget: int, steps: int) -> Ends:
        """Ascend from ``u`` (k, d) with errors ``score`` (k,) within ``budget`` evaluations, all of them at once."""
        ends = Ends(u.copy(), score.copy())
        d = landscape.d
        floor = landscape.remaining - budget
        rows = np.flatnonzero(np.isfinite(score))[: max(0, budget) // (2 * d + 1)]
        slope, length = np.zeros_like(u), np.ones(len(u))
        inverse = np.zeros((len(u), d, d))
        if len(rows):
            slope[rows], inverse[rows] = self._differences(landscape, ends.u[rows], ends.best[rows])
        for _ in range(steps):
            free = projected(ends.u[rows], slope[rows])
            move = np.where(free == 0, 0.0, (inverse[rows] @ free[..., None])[..., 0])
            gain = np.vecdot(move, free)
            reached = slope[rows].any(axis=1) & (gain >= 0) & (gain < self.still * np.abs(ends.best[rows]))
            ends.converged[rows[reached]] = True
            stuck = slope[rows].any(axis=1) & (gain >= 0) & (length[rows] < SHORTEST)
            ends.gain[rows[stuck | reached]] = gain[stuck | reached]
            ends.inverse[rows] = inverse[rows]
            going = np.flatnonzero(~reached & (gain > 0) & (length[rows] >= SHORTEST))
            going = going[: max(0, landscape.remaining - floor) // (2 * d + 1)]
            if not len(going):
                break
            rows, move = rows[going], move[going]
            move *= np.minimum(1.0, LONGEST / np.maximum(np.linalg.norm(move, axis=1), 1e-300))[:, None]
            trial = landscape.inside(ends.u[rows] + length[rows, None] * move)
            heights = landscape.score(trial)
            better = (heights > ends.best[rows]) & (heights < np.inf)
            won = rows[better]
            length[rows[~better]] *= 0.25
            if len(won):
                step = trial[better] - ends.u[won]
                ends.u[won], ends.best[won], length[won] = trial[better], heights[better], 1.0
                fresh = self._differences(landscape, ends.u[won], ends.best[won])[0]
                inverse[won] = updated(inverse[won], step, slope[won] - fresh)
                slope[won] = fresh
        return ends

    def _differences(self, landscape: Landscape, u: Array, score: Array) -> tuple[Array, Array]:
        """Slopes (k, d) at ``u`` (k, d), and inverses of the curvatures along the axes (k, d, d), without their sign."""
        k, d = u.shape
        aside = self.apart * np.eye(d)
        ahead, behind = np.minimum(u[:, None] + aside, 1.0), np.maximum(u[:, None] - aside, 0.0)
        heights = landscape.score(np.concatenate([ahead, behind], axis=1).reshape(-1, d)).reshape(k, 2, d)
        with np.errstate(invalid="ignore", over="ignore"):
            slope = (heights[:, 0] - heights[:, 1]) / np.einsum("kjj->kj", ahead - behind)
            curved = np.abs(heights[:, 0] - 2 * score[:, None] + heights[:, 1]) / self.apart**2
        slope, curved = (np.where(np.isfinite(v), v, 0.0) for v in (slope, curved))
        # Along an axis on which the error is straight a step is long, and `LONGEST` cuts it.
        least = 1e-3 * np.maximum(curved.max(axis=1), np.abs(slope).max(axis=1) / LONGEST)
        curved = np.maximum(curved, np.maximum(least, 1e-300)[:, None])
        return slope, np.eye(d) / curved[:, None]


@dataclass
class Ends:
    """Where ascents ended.

    Attributes:
        u, best: points (k, d) and their errors (k,).
        converged: which of them converged (k,).
        gain: what the step promised at which they converged or stood still (k,); infinite elsewhere.
        inverse: the inverse of the curvature that was learned (k, d, d), without its sign.
    """

    u: Array
    best: Array
    converged: NDArray[np.bool_] = field(init=False)
    gain: Array = field(init=False)
    inverse: Array = field(init=False)

    def __post_init__(self) -> None:
        self.converged = np.zeros(len(self.u), dtype=bool)
        self.inverse = np.tile(np.eye(self.u.shape[1]), (len(self.u), 1, 1))
        self.gain = np.full(len(self.u), np.inf)


def _new(trials: Array, known: Array, most: int) -> Array:
    """The first ``most`` trials that are far from the known points (k, d) and from each other."""
    seen = known.copy()
    for trial in trials:
        if len(seen) - len(known) >= most:
            break
        if np.linalg.norm(seen - trial, axis=1).min() > APART:
            seen = np.concatenate([seen, trial[None]])
    return seen[len(known) :]
