"""Batched projected gradient ascent: many chains at once, each with a step length of its own.

u <- clip(u + s g/|g|), g without the components that leave the box; accepted only when better; s grows by 1.6
on success and shrinks by 0.4 on failure. Now and then the worse half of the chains is given up, down to eight.
Cost: 3 evaluations a chain and step. Choose it where model and reference are differentiable; it stalls on sharp
ridges, where differential evolution does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import GRADIENT, Landscape

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ascent:
    """Hyper-parameters; tuned on planted bumps and trained networks, d = 2..12.

    Attributes:
        steps: at most, for each chain.
        grow, shrink: of the step length.
        halve_every: steps after which the worse half of the chains is given up; 0 never does.
        smallest: a chain whose step is below this has converged.
    """

    steps: int = 60
    grow: float = 1.6
    shrink: float = 0.4
    halve_every: int = 10
    smallest: float = 1e-9

    @property
    def cost(self) -> int:
        """Evaluations of one chain, on the average over many: the last eight take all steps."""
        if not self.halve_every:
            return GRADIENT * (self.steps + 1)
        return GRADIENT * (1 + round(sum(0.5 ** (i // self.halve_every) for i in range(self.steps))))

    def climb(self, landscape: Landscape, u: Array, first_step: float) -> tuple[Array, Array]:
        """Climb from starts ``u`` (k, d) while the budget lasts.

        Returns:
            The ends (k, d) and their errors (k,), in the order of the starts.
        """
        u = u.copy()
        best = np.full(len(u), -np.inf)
        k = landscape.affordable(GRADIENT)
        active = np.arange(min(len(u), k))
        if not len(active):
            return u[:0], best[:0]
        ends = len(active)
        slope = np.zeros_like(u)
        best[active], slope[active] = landscape.slope(u[active])
        step = np.full(len(u), first_step)
        alive = np.ones(len(u), dtype=bool)
        for i in range(self.steps):
            direction = landscape.along(u, projected(u, slope))
            length = np.linalg.norm(direction, axis=1)
            active = np.flatnonzero(alive & (step > self.smallest) & (length > 0) & (np.abs(best) < np.inf))
            if self.halve_every and i and i % self.halve_every == 0 and len(active) > 8:
                half = max(8, len(active) // 2)
                alive[active[np.argsort(-best[active], kind="stable")[half:]]] = False
                active = active[alive[active]]
            active = active[: landscape.affordable(GRADIENT)]
            if not len(active):
                break
            move = direction[active] / length[active, None] * step[active, None]
            trial = landscape.inside(u[active] + move)
            score, gradient = landscape.slope(trial)
            better = score > best[active]
            won, lost = active[better], active[~better]
            u[won], best[won], slope[won] = trial[better], score[better], gradient[better]
            step[won] = np.minimum(step[won] * self.grow, 0.5)
            step[lost] *= self.shrink
        return u[:ends], best[:ends]


def projected(u: Array, slope: Array) -> Array:
    """The gradient without the components that point out of the unit box at ``u``."""
    out = ((u <= 0.0) & (slope < 0)) | ((u >= 1.0) & (slope > 0))
    return np.where(out, 0.0, slope)
