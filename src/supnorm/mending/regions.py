"""How far a glitch reaches from its peak along each axis, and points inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Domain

Array = NDArray[np.float64]
Error = Callable[[Array], Array]
WIDEST = 0.3  # of the unit box: a region does not reach farther from its peak
HALVINGS = 7  # of `WIDEST`, to find where the error has fallen: to 0.002 of the unit box


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """Points ``u`` of the unit box with |(u - centre) / radii| <= 1; both of shape ``(d,)``."""

    centre: Array
    radii: Array

    def distance(self, u: Array) -> Array:
        """|(u - centre) / radii| of points ``u (n, d)``, shape ``(n,)``: at most 1 inside."""
        return np.asarray(np.linalg.norm((u - self.centre) / self.radii, axis=1))

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """``n`` uniform points inside, cut to the unit box, shape ``(n, d)``."""
        d = len(self.centre)
        direction = rng.normal(size=(n, d))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        reach = rng.random((n, 1)) ** (1.0 / d)
        return np.clip(self.centre + self.radii * reach * direction, 0.0, 1.0)

    def scaled(self, factor: float) -> Ellipsoid:
        """The same with all radii times ``factor``."""
        return Ellipsoid(self.centre, factor * self.radii)


def ellipsoid_calls(d: int) -> int:
    """Errors that `ellipsoid_at` asks for in ``d`` inputs, at most."""
    return 2 * d * (HALVINGS + 1)


def ellipsoid_at(centre: Array, level: float, error: Error, domain: Domain) -> Ellipsoid:
    """The ellipsoid round a peak whose axes end where the error has fallen below ``level``.

    On each axis the farther of both directions counts, so that the region of a peak on a face is not flat.

    Args:
        centre: the peak in the unit box, shape ``(d,)``.
        level: the error at which the region ends.
        error: errors at points of the domain, ``(n, d) -> (n,)``; NaN counts as above the level.
        domain: maps the unit box to the inputs.

    Cost: `ellipsoid_calls` errors at most.

    >>> box = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    >>> bump = lambda x: np.exp(-((x[:, 0] - 0.5) / 0.05) ** 2 - ((x[:, 1] - 0.5) / 0.1) ** 2)
    >>> ellipsoid_at(np.array([0.5, 0.5]), 1 / np.e, bump, box).radii.round(2)
    array([0.05, 0.1 ])
    """
    d = len(centre)
    rays = np.concatenate([np.eye(d), -np.eye(d)])
    low, high = np.zeros(2 * d), np.full(2 * d, WIDEST)

    def above(reach: Array) -> NDArray[np.bool_]:
        u = centre + rays * reach[:, None]
        inside = ((u >= 0.0) & (u <= 1.0)).all(axis=1)
        found = np.zeros(2 * d, dtype=bool)
        if inside.any():
            found[inside] = ~(error(domain.from_unit(u[inside])) < level)
        return found

    beyond = above(high)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        up = above(middle)
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    reach = np.where(beyond, WIDEST, high)
    return Ellipsoid(centre, np.maximum(reach[:d], reach[d:]))


def level_of(peak: float, rms: float) -> float:
    """The error at which the region of a peak ends: well below the peak, and above the typical error if that is lower.

    >>> level_of(1.0, 0.01), level_of(1.0, 0.1), level_of(0.001, 0.1)
    (0.05, 0.30000000000000004, 0.0005)
    """
    return min(max(0.05 * peak, 3.0 * rms), 0.5 * peak)
