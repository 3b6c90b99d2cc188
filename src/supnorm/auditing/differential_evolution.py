"""Differential evolution, a whole generation at once (Storn and Price 1997, rand-to-best/1/bin).

trial = u + F (best - u) + F (a - b) with dithered F, crossed over with u; the better of trial and u lives. Bounds
by reflection. Cost: one evaluation a member and generation. It follows ridges on which first-order ascent
stalls; it needs thousands of evaluations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DifferentialEvolution:
    """Hyper-parameters.

    Attributes:
        members: of the population for each input, with at least 20 and, by this, at most 100 in all.
        fewest: generations; a budget for fewer is better spent elsewhere.
        generations: a budget for more than these goes into a larger population.
        crossover: probability that a coordinate comes from the mutant.
        low, high: range of the dithered F.
    """

    members: int = 10
    fewest: int = 30
    generations: int = 40
    crossover: float = 0.8
    low: float = 0.4
    high: float = 0.9

    def population(self, d: int, budget: int) -> int:
        """Size of the population."""
        return max(20, min(self.members * d, 100), budget // self.generations)

    def run(
        self, landscape: Landscape, u: Array, score: Array, budget: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Evolve a population ``u`` (k, d), ``score`` (k,) for ``budget`` evaluations; returns it."""
        u, score = u.copy(), score.copy()
        k, d = u.shape
        if k < 5:
            return u, score
        members = np.arange(k)
        for _ in range(min(budget, landscape.remaining) // k):
            best = u[np.argmax(score)]
            a, b, other = (members + rng.integers(1, k, (3, k))) % k
            draw = rng.random((k, d + 3), dtype=np.float32)
            f = self.low + (self.high - self.low) * draw[:, :1]
            mutant = u[a]
            mutant -= u[b]
            mutant *= f
            # Half rand/1, half rand-to-best/1.
            mutant += np.where(draw[:, 1:2] < 0.5, u + f * (best - u), u[other])
            mutant = 1.0 - np.abs(
                1.0 - np.abs(mutant)
            )  # u, a and b lie in the box: one reflection at each end
            cross = draw[:, 3:] < self.crossover
            cross[members, (d * draw[:, 2]).astype(np.intp)] = True
            trial = landscape.inside(np.where(cross, mutant, u))
            new = landscape.score(trial)
            better = new >= score
            u[better], score[better] = trial[better], new[better]
        return u, score
