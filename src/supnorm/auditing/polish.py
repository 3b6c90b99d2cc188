"""The last digits of the best peaks: quasi-Newton where derivatives exist, then a derivative-free step.

Quasi-Newton ascent converges fast on smooth peaks and stops at kinks; the evolution strategy after it does not need
smoothness, and is left out for peaks whose gradient has vanished. Without derivatives CMA-ES learns the shape of a peak; in
many inputs that takes more evaluations than there are. Peaks on faces stay on them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.covariance import CovarianceAdaptation
from supnorm.auditing.evolution import EvolutionStrategy
from supnorm.auditing.landscape import GRADIENT, Landscape
from supnorm.auditing.quasi_newton import QuasiNewton
from supnorm.results.settings import NONE_TOO, Limits, Settings

Array = NDArray[np.float64]
MANY = 40  # inputs from which on no covariance is learned: 10^5 evaluations a peak, and d^3 operations a generation


@dataclass(frozen=True)
class Polish(Settings):
    """Hyper-parameters.

    Attributes:
        newton: the step with derivatives.
        strategy: the derivative-free step.
        first: its first step length in the unit box.
        adaptation: what black boxes get instead of both.
        wide: its first standard deviation.
        wider, widest: that of its first restart from the best peak, and of the later ones.
        fewest: generations that must be left for a restart.
        alone: peaks with more of which nothing is restarted: their chains look at several hills, and what is left is of
            more use to the screen (39 of 40 rows *smooth bump, d=2, black box* and not 36).
    """

    newton: QuasiNewton = QuasiNewton()
    strategy: EvolutionStrategy = EvolutionStrategy(
        steps=80, shrink=0.4, halve_every=8, fewest=2, smallest=1e-10
    )
    first: float = 1e-3  # 1e-4 and 1e-2 find as often: 20 of 20 kinks, d=4, from 1,000 evaluations
    adaptation: CovarianceAdaptation = CovarianceAdaptation()
    # 0.05 is wider than the bumps of the rows *smooth bump, d=2, black box* and loses 7 of 30; 0.003 loses 0.03 of BBOB.
    wide: float = 0.01
    # On 192 runs of BBOB (instances 11 to 18), without an end at the first restart that finds nothing better, solved to 1e-6
    # in d = 2, 5, 10: 160, 125, 107; with 0.1 and 0.2: 155, 121, 105; with 0.2 and 0.2: 155, 117, 105; 0.05 and 0.1: 160,
    # 124, 103. With that end: 160, 122, 107; rows *smooth bump ... black box*: 39, 39, 35 of 40 (before: 40, 39, 35).
    wider: float = 0.05
    widest: float = 0.2
    alone: int = 2
    fewest: int = 30  # a shape takes hundreds of evaluations; not tuned

    LIMITS: ClassVar[Limits] = {"alone": NONE_TOO}

    def adapts(self, landscape: Landscape, budget: int) -> bool:
        """Whether peaks of this error get CMA-ES: with less than half of its cost the evolution strategy comes as far."""
        few = landscape.d < MANY
        return few and not landscape.differentiable and 2 * budget >= self.adaptation.cost(landscape.d)

    def amply(self, landscape: Landscape, budget: int) -> bool:
        """Whether that budget is more than twice what CMA-ES needs for a peak."""
        return self.adapts(landscape, budget) and budget >= 2 * self.adaptation.cost(landscape.d)

    def cost(self, landscape: Landscape, budget: int) -> int:
        """Evaluations that one peak takes, about, where all peaks get ``budget``."""
        d = landscape.d
        if self.adapts(landscape, budget):
            return self.adaptation.cost(d)
        # Half of what rough peaks would take: smooth ones take far less, and what is left over is hard to use well.
        return (GRADIENT * self.newton.steps + self.strategy.steps // 2 * self.strategy.samples(d)) // 2

    def run(
        self, landscape: Landscape, u: Array, score: Array, budget: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Improve peaks ``u`` (k, d) with errors ``score`` (k,) within ``budget`` evaluations."""
        u, score = u.copy(), score.copy()
        if self.adapts(landscape, budget):
            return self._adapted(landscape, u, score, budget, rng)
        floor = landscape.remaining - budget
        rough = np.arange(len(u))
        if landscape.differentiable:
            u, score, flat = self.newton.run(landscape, u, score, budget // 2)
            rough = np.flatnonzero(~flat)
        if len(rough):
            u[rough], score[rough] = self.strategy.run(
                landscape, u[rough], score[rough], self.first, rng, landscape.remaining - floor
            )
        return u, score

    def _adapted(
        self, landscape: Landscape, u: Array, score: Array, budget: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """CMA-ES, and what its chains leave over for chains from the best peak, each with twice as many points a generation.

        These look beyond the hill that a chain has found, until one finds nothing better (after Auger and Hansen 2005,
        IPOP-CMA-ES, who restart anywhere: what lies elsewhere is the affair of the screen here).
        """
        floor = landscape.remaining - budget
        few = len(u) <= self.alone
        u, score = self.adaptation.run(landscape, u, score, self.wide, rng, budget)
        larger, first = self.adaptation, self.wider
        while few:
            larger = replace(larger, population=2 * larger.population)
            left, top = landscape.remaining - floor, int(np.argmax(score))
            if left < self.fewest * larger.points(landscape.d) or landscape.late or not score[top] < np.inf:
                break
            found, heights = larger.run(landscape, u[[top]], score[[top]], first, rng, left)
            few = bool(heights[0] - score[top] > larger.still * score[top])
            u, score, first = np.concatenate([u, found]), np.concatenate([score, heights]), self.widest
        return u, score
