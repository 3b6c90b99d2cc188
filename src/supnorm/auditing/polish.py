"""The last digits of the best peaks: L-BFGS-B where derivatives exist, then a derivative-free step.

L-BFGS-B (Byrd, Lu, Nocedal and Zhu 1995; scipy) converges fast on smooth peaks and stops at kinks; the
compass search with random rotations after it does not need smoothness. Peaks on faces stay on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import GRADIENT, Landscape

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Polish:
    """Hyper-parameters.

    Attributes:
        iterations: of L-BFGS-B, for each peak.
        rounds: of the compass search.
        first, last: its step lengths in the unit box, from and to.
    """

    iterations: int = 20
    rounds: int = 40
    first: float = 1e-3
    last: float = 1e-10

    def cost(self, d: int) -> int:
        """Evaluations that one peak takes at most, about."""
        return GRADIENT * self.iterations + 2 * d * self.rounds

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
        return self._compass(landscape, u, score, budget - (start - landscape.remaining), rng)

    def _newton_like(self, landscape: Landscape, u: Array, score: float) -> tuple[Array, float]:
        from scipy.optimize import minimize

        best = u, score

        def negative(v: Array) -> tuple[float, Array]:
            nonlocal best
            value, slope = landscape.slope(np.clip(v, 0.0, 1.0)[None])
            if value[0] > best[1]:
                best = np.clip(v, 0.0, 1.0), float(value[0])
            if not np.isfinite(value[0]):  # outside the domain: a wall for the line search
                return 1e300 if value[0] < 0 else -1e300, np.zeros_like(v)
            return -float(value[0]), -slope[0]

        minimize(
            negative,
            u,
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, 1.0)] * len(u),
            options={
                "maxiter": self.iterations,
                "maxfun": min(self.iterations + 10, landscape.affordable(3)),
            },
        )
        return best

    def _compass(
        self, landscape: Landscape, u: Array, score: Array, budget: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """All peaks at once: 2d directions of a random orthogonal frame, halving the step on failure."""
        k, d = u.shape
        step = np.full(k, self.first)
        active = np.flatnonzero(np.isfinite(score))
        for i in range(self.rounds):
            active = active[step[active] > self.last]
            active = active[: max(0, min(budget, landscape.remaining)) // (2 * d)]
            if not len(active):
                break
            frame = np.eye(d) if i % 2 == 0 else np.linalg.qr(rng.standard_normal((d, d)))[0]
            moves = np.concatenate([frame, -frame])
            trials = landscape.inside(
                (u[active][:, None] + step[active][:, None, None] * moves).reshape(-1, d)
            ).reshape(len(active), -1, d)
            scores = landscape.score(trials.reshape(-1, d)).reshape(len(active), -1)
            budget -= scores.size
            chosen, rows = np.argmax(scores, axis=1), np.arange(len(active))
            better = scores[rows, chosen] > score[active]
            won, lost = active[better], active[~better]
            u[won], score[won] = trials[rows, chosen][better], scores[rows, chosen][better]
            step[won] *= 1.5
            step[lost] *= 0.35
        return u, score
