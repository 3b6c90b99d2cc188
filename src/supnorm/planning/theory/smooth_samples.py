"""Samples that a promise in the sup norm needs: n times differentiable functions, n >= 2.

Class: |D^a f| <= L_|a| on the unit cube for |a| <= n. Proof: with ``m < (N+1)^d`` samples a node of the grid
of spacing 1/N has an empty open neighbourhood of width 1/N (`nodes`). The bump there (`bump`), of height
``h(N) = min_k L_k / (N^k M_k)``, is in the class and vanishes at every sample, and so does its negative: the
samples, adaptive or not, cannot tell them apart and one of the two has an error of at least h(N). Hence

    m >= (N(eps) + 1)^d,   N(eps) = max{N : h(N) > eps}  ~  (L_n / (M_n eps))^(1/n),

the exponent d/n of 1/eps. The exponent is the right one (`piecewise`); the constant is not the best. The
bound says nothing for ``eps >= L_n / M_n``: M_n = 24, 253, 3.8e3 for n = 2, 3, 4 and d >= n. Cost: O(n) for
the number, O(m d) for the adversary.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.theory.bump import bump, bump_height, product_maxima
from supnorm.planning.theory.nodes import empty_node, nodes_per_side
from supnorm.planning.theory.statement import GUARANTEE, Adversary, ClassBound, log10_power, strict_floor

Array = NDArray[np.float64]


def inverse_width(d: int, scales: Sequence[float], eps: float) -> int:
    """``N(eps)``: the largest integer N with h(N) > eps; 0 where there is none.

    >>> inverse_width(3, (1.0, 1.0, 1.0), 1e-3)
    6
    """
    if scales[0] <= eps:
        return 0
    maxima = product_maxima(len(scales) - 1, d)
    return min(strict_floor((scales[k] / (maxima[k] * eps)) ** (1 / k)) for k in range(1, len(scales)))


def hidden_bump(x: Array, scales: Sequence[float]) -> Adversary:
    """The bump of the class that vanishes at all samples ``x``, shape ``(m, d)``, in the unit cube."""
    d, n = x.shape[1], len(scales) - 1
    width = nodes_per_side(len(x), d) - 1
    centre = empty_node(x, width + 1)
    height = bump_height(width, scales, d)
    return Adversary(lambda z: height * bump(z, centre, width, n), height, centre)


def smooth_samples(d: int, scales: Sequence[float], eps: float) -> ClassBound:
    """The statement for ``d`` inputs, derivative bounds ``L_0 .. L_n`` and absolute tolerance ``eps``.

    >>> bound = smooth_samples(3, (1.0, 1.0, 1.0), 1e-3)
    >>> round(10**bound.log10), bound.vacuous
    (343, False)
    >>> x = np.random.default_rng(0).random((300, 3))
    >>> adversary = bound.fooling_function(x)
    >>> float(abs(adversary(x)).max()), adversary.height > 1e-3
    (0.0, True)
    """
    n = len(scales) - 1
    width = inverse_width(d, scales, eps)
    return ClassBound.of(
        name="samples, n derivatives, sup norm",
        line=GUARANTEE,
        quantity="samples",
        log10=log10_power(width + 1, d),
        rate=f"eps^(-{d}/{n})",
        class_=f"|D^a f| <= L_|a| on the unit cube, |a| <= {n}, d = {d}",
        assumptions=("exact function values", "deterministic method, adaptive allowed"),
        source="proved here: a bump in an empty grid neighbourhood; constant computed, not the best possible",
        status="proved",
        vacuous=width == 0,
        build=lambda x: hidden_bump(x, scales),
    )
