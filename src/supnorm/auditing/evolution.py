"""Mirrored evolution strategy, many chains at once: local search without derivatives.

Each chain tries the pairs u +- s z_i of a random orthogonal frame and the slope that the pairs of the step
before have shown, sum_i (e(u + s z_i) - e(u - s z_i)) z_i; it moves to the best of them when that is better. s
grows by 1.5 on success and shrinks by 0.6 on failure. Now and then the worse half of the chains is given up, so
that the budget goes to the promising ones.
Cost: 2d + 1 evaluations a chain and step. Choose it where model or reference has no derivative.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.chains import ChainSearch, Rows
from supnorm.auditing.landscape import Landscape
from supnorm.results.settings import NONE_TOO, Limits, Settings

Array = NDArray[np.float64]
FRAMES = 8  # random orthogonal frames that are drawn at once


@dataclass(frozen=True)
class EvolutionStrategy(Settings, ChainSearch):
    """Hyper-parameters; tuned on planted bumps, d = 2..8.

    Attributes:
        steps: at most, for each chain.
        grow, shrink: of the step length.
        halve_every: steps after which the worse half of the chains is given up; 0 never does.
        fewest: chains that are never given up.
        smallest: a chain whose step is below this has converged.
        taken: steps of a chain that are reckoned with, on the average over those that are given up and those that go on.
    """

    # Each number smaller and larger by a factor of about two finds as often: 16 of 20 smooth bumps, d=8, p=1e-04, black box,
    # from 3,000 evaluations. Rows *bump ... black box* guard.
    steps: int = 60
    grow: float = 1.5
    shrink: float = 0.6
    halve_every: int = 12
    fewest: int = 8
    smallest: float = 1e-9
    taken: int = 15

    LIMITS: ClassVar[Limits] = {"halve_every": NONE_TOO}

    def samples(self, d: int) -> int:
        """Evaluations of one chain and step."""
        return 2 * d + 1

    def cost(self, d: int) -> int:
        """Evaluations of a chain, about."""
        return self.taken * self.samples(d)

    def begun(self, landscape: Landscape, u: Array, first_step: float, rng: np.random.Generator) -> _Chains:
        """A chain at each start."""
        rows, step = np.arange(len(u)), np.full(len(u), first_step)
        return _Chains(self, landscape, rng, self.samples(u.shape[1]), rows, step, np.zeros_like(u))


@dataclass
class _Chains:
    """Those that go on, the best of the last halving first.

    Attributes:
        each: evaluations of one chain and step.
        rows: numbers of the chains that go on.
        step, slope: of all chains.
        frames: random orthogonal frames ``(FRAMES, d, d)``.
        z: the directions of the last step, ``(k, d, d)``.
    """

    search: EvolutionStrategy
    landscape: Landscape
    rng: np.random.Generator
    each: int
    rows: Rows
    step: Array
    slope: Array
    frames: Array = field(default_factory=lambda: np.empty(0))
    z: Array = field(default_factory=lambda: np.empty(0))

    def moving(self, best: Array, i: int) -> Rows:
        """Those whose step is not too small."""
        return self.rows[(self.step[self.rows] > self.search.smallest) & (best[self.rows] < np.inf)]

    def queued(self, rows: Rows) -> Rows:
        """As they are: after a halving the best chain comes first."""
        return rows

    def drawn(self, rows: Rows, u: Array, i: int) -> Array:
        """The pairs along a frame, and a step along the slope."""
        k, d = len(rows), u.shape[1]
        self.rows = rows
        if i % FRAMES == 0:
            self.frames = np.linalg.qr(self.rng.standard_normal((FRAMES, d, d)))[0]
        z = self.frames[i % FRAMES][None].repeat(k, axis=0)
        if self.landscape.tangent:
            z = _units(self.landscape.along(np.repeat(u[rows], d, axis=0), z.reshape(-1, d))).reshape(k, d, d)
        self.z = z
        moves = np.concatenate([z, -z, self.slope[rows][:, None]], axis=1)
        return np.asarray(u[rows][:, None] + self.step[rows][:, None, None] * moves)

    def learn(self, trials: Array, scores: Array, better: NDArray[np.bool_], i: int) -> None:
        """Longer steps after success, shorter ones after failure, and the slope that the pairs show."""
        d = trials.shape[2]
        won, lost = self.rows[better], self.rows[~better]
        self.step[won] = np.minimum(self.step[won] * self.search.grow, 0.5)
        self.step[lost] *= self.search.shrink
        self.slope[self.rows] = _direction(scores[:, :d], scores[:, d : 2 * d], self.z)


def _direction(ahead: Array, behind: Array, z: Array) -> Array:
    """The slope that the pairs show, of unit length; a pair without both errors says nothing."""
    with np.errstate(invalid="ignore"):
        gap = ahead - behind
    gap = np.where(np.isfinite(gap), gap, 0.0)
    return _units((_small(gap)[:, None] @ z)[:, 0])


def _small(v: Array) -> Array:
    """Rows whose sums and squares do not overflow, of the same direction."""
    top = np.abs(v).max(axis=1, keepdims=True)
    return np.asarray(v / np.where(top > 1e150, top, 1.0))


def _units(v: Array) -> Array:
    """Rows of unit length; zero stays zero."""
    v = _small(v)
    return np.asarray(v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-300))
