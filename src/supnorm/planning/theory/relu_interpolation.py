"""A ReLU network with an explicit count of weights: piecewise linear interpolation on a grid, written as a network.

Cut each axis into K parts and each cell into d! simplices (Kuhn). The interpolant is ``sum_v f(v) phi(K (x - v))``
over the (K+1)^d nodes with the hat

    phi(z) = relu(1 - max(0, z_1, .., z_d) - max(0, -z_1, .., -z_d)),

and ``max(a, b) = a + relu(b - a)`` makes it a network of d + 2 affine layers with at most (12 d - 6) weights a
node (8 for d = 1) and d (d-1)/2 to carry the inputs, which are at least 0. Error, with weights lambda_i at the
vertices v_i of the simplex round x:

* Lipschitz, |f(x) - f(y)| <= L |x - y|_inf: every vertex is within 1/K, so at most L / K.
* |D^a f| <= L_2 for |a| = 2: second directional derivatives are at most M = d L_2; since sum lambda_i (v_i - x) = 0
  the linear part vanishes and the error is at most ``M/2 sum lambda_i |v_i - x|^2 = M/2 (R^2 - |x - c|^2)``, where
  c is the centre and R = sqrt(d) / (2 K) the circumradius of the cell: at most ``d^2 L_2 / (8 K^2)``.

So W grows like eps^(-d) and eps^(-d/2): the rate of the best *stable* choice of weights for n = 1 and 2
(`relu_weights`), with the constant printed. For n > 2 it still holds, with the exponent d/2. The weights are
values of f: they exist without any training. Cost: O(1); building the network O((K+1)^d d) units.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.theory.statement import CONSTRUCTION, ClassBound
from supnorm.results.numbers import num

Array = NDArray[np.float64]
Layers = tuple[tuple[Array, Array], ...]


def parts_needed(d: int, n: int, scale: float, eps: float) -> int:
    """K.

    >>> parts_needed(2, 1, 1.0, 0.1), parts_needed(2, 2, 1.0, 0.1)
    (10, 3)
    """
    ratio = scale / eps if n == 1 else math.sqrt(d * d * scale / (8.0 * eps))
    return max(math.ceil(ratio * (1.0 - 1e-14)), 1)


def log10_weights(d: int, parts: int) -> float:
    """log10 of the number of weights and biases that are not 0.

    >>> round(10 ** log10_weights(2, 3))
    289
    """
    a_node, carried = (8, 0) if d == 1 else (12 * d - 6, d * (d - 1) // 2)
    nodes = d * math.log10(parts + 1)
    return nodes + math.log10(a_node + carried * 10.0**-nodes)


def relu_interpolation(d: int, n: int, scale: float, eps: float) -> ClassBound:
    """The statement for a Lipschitz constant (n = 1) or a bound on second derivatives (n >= 2).

    >>> round(10 ** relu_interpolation(1, 2, 1.0, 1e-4).log10)
    296
    """
    order = min(n, 2)
    parts = parts_needed(d, order, scale, eps)
    held = (
        f"|f(x)-f(y)| <= {num(scale, 6)} |x-y|_inf" if order == 1 else f"|D^a f| <= {num(scale, 6)}, |a| = 2"
    )
    return ClassBound.of(
        name="ReLU network of a piecewise linear interpolant",
        line=CONSTRUCTION,
        quantity="weights",
        log10=log10_weights(d, parts),
        rate=f"eps^(-{d}/{order})",
        class_=f"{held} on the unit cube, d = {d}",
        assumptions=(f"{d + 2} affine layers", "weights are set from values of f, not trained"),
        source=f"proved here: the network is built and tested; {parts} parts a side",
        status="proved",
    )
