"""Rational functions of one input, as they are stored; one that may have a pole in the range is refused when it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants.approximation import Surface
from supnorm.approximants.basis import chebyshev_program, chebyshev_table
from supnorm.approximants.no_poles import positive_barycentric
from supnorm.program import Builder, Tensor

Array = NDArray[np.float64]
POLES = "poles in the range, or poles that the proof could not exclude"
FAR = 1e-12  # of a real pole from the range: rounding of t is far below


@dataclass(frozen=True, eq=False)
class PartialFractions(Surface):
    """A Chebyshev series on [-1, 1] and simple fractions, whose denominators are positive by their form.

    Attributes:
        alpha, beta: pairs of poles ``alpha + i beta`` and ``alpha - i beta``, shape ``(k,)``, with beta above 0: each pair
            has the fractions ``1 / q`` and ``s / q`` with ``s = (t - alpha) / beta`` and ``q = 1 + s^2``.
        outer: real poles below -1 or above 1, shape ``(j,)``: each has the fraction ``(1 - |outer|) / (t - outer)``.
        coefficients: of the series, of the fractions of `outer`, of ``1 / q``, of ``s / q``, shape ``(n, m)``.
        terms: number of terms of the series.
    """

    alpha: Array
    beta: Array
    outer: Array
    coefficients: Array
    terms: int

    @property
    def m(self) -> int:
        """Number of outputs."""
        return int(self.coefficients.shape[1])

    def fault(self, d: int) -> str:
        """What does not fit in its arrays for ``d`` inputs; a pole in the range does not."""
        pairs, outer, c = (self.alpha, self.beta), self.outer, self.coefficients
        if d != 1 or c.ndim != 2 or outer.ndim != 1 or pairs[0].ndim != 1 or pairs[1].shape != pairs[0].shape:
            shapes = ", ".join(str(v.shape) for v in (*pairs, outer, c))
            return f"alpha, beta, outer and coefficients of shapes {shapes} for {d} inputs"
        if self.terms < 1 or len(c) != self.terms + len(outer) + 2 * len(pairs[0]) or c.shape[1] == 0:
            return f"{len(c)} coefficients for {len(outer)} real poles, {len(pairs[0])} pairs and {self.terms} terms"
        free = (self.beta**2 > 0).all() and (np.abs(outer) > 1.0 + FAR).all()
        return "" if free else POLES

    def value(self, t: Array) -> Array:
        """Values ``(n, m)``."""
        return _dot(self.table(t[:, 0])[0], self.coefficients)

    def pull(self, t: Array, weight: Array) -> Array:
        """Weighted gradient ``(n, 1)``."""
        gradient: Array = np.sum(_dot(self.table(t[:, 0])[1], self.coefficients) * weight, axis=1)[:, None]
        return gradient

    def program(self, build: Builder, t: list[Tensor]) -> Tensor | str:
        """The outputs at the coordinate ``t``."""
        series = self.coefficients[: self.terms]
        total = chebyshev_program(build, t, np.arange(self.terms)[:, None], series)
        if isinstance(total, str):
            return total
        j, k = len(self.outer), len(self.alpha)
        c = self.coefficients[self.terms :].T
        parts: list[tuple[Any, Any, Array]] = []  # numerators, denominators, coefficients
        if j:
            distance = build.affine(t[0], np.ones((j, 1)), -self.outer)
            parts.append((np.ones(j), distance, c[:, :j] * (1.0 - np.abs(self.outer))))
        if k:
            s = build.affine(t[0], 1.0 / self.beta[:, None], -self.alpha / self.beta)
            below = build.binary("add", build.binary("mul", s, s), np.ones(k))
            parts += [(np.ones(k), below, c[:, j : j + k]), (s, below, c[:, j + k :])]
        for above, below, columns in parts:
            fractions: Any = build.binary("div", above, below)
            sums: Any = build.binary("add", total, build.affine(fractions, columns))
            total = sums
        return total

    def table(self, t: Array) -> tuple[Array, Array]:
        """All terms at ``t (n,)`` and their derivatives, each ``(n, terms)``."""
        series, slopes = chebyshev_table(t, self.terms)
        distance = t[:, None] - self.outer
        outer = (1.0 - np.abs(self.outer)) / distance
        s = (t[:, None] - self.alpha) / self.beta
        below = 1.0 + s * s
        even, odd = 1.0 / below, s / below
        rise = [
            -outer / distance,
            -2.0 * s * even * even / self.beta,
            (1.0 - s * s) * even * even / self.beta,
        ]
        return np.concatenate([series, outer, even, odd], axis=1), np.concatenate([slopes, *rise], axis=1)


@dataclass(frozen=True, eq=False)
class Barycentric(Surface):
    """``sum_j w_j f_j / (t - x_j)`` over ``sum_j w_j / (t - x_j)``, which is f_j at x_j.

    Attributes:
        nodes: the x_j, increasing, in [-1, 1], shape ``(k,)``.
        weights: the w_j, shape ``(k,)``; their signs alternate.
        values: the f_j, shape ``(k, m)``.
    """

    nodes: Array
    weights: Array
    values: Array

    @property
    def m(self) -> int:
        """Number of outputs."""
        return int(self.values.shape[1])

    def fault(self, d: int) -> str:
        """What does not fit in its arrays for ``d`` inputs; a denominator that may be zero does not."""
        x, w, f = self.nodes, self.weights, self.values
        if (
            d != 1
            or x.ndim != 1
            or f.ndim != 2
            or w.shape != x.shape
            or len(f) != len(x)
            or f.shape[1] == 0
            or len(x) < 2
        ):
            return f"nodes of shape {x.shape}, weights of shape {w.shape}, values of shape {f.shape} for {d} inputs"
        if not ((np.diff(x) > 0).all() and x[0] >= -1.0 and x[-1] <= 1.0):
            return "nodes that do not increase from -1 to 1"
        return "" if positive_barycentric(x, w) else POLES

    def value(self, t: Array) -> Array:
        """Values ``(n, m)``."""
        return self._shares(np.clip(t[:, 0], -1.0, 1.0))[0]

    def pull(self, t: Array, weight: Array) -> Array:
        """Weighted gradient ``(n, 1)``: a mean of the differences (value - f_j) / (t - x_j) with the shares of the nodes."""
        s = np.clip(t[:, 0], -1.0, 1.0)
        value, share, at = self._shares(s)
        gradient = np.empty((len(t), 1))
        for i, (row, k) in enumerate(zip(share, at, strict=True)):
            distance = s[i] - self.nodes
            if k >= 0:  # at a node
                distance[k] = 1.0
                row = -self.weights / self.weights[k]
                row[k] = 0.0
            gradient[i, 0] = (row / distance) @ ((value[i] - self.values) @ weight[i])
        return gradient

    def _shares(self, t: Array) -> tuple[Array, Array, NDArray[np.intp]]:
        """Values; of each node its share of them (n, k); the node on which a point lies, -1 for none."""
        distance = t[:, None] - self.nodes
        hit = distance == 0.0
        at = np.where(hit.any(axis=1), hit.argmax(axis=1), -1)
        distance[hit] = 1.0
        terms = self.weights / distance
        terms[at >= 0] = np.where(hit[at >= 0], 1.0, 0.0)
        terms /= terms.sum(axis=1, keepdims=True)
        return _dot(terms, self.values), terms, at


def _dot(table: Array, columns: Array) -> Array:
    """A product whose rows do not depend on how many rows there are, as those of ``@`` may."""
    product: Array = np.einsum("nk,km->nm", table[:, : len(columns)], columns)
    return product
