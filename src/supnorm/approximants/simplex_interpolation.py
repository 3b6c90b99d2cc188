"""Piecewise linear interpolation on the Delaunay triangulation of the samples.

It is the classical baseline of precision studies: its error is ~ n^(-2/d), and it has no parameters. In 1-D it is
the polygon through the samples. Outside the hull of the samples its value is that of the nearest sample.
Triangulations grow quickly with d, so at most 6 dimensions are allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants.approximation import Approximation, NotApplicable, Surface, finish, to_cube
from supnorm.problem import Domain
from supnorm.results.printable import first_line

Array = NDArray[np.float64]
MOST = {1: 1_000_000, 2: 200_000, 3: 50_000, 4: 10_000, 5: 3_000, 6: 1_000}  # samples: a few seconds


@dataclass(frozen=True, eq=False)
class Simplices(Surface):
    """Samples on the cube and the piecewise linear function through them."""

    points: Array
    values: Array

    @property
    def m(self) -> int:
        """Number of outputs."""
        return int(self.values.shape[1])

    def fault(self, d: int) -> str:
        """What does not fit in its arrays for ``d`` inputs."""
        points, values = self.points.shape, self.values.shape
        if len(values) != 2 or 0 in values or points != (values[0], d) or values[0] < d + 1:
            return f"points of shape {points}, values of shape {values} for {d} inputs"
        if d == 1:
            return "" if (np.diff(self.points[:, 0]) > 0.0).all() else "points that do not increase"
        try:
            self._interpolants[0]
        except Exception as error:  # of Qhull, for points in a plane
            return f"points that span no simplices ({first_line(error)})"
        return ""

    def value(self, t: Array) -> Array:
        """Values ``(n, m)``."""
        if t.shape[1] == 1:
            columns = [np.interp(t[:, 0], self.points[:, 0], v) for v in self.values.T]
            return np.stack(columns, axis=1)
        linear, tree = self._interpolants
        y: Array = linear(t)
        outside = ~np.isfinite(y).all(axis=1)
        if outside.any():
            y[outside] = self.values[tree.query(t[outside])[1]]
        return y

    def pull(self, t: Array, weight: Array) -> Array:
        """Weighted gradient ``(n, d)`` of the simplex that contains each point; 0 outside the hull."""
        if t.shape[1] == 1:
            left = np.clip(np.searchsorted(self.points[:, 0], t[:, 0]) - 1, 0, len(self.points) - 2)
            run = np.diff(self.points[:, 0])[left]
            slope = np.diff(self.values, axis=0)[left] / run[:, None]
            gradient: Array = np.sum(slope * weight, axis=1, keepdims=True)
            return gradient
        triangulation = self._interpolants[0].tri
        simplex = triangulation.find_simplex(t)
        corners = self.values[triangulation.simplices[simplex]]
        rise = np.einsum("nkm,nm->nk", corners[:, :-1] - corners[:, -1:], weight)
        affine = triangulation.transform[simplex, : t.shape[1]]
        gradient = np.einsum("nk,nkd->nd", rise, affine)
        return np.where((simplex >= 0)[:, None] & np.isfinite(gradient), gradient, 0.0)

    @cached_property
    def _interpolants(self) -> tuple[Any, Any]:
        from scipy.interpolate import LinearNDInterpolator
        from scipy.spatial import cKDTree

        return LinearNDInterpolator(self.points, self.values), cKDTree(self.points)


@dataclass(frozen=True)
class SimplexInterpolation:
    """Linear interpolation on simplices; no options."""

    def from_samples(
        self, x: Array, y: Array, domain: Domain, rng: np.random.Generator | None = None
    ) -> Approximation:
        """Interpolate samples ``x (n, d)``, ``y (n, m)``; the first of equal points counts.

        Raises:
            NotApplicable: for more than 6 inputs, or too few or degenerate points.
        """
        if domain.d > 6:
            raise NotApplicable(f"simplex interpolation is offered up to 6 inputs, got {domain.d}")
        points, first = np.unique(to_cube(domain, x)[: MOST[domain.d]], axis=0, return_index=True)
        if len(points) < domain.d + 2:
            raise NotApplicable(f"simplices in {domain.d} dimensions need {domain.d + 2} samples")
        surface = Simplices(points, y[first])
        try:
            surface.value(points[:1])
        except Exception as error:
            if type(error).__name__ != "QhullError":
                raise
            raise NotApplicable("the samples lie in a hyperplane: no simplices") from None
        return finish(surface, domain, "simplex", len(points))
