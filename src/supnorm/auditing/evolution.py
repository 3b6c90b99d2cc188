"""Mirrored evolution strategy, many chains at once: local search without derivatives.

Each chain tries the pairs u +- s z_i of a random orthogonal frame and the slope that the pairs of the step
before have shown, sum_i (e(u + s z_i) - e(u - s z_i)) z_i; it moves to the best of them when that is better. s
grows by 1.5 on success and shrinks by 0.6 on failure. Now and then the worse half of the chains is given up, so
that the budget goes to the promising ones.
Cost: 2d + 1 evaluations a chain and step. Choose it where model or reference has no derivative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape
from supnorm.results.settings import NONE_TOO, Limits, Settings

Array = NDArray[np.float64]
FRAMES = 8  # random orthogonal frames that are drawn at once


@dataclass(frozen=True)
class EvolutionStrategy(Settings):
    """Hyper-parameters; tuned on planted bumps, d = 2..8.

    Attributes:
        steps: at most, for each chain.
        grow, shrink: of the step length.
        halve_every: steps after which the worse half of the chains is given up; 0 never does.
        fewest: chains that are never given up.
        smallest: a chain whose step is below this has converged.
    """

    # Each number smaller and larger by a factor of about two finds as often: 16 of 20 smooth bumps, d=8, p=1e-04, black box,
    # from 3,000 evaluations. Rows *bump ... black box* guard.
    steps: int = 60
    grow: float = 1.5
    shrink: float = 0.6
    halve_every: int = 12
    fewest: int = 8
    smallest: float = 1e-9

    LIMITS: ClassVar[Limits] = {"halve_every": NONE_TOO}

    def samples(self, d: int) -> int:
        """Evaluations of one chain and step."""
        return 2 * d + 1

    def run(
        self,
        landscape: Landscape,
        u: Array,
        score: Array,
        first_step: float,
        rng: np.random.Generator,
        budget: int | None = None,
    ) -> tuple[Array, Array]:
        """Ascend from starts ``u`` (k, d) with known errors ``score`` (k,) while the budget lasts.

        Returns:
            The ends (k, d) and their errors (k,).
        """
        u, best = u.copy(), score.copy()
        d = u.shape[1]
        step = np.full(len(u), first_step)
        slope = np.zeros_like(u)
        active = np.arange(len(u))
        left = landscape.remaining if budget is None else min(budget, landscape.remaining)
        for i in range(self.steps):
            active = active[(step[active] > self.smallest) & (best[active] < np.inf)]
            if self.halve_every and i and i % self.halve_every == 0 and len(active) > self.fewest:
                active = active[np.argsort(-best[active], kind="stable")[: (len(active) + 1) // 2]]
            active = active[: min(left, landscape.remaining) // self.samples(d)]
            if not len(active):
                break
            k = len(active)
            if i % FRAMES == 0:
                frames = np.linalg.qr(rng.standard_normal((FRAMES, d, d)))[0]
            z = frames[i % FRAMES][None].repeat(k, axis=0)
            if landscape.tangent:
                z = _units(landscape.along(np.repeat(u[active], d, axis=0), z.reshape(-1, d))).reshape(
                    k, d, d
                )
            moves = np.concatenate([z, -z, slope[active][:, None]], axis=1)
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
            step[won] = np.minimum(step[won] * self.grow, 0.5)
            step[lost] *= self.shrink
            slope[active] = _direction(scores[:, :d], scores[:, d : 2 * d], z)
        return u, best


def _direction(ahead: Array, behind: Array, z: Array) -> Array:
    """The slope that the pairs show, of unit length; a pair without both errors says nothing."""
    with np.errstate(invalid="ignore"):
        gap = ahead - behind
    gap = np.where(np.isfinite(gap), gap, 0.0)
    return _units((gap[:, None] @ z)[:, 0])


def _units(v: Array) -> Array:
    """Rows of unit length; zero stays zero."""
    top = np.abs(v).max(axis=1, keepdims=True)
    v = v / np.where(top > 1e150, top, 1.0)  # the squares would overflow
    return np.asarray(v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-300))
