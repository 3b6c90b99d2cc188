"""Samples that a promise in the L^p norm needs, p finite: n times differentiable functions.

Class as in `smooth_samples`. With m samples at least ``N^d - m`` of the N^d cells are empty; the sum of the
bumps of height h(N) in the empty cells is in the class (disjoint supports) and vanishes at the samples. Its
norm is ``h(N) ||b||_p^d (1 - m/N^d)^(1/p)`` with ||b||_p that of the one-dimensional bump. So

    m >= max_N N^d (1 - (eps / (h(N) ||b||_p^d))^p):

the exponent is d/n as in the sup norm. For smoothness classes the 2-norm brings *no* better rate; that relief
is one of network classes (`network_class`). The constant ||b||_p^d makes the bound empty for large d.
Cost: O(log) for the number; O(m + n d) per batch for the adversary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import lgamma

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.theory.bump import bump, bump_height, product_maxima
from supnorm.planning.theory.statement import GUARANTEE, Adversary, ClassBound
from supnorm.results.numbers import num

Array = NDArray[np.float64]


def bump_norm(n: int, p: float) -> float:
    """``||b||_p`` of ``(4t(1-t))^(n+1)`` on [0, 1], by the beta function.

    >>> round(bump_norm(1, 2.0) ** 2, 4)  # integral of (4t(1-t))^4
    0.4063
    """
    a = (n + 1) * p
    return float((4.0**a * np.exp(2.0 * lgamma(a + 1.0) - lgamma(2.0 * a + 2.0))) ** (1.0 / p))


def hidden_bumps(x: Array, scales: Sequence[float], p: float, cells: int) -> Adversary:
    """The sum of the bumps in the empty ones of ``cells**d`` cells; vanishes at all samples ``x``."""
    d, n = x.shape[1], len(scales) - 1
    height = bump_height(cells, scales, d)
    taken = set(map(tuple, np.minimum((x * cells).astype(int), cells - 1)))

    def value(z: Array) -> Array:
        index = np.minimum((z * cells).astype(int), cells - 1)
        free = np.array([tuple(i) not in taken for i in index], dtype=bool)
        return height * free * bump(z, (index + 0.5) / cells, cells, n)

    share = 1.0 - len(taken) / float(cells) ** d
    norm = height * bump_norm(n, p) ** d * max(share, 0.0) ** (1.0 / p)
    free_index = next((i for i in np.ndindex(*(cells,) * d) if i not in taken), (0,) * d)
    return Adversary(value, norm, (np.array(free_index) + 0.5) / cells)


def best_count(d: int, scales: Sequence[float], eps: float, p: float) -> tuple[float, int]:
    """log10 of the largest m of the formula and the N that gives it; ``(-inf, 0)`` when there is none."""
    n = len(scales) - 1
    level = bump_norm(n, p) ** d
    maxima = product_maxima(n, d)
    top = min((scales[k] * level / (maxima[k] * eps)) ** (1 / k) for k in range(1, n + 1))
    if scales[0] * level <= eps or top <= 1.0:
        return -np.inf, 0
    sides = np.unique(np.floor(np.geomspace(1.0, top, 2000)))
    heights = np.array([bump_height(s, scales, d) for s in sides])
    with np.errstate(divide="ignore", invalid="ignore"):
        counts = d * np.log10(sides) + np.log10(1.0 - (eps / (heights * level)) ** p)
    counts = np.where(np.isnan(counts), -np.inf, counts)
    best = int(counts.argmax())
    return float(counts[best]), int(sides[best])


def smooth_samples_lp(d: int, scales: Sequence[float], eps: float, p: float) -> ClassBound:
    """The statement for ``d`` inputs, derivative bounds ``L_0 .. L_n``, tolerance ``eps`` in L^p.

    >>> round(smooth_samples_lp(2, (1.0, 1.0), 1e-3, 2.0).log10, 2)
    3.64
    """
    log10, cells = best_count(d, scales, eps, p)
    n = len(scales) - 1

    def adversary(x: Array) -> Adversary:
        fit = cells if len(x) < 10.0**log10 else int(np.ceil((2.0 * len(x)) ** (1.0 / d)))
        return hidden_bumps(x, scales, p, fit)

    return ClassBound.of(
        name=f"samples, n derivatives, L^{num(p, 6)} norm",
        line=GUARANTEE,
        quantity="samples",
        log10=max(log10, 0.0),
        rate=f"eps^(-{d}/{n})",
        class_=f"|D^a f| <= L_|a| on the unit cube, |a| <= {n}, d = {d}",
        assumptions=("exact function values", "uniform law", "deterministic method, adaptive allowed"),
        source="proved here: bumps in all empty cells; constant computed, not the best possible",
        status="proved",
        vacuous=log10 <= 0.0,
        build=adversary if cells and d * math.log(cells) < np.log(1e7) else None,
    )
