"""Samples that a promise in the sup norm needs: Lipschitz and Hölder functions (order s <= 1). Sharp.

Class: |f(x) - f(y)| <= L |x - y|_inf^s on the unit cube. Let ``r = (eps/L)^(1/s)`` and ``K = ceil(1/(2r))``.
Lower bound: the K^d nodes of the grid of spacing 1/(K-1) > 2r are pairwise more than 2r apart, so with fewer
samples one node p is further than r from every sample, and ``L (dist^s - |x-p|^s)_+`` has height above eps,
is in the class and vanishes at the samples. (``t -> t^s`` is Hölder with constant 1, so this is in the
class.) Upper bound: the K^d midpoints of cells of side 1/K; take the value at the nearest one: error L
(1/(2K))^s <= eps. Both counts are ``K^d`` (Sukharev 1971 for s = 1): exponent and constant are the best
possible. A differentiable f with |df/dx_i| <= L_1 is in this class with L = d L_1, and the class of the sum
of |df/dx_i| <= L is contained in it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.theory.nodes import empty_node, nodes_per_side
from supnorm.planning.theory.statement import CONSTRUCTION, GUARANTEE, Adversary, ClassBound, log10_power
from supnorm.results.numbers import num

Array = NDArray[np.float64]


def points_per_side(order: float, scale: float, eps: float) -> int:
    """``K``.

    >>> points_per_side(1.0, 1.0, 0.1)
    5
    """
    return math.ceil(0.5 * float((scale / eps) ** (1.0 / order)) * (1.0 - 1e-14))


def hidden_cone(x: Array, order: float, scale: float) -> Adversary:
    """The member of the class that vanishes at all samples ``x``, shape ``(m, d)``, in the unit cube."""
    node = empty_node(x, nodes_per_side(len(x), x.shape[1]))
    distance = float(np.abs(x - node).max(axis=1).min()) if len(x) else 0.5
    height = scale * distance**order

    def value(z: Array) -> Array:
        cone: Array = np.maximum(height - scale * np.abs(z - node).max(axis=1) ** order, 0.0)
        return cone

    return Adversary(value, height, node)


def holder_samples(d: int, order: float, scale: float, eps: float) -> list[ClassBound]:
    """The lower bound and the construction that meets it.

    >>> [round(10**b.log10) for b in holder_samples(2, 1.0, 1.0, 0.01)]
    [2500, 2500]
    """
    k = points_per_side(order, scale, eps)
    function_class = f"|f(x)-f(y)| <= {num(scale, 6)} |x-y|_inf^{num(order, 6)} on the unit cube, d = {d}"
    rate = f"eps^(-{d}/{num(order, 6)})"
    lower = ClassBound.of(
        name="samples, Hölder class, sup norm",
        line=GUARANTEE,
        quantity="samples",
        log10=log10_power(k, d),
        rate=rate,
        class_=function_class,
        assumptions=("exact function values", "deterministic method, adaptive allowed"),
        source="proved here; equals Sukharev's count: the best possible constant",
        status="proved",
        vacuous=k <= 1,
        build=lambda x: hidden_cone(x, order, scale),
    )
    upper = ClassBound.of(
        name="midpoint grid, nearest value",
        line=CONSTRUCTION,
        quantity="samples",
        log10=log10_power(k, d),
        rate=rate,
        class_=function_class,
        assumptions=("exact function values", "samples where the method wants them"),
        source="proved here (Sukharev 1971); meets the lower bound",
        status="proved",
    )
    return [lower, upper]
