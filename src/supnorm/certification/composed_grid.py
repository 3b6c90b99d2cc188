"""Tensor nodes of one degree with the constants of interpolation at them, and sizes of polynomials by their coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from supnorm.certification import chebyshev
from supnorm.certification.rounding import Array, U, outward

# ellipses that are tried: any of them gives a true bound
RHO = (1.2, 1.4, 1.7, 2.1, 2.7, 3.5, 4.6, 6.2, 8.5, 12.0, 18.0, 32.0, 80.0)


@dataclass(frozen=True, eq=False)
class Grid:
    """What all models of one degree share.

    Attributes:
        n, d: degree and inputs.
        nodes: shape ``(N, d)`` with N = (n + 1)^d.
        transform: values to coefficients along one axis.
        parts: column j (n + 1) + i sums the coefficients with k_j = i, shape ``(N, d (n + 1))``.
        growth: cosh(i log rho), shape ``(n + 1, S)``.
        tail: 4 rho^-n/(rho - 1), shape ``(S,)``.
        weight: Lambda^(j-1), shape ``(d,)``.
    """

    n: int
    d: int
    nodes: Array
    transform: Array
    parts: Array
    growth: Array
    tail: Array
    weight: Array

    @classmethod
    def of(cls, n: int, d: int) -> Grid:
        """The grid of degree ``n`` in ``d`` inputs."""
        rho, i = np.asarray(RHO), np.arange(n + 1)
        index = np.stack(np.meshgrid(*[i] * d, indexing="ij"), -1).reshape(-1, d)
        parts = (index[:, :, None] == i).reshape(len(index), -1).astype(float)
        growth = 0.5 * (rho ** i[:, None] + rho ** -i[:, None].astype(float))
        return cls(
            n=n,
            d=d,
            nodes=chebyshev.tensor_nodes(n, d),
            transform=chebyshev.transform(n),
            parts=parts,
            growth=outward(growth, 8 * (n + 2)),
            tail=outward(4.0 * rho**-n / (rho - 1.0), 8 * (n + 2)),
            weight=np.array([chebyshev.lebesgue(n, 1) ** j for j in range(d)]) * (1.0 + 1e-12),
        )

    @property
    def lebesgue(self) -> float:
        """Of the product grid."""
        return chebyshev.lebesgue(self.n, self.d)

    def coefficients(self, values: Array) -> Array:
        """Coefficients from values, both of shape ``(B, w, N)``."""
        shape, k = values.shape, self.n + 1
        flat = values.reshape(-1, len(self.nodes))
        for _ in range(self.d):  # the last axis, which then becomes the first
            rows = flat.reshape(-1, k) @ self.transform.T
            flat = np.ascontiguousarray(np.swapaxes(rows.reshape(len(flat), -1, k), 1, 2)).reshape(flat.shape)
        return flat.reshape(shape)

    def coefficient_error(self, largest: Array, err: Array) -> Array:
        """How far each computed coefficient is from that of the exact values.

        A row of the transform has 1-norm at most 2; its entries are off by at most (26 n + 20) u/(n + 1), the sum by
        gamma_(n+2).
        """
        d, n = self.d, self.n
        return outward(2.0**d * (err + (32.0 * d * (n + 1) * U) * (largest + err)))


grid = lru_cache(maxsize=64)(Grid.of)


@dataclass(frozen=True, eq=False)
class Sizes:
    """The size of a polynomial by its coefficients: constant one, and the sums of the others by degree along each axis.

    Attributes:
        c: shape ``(B, w)``.
        parts: sum of |a_k|, k != 0, over k_j = i, shape ``(B, w, d, n + 1)``; with what c may be off in i = 0.
    """

    c: Array
    parts: Array

    @cached_property
    def reach(self) -> Array:
        """The polynomial is within this of c on the real box, shape ``(B, w)``."""
        return outward(self.parts[:, :, 0].sum(-1), self.parts.shape[-1])

    def on_ellipses(self, g: Grid) -> Array:
        """The same where one input is complex, shape ``(B, w, d, S)``."""
        return outward(self.parts @ g.growth, 2 * g.n + 8)
