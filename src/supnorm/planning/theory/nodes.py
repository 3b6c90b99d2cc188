"""A grid node without a sample near it, round which an adversary can differ from zero.

``K**d`` nodes with spacing ``1/(K-1)`` (the faces included) have disjoint open neighbourhoods of half-width
``1/(2(K-1))``. Fewer than ``K**d`` samples leave one of them empty. Nodes on the faces count: an adversary
may stick out of the cube, which gives ``K = N+1`` nodes a side where cells of side ``1/N`` would give only
``N``.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def nodes_per_side(samples: int, d: int) -> int:
    """The smallest ``K >= 2`` with ``K**d > samples``.

    >>> nodes_per_side(8, 3), nodes_per_side(7, 3)
    (3, 2)
    """
    k = max(int(samples ** (1.0 / d)) - 1, 2)
    while k**d <= samples:
        k += 1
    return k


def empty_node(x: Array, k: int) -> Array:
    """A node of the grid with ``k`` nodes a side whose open neighbourhood holds no row of ``x``.

    Args:
        x: samples in the unit cube, shape ``(m, d)`` with ``m < k**d``.
        k: nodes a side, at least 2.

    Returns:
        the node, shape ``(d,)``; every sample is at least ``1/(2(k-1))`` away in the maximum norm.

    >>> empty_node(np.array([[0.1], [0.9]]), 3)
    array([0.5])
    """
    taken = set(map(tuple, np.rint(x * (k - 1)).astype(int)))
    for index in itertools.product(range(k), repeat=x.shape[1]):
        if index not in taken:
            return np.array(index, dtype=float) / (k - 1)
    raise AssertionError("more samples than nodes")


def empty_cell(x: Array, k: int) -> Array:
    """The centre of one of ``k**d`` equal cells that holds no row of ``x``, shape ``(m, d)``, ``m < k**d``.

    >>> empty_cell(np.array([[0.1]]), 2)
    array([0.75])
    """
    taken = set(map(tuple, np.minimum((x * k).astype(int), k - 1)))
    for index in itertools.product(range(k), repeat=x.shape[1]):
        if index not in taken:
            return (np.array(index, dtype=float) + 0.5) / k
    raise AssertionError("more samples than cells")
