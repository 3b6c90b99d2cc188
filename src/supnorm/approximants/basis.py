"""Orthogonal polynomials in one and several variables: tables, derivatives, index sets.

Chebyshev T_k, or Legendre P_k normalised by sqrt(2k + 1) so that they are orthonormal for the uniform law.
Index sets: total degree |nu|_1 <= p, hyperbolic cross prod(nu_i + 1) <= p + 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants.approximation import MOST_TERMS, Surface
from supnorm.program import Builder, Tensor

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
LARGEST_DEGREE = 20_000  # in a file: the table of a block of 256 points then has 41 MB for each input


def chebyshev_table(t: Array, size: int) -> tuple[Array, Array]:
    """T_0 ... T_{size-1} and their derivatives at ``t (n,)``, shapes ``(n, size)``."""
    values, slopes = np.ones((len(t), size)), np.zeros((len(t), size))
    if size > 1:
        values[:, 1], slopes[:, 1] = t, 1.0
    for k in range(2, size):
        values[:, k] = 2.0 * t * values[:, k - 1] - values[:, k - 2]
        slopes[:, k] = 2.0 * values[:, k - 1] + 2.0 * t * slopes[:, k - 1] - slopes[:, k - 2]
    return values, slopes


def legendre_table(t: Array, size: int) -> tuple[Array, Array]:
    """Orthonormal Legendre polynomials and their derivatives, shapes ``(n, size)``."""
    values, slopes = np.ones((len(t), size)), np.zeros((len(t), size))
    if size > 1:
        values[:, 1], slopes[:, 1] = t, 1.0
    for k in range(2, size):
        a, b = (2.0 * k - 1.0) / k, (k - 1.0) / k
        values[:, k] = a * t * values[:, k - 1] - b * values[:, k - 2]
        slopes[:, k] = a * (values[:, k - 1] + t * slopes[:, k - 1]) - b * slopes[:, k - 2]
    norm = np.sqrt(2.0 * np.arange(size) + 1.0)
    return values * norm, slopes * norm


def total_degree(d: int, degree: int) -> Indices:
    """All multi-indices with sum at most ``degree``, shape ``(k, d)``, sorted by degree.

    >>> total_degree(2, 1).tolist()
    [[0, 0], [0, 1], [1, 0]]
    """
    return _grow(d, lambda row: degree + 1 - sum(row))


def hyperbolic_cross(d: int, degree: int) -> Indices:
    """All multi-indices with prod(nu_i + 1) at most ``degree + 1``, shape ``(k, d)``.

    >>> hyperbolic_cross(2, 2).tolist()
    [[0, 0], [0, 1], [1, 0], [0, 2], [2, 0]]
    """
    return _grow(d, lambda row: (degree + 1) // math.prod(k + 1 for k in row))


def _grow(d: int, room: Callable[[tuple[int, ...]], int]) -> Indices:
    """Build the indices axis by axis: after the indices ``row`` the next one is below ``room(row)``."""
    rows: list[tuple[int, ...]] = [()]
    for _ in range(d):
        rows = [(*row, k) for row in rows for k in range(room(row))]
    rows.sort(key=lambda row: (sum(row), row))
    return np.array(rows, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Polynomial(Surface):
    """A polynomial on the cube: ``sum_nu c_nu prod_i phi_{nu_i}(t_i)``.

    Attributes:
        indices: the multi-indices, shape ``(k, d)``.
        coefficients: shape ``(k, m)``.
        family: ``"chebyshev"`` or ``"legendre"``.
    """

    indices: Indices
    coefficients: Array
    family: str = "chebyshev"

    @property
    def m(self) -> int:
        """Number of outputs."""
        return int(self.coefficients.shape[1])

    def fault(self, d: int) -> str:
        """What does not fit in its arrays for ``d`` inputs."""
        indices, shape = self.indices, self.coefficients.shape
        if len(shape) != 2 or 0 in shape or indices.shape != (shape[0], d):
            return f"indices of shape {indices.shape}, coefficients of shape {shape} for {d} inputs"
        if self.family not in ("chebyshev", "legendre"):
            return f"family {self.family[:40]!r}, neither chebyshev nor legendre"
        if not ((indices >= 0) & (indices <= LARGEST_DEGREE)).all():
            return f"indices that are not from 0 to {LARGEST_DEGREE:,}"
        return ""

    def value(self, t: Array) -> Array:
        """Values ``(n, m)``."""
        return design(t, self.indices, self.family) @ self.coefficients

    def pull(self, t: Array, weight: Array) -> Array:
        """Weighted gradient ``(n, d)``."""
        along = weight @ self.coefficients.T
        tables = _tables(t, self.indices, self.family)
        gradient = np.empty_like(t)
        for i in range(t.shape[1]):
            product = along * tables[i][1][:, self.indices[:, i]]
            for j in range(t.shape[1]):
                if j != i:
                    product = product * tables[j][0][:, self.indices[:, j]]
            gradient[:, i] = product.sum(axis=1)
        return gradient

    def program(self, build: Builder, t: list[Tensor]) -> Tensor | str:
        """The outputs at the coordinates ``t``."""
        if self.family != "chebyshev":
            return super().program(build, t)
        return chebyshev_program(build, t, self.indices, self.coefficients)


def chebyshev_program(build: Builder, t: list[Tensor], indices: Indices, coefficients: Array) -> Tensor | str:
    """``sum_nu c_nu prod_i T_{nu_i}(t_i)``, operation by operation, for at most `MOST_TERMS` terms.

    It uses T_{m+n} = 2 T_m T_n - T_{|m-n|}, where m and n are halves of the degree. The depth is log2(degree), so enclosures
    are far tighter than with the three-term recurrence.
    """
    if len(indices) > MOST_TERMS:
        return f"has more than {MOST_TERMS:,} terms"
    product: Any = None
    for i, coordinate in enumerate(t):
        table = _chebyshev(build, coordinate, int(indices[:, i].max()) + 1)
        factor = table.arrange(lambda index, column=indices[:, i]: index[column])
        product = factor if product is None else build.binary("mul", product, factor)
    return build.affine(product, coefficients.T)


def _chebyshev(build: Builder, t: Tensor, size: int) -> Any:
    """T_0 ... T_{size-1} of one coordinate, as one vector."""
    one = build.affine(t, np.zeros((1, 1)), np.ones(1))
    rows: list[Any] = [one, t]
    for k in range(2, size):
        m, n = (k + 1) // 2, k // 2
        pair: Any = build.concatenate([build.binary("mul", rows[m], rows[n]), rows[m - n]], 0)
        rows.append(build.affine(pair, np.array([[2.0, -1.0]])))
    return build.concatenate(rows[:size], 0) if size > 1 else one


def design(t: Array, indices: Indices, family: str) -> Array:
    """Values of all basis functions, shape ``(n, k)``."""
    tables = _tables(t, indices, family)
    matrix: Array = tables[0][0][:, indices[:, 0]]
    for i in range(1, t.shape[1]):
        matrix = matrix * tables[i][0][:, indices[:, i]]
    return matrix


def _tables(t: Array, indices: Indices, family: str) -> list[tuple[Array, Array]]:
    table = chebyshev_table if family == "chebyshev" else legendre_table
    return [table(t[:, i], int(indices[:, i].max(initial=0)) + 1) for i in range(t.shape[1])]
