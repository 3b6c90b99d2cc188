"""Taylor coefficients of special functions at points, with bounds of their errors.

Those of `program.special` are computed in balls. atan, cbrt and erfc are functions of the libraries, trusted like exp to
`ULPS`: with z - i = r exp(-i t), r = |z - i|, t = atan2(1, z), the series of atan is (-1)^(k-1) sin(k t)/(k r^k); of cbrt it
is that of a power. The derivative of erfc is -2/sqrt(pi) G with G = exp(-z^2), G' = -2 z G; both lose by z^2 units, the
rounding of the exponent.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from supnorm.certification.rounding import Array, U
from supnorm.program.special import taylor

_EPS = 200.0 * U  # as in `graded_series`: a few library values of at most 17 U each, and k t for k <= 5


def series(op: str, z: Array, count: int, *parameter: float) -> tuple[list[Array], list[Array]]:
    """phi^(i)(z)/i!, i < ``count``, and bounds of their errors; see `special_bounds.SPECIAL` for the names."""
    if op == "atan":
        distance, turn = np.hypot(1.0, z), np.arctan2(1.0, z)
        values = [np.arctan(z), 1.0 / (1.0 + z * z)]
        values += [(-1.0) ** (k - 1) * np.sin(k * turn) / (k * distance**k) for k in range(2, count)]
        errors = [_EPS * np.abs(v) for v in values[:2]]
        return values[:count], (errors + [_EPS / distance**k for k in range(2, count)])[:count]
    if op == "cbrt":
        values, factor = [], 1.0
        for k in range(count):
            values.append(factor * np.cbrt(z) / z**k)
            factor *= (1.0 / 3.0 - k) / (k + 1.0)
        return values, [_EPS * np.abs(v) for v in values]
    if op == "erfc":
        return _erfc(z, count)
    return taylor(op, z, count, *parameter)


def _erfc(z: Array, count: int) -> tuple[list[Array], list[Array]]:
    scale, size = 2.0 / math.sqrt(math.pi), np.abs(z)
    g = [np.exp(-z * z)]
    a = [g[0] * (1.0 + z * z)]
    for k in range(count - 2):
        before, a_before = (g[k - 1], a[k - 1]) if k else (0.0, 0.0)
        g.append(-2.0 * (z * g[k] + before) / (k + 1))
        a.append(2.0 * (size * a[k] + a_before) / (k + 1))
    first = special.erfc(z)
    values = [first, *(-scale * v / (i + 1) for i, v in enumerate(g))]
    errors = [first * (1.0 + z * z), *(scale * v / (i + 1) for i, v in enumerate(a))]
    return values[:count], [_EPS * v for v in errors[:count]]
