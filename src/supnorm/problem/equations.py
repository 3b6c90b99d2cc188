"""Differential equations whose solution a network approximates: what `supnorm.solution_error` needs to know of them.

Every constructor makes one general form on a box,

    u_t - diffusivity * laplace u + velocity . grad u + reaction * u = source,

without u_t if there is no time axis; u = boundary on the faces of the box (all but the end of time), u = initial at the
start of time. In Burgers' equation the velocity is u itself. On single faces the derivative along the outward normal can
be given instead of the value: du/dn + coefficient * u = value (`Neumann` with coefficient 0, `Robin` with one above 0).
Along a periodic axis nothing is given: u and its first derivatives are the same at both ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from supnorm.results import BadInput
from supnorm.results.numbers import literal

Term = float | Callable[..., Any]  # a number, or code (n, d) -> (n,), or a `Function`
SELF: Final = "u"
Velocity = Term | Literal["u"]


@dataclass(frozen=True)
class Flux:
    """What is given on a face instead of the value: du/dn + coefficient * u = value, n the outward normal.

    Raises:
        BadInput: for a coefficient below 0, for which no constant is known, or a value that is none.
    """

    coefficient: float
    value: Term

    def __post_init__(self) -> None:
        known = isinstance(self.coefficient, int | float) and 0.0 <= self.coefficient < math.inf
        if not known:
            raise BadInput(f"Robin: the coefficient must be a number of at least 0, got {self.coefficient!r}")
        object.__setattr__(self, "coefficient", float(self.coefficient))


def Neumann(value: Term = 0.0) -> Flux:
    """du/dn = value on a face, n the outward normal."""
    return Flux(0.0, value)


def Robin(coefficient: float, value: Term = 0.0) -> Flux:
    """du/dn + coefficient * u = value on a face, n the outward normal; the coefficient is above 0."""
    return Flux(coefficient, value)


PERIODIC: Final = "periodic"
Ends = tuple[Flux | None, Flux | None] | Literal["periodic"]
Sides = Mapping[str, Ends]  # by axis: at its low and its high end; None: u = boundary
NO_SIDES: Final[Sides] = {}


@dataclass(frozen=True, kw_only=True)
class Equation:
    """A differential equation with its data; formulas take points ``(n, d)`` in the order of the axes.

    Attributes:
        kind: its name in words.
        diffusivity: a positive number.
        velocity: one for each axis of space, or none: numbers, formulas, or "u" for the solution itself.
        reaction, source: numbers or formulas.
        boundary: the values on the faces; without ``initial`` also those at the start of time.
        initial: the values at the start of time.
        time: name of the time axis; None for a steady equation.
        sides: by axis of space the conditions at its low and high end; None, and other axes, have the value ``boundary``;
            "periodic" instead of a pair makes the axis one of ``periodic``.
        periodic: names of axes at whose ends u and its first derivatives are the same.
        approximation: a smooth function near the solution whose residual is bounded, "model" for the model itself, or None
            for one that is computed.
        origin: the table of a problem file that it came from; None if it came from Python.

    Raises:
        BadInput: when a coefficient cannot be used.

    >>> Poisson(source=1.0, boundary=0.0)
    Equation('Poisson')
    """

    kind: str
    diffusivity: float = 1.0
    velocity: tuple[Velocity, ...] = ()
    reaction: Term = 0.0
    source: Term = 0.0
    boundary: Term = 0.0
    initial: Term | None = None
    time: str | None = None
    sides: Sides = field(default_factory=dict)
    periodic: tuple[str, ...] = ()
    approximation: Any = None
    origin: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not (isinstance(self.diffusivity, int | float) and 0.0 < self.diffusivity < math.inf):
            got = literal(self.diffusivity) if isinstance(self.diffusivity, float) else repr(self.diffusivity)
            raise BadInput(f"{self.kind}: the diffusivity must be a positive number, got {got}")
        object.__setattr__(self, "diffusivity", float(self.diffusivity))
        sides, periodic = _checked(self.sides, self.kind, self.time)
        object.__setattr__(self, "sides", sides)
        object.__setattr__(self, "periodic", (*self.periodic, *periodic))
        for name, term in self.terms.items():
            if isinstance(term, str) and (name[:8] != "velocity" or term != SELF):
                raise BadInput(f"{self.kind}: {name} must be a number or a formula, got {term!r}")
            if isinstance(term, int | float) and not math.isfinite(term):
                raise BadInput(f"{self.kind}: {name} must be finite, got {term}")
            if not isinstance(term, int | float | str) and not callable(term):
                raise BadInput(
                    f"{self.kind}: {name} must be a number or a formula, got {type(term).__name__}"
                )
        if self.initial is not None and self.time is None:
            raise BadInput(f"{self.kind}: initial values need a time axis")
        if SELF in self.velocity and self.time is None:
            raise BadInput(f"{self.kind}: a velocity that is the solution itself needs a time axis")

    @property
    def pairs(self) -> Mapping[str, tuple[Flux | None, Flux | None]]:
        """``sides`` of the axes that are not periodic."""
        return {axis: ends for axis, ends in self.sides.items() if not isinstance(ends, str)}

    @property
    def terms(self) -> dict[str, Velocity]:
        """Coefficients and data that are given, by name."""
        known: dict[str, Velocity] = {f"velocity {i + 1}": v for i, v in enumerate(self.velocity)}
        known |= {"reaction": self.reaction, "source": self.source, "boundary": self.boundary}
        for axis, ends in self.pairs.items():
            for end, one in zip(("low", "high"), ends, strict=True):
                known |= {} if one is None else {f"flux {axis} {end}": one.value}
        return known if self.initial is None else known | {"initial": self.initial}

    def __repr__(self) -> str:
        """One line; the formulas have none."""
        return f"Equation({self.kind!r})"


def _checked(
    sides: Any, kind: str, time: str | None
) -> tuple[dict[str, tuple[Flux | None, Flux | None]], tuple[str, ...]]:
    """The conditions on the sides, each as a pair, and the periodic axes.

    Raises:
        BadInput: naming what is no condition.
    """
    made, periodic = {}, []
    if not isinstance(sides, Mapping):
        raise BadInput(
            f"{kind}: sides must map names of axes to pairs of conditions, got {type(sides).__name__}"
        )
    for axis, ends in sides.items():
        if axis == time:
            raise BadInput(
                f"{kind}: sides of {axis}: the start of time has the values initial; leave this axis out"
            )
        if isinstance(ends, str) and ends == PERIODIC:
            periodic.append(str(axis))
            continue
        if isinstance(ends, str):
            raise BadInput(
                f'{kind}: sides of {axis}: {ends!r} boundaries have no proved constant here; give "periodic", or the low '
                "and the high end, each None (the value boundary), Neumann(..) or Robin(..)"
            )
        if not isinstance(ends, list | tuple) or len(ends) != 2:
            raise BadInput(
                f"{kind}: sides of {axis} must be a pair, for its low and its high end, got {ends!r}"
            )
        for one in ends:
            if not (one is None or isinstance(one, Flux)):
                raise BadInput(f"{kind}: sides of {axis}: {one!r} is not None, Neumann(..) or Robin(..)")
        made[str(axis)] = (ends[0], ends[1])
    return made, tuple(periodic)


def Poisson(*, source: Term = 0.0, boundary: Term = 0.0, sides: Sides = NO_SIDES) -> Equation:
    """-laplace u = source, u = boundary on all faces but those of ``sides``."""
    return Equation(kind="Poisson", source=source, boundary=boundary, sides=sides)


def Helmholtz(k: float, *, source: Term = 0.0, boundary: Term = 0.0, sides: Sides = NO_SIDES) -> Equation:
    """-laplace u - k^2 u = source, u = boundary on all faces but those of ``sides``; k^2 below the first eigenvalue."""
    if not (isinstance(k, int | float) and math.isfinite(k)):
        raise BadInput(f"Helmholtz: k must be a finite number, got {k!r}")
    return Equation(
        kind="Helmholtz", reaction=-float(k) * float(k), source=source, boundary=boundary, sides=sides
    )


def AdvectionDiffusion(
    diffusivity: float,
    *,
    velocity: Sequence[Velocity],
    reaction: Term = 0.0,
    source: Term = 0.0,
    boundary: Term = 0.0,
    initial: Term | None = None,
    time: str | None = None,
    sides: Sides = NO_SIDES,
) -> Equation:
    """u_t - diffusivity laplace u + velocity . grad u + reaction u = source; without a time axis the steady equation."""
    if not isinstance(velocity, list | tuple):
        raise BadInput(
            f"AdvectionDiffusion: velocity must be a list with one entry for each axis of space, got {velocity!r}"
        )
    return Equation(
        kind="AdvectionDiffusion",
        diffusivity=diffusivity,
        velocity=tuple(velocity),
        reaction=reaction,
        source=source,
        boundary=boundary,
        initial=initial,
        time=time,
        sides=sides,
    )


def Heat(
    diffusivity: float = 1.0,
    *,
    source: Term = 0.0,
    boundary: Term = 0.0,
    initial: Term | None = None,
    time: str = "t",
    sides: Sides = NO_SIDES,
) -> Equation:
    """u_t = diffusivity laplace u + source."""
    return Equation(
        kind="Heat",
        diffusivity=diffusivity,
        source=source,
        boundary=boundary,
        initial=initial,
        time=time,
        sides=sides,
    )


def Burgers(
    viscosity: float,
    *,
    source: Term = 0.0,
    boundary: Term = 0.0,
    initial: Term | None = None,
    time: str = "t",
    sides: Sides = NO_SIDES,
) -> Equation:
    """u_t + u u_x = viscosity u_xx + source, in one dimension of space."""
    return Equation(
        kind="Burgers",
        diffusivity=viscosity,
        velocity=(SELF,),
        source=source,
        boundary=boundary,
        initial=initial,
        time=time,
        sides=sides,
    )
