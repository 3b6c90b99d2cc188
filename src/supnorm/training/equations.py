"""Partial differential equations that `fit_pde` solves: Poisson, Helmholtz, heat and Burgers.

An equation has a box of axes (the last one is the time of heat and Burgers), the faces with prescribed
values, and a residual written with derivatives of the unknown by JAX. The user's functions (source, boundary
values) are written with ``jax.numpy`` for one point ``x`` of shape ``(d,)`` and return a number.

``stability`` is a constant C with max |u - v| <= max over the prescribed faces of |u - v| + C max |residual|.
It is L^2 / 8 for Poisson (L is the shortest side) and the length of time for heat, both by the maximum principle. It is
None for Helmholtz, where no constant exists near resonances, and for Burgers, where none is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from supnorm.certification.solution.programs import Posed, pose
from supnorm.problem import Domain
from supnorm.problem.equations import Equation as Stated
from supnorm.program import Program, to_jax
from supnorm.results import BadInput

Scalar = Callable[[Any], Any]
Face = tuple[int, bool]  # axis, and whether it is the upper end


class Equation(Protocol):
    """The properties of an equation that `fit_pde` needs."""

    domain: Domain
    boundary: Scalar

    @property
    def faces(self) -> tuple[Face, ...]:
        """Faces with prescribed values."""

    @property
    def stability(self) -> float | None:
        """Factor from the largest residual to the largest error; None if no factor is known."""

    def residual(self, u: Scalar, x: Any) -> Any:
        """The expression that is zero for the solution, at one point ``x``."""


def first(u: Scalar, x: Any, axis: int) -> Any:
    """du/dx_axis at one point, by JAX."""
    import jax

    return jax.jvp(u, (x,), (_unit(x, axis),))[1]


def second(u: Scalar, x: Any, axis: int) -> Any:
    """d2u/dx_axis2 at one point, by JAX."""
    return first(lambda y: first(u, y, axis), x, axis)


@dataclass(frozen=True)
class Poisson:
    """-laplace u = source in the box, u = boundary on all faces."""

    domain: Domain
    source: Scalar
    boundary: Scalar

    @property
    def faces(self) -> tuple[Face, ...]:
        """All of them."""
        return _all_faces(self.domain.d)

    @property
    def stability(self) -> float | None:
        """L^2 / 8 with the shortest side L."""
        return min(a.high - a.low for a in self.domain.axes) ** 2 / 8.0

    def residual(self, u: Scalar, x: Any) -> Any:
        """laplace u + source."""
        return sum(second(u, x, i) for i in range(self.domain.d)) + self.source(x)


@dataclass(frozen=True)
class Helmholtz:
    """laplace u + k^2 u = source in the box, u = boundary on all faces."""

    domain: Domain
    wavenumber: float
    source: Scalar
    boundary: Scalar

    @property
    def faces(self) -> tuple[Face, ...]:
        """All of them."""
        return _all_faces(self.domain.d)

    @property
    def stability(self) -> float | None:
        """Unknown: the equation is not of monotone type."""
        return None

    def residual(self, u: Scalar, x: Any) -> Any:
        """laplace u + k^2 u - source."""
        laplace = sum(second(u, x, i) for i in range(self.domain.d))
        return laplace + self.wavenumber**2 * u(x) - self.source(x)


@dataclass(frozen=True)
class Heat:
    """u_t = diffusivity * laplace u + source; the last axis is time; ``boundary`` also gives the initial values."""

    domain: Domain
    diffusivity: float
    source: Scalar
    boundary: Scalar

    def __post_init__(self) -> None:
        _require_time(self.domain, self.diffusivity, "diffusivity")

    @property
    def faces(self) -> tuple[Face, ...]:
        """All but the end of time."""
        return _all_faces(self.domain.d)[:-1]

    @property
    def stability(self) -> float | None:
        """The length of time."""
        time = self.domain.axes[-1]
        return time.high - time.low

    def residual(self, u: Scalar, x: Any) -> Any:
        """u_t - diffusivity * laplace u - source."""
        d = self.domain.d
        laplace = sum(second(u, x, i) for i in range(d - 1))
        return first(u, x, d - 1) - self.diffusivity * laplace - self.source(x)


@dataclass(frozen=True)
class Burgers:
    """u_t + u u_x = viscosity * u_xx on axes (x, t); ``boundary`` also gives the initial values."""

    domain: Domain
    viscosity: float
    boundary: Scalar

    def __post_init__(self) -> None:
        _require_time(self.domain, self.viscosity, "viscosity")
        if self.domain.d != 2:
            raise BadInput(f"Burgers' equation has the axes (x, t), got {self.domain.names}")

    @property
    def faces(self) -> tuple[Face, ...]:
        """All but the end of time."""
        return _all_faces(2)[:-1]

    @property
    def stability(self) -> float | None:
        """Unknown in general."""
        return None

    def residual(self, u: Scalar, x: Any) -> Any:
        """u_t + u u_x - viscosity * u_xx."""
        return first(u, x, 1) + u(x) * first(u, x, 0) - self.viscosity * second(u, x, 0)


@dataclass(frozen=True)
class General:
    """An equation of `supnorm.equations` on a domain, as `fit_pde` solves it; `supnorm.solution_error` takes the same two.

    >>> from supnorm.problem.equations import Poisson as Stated
    >>> General.of(Stated(source=1.0), Domain(x=(0.0, 1.0))).faces
    ((0, False), (0, True))
    """

    posed: Posed

    @classmethod
    def of(cls, equation: Stated, domain: Domain) -> General:
        """The equation on a domain.

        Raises:
            BadInput: when the equation has no meaning on this domain, has other than given values on a face, or a formula
                cannot be read.
        """
        if equation.sides or equation.periodic:
            raise BadInput(
                f"{equation.kind}: fit_pde needs given values on all faces; train a network for Neumann, Robin or periodic "
                "faces (sides) yourself, and prove its error with solution_error"
            )
        return cls(pose(equation, domain))

    @property
    def domain(self) -> Domain:
        """The box."""
        return self.posed.domain

    @property
    def faces(self) -> tuple[Face, ...]:
        """All but the end of time."""
        return tuple(f for f in _all_faces(self.domain.d) if f != (self.posed.time, True))

    @property
    def stability(self) -> float | None:
        """Unknown here: `supnorm.solution_error` proves a bound of the error."""
        return None

    def boundary(self, x: Any) -> Any:
        """Values on the faces, and at the start of time the initial ones."""
        import jax.numpy as jnp

        on_faces = to_jax(self.posed.boundary)(x)[0]
        if self.posed.time is None:
            return on_faces
        start = self.domain.axes[self.posed.time].low
        return jnp.where(x[self.posed.time] <= start, to_jax(self.posed.initial)(x)[0], on_faces)

    def residual(self, u: Scalar, x: Any) -> Any:
        """u_t - diffusivity * laplace u + velocity . grad u + reaction * u - source."""
        posed = self.posed

        def value(term: float | str | Program) -> Any:
            return (
                to_jax(term)(x)[0] if isinstance(term, Program) else u(x) if isinstance(term, str) else term
            )

        total = -value(posed.source) + value(posed.reaction) * u(x)
        for i, b in zip(posed.space, posed.velocity, strict=True):
            total = total - posed.diffusivity * second(u, x, i)
            if not isinstance(b, float) or b != 0.0:
                total = total + value(b) * first(u, x, i)
        return total if posed.time is None else total + first(u, x, posed.time)


def _require_time(domain: Domain, coefficient: float, what: str) -> None:
    if domain.d < 2:
        raise BadInput(f"the equation needs at least one axis of space and one of time, got {domain.names}")
    if not coefficient > 0:
        raise BadInput(f"{what} must be positive, got {coefficient}")


def _all_faces(d: int) -> tuple[Face, ...]:
    return tuple((axis, upper) for axis in range(d) for upper in (False, True))


def _unit(x: Any, axis: int) -> Any:
    import jax.numpy as jnp

    return jnp.zeros_like(x).at[axis].set(1.0)
