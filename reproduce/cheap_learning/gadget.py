"""The multiplication gadget of four neurons, trees of it, and the shallow network of 2^n neurons.

Source: Lin, Tegmark and Rolnick, Why does deep and cheap learning work so well? (2017), section II and the theorem on
products. With s'' the second derivative of the activation at the bias b,

    m(u, v) = (s(u+v) + s(-u-v) - s(u-v) - s(v-u)) / (4 s''),   inputs scaled by a small l, the output by 1/l^2.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Activation = Callable[[Array], Array]


def softplus(z: Array) -> Array:
    """log(1 + exp z), of the precision of its input."""
    return np.logaddexp(z, np.zeros((), dtype=z.dtype))


# Activation, bias at which its second derivative is not zero, second derivative there.
ACTIVATIONS: dict[str, tuple[Activation, float, float]] = {
    "softplus": (softplus, 0.0, 0.25),
    "exp": (np.exp, 0.0, 1.0),
    "tanh": (np.tanh, 0.5, float(-2.0 * np.tanh(0.5) / np.cosh(0.5) ** 2)),
}


def multiply(u: Array, v: Array, name: str, scale: float) -> Array:
    """The gadget with inputs scaled by ``scale``; all in the precision of ``u``."""
    s, b, second = ACTIVATIONS[name]
    bias, small = u.dtype.type(b), u.dtype.type(scale)
    a, c = small * (u + v), small * (u - v)
    total = s(a + bias) + s(-a + bias) - s(c + bias) - s(-c + bias)
    return np.asarray(total / u.dtype.type(4.0 * second) / small**2)


def richardson(u: Array, v: Array, name: str, scale: float, orders: int) -> Array:
    """Several gadgets of scales ``scale``, ``scale / 2``, ..., combined so that their first errors cancel.

    The error of a gadget is a series in the square of its scale; each further gadget of four neurons removes one term.
    """
    table = [multiply(u, v, name, scale / 2.0**k) for k in range(orders)]
    for order in range(1, orders):
        factor = 4.0**order
        table = [(factor * b - a) / (factor - 1.0) for a, b in pairwise(table)]
    return table[0]


def tree(x: Array, name: str, scale: float, orders: int = 1) -> Array:
    """The product of the columns of ``x (n, 2^k)`` by a binary tree of gadgets; each takes values within [-1, 1]."""
    columns = list(x.T)
    while len(columns) > 1:
        columns = [
            richardson(a, b, name, scale, orders) for a, b in zip(columns[::2], columns[1::2], strict=True)
        ]
    return columns[0]


def shallow(x: Array, name: str, scale: float) -> Array:
    """The product by one layer of 2^n neurons: the sum over all signs, of which only the product's term of order n is left.

    The activation is exp, whose derivatives are all 1. The sum over signs t of prod(t) exp(l t.x) is
    2^n l^n prod(x) (1 + O(l^2)).
    """
    assert name == "exp"
    n = x.shape[1]
    total = np.zeros(len(x))
    for signs in product((1.0, -1.0), repeat=n):
        total += np.prod(signs) * np.exp(scale * (x @ np.array(signs)))
    return total / (2.0 * scale) ** n
