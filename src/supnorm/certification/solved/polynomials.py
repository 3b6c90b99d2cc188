"""Polynomials that follow values on a box, as programs: a path of a flow on one slice of time.

Values at tensor Chebyshev nodes give the coefficients of Chebyshev polynomials; small ones are dropped, and the rest becomes
sums of powers of u, which is -1 to 1 along each axis (of the logarithm on logarithmic axes). Powers need no more digits than
float64 has, because the degrees are small (`DEGREES`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from supnorm.problem import Domain
from supnorm.program import Node, Program

Array = NDArray[np.float64]


def nodes(count: int) -> Array:
    """Chebyshev nodes of [-1, 1]."""
    return np.asarray(-np.cos((2 * np.arange(count) + 1) * np.pi / (2 * count)))


def coefficients(values: Array) -> Array:
    """The coefficients of Chebyshev polynomials along all axes but the last, from values at tensor nodes."""
    for axis in range(values.ndim - 1):
        n = values.shape[axis]
        matrix = np.linalg.inv(chebyshev.chebvander(nodes(n), n - 1))
        values = np.moveaxis(np.tensordot(matrix, values, axes=(1, axis)), 0, axis)
    return values


@dataclass(frozen=True, eq=False)
class Polynomial:
    """Coefficients of Chebyshev polynomials, shape ``(n_1, .., n_d, k)``, on a box."""

    coefficients: Array
    domain: Domain

    def without_small(self, tolerance: float) -> Polynomial:
        """Without the terms whose coefficients are all below a tolerance, of all outputs."""
        c = self.coefficients
        small = np.abs(c).max(-1) <= tolerance
        small.flat[0] = False
        c = np.where(small[..., None], 0.0, c)
        for axis in range(c.ndim - 1):
            used = np.flatnonzero(np.moveaxis(c, axis, 0).reshape(c.shape[axis], -1).any(1))
            c = np.take(c, np.arange(used.max(initial=0) + 1), axis=axis)
        return Polynomial(c, self.domain)

    @property
    def program(self) -> Program:
        """Sums of products of powers."""
        c = self.coefficients
        wanted = c.any(-1)
        wanted.flat[0] |= not wanted.any()  # the polynomial 0 is a constant
        # A power is there where a Chebyshev polynomial of its degree or a higher one is.
        for axis in range(c.ndim - 1):
            wanted = np.flip(np.maximum.accumulate(np.flip(wanted, axis), axis), axis)
            n = c.shape[axis]
            matrix = np.zeros((n, n))
            for j in range(n):
                matrix[: j + 1, j] = chebyshev.cheb2poly(np.eye(n)[j][: j + 1])
            c = np.moveaxis(np.tensordot(matrix, c, axes=(1, axis)), 0, axis)
        return _program(c, np.argwhere(wanted), self.domain)


def _program(c: Array, powers: NDArray[np.intp], domain: Domain) -> Program:
    """The sum of the terms with these powers."""
    d, k = domain.d, c.shape[-1]
    made = [Node("input", (), d)]

    def add(op: str, args: tuple[int, ...], width: int, **more: object) -> int:
        made.append(Node(op, args, width, **more))  # type: ignore[arg-type]
        return len(made) - 1

    def column(at: int, j: int) -> int:
        return add("take", (at,), 1, columns=np.array([j], dtype=np.intp))

    terms: int | None = None
    for j, axis in enumerate(domain.axes):
        z = column(0, j)
        low, high = axis.low, axis.high
        if axis.log:
            z, low, high = add("log", (z,), 1), float(np.log(low)), float(np.log(high))
        weight, bias = np.array([[2.0 / (high - low)]]), np.array([-(low + high) / (high - low)])
        u = add("affine", (z,), 1, weight=weight, bias=bias)
        most = int(powers[:, j].max())
        listed = [add("constant", (), 1, value=np.ones(1)), u]
        listed += [add("pow", (u,), 1, parameter=float(p)) for p in range(2, most + 1)]
        listed = listed[: most + 1]
        joined = listed[0] if len(listed) == 1 else add("concat", tuple(listed), len(listed))
        if not most:
            continue
        factor = add("take", (joined,), len(powers), columns=powers[:, j].astype(np.intp))
        terms = factor if terms is None else add("mul", (terms, factor), len(powers))
    weight = c[tuple(powers.T)].T
    if terms is None:
        add("constant", (), k, value=np.ascontiguousarray(weight.sum(1)))
    else:
        add("affine", (terms,), k, weight=np.ascontiguousarray(weight), bias=np.zeros(k))
    return Program(tuple(made))
