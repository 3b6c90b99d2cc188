"""The last digits of the best peaks: L-BFGS-B where derivatives exist, then a derivative-free step.

L-BFGS-B (Byrd, Lu, Nocedal and Zhu 1995; scipy) converges fast on smooth peaks and stops at kinks; the
evolution strategy after it does not need smoothness. Peaks on faces stay on them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.evolution import EvolutionStrategy
from supnorm.auditing.landscape import GRADIENT, Landscape

Array = NDArray[np.float64]


class _Spent(Exception):
    """The budget is used up."""


@dataclass(frozen=True)
class Polish:
    """Hyper-parameters.

    Attributes:
        iterations: of L-BFGS-B, for each peak.
        strategy: of the derivative-free step.
        first: its first step length in the unit box.
    """

    iterations: int = 20
    strategy: EvolutionStrategy = EvolutionStrategy(
        steps=80, shrink=0.4, halve_every=8, fewest=2, smallest=1e-10
    )
    first: float = 1e-3

    def cost(self, d: int) -> int:
        """Evaluations that one peak takes, about."""
        return GRADIENT * self.iterations + self.strategy.steps // 2 * self.strategy.samples(d)

    def run(
        self, landscape: Landscape, u: Array, score: Array, budget: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Improve peaks ``u`` (k, d) with errors ``score`` (k,) within ``budget`` evaluations."""
        u, score = u.copy(), score.copy()
        start = landscape.remaining
        if landscape.differentiable:
            for i in range(len(u)):
                if start - landscape.remaining > budget // 2 or landscape.remaining < 60:
                    break
                if np.isfinite(score[i]):
                    u[i], score[i] = self._newton_like(landscape, u[i], score[i])
        return self.strategy.climb(
            landscape, u, score, self.first, rng, budget - (start - landscape.remaining)
        )

    def _newton_like(self, landscape: Landscape, u: Array, score: float) -> tuple[Array, float]:
        from scipy.optimize import minimize

        best = u, score

        def negative(v: Array) -> tuple[float, Array]:
            nonlocal best
            if not landscape.affordable(GRADIENT):  # maxfun is not kept within a line search
                raise _Spent
            value, slope = landscape.slope(np.clip(v, 0.0, 1.0)[None])
            if value[0] > best[1]:
                best = np.clip(v, 0.0, 1.0), float(value[0])
            if not np.isfinite(value[0]):  # outside the domain: a wall for the line search
                return 1e300 if value[0] < 0 else -1e300, np.zeros_like(v)
            return -float(value[0]), -slope[0]

        with suppress(_Spent):
            minimize(
                negative,
                u,
                jac=True,
                method="L-BFGS-B",
                bounds=[(0.0, 1.0)] * len(u),
                options={"maxiter": self.iterations, "maxfun": self.iterations + 10},
            )
        return best
