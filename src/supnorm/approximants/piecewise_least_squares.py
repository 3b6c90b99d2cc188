"""Least-squares polynomials on the pieces between the jumps of given samples, one input.

`line_jumps` finds the jumps; each piece takes the degree with the smallest leave-one-out error, as
`PolynomialLeastSquares` does, and pieces meet in the middle of the gap. Choose it for fixed samples of a function
with jumps, where the error of every continuous model is half a jump. The samples do not show where in its gap a jump lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants.approximation import Approximation, NotApplicable, finish, from_cube, to_cube
from supnorm.approximants.line_jumps import line_jumps
from supnorm.approximants.piecewise_chebyshev import PiecewisePolynomial
from supnorm.approximants.polynomial_least_squares import least_squares
from supnorm.problem import Domain

Array = NDArray[np.float64]
PIECEWISE = "piecewise polynomial"


@dataclass(frozen=True)
class PiecewiseLeastSquares:
    """Polynomials between jumps; no options.

    >>> x = np.linspace(-1.0, 1.0, 81)[:, None]
    >>> found = PiecewiseLeastSquares().from_samples(x, np.where(x < 0.31, 0.0, 1.2), Domain(x=(-1.0, 1.0)))
    >>> found.notes
    ('jump of 1.2 between x = 0.3 and x = 0.325',)
    """

    def from_samples(
        self, x: Array, y: Array, domain: Domain, rng: np.random.Generator | None = None
    ) -> Approximation:
        """Fit samples ``x (n, 1)``, ``y (n, m)``; nothing random is used.

        Raises:
            NotApplicable: for several inputs, or samples without a jump.
        """
        if domain.d != 1:
            raise NotApplicable("piecewise polynomials are for one input")
        t = to_cube(domain, x)[:, 0]
        order = np.argsort(t, kind="stable")
        t, y = t[order], y[order]
        jumps = line_jumps(t, y)
        if not len(jumps):
            raise NotApplicable("no jump between neighbouring samples")
        ends = np.concatenate([[-1.0], 0.5 * (t[jumps] + t[jumps + 1]), [1.0]])
        pieces = []
        for low, high, rows in zip(ends[:-1], ends[1:], np.split(np.arange(len(t)), jumps + 1), strict=True):
            s = (2.0 * t[rows] - low - high) / (high - low)
            pieces.append(least_squares(s[:, None], y[rows], "total").coefficients)
        size = max(len(c) for c in pieces)
        surface = PiecewisePolynomial(
            ends, np.stack([np.pad(c, ((0, size - len(c)), (0, 0))) for c in pieces])
        )
        notes = tuple(_note(domain, t, y, k) for k in jumps)
        return finish(surface, domain, PIECEWISE, len(x), notes)


def _note(domain: Domain, t: Array, y: Array, k: int) -> str:
    name, size = domain.names[0], float(np.abs(y[k + 1] - y[k]).max())
    a, b = from_cube(domain, t[k : k + 2, None])[:, 0]
    return f"jump of {size:.3g} between {name} = {a:.6g} and {name} = {b:.6g}"
