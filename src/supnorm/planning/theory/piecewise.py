"""A construction for every n times differentiable function: piecewise tensor Chebyshev interpolation.

Class: |d^n f / dx_i^n| <= L for each i (no mixed derivatives needed). Cut each axis into N cells and
interpolate in the n Chebyshev points of each. In one variable the error is at most ``2 (1/(4N))^n L / n!``;
the interpolation operator has norm lambda_n (the Lebesgue constant of n Chebyshev points, computed), so
telescoping over the axes

    error <= 2 L / (n! (4N)^n) * (1 + lambda_n + ... + lambda_n^(d-1)),     samples (n N)^d.

The lower bound (`smooth_samples`) has the same exponent d/n. Cost: O(1).
"""

from __future__ import annotations

import math
from decimal import Decimal
from functools import lru_cache

import numpy as np

from supnorm.planning.theory.statement import CONSTRUCTION, ClassBound, log10_power
from supnorm.results.numbers import from_log10, num


@lru_cache
def lebesgue_constant(n: int) -> float:
    """Lebesgue constant of ``n`` Chebyshev points: the Lebesgue function is largest at the ends (Ehlich and Zeller 1966).

    >>> round(lebesgue_constant(2), 4)
    1.4142
    """
    angles = (2 * np.arange(1, n + 1) - 1) * np.pi / (2 * n)
    return float(np.sum(1.0 / np.tan(angles / 2.0)) / n)


def cells_per_side(d: int, n: int, scale: float, eps: float) -> int:
    """The smallest N whose error bound is at most ``eps``."""
    norm = lebesgue_constant(n)
    # In logarithms: the geometric sum of norm^i, i below d, has hundreds of digits for many inputs.
    sums = float(np.logaddexp.reduce(math.log(norm) * np.arange(d)))
    ratio = math.log(2.0 * scale / (math.factorial(n) * eps)) + sums
    if ratio / n > 700:  # beyond the range of a float; one more makes no difference
        return int((Decimal(ratio) / n).exp() / 4)
    return max(math.ceil(0.25 * math.exp(ratio / n)), 1)


def piecewise_interpolation(d: int, n: int, scale: float, eps: float) -> ClassBound:
    """The count for ``d`` inputs, pure n-th derivatives bounded by ``scale``, absolute tolerance ``eps``.

    >>> round(10 ** piecewise_interpolation(1, 1, 1.0, 0.01).log10)
    50
    """
    cells = cells_per_side(d, n, scale, eps)
    counted = str(cells) if cells < 10**15 else f"about {from_log10(math.log10(cells))}"
    return ClassBound.of(
        name="piecewise Chebyshev interpolation on a grid",
        line=CONSTRUCTION,
        quantity="samples",
        log10=log10_power(n * cells, d),
        rate=f"eps^(-{d}/{n})",
        class_=f"|d^{n} f/dx_i^{n}| <= {num(scale, 6)} on the unit cube for each i, d = {d}",
        assumptions=("exact function values", "samples where the method wants them"),
        source=f"proved here: {counted} cells a side, {n} Chebyshev points each; Lebesgue constant computed",
        status="proved",
    )
