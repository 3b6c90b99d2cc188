"""Quasi-Newton ascent in the box, all peaks at once: BFGS on the free coordinates, backtracking by one trial a step.

H is each peak's inverse Hessian of -e (Broyden, Fletcher, Goldfarb and Shanno; Nocedal and Wright 2006, eq. 6.17);
coordinates on a bound with a gradient that points outwards are fixed (projected BFGS, Bertsekas 1982). A trial is
accepted only when better; else the step is shortened. Cost: 3 evaluations a peak and step, d^2 numbers a peak.
Choose it for the last digits of smooth peaks; at a kink it stops, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.ascent import projected
from supnorm.auditing.landscape import GRADIENT, Landscape
from supnorm.results.settings import Settings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class QuasiNewton(Settings):
    """Hyper-parameters.

    Attributes:
        steps: for each peak.
        shrink: of a step that was not better.
        first: length of the first step, in the unit box.
        flat: a peak is reached when a move of ``first`` along its gradient would gain less than this share: on a
            peak that falls to nothing within ``L`` the top is then at most 5e-11 L^2 times the error higher.
    """

    # Each number smaller and larger by a factor of about two finds as often: 20 of 20 kinks, d=4, from 1,000 evaluations.
    # Rows *kink* and *pole at a corner* guard.
    steps: int = 30
    shrink: float = 0.25
    first: float = 1e-2
    flat: float = 1e-7

    def run(
        self, landscape: Landscape, u: Array, score: Array, budget: int
    ) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Ascend from ``u`` (k, d) with errors ``score`` (k,) within ``budget`` evaluations.

        Returns:
            The ends (k, d), their errors (k,) and which of them have a vanishing gradient (k,).
        """
        u, best = u.copy(), score.copy()
        k, d = u.shape
        floor = landscape.remaining - budget
        flat = np.zeros(k, dtype=bool)
        rows = np.flatnonzero(np.isfinite(best))[: max(0, budget) // GRADIENT]
        if not len(rows):
            return u, best, flat
        chains = _Chains(u, best, np.zeros_like(u), np.zeros((k, d, d)) + np.eye(d), np.ones(k))
        best[rows], chains.g[rows] = landscape.slope(u[rows])
        chains.h[rows] *= (self.first / np.maximum(_length(chains.g[rows]), 1e-300))[:, None, None]
        for _ in range(self.steps):
            free = projected(u[rows], chains.g[rows])
            flat[rows] = _length(free) * self.first < self.flat * np.abs(best[rows])
            going = np.flatnonzero(~flat[rows] & (chains.t[rows] > 1e-8))
            going = going[: max(0, landscape.remaining - floor) // GRADIENT]
            if not len(going):
                break
            rows = rows[going]
            self._step(landscape, chains, rows, free[going])
        return u, best, flat

    def _step(self, landscape: Landscape, chains: _Chains, rows: NDArray[np.intp], free: Array) -> None:
        u, best, g, h, t = chains.u, chains.best, chains.g, chains.h, chains.t
        fixed = (free == 0) & (g[rows] != 0)
        p = np.where(fixed, 0.0, (h[rows] @ free[..., None])[..., 0])
        uphill = np.vecdot(p, free) > 0
        p[~uphill] = free[~uphill] * (self.first / np.maximum(_length(free[~uphill]), 1e-300))[:, None]
        p *= np.minimum(1.0, 0.5 / np.maximum(_length(p), 1e-300))[:, None]
        trial = landscape.inside(u[rows] + t[rows, None] * p)
        score, slope = landscape.slope(trial)
        better = score > best[rows]
        won = rows[better]
        s, y = trial[better] - u[won], g[won] - slope[better]
        s, y = np.where(fixed[better], 0.0, s), np.where(fixed[better], 0.0, y)
        h[won] = updated(h[won], s, y)
        u[won], best[won], g[won] = trial[better], score[better], slope[better]
        t[won] = 1.0
        t[rows[~better]] *= self.shrink


@dataclass(frozen=True, eq=False)
class _Chains:
    """Points (k, d), errors (k,), gradients (k, d), inverse Hessians (k, d, d) and step lengths (k,), changed in place."""

    u: Array
    best: Array
    g: Array
    h: Array
    t: Array


def updated(h: Array, s: Array, y: Array) -> Array:
    """BFGS of the inverse; a step without positive curvature changes nothing."""
    curvature = np.vecdot(s, y)
    good = curvature > 1e-12 * _length(s) * _length(y)
    rho = np.where(good, 1.0 / np.where(good, curvature, 1.0), 0.0)[:, None, None]
    left = np.eye(s.shape[1]) - rho * s[:, :, None] * y[:, None, :]
    fresh = left @ h @ left.transpose(0, 2, 1) + rho * s[:, :, None] * s[:, None, :]
    sound = np.asarray(np.isfinite(fresh).all(axis=(1, 2)))
    return np.asarray(np.where((good & sound)[:, None, None], fresh, h))


def _length(v: Array) -> Array:
    return np.asarray(np.sqrt(np.vecdot(v, v)))
