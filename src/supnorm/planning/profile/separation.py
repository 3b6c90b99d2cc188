"""The numerical rank between leading and trailing inputs: how many products of two functions are needed.

For each split (x_1..x_k | x_k+1..x_d) the matrix f(a_i, b_j) of n random halves is decomposed; the tail of
its singular values against the tolerance is the rank that a tensor train needs there at least (on these
points: a lower estimate). Low ranks for the given order of the inputs mean that a tensor train works; high
ranks say nothing about other orders. Oseledets, Tensor-train decomposition, 2011. Cost: (d - 1) n^2 calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Separation:
    """Singular values of each split, divided by the number of points: shape ``(d - 1, n)``."""

    values: Array

    def ranks(self, eps: float) -> list[int]:
        """The rank of each split whose remainder is at most ``eps`` in root mean square."""
        tails = np.sqrt(np.cumsum(self.values[:, ::-1] ** 2, axis=1))[:, ::-1]
        return [int((row > eps).sum()) for row in tails]


def separation(
    f: Callable[[Array], Array], d: int, points: int, rng: np.random.Generator
) -> Separation | None:
    """Decompose every split; None when a value is missing.

    >>> f = lambda u: u[:, 0] * u[:, 1] + np.sin(3 * u[:, 2])
    >>> separation(f, 3, 40, np.random.default_rng(0)).ranks(1e-10)
    [2, 2]
    """
    rows = []
    for k in range(1, d):
        a, b = rng.random((points, k)), rng.random((points, d - k))
        grid = np.concatenate([np.repeat(a, points, axis=0), np.tile(b, (points, 1))], axis=1)
        values = f(grid)
        if not np.isfinite(values).all():
            return None
        rows.append(np.linalg.svd(values.reshape(points, points), compute_uv=False) / points)
    return Separation(np.array(rows))
