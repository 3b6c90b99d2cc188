"""Batched projected gradient ascent: many chains at once, each with a step length of its own.

u <- clip(u + s g/|g|), g without the components that leave the box; accepted only when better; s grows by 1.6
on success and shrinks by 0.4 on failure. Now and then the worse half of the chains is given up.
Cost: 3 evaluations a chain and step. Choose it where model and reference are differentiable; it stalls on sharp
ridges, where differential evolution does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import GRADIENT, Landscape

Array = NDArray[np.float64]


@dataclass
class _Chains:
    """Those that still climb: their rows among the starts, where they are, error, gradient, step."""

    rows: NDArray[np.intp]
    u: Array
    best: Array
    slope: Array
    step: Array

    def keep(self, which: NDArray[np.intp]) -> None:
        """Only these go on."""
        self.rows, self.u, self.best = self.rows[which], self.u[which], self.best[which]
        self.slope, self.step = self.slope[which], self.step[which]


@dataclass(frozen=True)
class Ascent:
    """Hyper-parameters; tuned on planted bumps and trained networks, d = 2..12.

    Attributes:
        steps: at most, for each chain.
        grow, shrink: of the step length.
        halve_every: steps after which the worse half of the chains is given up; 0 never does.
        fewest: chains that are never given up.
        smallest: a chain whose step is below this has converged.
    """

    steps: int = 42
    grow: float = 1.6
    shrink: float = 0.4
    halve_every: int = 7
    fewest: int = 8
    smallest: float = 1e-9

    @property
    def cost(self) -> int:
        """Evaluations of one chain, on the average over many: the last few take all steps."""
        if not self.halve_every:
            return GRADIENT * (self.steps + 1)
        return GRADIENT * (1 + round(sum(0.5 ** (i // self.halve_every) for i in range(self.steps))))

    def climb(
        self, landscape: Landscape, u: Array, first_step: float | Array, kept: int = 0
    ) -> tuple[Array, Array]:
        """Climb from starts ``u`` (k, d) while the budget lasts.

        Args:
            first_step: in the unit box, one number or one for each chain.
            kept: so many of the first chains are never given up.

        Returns:
            The ends (k, d) and their errors (k,), in the order of the starts.
        """
        ends = u[: landscape.affordable(GRADIENT)].copy()
        if not len(ends):
            return ends, np.empty(0)
        heights, slope = landscape.slope(ends)
        heights = heights.copy()
        step = np.broadcast_to(first_step, len(u))[: len(ends)].astype(float)
        chains = _Chains(np.arange(len(ends)), ends.copy(), heights.copy(), slope, step)
        for i in range(self.steps):
            direction = landscape.along(chains.u, projected(chains.u, chains.slope))
            square = np.einsum("ij,ij->i", direction, direction)
            # Where there is no finite error there is no gradient.
            chosen = ((chains.step > self.smallest) & (square > 0)).nonzero()[0]
            if self.halve_every and i and i % self.halve_every == 0:
                chosen = self._halved(chains, chosen, kept)
            chosen = chosen[: landscape.affordable(GRADIENT)]
            if len(chosen) < len(square):
                ends[chains.rows], heights[chains.rows] = chains.u, chains.best
                chains.keep(chosen)
                direction, square = direction[chosen], square[chosen]
            if not len(chosen):
                break
            self._step(landscape, chains, direction, square)
        ends[chains.rows], heights[chains.rows] = chains.u, chains.best
        return ends, heights

    def _halved(self, chains: _Chains, chosen: NDArray[np.intp], kept: int) -> NDArray[np.intp]:
        """Those that are kept, and the better half of the others."""
        first = int(np.searchsorted(chains.rows[chosen], kept))
        others = chosen[first:]
        half = max(self.fewest, len(others) // 2)
        better = others[np.argsort(-chains.best[others], kind="stable")[:half]]
        return np.sort(np.concatenate([chosen[:first], better]))

    def _step(self, landscape: Landscape, chains: _Chains, direction: Array, square: Array) -> None:
        trial = direction * (chains.step / np.sqrt(square))[:, None]
        trial += chains.u
        trial = landscape.inside(trial)
        score, slope = landscape.slope(trial)
        better = score > chains.best
        rows = better[:, None]
        np.copyto(chains.u, trial, where=rows)
        np.copyto(chains.slope, slope, where=rows)
        np.copyto(chains.best, score, where=better)
        chains.step *= np.where(better, self.grow, self.shrink)
        np.minimum(chains.step, 0.5, out=chains.step)


def projected(u: Array, slope: Array) -> Array:
    """The gradient without the components that point out of the unit box at ``u``."""
    outwards = (2.0 * u - 1.0) * slope
    return slope * (outwards < np.abs(slope))
