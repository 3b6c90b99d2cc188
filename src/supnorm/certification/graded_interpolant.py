"""Interpolants of phi and its Taylor coefficients on intervals, by which a function acts on a graded model.

phi^(i)/i!, i = 0..5, on [c - r, c + r] is the polynomial in T_0 .. T_17((z - c)/r) through its values at 18 Chebyshev
nodes, up to an aliasing error: with M a bound on the ellipse with foci +-1 and half-axes (rho +- 1/rho)/2, mapped to
the interval, at most 4 M rho^-17/(rho - 1) (Trefethen, Approximation Theory and Approximation Practice,
Theorem 8.2). The smallest over a few ellipses (`graded_series.heights`) is taken.

Cost: 18 values of six Taylor coefficients and a cosine transform for each feature and box.
"""

from __future__ import annotations

import numpy as np

from supnorm.certification.chebyshev import nodes as chebyshev_nodes
from supnorm.certification.chebyshev import transform
from supnorm.certification.graded_series import ORDER, TAYLOR, bounds, heights
from supnorm.certification.rounding import Array, gamma

POINTS = 18  # fixed by the file format


def interpolants(op: str, c: Array, r: Array, *parameter: float) -> tuple[Array, list[Array]]:
    """Coefficients of the interpolants of phi^(i)/i!, shape ``(18, 6, B, w)``, and their error bounds."""
    t = chebyshev_nodes(POINTS - 1)
    values, errors = TAYLOR[op](c + r * t[:, None, None], *parameter)
    stack = np.stack(values, 1)
    flat = stack.reshape(POINTS, -1)
    series = (transform(POINTS - 1) @ flat).reshape(stack.shape)
    largest = np.abs(stack).max(0)
    folded = aliasing(op, c, r, *parameter)
    lost = []
    for i in range(ORDER):
        noise = errors[i] if errors[i].ndim == 0 else errors[i].max(0)
        lost.append(folded[i] + 2.0 * POINTS * (noise + gamma(POINTS + 12) * largest[i]))
    return series, lost


def aliasing(op: str, c: Array, r: Array, *parameter: float) -> list[Array]:
    """Bounds of the interpolation error of phi^(i)/i! on [c - r, c + r], i = 0..5."""
    best = [np.full(c.shape, np.inf) for _ in range(ORDER)]
    for height, e in heights(op, c, r, *parameter):
        b = np.minimum(height / np.maximum(r, 1e-300), 50.0)
        rho = (b + np.sqrt(b * b + 1.0)) * (1.0 - 1e-14)
        reach = r * np.sqrt(b * b + 1.0)
        sizes = bounds(op, c - reach, c + reach, r * b, e, *parameter)
        factor = 4.0 * rho ** (1.0 - POINTS) / (rho - 1.0) * (1.0 + 1e-12)
        best = [np.fmin(old, factor * size) for old, size in zip(best, sizes[:ORDER], strict=True)]
    return best
