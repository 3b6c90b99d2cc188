"""Mirrored evolution strategy, many chains at once: local search without derivatives.

Each chain tries pairs u +- s z (z of unit length, random) and the direction that helped last; it moves to the
best of them when that is better. s grows by 1.5 on success and shrinks by 0.6 on failure. Now and then the worse
half of the chains is given up, so that the budget goes to the promising ones.
Cost: max(4, 2d) + 1 evaluations a chain and step. Choose it where model or reference has no derivative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape

Array = NDArray[np.float64]


@dataclass(frozen=True)
class EvolutionStrategy:
    """Hyper-parameters; tuned on planted bumps, d = 2..8.

    Attributes:
        steps: at most, for each chain.
        grow, shrink: of the step length.
        halve_every: steps after which the worse half of the chains is given up; 0 never does.
        smallest: a chain whose step is below this has converged.
    """

    steps: int = 60
    grow: float = 1.5
    shrink: float = 0.6
    halve_every: int = 12
    smallest: float = 1e-9

    def samples(self, d: int) -> int:
        """Evaluations of one chain and step."""
        return max(4, 2 * d) + 1

    def climb(
        self,
        landscape: Landscape,
        u: Array,
        score: Array,
        first_step: float,
        rng: np.random.Generator,
        budget: int | None = None,
    ) -> tuple[Array, Array]:
        """Climb from starts ``u`` (k, d) with known errors ``score`` (k,) while the budget lasts.

        Returns:
            The ends (k, d) and their errors (k,).
        """
        u, best = u.copy(), score.copy()
        d = u.shape[1]
        step = np.full(len(u), first_step)
        last = np.zeros_like(u)
        active = np.arange(len(u))
        left = landscape.remaining if budget is None else min(budget, landscape.remaining)
        pairs = max(2, d)
        for i in range(self.steps):
            active = active[(step[active] > self.smallest) & (best[active] < np.inf)]
            if self.halve_every and i and i % self.halve_every == 0 and len(active) > 8:
                active = active[np.argsort(-best[active], kind="stable")[: (len(active) + 1) // 2]]
            active = active[: left // (2 * pairs + 1)]
            if not len(active):
                break
            z = rng.standard_normal((len(active), pairs, d))
            if landscape.tangent:
                flat = np.repeat(u[active], pairs, axis=0)
                z = landscape.along(flat, z.reshape(-1, d)).reshape(z.shape)
            z /= np.maximum(np.linalg.norm(z, axis=2, keepdims=True), 1e-300)
            moves = np.concatenate([z, -z, last[active][:, None]], axis=1)
            trials = landscape.inside(
                (u[active][:, None] + step[active][:, None, None] * moves).reshape(-1, d)
            ).reshape(moves.shape)
            scores = landscape.score(trials.reshape(-1, d)).reshape(len(active), -1)
            left -= scores.size
            chosen = np.argmax(scores, axis=1)
            rows = np.arange(len(active))
            better = scores[rows, chosen] > best[active]
            won, lost = active[better], active[~better]
            u[won] = trials[rows, chosen][better]
            best[won] = scores[rows, chosen][better]
            last[won] = moves[rows, chosen][better]
            step[won] = np.minimum(step[won] * self.grow, 0.5)
            step[lost] *= self.shrink
        return u, best
