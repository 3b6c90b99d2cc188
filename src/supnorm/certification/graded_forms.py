"""Quadratic forms: the order of their entries, products of linear forms, mixed terms in the corners of the cube."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np

from supnorm.certification.rounding import Array


def pairs(d: int) -> list[tuple[int, int]]:
    """The order of the entries of H: first i = j, T_2(y_i), then i < j, y_i y_j.

    >>> pairs(3)
    [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]
    """
    return [(i, i) for i in range(d)] + list(itertools.combinations(range(d), 2))


@cache
def corners(d: int) -> Array:
    """y_i y_j (columns, i < j) in the corners of the cube up to sign (rows)."""
    signs = np.array(list(itertools.product((1.0, -1.0), repeat=d)))[: 2 ** (d - 1)]
    return np.array([signs[:, i] * signs[:, j] for i, j in pairs(d)[d:]]).reshape(-1, len(signs)).T


def quadratic(a: Array, b: Array) -> tuple[Array, Array]:
    """(a.y)(b.y), ``a``, ``b`` of shape ``(B, w, d)``, as a constant ``(B, w)`` and a form in the order of `pairs`."""
    d = a.shape[-1]
    H = [0.5 * a[..., i] * b[..., i] for i in range(d)]
    H += [a[..., i] * b[..., j] + a[..., j] * b[..., i] for i, j in itertools.combinations(range(d), 2)]
    return np.asarray(sum(H[:d])), np.stack(H)
