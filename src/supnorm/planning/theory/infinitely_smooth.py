"""Samples that a promise in the sup norm needs even for infinitely smooth functions.

Class: all partial derivatives of all orders bounded by L. For ``s = floor(d/2)`` let V be the span of the 2^s
products ``prod_j u_j^(i_j)``, ``u_j = x_(2j-1) + x_(2j)``, i in {0,1}^s. A v in V is affine in each u_j in
[0, 2], so ``|dv/dx| = |v(u_j=2) - v(u_j=0)| / 2 <= sup|v|``, mixed derivatives follow one by one, and two
derivatives inside one pair vanish: all derivatives are at most sup|v|. Fewer than 2^s samples (any linear
measurements) miss some v with sup|v| = L. Hence ``m >= 2^floor(d/2)`` for *every* eps < L (Novak and
Wozniakowski, J. Complexity 25, 2009; the proof above is complete). Smoothness alone does
not lift the curse of dimension. Cost: O(1) for the number; for the adversary the null space of an ``m x
2^s'`` matrix, 2^s' the next power above m.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.theory.statement import GUARANTEE, Adversary, ClassBound, log10_power
from supnorm.results import BadInput
from supnorm.results.numbers import num

Array = NDArray[np.float64]


def monomials(x: Array, pairs: int) -> Array:
    """The ``2**pairs`` products of pair sums at points of shape ``(n, d)``; shape ``(n, 2**pairs)``."""
    columns = np.ones((len(x), 1))
    for j in range(pairs):
        u = x[:, 2 * j] + x[:, 2 * j + 1] - 1.0  # same span, better conditioned about the middle
        columns = np.concatenate([columns, columns * u[:, None]], axis=1)
    return columns


def hidden_product(x: Array, scale: float) -> Adversary:
    """A v in V with sup ``scale`` that vanishes at the samples ``x``, shape ``(m, d)``.

    Raises:
        BadInput: when there are 2^floor(d/2) samples or more, or more than 4095.
    """
    m, d = x.shape
    pairs = m.bit_length()
    if pairs > d // 2 or pairs > 12:
        raise BadInput(f"this adversary exists for fewer than {min(2 ** (d // 2), 4096)} samples, got {m}")
    coefficients = np.linalg.svd(monomials(x, pairs), full_matrices=True)[2][-1]
    corners = np.array(list(itertools.product((0.0, 1.0), repeat=pairs))).reshape(-1, pairs)
    points = np.full((len(corners), d), 0.5)
    points[:, 0 : 2 * pairs : 2] = points[:, 1 : 2 * pairs : 2] = corners
    values = monomials(points, pairs) @ coefficients
    best = int(np.abs(values).argmax())
    coefficients = coefficients * (scale / values[best])
    return Adversary(lambda z: monomials(z, pairs) @ coefficients, scale, points[best])


def infinitely_smooth(d: int, scale: float, eps: float) -> ClassBound:
    """The statement for ``d`` inputs, derivatives bounded by ``scale``, absolute tolerance ``eps``.

    >>> round(infinitely_smooth(20, 1.0, 0.5).log10, 2)
    3.01
    """
    return ClassBound.of(
        name="samples, all derivatives bounded, sup norm",
        line=GUARANTEE,
        quantity="samples",
        log10=log10_power(2, d // 2) if eps < scale else 0.0,
        rate=f"2^{d // 2} whatever the tolerance",
        class_=f"all partial derivatives of all orders at most {num(scale, 6)} on the unit cube, d = {d}",
        assumptions=("exact linear measurements", "deterministic method, adaptive allowed"),
        source="proved here: products of pair sums (Novak and Wozniakowski 2009)",
        status="proved",
        vacuous=eps >= scale or d < 2,
        build=lambda x: hidden_product(x, scale),
    )
