"""Tensor-product Chebyshev interpolation with a degree for each axis.

Values are taken at Chebyshev extrema cos(pi k / (n - 1)), and the discrete cosine transform gives the coefficients. The
degrees come from one-dimensional lines through random points: n_i(eps) is the number of points on axis i at which the
coefficients of all lines have fallen below eps. The method takes the smallest eps whose grid fits the budget, so all axes
reach the same accuracy. It cuts off trailing coefficients at rounding level.

Cost: prod n_i evaluations. Choose it for smooth references in 1-D to 3-D; do not choose it for d > 5, for kinks, or for
expensive references. Sources: Trefethen, Approximation Theory and Practice (2019), ch. 3 and
8; Hashemi & Trefethen, Chebfun in three dimensions (2017).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from supnorm.approximants.approximation import (
    Approximation,
    NotApplicable,
    Surface,
    finish,
    on_cube,
    require_box,
)
from supnorm.approximants.basis import chebyshev_program, chebyshev_table
from supnorm.problem import Domain
from supnorm.program import Builder, Tensor
from supnorm.results.option import Allowed
from supnorm.results.settings import Limits, Settings

Array = NDArray[np.float64]
EPS = 2.2e-16  # float64: the distance of 1 to the next number


@dataclass(frozen=True, eq=False)
class ChebyshevSeries(Surface):
    """Coefficients on a tensor of Chebyshev polynomials, shape ``(n_1, ..., n_d, m)``."""

    coefficients: Array

    @property
    def m(self) -> int:
        """Number of outputs."""
        return int(self.coefficients.shape[-1])

    def fault(self, d: int) -> str:
        """What does not fit in its arrays for ``d`` inputs."""
        shape = self.coefficients.shape
        return (
            "" if len(shape) == d + 1 and 0 not in shape else f"coefficients of shape {shape} for {d} inputs"
        )

    def value(self, t: Array) -> Array:
        """Values ``(n, m)``."""
        return self._contract([chebyshev_table(t[:, i], n)[0] for i, n in self._sizes()])

    def pull(self, t: Array, weight: Array) -> Array:
        """Weighted gradient ``(n, d)``."""
        tables = [chebyshev_table(t[:, i], n) for i, n in self._sizes()]
        columns = []
        for i in range(t.shape[1]):
            mixed = [slopes if j == i else values for j, (values, slopes) in enumerate(tables)]
            columns.append(np.sum(self._contract(mixed) * weight, axis=1))
        return np.stack(columns, axis=1)

    def program(self, build: Builder, t: list[Tensor]) -> Tensor | str:
        """The outputs at the coordinates ``t``."""
        sizes = self.coefficients.shape[:-1]
        indices = np.indices(sizes).reshape(len(sizes), -1).T
        return chebyshev_program(build, t, indices, self.coefficients.reshape(len(indices), -1))

    def _sizes(self) -> list[tuple[int, int]]:
        return list(enumerate(self.coefficients.shape[:-1]))

    def _contract(self, tables: list[Array]) -> Array:
        c = self.coefficients
        partial = tables[0] @ c.reshape(len(c), -1)
        for table, size in zip(tables[1:], c.shape[1:-1], strict=True):
            partial = np.einsum("nk,nkr->nr", table, partial.reshape(len(table), size, -1))
        return partial.reshape(len(partial), c.shape[-1])


@dataclass(frozen=True)
class ChebyshevTensor(Settings):
    """Tensor Chebyshev interpolation.

    Args:
        tolerance: the goal, relative to the largest coefficient.
        longest: largest number of points on one axis.
        lines: number of random lines on each axis that determine its degree.
        most: largest number of terms; None for as many as the evaluations allow.

    >>> domain = Domain(x=(0.0, 3.0), y=(1.0, 2.0))
    >>> found = ChebyshevTensor().from_function(lambda p: np.sin(p[:, :1] * p[:, 1:]), domain, 10_000)
    >>> bool(abs(found.function([[0.3, 1.7]])[0, 0] - np.sin(0.51)) < 1e-13)
    True
    """

    tolerance: float = 1e-15  # a few units in the last place: as good as float64 allows
    longest: int = 1025  # 2^10 + 1: the nested grids of 5, 9, 17, ... points end there
    # Lines of an axis on which degrees are chosen. cos(20 x y): largest error 1.5e-14 from 1,812 samples; one line: 7.1e-6
    # from 730; six lines: 1.5e-14 from 2,502.
    lines: int = 3
    seed: int = 0
    most: int | None = None

    LIMITS: ClassVar[Limits] = {"tolerance": Allowed(above=0)}

    def from_function(
        self, f: Callable[[Array], Array], domain: Domain, evaluations: int = 20_000
    ) -> Approximation:
        """Interpolate ``f``, which maps ``(n, d)`` to ``(n, m)``, with at most ``evaluations`` points.

        Raises:
            NotApplicable: when the domain is not a whole box, a value is not finite, or 2^d points are too many.
        """
        require_box(domain, "Chebyshev interpolation")
        values = on_cube(f, domain)
        if domain.d * self.lines * 17 + 3**domain.d > evaluations:
            raise NotApplicable(
                f"a Chebyshev grid in {domain.d} dimensions takes more than {evaluations} points"
            )
        envelopes, spent = self.decay(values, domain.d, evaluations // 3)
        affordable = evaluations - spent if self.most is None else min(evaluations - spent, self.most)
        sizes, level = _shared(envelopes, affordable, self.tolerance)
        sizes = [min(n, 4 * self.longest) for n in sizes]
        if level > 0.03:
            raise NotApplicable(f"{affordable} points resolve the reference only to {level:.0%} on this grid")
        coefficients = transform(values(grid(sizes)).reshape(*sizes, -1), range(domain.d))
        spent += int(np.prod(sizes))
        surface = ChebyshevSeries(_cut(coefficients, self.tolerance))
        scale = float(np.abs(coefficients).max())
        tail = max(_tail(coefficients, i) for i in range(domain.d)) / (scale or 1.0)
        notes = (
            ()
            if tail < 1e-10 or self.most is not None
            else (f"not resolved: the last Chebyshev coefficients are {tail:.0e}",)
        )
        return finish(surface, domain, "chebyshev", spent, notes)

    def decay(self, values: Callable[[Array], Array], d: int, budget: int) -> tuple[list[Array], int]:
        """For each axis and degree the largest coefficient of this degree or a higher one, over random lines."""
        rng = np.random.default_rng(self.seed)
        anchors, spent, envelopes = rng.uniform(-1, 1, (self.lines, d)), 0, []
        for axis in range(d):
            n = 17
            while True:
                t = np.repeat(anchors, n, axis=0)
                t[:, axis] = np.tile(extrema(n), self.lines)
                c = np.abs(transform(values(t).reshape(self.lines, n, -1), [1]))
                spent += len(t)
                envelope = np.maximum.accumulate(c.max(axis=(0, 2))[::-1])[::-1]
                resolved = envelope[-(n // 8) - 1] <= 10 * self.tolerance * max(float(envelope[0]), 1e-300)
                if resolved or 2 * n - 1 > self.longest or (2 * n - 1) * self.lines * d > budget:
                    break
                n = 2 * n - 1
            envelopes.append(envelope / max(float(envelope[0]), 1e-300))
        return envelopes, spent


def extrema(n: int) -> Array:
    """The ``n`` Chebyshev extrema from 1 down to -1; ``[0]`` for n = 1.

    >>> extrema(3)
    array([ 1.,  0., -1.])
    """
    if n == 1:
        return np.zeros(1)
    points: Array = np.sin(0.5 * np.pi * (n - 1 - 2 * np.arange(n)) / (n - 1))  # exactly odd-symmetric
    return points


def grid(sizes: list[int]) -> Array:
    """All points of the tensor grid, last axis fastest, shape ``(prod sizes, d)``."""
    axes = np.meshgrid(*(extrema(n) for n in sizes), indexing="ij")
    return np.stack([a.ravel() for a in axes], axis=1)


def transform(values: Array, axes: object) -> Array:
    """Chebyshev coefficients from values at the extrema along the given axes."""
    c = values
    for axis in axes:  # type: ignore[attr-defined]
        n = c.shape[axis]
        if n == 1:
            continue
        c = np.moveaxis(dct(c, type=1, axis=axis) / (n - 1), axis, 0)
        c[0] *= 0.5
        c[-1] *= 0.5
        c = np.moveaxis(c, 0, axis)
    return c


def _shared(envelopes: list[Array], budget: int, tolerance: float) -> tuple[list[int], float]:
    """Sizes n_i(eps) for the smallest eps whose grid has at most ``budget`` points, and that eps."""
    best, level = [2] * len(envelopes), 1.0
    for eps in 10.0 ** np.arange(0.0, np.log10(tolerance) - 1e-9, -0.25):
        sizes = [size_for(e, eps) for e in envelopes]
        if np.prod(np.array(sizes, dtype=float)) > budget:
            break
        best, level = sizes, float(eps)
    unresolved = [e[-1] > 1e-10 for e in envelopes]
    if any(unresolved):  # some lines end before their coefficients decay: their axes get all remaining points
        stretch = (budget / float(np.prod(best))) ** (1.0 / sum(unresolved))
        best = [int(n * stretch) if u else n for n, u in zip(best, unresolved, strict=True)]
    return best, level


def size_for(envelope: Array, eps: float) -> int:
    """The number of points at which the coefficients of an axis have fallen below ``eps``."""
    below = np.nonzero(envelope < eps)[0]
    return max(2, (int(below[0]) if len(below) else len(envelope)) + 1)


def _tail(c: Array, axis: int) -> float:
    n = c.shape[axis]
    return float(np.abs(np.take(c, range(n - max(n // 10, 1), n), axis=axis)).max()) if n > 3 else 0.0


def _cut(c: Array, tolerance: float) -> Array:
    """The leading block that contains every coefficient above rounding level."""
    level = max(tolerance, EPS) * float(np.abs(c).max())
    above = np.abs(c).max(axis=-1) > level
    if not above.any():
        return c[(slice(0, 1),) * (c.ndim - 1)]
    ends = [int(i.max()) + 1 for i in np.nonzero(above)]
    return np.ascontiguousarray(c[tuple(slice(0, e) for e in ends)])
