"""Polynomial approximators as straight-line programs, so that their error can be certified.

Chebyshev polynomials by T_{m+n} = 2 T_m T_n - T_{|m-n|} with m and n halves of the degree: depth
log2(degree), which encloses far better than the three-term recurrence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants.basis import Polynomial
from supnorm.approximants.chebyshev_tensor import ChebyshevSeries
from supnorm.problem import Domain
from supnorm.program import Builder, Program, Tensor, Unreadable

if TYPE_CHECKING:
    from supnorm.approximants.approximation import SurfaceModel

Array = NDArray[np.float64]
MOST_TERMS = 5000  # programs beyond this are no longer certified in minutes


def to_program(model: SurfaceModel) -> Program | None:
    """The program of a Chebyshev series of at most `MOST_TERMS` terms; None for other surfaces."""
    surface = model.surface
    if isinstance(surface, ChebyshevSeries):
        sizes = surface.coefficients.shape[:-1]
        indices = np.indices(sizes).reshape(len(sizes), -1).T
        coefficients = surface.coefficients.reshape(len(indices), -1)
    elif isinstance(surface, Polynomial) and surface.family == "chebyshev":
        indices, coefficients = surface.indices, surface.coefficients
    else:
        return None
    if len(indices) > MOST_TERMS:
        return None
    build = Builder(model.domain.d)
    product: Tensor | None = None
    for i, t in enumerate(_to_cube(build, model.domain)):
        table = _chebyshev(build, t, int(indices[:, i].max()) + 1)
        factor = table.arrange(lambda index, column=indices[:, i]: index[column])  # type: ignore[misc]
        product = factor if product is None else _tensor(build.binary("mul", product, factor))
    assert product is not None
    return build.finish(build.affine(product, coefficients.T))


@dataclass(frozen=True, eq=False)
class Unread:
    """The values of a surface without a program; who traces them is told why."""

    model: SurfaceModel

    def __call__(self, x: Array) -> Array:
        """Values ``(n, m)`` at points ``x (n, d)``."""
        return self.model.value(x)

    def __wrapped__(self, x: Array) -> Array:
        """What `program_of` traces."""
        surface = self.model.surface
        polynomial = isinstance(surface, ChebyshevSeries) or getattr(surface, "family", "") == "chebyshev"
        why = f"has more than {MOST_TERMS:,} terms" if polynomial else "is run but not read"
        raise Unreadable(
            f"{self.model.name} {why}",
            f"a network or a Chebyshev polynomial of at most {MOST_TERMS:,} terms, as supnorm fit --certify makes them",
        )


def _to_cube(build: Builder, domain: Domain) -> list[Tensor]:
    """The coordinates in [-1, 1], one tensor each."""
    coordinates = []
    for i, axis in enumerate(domain.axes):
        x = build.input.arrange(lambda index, i=i: index[i : i + 1])  # type: ignore[misc]
        low, high = axis.low, axis.high
        if axis.log:
            x, low, high = _tensor(build.unary("log", x)), float(np.log(low)), float(np.log(high))
        scale = 2.0 / (high - low)
        coordinates.append(build.affine(x, np.array([[scale]]), np.array([-1.0 - scale * low])))
    return coordinates


def _chebyshev(build: Builder, t: Tensor, size: int) -> Tensor:
    """T_0 ... T_{size-1} of one coordinate, as one vector."""
    one = build.affine(t, np.zeros((1, 1)), np.ones(1))
    rows = [one, t]
    for k in range(2, size):
        m, n = (k + 1) // 2, k // 2
        pair = build.concatenate([build.binary("mul", rows[m], rows[n]), rows[m - n]], 0)
        rows.append(build.affine(_tensor(pair), np.array([[2.0, -1.0]])))
    return _tensor(build.concatenate(rows[:size], 0)) if size > 1 else one


def _tensor(value: object) -> Tensor:
    assert isinstance(value, Tensor)
    return value
