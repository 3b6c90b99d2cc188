"""An equation on a box as programs: residual, values on the faces, and the coefficients of its error equation.

With v an approximate solution, w = u - v satisfies w_t - D laplace w + b . grad w + c w = -r, where r is the residual of
v and c = reaction + the sum of v_x over the axes that the solution itself moves along (for Burgers: u u_x - v v_x = u
w_x + v_x w). The programs are those of docs/certificate-format.md, *Solutions*; the checker derives them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from supnorm.certification.executions import Executions, runs
from supnorm.certification.finite import demand_finite
from supnorm.problem import Domain, Function, as_function
from supnorm.problem.equations import Equation, Velocity
from supnorm.program import Builder, Narrowed, Program, Tensor, Unsupported, program_of
from supnorm.program.derived import derivative, difference, substituted
from supnorm.program.node import Node
from supnorm.program.recording import read_meanwhile
from supnorm.results import BadInput
from supnorm.results.numbers import num

Coefficient = float | Program | str
POINTS = 64  # random points at which formulas as they run are compared with their programs
# Points of the model; the largest rounding in float32 was there at least 0.68 of that at 20,000.
COMPARED = 1024
SHARE = 1e-9  # of the largest value; float64 rounding of formulas is far below


@dataclass(frozen=True)
class FluxOn:
    """dv/dn + coefficient * v = value on a face."""

    coefficient: float
    value: float | Program


@dataclass(frozen=True, kw_only=True)
class Posed:
    """An equation on a domain, its data read as programs.

    Attributes:
        equation: the equation as it was given.
        domain: the box.
        space, time: the axes of space, and the axis of time or None.
        diffusivity: D.
        velocity: for each axis of space a number, a program or "u".
        reaction, source: numbers or programs.
        boundary, initial: programs.
        fluxes: by axis and end ("low", "high"), what is given there instead of the value.
        periodic: the axes of space at whose ends u and its first derivatives are the same.
    """

    equation: Equation
    domain: Domain
    space: tuple[int, ...]
    time: int | None
    diffusivity: float
    velocity: tuple[Coefficient, ...]
    reaction: float | Program
    source: float | Program
    boundary: Program
    initial: Program
    fluxes: Mapping[tuple[int, str], FluxOn] = field(default_factory=dict)
    periodic: tuple[int, ...] = ()

    @property
    def d(self) -> int:
        """Number of inputs."""
        return self.domain.d

    def flux(self, axis: int, at: float) -> FluxOn | None:
        """What is given on a face instead of the value."""
        return self.fluxes.get((axis, "low" if at == self.domain.axes[axis].low else "high"))

    def faces(self) -> tuple[tuple[int, float, bool], ...]:
        """Axis, coordinate, and whether it is the start of time, of each face on which something is given."""
        faces = []
        for i, axis in enumerate(self.domain.axes):
            if i in self.periodic:
                continue
            if i == self.time:
                faces.append((i, axis.low, True))
            else:
                faces += [(i, axis.low, False), (i, axis.high, False)]
        return tuple(faces)


def pose(equation: Equation, domain: Domain) -> Posed:
    """The equation on a box.

    Raises:
        BadInput: for a domain that is no plain box, a missing time axis, or a formula that cannot be read.
    """
    names = domain.names
    odd = [n for n, a in zip(names, domain.axes, strict=True) if a.log or a.values is not None]
    if odd or domain.constraints or domain.cloud is not None:
        what = f"{', '.join(odd)} is logarithmic or discrete" if odd else "it has constraints"
        raise BadInput(f"solution_error needs a box of continuous linear axes; {what}")
    if equation.time is not None and equation.time not in names:
        raise BadInput(
            f"{equation.kind}: the domain has no time axis {equation.time!r}, only {', '.join(names)}; name it by time=.."
        )
    time = None if equation.time is None else names.index(equation.time)
    space = tuple(i for i in range(domain.d) if i != time)
    if not space:
        raise BadInput(f"{equation.kind}: the domain has no axis of space beside {equation.time!r}")
    velocity = equation.velocity or (0.0,) * len(space)
    if len(velocity) != len(space):
        raise BadInput(
            f"{equation.kind}: {len(velocity)} velocities for the axes {', '.join(names[i] for i in space)}"
        )
    read = {
        name: _coefficient(term, f"{equation.kind}: {name}", domain) for name, term in equation.terms.items()
    }
    boundary = _as_program(read["boundary"], domain.d)
    fluxes = _fluxes(equation, names, read)
    return Posed(
        equation=equation,
        domain=domain,
        space=space,
        time=time,
        diffusivity=float(equation.diffusivity),
        velocity=tuple(_coefficient(v, f"velocity {i + 1}", domain) for i, v in enumerate(velocity)),
        reaction=_plain(read["reaction"]),
        source=_plain(read["source"]),
        boundary=boundary,
        initial=boundary if equation.initial is None else _as_program(read["initial"], domain.d),
        fluxes=dict(sorted(fluxes.items())),
        periodic=tuple(sorted(names.index(axis) for axis in equation.periodic)),
    )


def _fluxes(
    equation: Equation, names: tuple[str, ...], read: Mapping[str, Coefficient]
) -> dict[tuple[int, str], FluxOn]:
    """By axis and end what is given instead of the value.

    Raises:
        BadInput: for an axis that does not exist.
    """
    for axis in (*equation.pairs, *equation.periodic):
        if axis not in names:
            raise BadInput(
                f"{equation.kind}: sides of {axis}: the domain has no such axis, only {', '.join(names)}"
            )
    fluxes = {}
    for axis, ends in equation.pairs.items():
        for end, one in zip(("low", "high"), ends, strict=True):
            if one is not None:
                value = _plain(read[f"flux {axis} {end}"])
                fluxes[names.index(axis), end] = FluxOn(one.coefficient, value)
    return fluxes


def _plain(value: Coefficient) -> float | Program:
    assert not isinstance(value, str)
    return value


def _coefficient(term: Velocity, what: str, domain: Domain) -> Coefficient:
    if isinstance(term, int | float):
        return float(term)
    if isinstance(term, str):
        return term
    return read_program(as_function(term, what), what, domain)


def read_program(function: Function, what: str, domain: Domain) -> Program:
    """The program of a function with one output, compared with the function as it runs.

    Raises:
        BadInput: when it cannot be read, has another number of inputs or outputs, or other values than its program.
    """
    if function.table is not None or function.declared is not None:
        raise BadInput(
            f"{what}: solution_error needs a formula that it can read, not a table or a declared function"
        )
    try:
        try:
            with read_meanwhile() as seen:
                program = program_of(function, domain.d)
        except Narrowed:
            if function.precision != "float64":
                raise
            function.value(domain.from_unit(np.full((1, domain.d), 0.5)))
            with read_meanwhile() as seen:
                program = program_of(function, domain.d)
    except Unsupported as error:
        raise BadInput(f"{what}: {error}") from None
    demand_finite(program, what)
    if (program.d, program.m) != (domain.d, 1):
        raise BadInput(f"{what} has {program.d} inputs and {program.m} outputs; needed are {domain.d} and 1")
    x = domain.from_unit(np.random.default_rng(0).random((POINTS, domain.d)))
    executions = Executions.of(function, program, what, seen)
    runs(function, x, what)  # the first call may load something
    ran, read = executions.values(x), program.value(x)
    executions.demand_same(x)
    with np.errstate(invalid="ignore"):
        gap = np.abs(ran - read)[:, 0]
    allowed = (SHARE if function.precision == "float64" else 1e-4) * max(float(np.max(np.abs(read))), 1e-300)
    if not np.all(gap <= allowed):
        i = int(np.argmax(np.where(np.isnan(gap), np.inf, gap)))
        raise BadInput(
            f"{what}: at {x[i].tolist()} the function gives {num(ran[i, 0], 6)}, its program {num(read[i, 0], 6)}"
        )
    return program


def difference_of(function: Function, program: Program, domain: Domain) -> float:
    """The largest difference that is seen between a function as it runs and its program, rounding included."""
    x = domain.from_unit(np.random.default_rng(1).random((COMPARED, domain.d)))
    return float(np.abs(runs(function, x, "the model") - program.value(x)).max())


def _as_program(value: Coefficient, d: int) -> Program:
    assert not isinstance(value, str)
    return value if isinstance(value, Program) else constant(float(value), d)


def constant(value: float, d: int) -> Program:
    """The program of a number."""
    return Program((Node("input", (), d), Node("constant", (), 1, value=np.array([value]))))


class _Terms:
    """Sums of terms, in the order and with the operations that the format prescribes."""

    def __init__(self, posed: Posed, v: Program) -> None:
        self.build = Builder(posed.d)
        self.v = self.inline(v)
        self.total: int | None = None

    def inline(self, program: Program) -> int:
        return self.build.inline(program, self.build.input).node

    def add(self, node: int | None) -> None:
        if node is not None:
            self.total = node if self.total is None else self.op("add", self.total, node)

    def op(self, op: str, *args: int) -> int:
        return self.build.add_node(Node(op, args, 1)).node

    def number(self, value: float) -> int:
        return self.build.add_node(Node("constant", (), 1, value=np.array([value]))).node

    def factor(self, value: Coefficient) -> int:
        if isinstance(value, Program):
            return self.inline(value)
        return self.v if isinstance(value, str) else self.number(value)

    def product(self, value: Coefficient, node: int) -> None:
        """Add factor * node, unless the factor is the number zero."""
        if not isinstance(value, float) or value != 0.0:
            self.add(self.op("mul", self.factor(value), node))

    def finish(self, last: int | None) -> Program:
        node = self.number(0.0) if last is None else last
        return self.build.finish(Tensor(node, np.arange(1)))


def with_equal_ends(posed: Posed, v: Program) -> Program:
    """v less what makes its values and first derivatives differ at the ends of periodic axes.

    v - J theta - K q along each of them, where J and K are the differences of v and of its derivative between the ends,
    theta grows from 0 to 1, and q = (x - low)(x - high)/(2 width) is 0 at both ends, where its slopes differ by 1.
    """
    for axis in posed.periodic:
        v = _closed(posed, v, axis)
    return v


def _closed(posed: Posed, v: Program, axis: int) -> Program:
    terms, held = _Terms(posed, v), posed.domain.axes[axis]
    slope = derivative(v, axis)

    def jump(program: Program) -> int:
        ends = []
        for at in (held.high, held.low):
            weight, bias = np.eye(posed.d), np.zeros(posed.d)
            weight[axis, axis], bias[axis] = 0.0, at
            inner = Program(
                (Node("input", (), posed.d), Node("affine", (0,), posed.d, weight=weight, bias=bias))
            )
            ends.append(terms.inline(substituted(program, [inner])))
        return terms.op("sub", *ends)

    first, second = jump(v), jump(slope)
    take = Node("take", (terms.build.input.node,), 1, columns=np.array([axis], dtype=np.intp))
    x = terms.build.add_node(take).node
    low, high = terms.number(held.low), terms.number(held.high)
    width, above, below = terms.op("sub", high, low), terms.op("sub", x, low), terms.op("sub", x, high)
    linear = terms.op("mul", first, terms.op("div", above, width))
    bent = terms.op("div", terms.op("mul", above, below), terms.op("mul", terms.number(2.0), width))
    total = terms.op("add", linear, terms.op("mul", second, bent))
    return terms.finish(terms.op("sub", terms.v, total))


def residual_program(posed: Posed, v: Program) -> Program:
    """v_t - D laplace v + b . grad v + c v - source."""
    terms = _Terms(posed, v)
    slopes = {i: derivative(v, i) for i in range(posed.d)}
    if posed.time is not None:
        terms.add(terms.inline(slopes[posed.time]))
    for i in posed.space:
        terms.product(-posed.diffusivity, terms.inline(derivative(slopes[i], i)))
    for i, b in zip(posed.space, posed.velocity, strict=True):
        terms.product(b, terms.inline(slopes[i]))
    terms.product(posed.reaction, terms.v)
    assert terms.total is not None
    if isinstance(posed.source, float) and posed.source == 0.0:
        return terms.finish(terms.total)
    return terms.finish(terms.op("sub", terms.total, terms.factor(posed.source)))


def growth_program(posed: Posed, v: Program) -> Program | None:
    """-(the sum of v_x over axes whose velocity is u, plus c): how fast an error can grow; None if this is a number."""
    moved = [i for i, b in zip(posed.space, posed.velocity, strict=True) if isinstance(b, str)]
    if not moved and isinstance(posed.reaction, float):
        return None
    terms = _Terms(posed, v)
    for i in moved:
        terms.add(terms.inline(derivative(v, i)))
    if not isinstance(posed.reaction, float) or posed.reaction != 0.0:
        terms.add(terms.factor(posed.reaction))
    assert terms.total is not None
    return terms.finish(terms.op("neg", terms.total))


def face_program(posed: Posed, v: Program, axis: int, at: float, data: Program) -> Program:
    """v - data on the face x_axis = at, as a program of the other inputs (one input alone stays, without effect)."""
    weight, bias = embedding(posed.d, axis, at)
    d = weight.shape[1]
    inner = Program((Node("input", (), d), Node("affine", (0,), posed.d, weight=weight, bias=bias)))
    return substituted(difference(v, data), [inner])


def flux_program(posed: Posed, v: Program, axis: int, at: float, flux: FluxOn) -> Program:
    """dv/dn + coefficient * v - value on the face x_axis = at, as `face_program`."""
    terms = _Terms(posed, v)
    slope = terms.inline(derivative(v, axis))
    terms.add(slope if at == posed.domain.axes[axis].high else terms.op("neg", slope))
    terms.product(flux.coefficient, terms.v)
    assert terms.total is not None
    if not isinstance(flux.value, float) or flux.value != 0.0:
        terms.total = terms.op("sub", terms.total, terms.factor(flux.value))
    weight, bias = embedding(posed.d, axis, at)
    inner = Program(
        (Node("input", (), weight.shape[1]), Node("affine", (0,), posed.d, weight=weight, bias=bias))
    )
    return substituted(terms.finish(terms.total), [inner])


def embedding(d: int, axis: int, at: float) -> tuple[Any, Any]:
    """Weight and bias of the map from a face to the box."""
    weight = np.zeros((1, 1)) if d == 1 else np.delete(np.eye(d), axis, axis=1)
    bias = np.zeros(d)
    bias[axis] = at
    return weight, bias


def face_domain(domain: Domain, axis: int) -> Domain:
    """The axes of a face."""
    axes: dict[str, Any] = dict(zip(domain.names, domain.axes, strict=True))
    if domain.d > 1:
        del axes[domain.names[axis]]
    return Domain.from_axes(axes)
