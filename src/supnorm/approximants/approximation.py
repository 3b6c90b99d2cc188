"""The result of every approximator, and the coordinates in which all of them work.

Approximators work on the cube [-1, 1]^d, to which the axes of the domain are mapped affinely (log axes in the
logarithm). A method is a frozen dataclass of options with one of two functions:

* ``from_function(f, domain, evaluations)`` chooses its own points (`ChebyshevTensor`, `PiecewiseChebyshev`,
  `TensorTrain`),
* ``from_samples(x, y, domain, rng)`` takes given points (all others, and networks).

Both return an `Approximation`; `NotApplicable` explains why a method cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from supnorm.networks import Network
from supnorm.networks.blocks import in_blocks
from supnorm.problem import Domain, Function
from supnorm.problem.coded import Coded
from supnorm.problem.function import Pullback
from supnorm.program import Builder, Tensor, Unreadable

Array = NDArray[np.float64]
# Files from before 2026-11-28 mapped a listed value by its position in the list; they are still evaluated in this way.
BY_RANK = "maps a listed value by its position in the list, and no program can do that (fit it again with this version)"
MOST_TERMS = 5000  # of a polynomial; a certificate of a larger program takes more than minutes


class NotApplicable(Exception):
    """A method cannot be used for this reference, domain or number of samples; the message says why."""


class Surface(Protocol):
    """The base class of fitted functions on the cube, which are frozen dataclasses of arrays and numbers."""

    @property
    def m(self) -> int:
        """Number of outputs."""

    def value(self, t: Array) -> Array:
        """Values ``(n, m)`` at ``t``, shape ``(n, d)``."""

    def pull(self, t: Array, weight: Array) -> Array:
        """Gradient in ``t`` of the outputs weighted by ``weight (n, m)``, shape ``(n, d)``."""

    def program(self, build: Builder, t: list[Tensor]) -> Tensor | str:
        """The outputs at the coordinates ``t`` in a program that can be certified, or the reason why there is none."""
        return "is run but not read"

    def fault(self, d: int) -> str:
        """What does not fit in its arrays, as they were read from a file, for ``d`` inputs; empty where all fits."""
        return ""


@dataclass(frozen=True, eq=False)
class Approximation:
    """A fitted approximator.

    Attributes:
        function: the approximator as a `Function` of the inputs in the units of the domain.
        model: the object that can be saved: a `Network` or a `Surface` with its domain.
        method: the name of the method in tables.
        parameters: number of fitted or stored numbers.
        samples: number of points of the reference that were used.
        notes: sentences for the user.
    """

    function: Function
    model: Network | SurfaceModel
    method: str
    parameters: int
    samples: int
    notes: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """Size of the stored numbers."""
        return 8 * self.parameters


@dataclass(frozen=True, eq=False)
class SurfaceModel:
    """A surface with its axes; it can be pickled, and `supnorm.approximants.save` saves it."""

    surface: Surface
    domain: Domain
    outputs: tuple[str, ...] = ()
    name: str = "approximator"

    def __repr__(self) -> str:
        """One line, without the coefficients."""
        return f"SurfaceModel({self.name!r}, d={self.d}, parameters={self.parameters})"

    @property
    def d(self) -> int:
        """Number of inputs."""
        return self.domain.d

    @property
    def parameters(self) -> int:
        """Count of all stored floating-point numbers."""
        values = (getattr(self.surface, f.name) for f in fields(self.surface))  # type: ignore[arg-type]
        return sum(_count(v) for v in values)

    def value(self, x: Array) -> Array:
        """Values ``(n, m)`` at points ``x (n, d)`` in the units of the domain."""
        x = np.asarray(x, dtype=np.float64)
        return in_blocks(lambda rows: self.surface.value(self._cube(rows)), x, self.surface.m)

    def vjp(self, x: Array) -> tuple[Array, Pullback]:
        """Values, and the pullback from weights of the outputs to weighted derivatives by the inputs."""
        x = np.asarray(x, dtype=np.float64)
        t = self._cube(x)

        def pull(weight: Array) -> Array:
            with np.errstate(divide="ignore"):
                slope = 2.0 / self.domain.slope(x)
            return self.surface.pull(t, weight) * np.where(np.isfinite(slope), slope, 0.0)

        return self.value(x), pull

    def _cube(self, x: Array) -> Array:
        return 2.0 * self.domain.to_unit(x) - 1.0

    def as_function(self) -> Function:
        """The approximator as a `Function`."""
        build = Builder(self.d)
        outputs: Tensor | str = BY_RANK
        if all(a.values is None or len(a.values) == 1 for a in self.domain.axes):
            outputs = self.surface.program(build, _coordinates(build, self.domain))
        program = None if isinstance(outputs, str) else build.finish(outputs)
        return Function(
            Coded(self.value, partial(_unread, self.name, outputs)) if program is None else self.value,
            inputs=self.domain.names,
            outputs=self.outputs,
            name=self.name,
            vjp=self.vjp,
            program=program,
            parallel="process",
            remake=partial(SurfaceModel.as_function, self),
        )


def _unread(name: str, why: Any, x: Array) -> Array:
    """What `program_of` traces of a surface without a program."""
    raise Unreadable(
        f"{name} {why}",
        f"a network or a Chebyshev polynomial of at most {MOST_TERMS:,} terms, as supnorm fit --certify makes them",
    )


def finish(
    surface: Surface, domain: Domain, method: str, samples: int, notes: tuple[str, ...] = ()
) -> Approximation:
    """The approximation of a fitted surface."""
    model = SurfaceModel(surface, _frame(domain), name=method)
    return Approximation(model.as_function(), model, method, model.parameters, samples, notes)


def to_cube(domain: Domain, x: Array) -> Array:
    """Points of the domain in [-1, 1]^d; listed values are mapped like all numbers, as in a program.

    >>> from supnorm.problem import Axis
    >>> to_cube(Domain(n=Axis(values=(1, 2, 5))), np.array([[1.0], [2.0], [5.0]])).tolist()
    [[-1.0], [-0.5], [1.0]]
    """
    return 2.0 * _frame(domain).to_unit(x) - 1.0


def from_cube(domain: Domain, t: Array) -> Array:
    """Points of the cube in the units of the domain."""
    return _frame(domain).from_unit(0.5 * (t + 1.0))


def _frame(domain: Domain) -> Domain:
    """The axes without lists of values; the value of an axis with a single value is the middle of the cube."""
    axes: dict[str, Any] = {
        name: a if a.values is None or len(a.values) == 1 else replace(a, values=None)
        for name, a in zip(domain.names, domain.axes, strict=True)
    }
    return Domain.from_axes(axes)


def _coordinates(build: Builder, domain: Domain) -> list[Tensor]:
    """The coordinates in [-1, 1] as parts of a program, one tensor each."""
    coordinates = []
    for i, axis in enumerate(domain.axes):
        x: Any = build.input.arrange(lambda index, i=i: index[i : i + 1])  # type: ignore[misc]
        low, high = axis.low, axis.high
        if low == high:  # a single value
            coordinates.append(build.affine(x, np.zeros((1, 1)), np.zeros(1)))
            continue
        if axis.log:
            x, low, high = build.unary("log", x), float(np.log(low)), float(np.log(high))
        scale = 2.0 / (high - low)
        coordinates.append(build.affine(x, np.array([[scale]]), np.array([-1.0 - scale * low])))
    return coordinates


def described(domain: Domain, x: Array) -> str:
    """A point ``(d,)`` in words, with the names of the inputs.

    >>> described(Domain(a=(0.0, 1.0), b=(0.0, 2.0)), np.array([0.25, 1.5]))
    'a = 0.25, b = 1.5'
    """
    return ", ".join(f"{name} = {value:.6g}" for name, value in domain.describe(x).items())


def on_cube(f: Callable[[Array], Array], domain: Domain) -> Callable[[Array], Array]:
    """``f`` as a function on the cube; it refuses values that are not finite."""

    def values(t: Array) -> Array:
        y = f(from_cube(domain, t))
        broken = ~np.isfinite(y).all(axis=1)
        if broken.any():
            raise NotApplicable(
                f"the reference has no finite value at {broken.sum()} of {len(t)} nodes, first at "
                + described(domain, from_cube(domain, t[[int(np.argmax(broken))]])[0])
            )
        return y

    return values


def require_box(domain: Domain, method: str) -> None:
    """Refuse domains in which some points of the box may not exist.

    Raises:
        NotApplicable: for constraints, data clouds and discrete axes.
    """
    if domain.constraints or domain.cloud is not None:
        raise NotApplicable(f"{method} needs the whole box; the domain has constraints or comes from data")
    if any(a.values is not None for a in domain.axes):
        raise NotApplicable(f"{method} needs continuous axes")


def _count(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return int(value.size)
    return sum(_count(v) for v in value) if isinstance(value, tuple) else 0
