"""Differential evolution, a whole generation at once (Storn and Price 1997, rand-to-best/1/bin).

trial = u + F (best - u) + F (a - b) with dithered F, crossed over with u; the better of trial and u lives. Bounds
by reflection. Cost: one evaluation a member and generation. It follows ridges on which first-order ascent
stalls; it needs thousands of evaluations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape
from supnorm.results.settings import Settings

Array = NDArray[np.float64]
# Random numbers that are drawn at once: between calls of the model each one costs twice as much.
DRAWN = 1 << 16


@dataclass(frozen=True)
class DifferentialEvolution(Settings):
    """Hyper-parameters.

    Attributes:
        members: of the population for each input, with at least 20 and, by this, at most 100 in all.
        fewest: generations; a budget for fewer is better spent elsewhere.
        generations: a budget for more than these goes into a larger population.
        crossover: probability that a coordinate comes from the mutant.
        low, high: range of the dithered F.
    """

    # Each number smaller and larger by a factor of about two finds as often: 16 of 20 smooth bumps, d=2, p=1e-04, black box,
    # from 3,000 evaluations. Rows *kink* and *bump ... black box* guard.
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
        k, d = u.shape
        if k < 5:
            return u, score
        generations = min(budget, landscape.remaining) // k
        for i, (a, b, other, f, stays) in enumerate(self._draws(k, d, generations, rng)):
            if landscape.remaining < k:  # less time than it seemed
                break
            best = u[np.argmax(score)]
            move = u.take(a, axis=0, mode="wrap")
            move -= u.take(b, axis=0, mode="wrap")
            mutant = u.take(other, axis=0, mode="wrap")
            # Every second member goes from where it is towards the best, in turn; the others are rand/1.
            turn = slice(i % 2, None, 2)
            mutant[turn] = u[turn]
            move[turn] += best - u[turn]
            move *= f
            mutant += move
            _reflect(mutant)
            np.putmask(mutant, stays, u)
            trial = landscape.inside(mutant)
            new = landscape.score(trial)
            better = new >= score
            u = np.where(better[:, None], trial, u)
            score = np.where(better, new, score)
        return u, score

    def _draws(
        self, k: int, d: int, generations: int, rng: np.random.Generator
    ) -> Iterator[list[NDArray[Any]]]:
        """For each generation three other members for each, F, and the coordinates that do not change.

        The others are counted on from the member itself, past the last one to the first.
        """
        members = np.arange(k)
        several = max(1, DRAWN // (k * d))
        for i in range(0, generations, several):
            n = min(several, generations - i)
            others = members + rng.integers(1, k, (n, 3, k))
            f = rng.uniform(self.low, self.high, (n, k, 1))
            stays = rng.random((n, k, d), dtype=np.float32) >= self.crossover
            one = rng.integers(d, size=n * k)
            stays.reshape(-1)[np.arange(0, n * k * d, d) + one] = False
            yield from ([*row, of, fixed] for row, of, fixed in zip(others, f, stays, strict=True))


def _reflect(u: Array) -> None:
    """Mirror points that left the unit box by less than its width, in place."""
    np.abs(u, out=u)
    np.subtract(1.0, u, out=u)
    np.abs(u, out=u)
    np.subtract(1.0, u, out=u)
