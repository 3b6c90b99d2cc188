"""The smooth bump b(t) = (4t(1-t))^(n+1) and the derivative constants of its products.

``b`` vanishes with its first n derivatives at 0 and 1 and has height 1. With ``B_k = max |b^(k)|``, a product
``prod_j b(N t_j)`` has ``|D^a| <= N^|a| M_|a|`` where ``M_k`` is the largest product of B's over the
partitions of k into at most d parts. So ``h prod_j b(N t_j)`` stays in the class |D^a f| <= L_|a|, |a| <= n,
when ``h <= min_k L_k / (N^k M_k)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import prod

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from supnorm.planning.smooth_class import MAX_ORDER
from supnorm.results import BadInput

Array = NDArray[np.float64]


@lru_cache
def derivative_maxima(n: int) -> tuple[float, ...]:
    """``B_0 .. B_n`` of the bump of order ``n``.

    Raises:
        BadInput: for an order above 12.

    >>> [round(b, 3) for b in derivative_maxima(1)]
    [1.0, 3.079]
    """
    if n > MAX_ORDER:
        raise BadInput(f"smoothness must be at most {MAX_ORDER} or infinite, got {n}")
    # In u = 2t - 1 the bump is (1 - u^2)^(n+1), even or odd in each derivative, and d/dt = 2 d/du.
    polynomial = Polynomial([1.0, 0.0, -1.0]) ** (n + 1)
    maxima = []
    for k in range(n + 1):
        derivative = polynomial.deriv(k) if k else polynomial
        roots = derivative.deriv().roots()
        real = np.clip(roots.real[np.abs(roots.imag) < 1e-6], -1.0, 1.0)
        candidates = np.concatenate([np.linspace(-1.0, 1.0, 2001), real])
        maxima.append(float(2.0**k * np.abs(derivative(candidates)).max()))
    return tuple(maxima)


def partitions(k: int, parts: int, largest: int | None = None) -> Iterator[tuple[int, ...]]:
    """Partitions of ``k`` into at most ``parts`` positive parts, parts in falling order.

    >>> list(partitions(3, 2))
    [(3,), (2, 1)]
    """
    if k == 0:
        yield ()
    elif parts:
        for first in range(min(k, largest or k), 0, -1):
            for rest in partitions(k - first, parts - 1, first):
                yield (first, *rest)


@lru_cache
def product_maxima(n: int, d: int) -> tuple[float, ...]:
    """``M_0 .. M_n`` in ``d`` variables.

    >>> round(product_maxima(4, 10)[4])
    3840
    """
    b = derivative_maxima(n)
    return tuple(max(prod(b[i] for i in p) for p in partitions(k, d)) for k in range(n + 1))


def bump_height(inverse_width: float, scales: Sequence[float], d: int) -> float:
    """The largest admissible height of a bump of width ``1/inverse_width``.

    Args:
        inverse_width: N.
        scales: ``L_0 .. L_n``, the bounds on the derivatives of each order.
        d: inputs.
    """
    maxima = product_maxima(len(scales) - 1, d)
    return min(s / (inverse_width**k * m) for k, (s, m) in enumerate(zip(scales, maxima, strict=True)))


def bump(x: Array, centre: Array, inverse_width: float, n: int) -> Array:
    """``prod_j b(1/2 + N (x_j - c_j))`` at points ``(m, d)``: 1 at the centre, 0 outside its cell."""
    u = 2.0 * inverse_width * (x - centre)
    value: Array = np.prod(np.maximum(1.0 - u * u, 0.0) ** (n + 1), axis=1)
    return value
