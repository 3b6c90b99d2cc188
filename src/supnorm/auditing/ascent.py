"""Batched conjugate gradient ascent in a box: many chains at once, each with a step length of its own.

Directions: Polak and Ribiere (1969) with a weight in [0, 0.7] on the last direction, less where that one now leads
down; the gradient's components that leave the box are dropped, and a trial is accepted only when better. The step
length goes to where the secant of the error's derivative along the direction vanishes, within limits. Half the steps
do what they do along the gradient with a step length that grows or shrinks by a fixed factor. Now and then the worse
half of the chains is given up.
Cost: 3 evaluations a chain and step. Choose it where model and reference are differentiable; it stalls on sharp
ridges, where differential evolution does not.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import GRADIENT, Landscape
from supnorm.results.option import Allowed
from supnorm.results.settings import NONE_TOO, Limits, Settings

Array = NDArray[np.float64]


@dataclass(kw_only=True)
class _Chains:
    """Those that still ascend, a row each.

    Attributes:
        rows: among the starts.
        u, best: where they are, the error there.
        slope, steep: its gradient without what leaves the box, and the square of that one's length.
        direction, square: the direction they take, and the square of its length.
        rise: the error's derivative along it.
        step: length of the next trial in the unit box.
    """

    rows: NDArray[np.intp]
    u: Array
    best: Array
    slope: Array
    steep: Array
    direction: Array
    square: Array
    rise: Array
    step: Array

    def keep(self, which: NDArray[np.intp]) -> None:
        """Only these go on."""
        for column in fields(self):
            setattr(self, column.name, getattr(self, column.name)[which])


@dataclass(frozen=True)
class Ascent(Settings):
    """Hyper-parameters; tuned on planted bumps and trained networks, d = 2..12.

    Attributes:
        steps: at most, for each chain.
        grow: most that a step length grows by.
        shrink: least that it shrinks by after a trial that was not better.
        least: most that it shrinks by.
        memory: most weight of the last direction.
        halve_every: steps after which the worse half of the chains is given up; 0 never does.
        fewest: chains that are never given up.
        smallest: a chain whose step is below this has converged.
    """

    # Each number smaller and larger by a factor of about two finds as often: 15 of 20 smooth bumps, d=8, p=1e-04, from
    # 1,000 evaluations, where the default finds 15 too. Rows *trained net* and *bump ... gradients* guard.
    steps: int = 24
    grow: float = 4.0
    shrink: float = 0.4
    least: float = 0.1
    memory: float = 0.7
    halve_every: int = 4
    fewest: int = 8
    smallest: float = 1e-9

    LIMITS: ClassVar[Limits] = {"halve_every": NONE_TOO} | dict.fromkeys(
        ("grow", "shrink", "least"), Allowed(above=0)
    )

    @property
    def cost(self) -> int:
        """Evaluations of one chain, on the average over many: the last few take all steps."""
        if not self.halve_every:
            return GRADIENT * (self.steps + 1)
        return GRADIENT * (1 + round(sum(0.5 ** (i // self.halve_every) for i in range(self.steps))))

    def run(
        self, landscape: Landscape, u: Array, first_step: float | Array, kept: int = 0
    ) -> tuple[Array, Array]:
        """Ascend from starts ``u`` (k, d) while the budget lasts.

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
        with np.errstate(all="ignore"):  # where squares of slopes overflow steps become NaN: the chain ends
            slope = landscape.along(ends, projected(ends, slope))
            steep = _dot(slope, slope)
            rows, u, best = np.arange(len(ends)), ends.copy(), heights.copy()
            direction, square, rise = slope.copy(), steep.copy(), steep.copy()
            chains = _Chains(
                rows=rows,
                u=u,
                best=best,
                slope=slope,
                steep=steep,
                direction=direction,
                square=square,
                rise=rise,
                step=step,
            )
            for i in range(self.steps):
                # Where there is no finite error there is no gradient.
                ascending = (chains.step > self.smallest) & (chains.steep > 0)
                chosen = ascending.nonzero()[0]
                if self.halve_every and i and i % self.halve_every == 0:
                    chosen = self._halved(chains, chosen, kept)
                chosen = chosen[: landscape.affordable(GRADIENT)]
                if len(chosen) < len(ascending):
                    ends[chains.rows], heights[chains.rows] = chains.u, chains.best
                    chains.keep(chosen)
                if not len(chosen):
                    break
                self._step(landscape, chains)
        ends[chains.rows], heights[chains.rows] = chains.u, chains.best
        return ends, heights

    def _halved(self, chains: _Chains, chosen: NDArray[np.intp], kept: int) -> NDArray[np.intp]:
        """Those that are kept, and the better half of the others."""
        first = int(np.searchsorted(chains.rows[chosen], kept))
        others = chosen[first:]
        half = max(self.fewest, len(others) // 2)
        better = others[np.argsort(-chains.best[others], kind="stable")[:half]]
        return np.sort(np.concatenate([chosen[:first], better]))

    def _step(self, landscape: Landscape, chains: _Chains) -> None:
        """Try a step along each chain's direction, take it where it is better, choose the next one."""
        trial = chains.direction * (chains.step / np.sqrt(chains.square))[:, None]
        trial += chains.u
        trial = landscape.inside(trial)
        score, slope = landscape.slope(trial)
        slope = landscape.along(trial, projected(trial, slope))
        better = score > chains.best
        along, steep = _dot(chains.direction, slope), _dot(slope, slope)
        # Where the secant of the derivative along the direction vanishes: at step / (1 - along / rise).
        still = 1.0 - along / chains.rise
        np.maximum(still, np.where(better, 1.0 / self.grow, 1.0 / self.shrink), out=still)
        np.minimum(still, 1.0 / self.least, out=still)
        chains.step /= still
        np.minimum(chains.step, 0.5, out=chains.step)
        # With the second limit the new direction rises at least half as fast as the gradient.
        weight = (steep - _dot(chains.slope, slope)) / chains.steep
        np.minimum(weight, steep / np.maximum(-2.0 * along, steep / self.memory), out=weight)
        np.maximum(weight, 0.0, out=weight)
        direction = chains.direction * weight[:, None]
        direction += slope
        rise, square = steep + weight * along, _dot(direction, direction)
        rows = better[:, None]
        np.copyto(chains.u, trial, where=rows)
        np.copyto(chains.slope, slope, where=rows)
        # Back to the gradient where it was not better.
        chains.direction = np.where(rows, direction, chains.slope)
        np.copyto(chains.best, score, where=better)
        np.copyto(chains.steep, steep, where=better)
        chains.square = np.where(better, square, chains.steep)
        chains.rise = np.where(better, rise, chains.steep)


def projected(u: Array, slope: Array) -> Array:
    """The gradient without the components that point out of the unit box at ``u``."""
    outwards = u + u
    outwards -= 1.0
    outwards *= slope
    return slope * (outwards < np.abs(slope))


def _dot(a: Array, b: Array) -> Array:
    """Row by row."""
    return np.asarray(np.vecdot(a, b))
