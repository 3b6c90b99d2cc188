"""How much of the domain a peak fills: the connected region where the error is at least half of the peak.

A box along the axes is wrong by many orders of magnitude on oblique sheets. Here chains of hit-and-run (Smith
1984) with slice shrinkage (Neal 2003, section 5.1) walk inside the region; their covariance gives an affine map
that makes it round; rays from the peak in the mapped coordinates then give the volume of the part that is
star-shaped seen from the peak,

    v = |det A| V_d mean(r(theta)^d),   V_d the volume of the unit ball.

Regions that bend round a corner are larger than that: read it as an estimate from below. Cost: a few thousand
evaluations a peak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RegionVolume:
    """Hyper-parameters.

    Attributes:
        chains, steps: of hit-and-run in each phase.
        phases: each phase adapts the map; the extent of a sheet can grow about fivefold in one.
        rays: directions whose reach is measured.
        shrinks: slice shrinkages of a step, at most.
    """

    chains: int = 24
    steps: int = 3
    phases: int = 8
    rays: int = 96
    shrinks: int = 12

    def cost(self) -> int:
        """Evaluations, about."""
        return self.chains * self.steps * self.phases * 5 + self.rays * 30

    def measure(
        self, landscape: Landscape, u: Array, error: float, width: Array, rng: np.random.Generator
    ) -> float | None:
        """Fraction of the unit box; None when the budget does not allow it or the peak is infinite.

        Args:
            u: the peak, shape ``(d,)``; ``error`` its height.
            width: half-height widths along the axes: the first guess of the region's extent.
        """
        if not np.isfinite(error) or landscape.affordable() < self.cost():
            return None
        level, d = error / 2, len(u)
        x = np.tile(u, (self.chains, 1))
        scale = np.diag(np.maximum(width, 1e-12))
        for _ in range(self.phases):
            for _ in range(self.steps):
                x = self._step(landscape, x, level, scale, rng)
            spread = np.cov((x - u).T, bias=True).reshape(d, d) + np.outer(*(2 * [(x - u).mean(axis=0)]))
            # Keep what an axis has reached so far: a chain that did not move says nothing.
            scale = _square_root(spread * (d + 2) + 1e-4 * scale @ scale.T)
        reach = self._reach(landscape, u, level, scale, rng)
        ball = math.pi ** (d / 2) / math.gamma(1 + d / 2)
        volume = ball * float(np.mean(reach**d)) * abs(float(np.linalg.det(scale)))
        return float(min(volume, 1.0))

    def _step(
        self, landscape: Landscape, x: Array, level: float, scale: Array, rng: np.random.Generator
    ) -> Array:
        """One hit-and-run move of every chain: a random chord, shrunk until the point lies inside."""
        z = rng.standard_normal(x.shape)
        z = z / np.linalg.norm(z, axis=1, keepdims=True) @ scale.T
        low, high = np.full(len(x), -5.0), np.full(len(x), 5.0)
        new, open_ = x.copy(), np.ones(len(x), dtype=bool)
        for _ in range(self.shrinks):
            rows = np.flatnonzero(open_)
            if not len(rows):
                break
            t = rng.uniform(low[rows], high[rows])
            trial = x[rows] + t[:, None] * z[rows]
            inside = self._above(landscape, trial, level)
            new[rows[inside]], open_[rows[inside]] = trial[inside], False
            missed, at = rows[~inside], t[~inside]
            low[missed] = np.where(at < 0, at, low[missed])
            high[missed] = np.where(at >= 0, at, high[missed])
        return new

    def _reach(
        self, landscape: Landscape, u: Array, level: float, scale: Array, rng: np.random.Generator
    ) -> Array:
        """How far the region goes along random rays, in units of the mapped ball."""
        z = rng.standard_normal((self.rays, len(u)))
        z = z / np.linalg.norm(z, axis=1, keepdims=True) @ scale.T
        low, high = np.zeros(self.rays), np.full(self.rays, 2.0**-12)
        growing = np.ones(self.rays, dtype=bool)
        for _ in range(16):  # double until outside
            rows = np.flatnonzero(growing)
            if not len(rows):
                break
            inside = self._above(landscape, u + high[rows, None] * z[rows], level)
            growing[rows[~inside]] = False
            low[rows[inside]] = high[rows[inside]]
            high[rows[inside]] *= 2
        for _ in range(8):
            middle = (low + high) / 2
            inside = self._above(landscape, u + middle[:, None] * z, level)
            low, high = np.where(inside, middle, low), np.where(inside, high, middle)
        middle_of: Array = (low + high) / 2
        return middle_of

    @staticmethod
    def _above(landscape: Landscape, u: Array, level: float) -> NDArray[np.bool_]:
        legal = np.all((u >= 0) & (u <= 1), axis=1)
        above = np.zeros(len(u), dtype=bool)
        if legal.any():
            above[legal] = landscape.score(u[legal]) >= level
        return above


def _square_root(matrix: Array) -> Array:
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    root: Array = vectors * np.sqrt(np.maximum(values, 1e-300))
    return root
