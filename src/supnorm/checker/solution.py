"""The kind "solution": how far a function is from the solution u of a differential equation on a box.

Written from docs/certificate-format.md, "Solutions", which states the theorem behind each constant:

    u_t - D laplace u + b . grad u + c u = source,  u given on all faces (of the time axis on its start),
    |u - v| <= on_faces * (largest misfit of v on the faces) + inside * (largest residual of v).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flint import arb

from supnorm.checker.derived import Derivation, Growing, Operations
from supnorm.checker.rejected import Rejected, exact, whole
from supnorm.checker.solution_barriers import NOTHING, Constants, Situation, constants, position
from supnorm.checker.solution_faces import (
    ENDS,
    Flux,
    coefficient_of,
    embedding,
    periodic_of,
    sides_of,
    with_equal_ends,
    without,
)
from supnorm.checker.statement_parts import Axes, Ball, Ends, Expected, Given, Kind

EQUATION = {"name", "time", "diffusivity", "velocity", "reaction", "source"}
BARRIER = {"kind", "axes", "numbers", "on_faces", "inside"}
EXISTS = (
    "the equation has a solution u that is continuous on the closed box, has continuous derivatives of the equation's order "
    "inside and up to the end of time, and takes the given values on the faces; where a derivative is given on a face "
    "instead, its first derivatives are continuous up to this face and take it; along a periodic axis its derivatives "
    "of the equation's order are continuous up to both ends, where its values and first derivatives agree"
)
Term = float | str | Operations  # a number, "u", or a program


@dataclass(frozen=True)
class _Posed:
    """The equation, its terms read and checked."""

    axes: Axes
    time: int | None
    space: tuple[int, ...]
    diffusivity: float
    velocity: tuple[Term, ...]
    reaction: Term
    source: Term
    v: Operations
    model: Operations | None
    boundary: Operations
    initial: Operations
    sides: Mapping[tuple[int, str], Flux]
    periodic: tuple[int, ...] = ()

    @property
    def widths(self) -> list[Ball]:
        return [arb(b) - arb(a) for a, b in zip(self.axes.low, self.axes.high, strict=True)]

    @property
    def faces(self) -> list[tuple[str, int, float, Operations, Flux | None]]:
        """Name, axis, coordinate, data, and what is given instead of the data, of each face."""
        made: list[tuple[str, int, float, Operations, Flux | None]] = []
        for i, (low, high) in enumerate(zip(self.axes.low, self.axes.high, strict=True)):
            if i in self.periodic:
                continue
            data = self.initial if i == self.time else self.boundary
            made.append((f"face {i} low", i, low, data, self.sides.get((i, "low"))))
            if i != self.time:
                made.append((f"face {i} high", i, high, self.boundary, self.sides.get((i, "high"))))
        return made

    def alpha(self, axis: int, end: str) -> float | None:
        """The coefficient of the flux on a face; None where the value is given.

        No barrier may depend on a periodic axis, as on one with two fluxes whose coefficients are 0.
        """
        if axis in self.periodic:
            return 0.0
        flux = self.sides.get((axis, end))
        return None if flux is None else flux.coefficient

    def kinds(self, barrier: Mapping[str, Any]) -> dict[int, str]:
        """For each axis with fluxes the kind of its barrier, as the file says.

        Raises:
            Rejected: for entries of other axes, or of one axis twice.
        """
        kinds: dict[int, str] = {}
        for entry in barrier.get("fluxes", ()):
            if set(entry) != {"axis", "kind", "factor"} or whole(entry["axis"]) in kinds:
                raise Rejected("malformed statement: fluxes of a barrier")
            kinds[entry["axis"]] = entry["kind"]
        if not set(kinds) <= {axis for axis, _ in self.sides}:
            raise Rejected("malformed statement: fluxes of a barrier on other axes")
        return kinds


def _read(given: Given) -> _Posed:
    equation = _equation(given)
    d, programs = len(given.axes.names), dict(given.programs)
    time = None if equation["time"] is None else whole(equation["time"])
    if time is not None and not 0 <= time < d:
        raise Rejected("malformed statement: the axis of time does not exist")
    space = tuple(i for i in range(d) if i != time)
    spelled = {f"velocity {i}": text for i, text in enumerate(equation["velocity"])}
    if len(spelled) != len(space) or not space:
        raise Rejected("malformed statement: one velocity for each axis of space")
    spelled |= {"reaction": equation["reaction"], "source": equation["source"]}
    sides = sides_of(equation.get("sides", ()), space)
    periodic = periodic_of(equation.get("periodic", ()), space, sides)
    if periodic and "reference" not in programs:
        raise Rejected("malformed statement: with periodic axes the model is compared with another function")
    spelled |= {f"flux {axis} {end}": entry["value"] for (axis, end), entry in sides.items()}
    terms = {name: _term(name, text, programs) for name, text in spelled.items()}
    used = {"model", "boundary"} | {name for name, text in spelled.items() if text == "program"}
    if set(programs) - {"reference", "initial"} != used:
        raise Rejected("malformed statement: the programs are not those of the equation")
    if time is None and ("initial" in programs or "u" in terms.values()):
        raise Rejected("malformed statement: initial values, or a velocity that is the solution, need time")
    diffusivity = exact(equation["diffusivity"])
    if not 0.0 < diffusivity < float("inf"):
        raise Rejected("malformed statement: the diffusivity must be positive")
    return _Posed(
        axes=given.axes,
        time=time,
        space=space,
        diffusivity=diffusivity,
        velocity=tuple(terms[f"velocity {i}"] for i in range(len(space))),
        reaction=terms["reaction"],
        source=terms["source"],
        v=programs.get("reference", programs["model"]),
        model=programs["model"] if "reference" in programs else None,
        boundary=programs["boundary"],
        initial=programs.get("initial", programs["boundary"]),
        sides={
            (axis, end): Flux(coefficient_of(entry["coefficient"]), _value(terms[f"flux {axis} {end}"]))
            for (axis, end), entry in sides.items()
        },
        periodic=periodic,
    )


def _value(term: Term) -> float | Operations:
    if isinstance(term, str):
        raise Rejected("malformed statement: the value of a flux")
    return term


def _equation(given: Given) -> Mapping[str, Any]:
    """The entry of the equation, after checks that do not depend on its terms."""
    if set(given.data) != {"equation", "barrier"}:
        raise Rejected("malformed statement: keys of a solution")
    equation: Mapping[str, Any] = given.data["equation"]
    if (
        set(equation) - {"sides", "periodic"} != EQUATION
        or set(given.data["barrier"]) - {"fluxes"} != BARRIER
        or type(equation["name"]) is not str
    ):
        raise Rejected("malformed statement: keys of an equation")
    if any(given.axes.log):
        raise Rejected("an equation needs linear axes")
    sizes = {(p[0].width, p[-1].width) for p in given.programs.values()}
    if sizes != {(len(given.axes.names), 1)}:
        raise Rejected(
            "malformed statement: a program of an equation needs the inputs of the box and one output"
        )
    return equation


def _term(name: str, text: str, programs: Mapping[str, Operations]) -> Term:
    if text == "program":
        return programs[name]
    if text == "u" and name.startswith("velocity"):
        return "u"
    value = exact(text)
    if not abs(value) < float("inf"):
        raise Rejected("malformed statement: a coefficient must be finite")
    return value


def parts(given: Given, derive: Derivation) -> dict[str, Expected]:
    """Residual, misfit on each face, growth, a velocity that the barrier needs, and the model against v."""
    posed = _read(given)
    for axis in posed.periodic:
        ends = posed.axes.low[axis], posed.axes.high[axis]
        posed = replace(posed, v=with_equal_ends(derive, posed.v, axis, *ends))
    made = {"interior": Expected(_residual(posed, derive), "both", posed.axes)}
    for name, axis, at, data, flux in posed.faces:
        inner = embedding(len(posed.axes.names), axis, at)
        whole_box = derive.less(posed.v, data) if flux is None else _flux(posed, derive, axis, at, flux)
        made[name] = Expected(derive.insert(whole_box, [inner]), "both", without(posed.axes, axis))
    growth = _growth(posed, derive)
    if growth is not None:
        made["growth"] = Expected(growth, "over", posed.axes)
    barrier = given.data["barrier"]
    moving = {posed.space.index(axis) for axis, kind in posed.kinds(barrier).items() if kind == "quadratic"}
    if barrier["kind"] == "axis":
        moving.add(position(barrier, 0, len(posed.space)))
    for i in sorted(moving):
        b = posed.velocity[i]
        if isinstance(b, tuple):
            made[f"speed {i}"] = Expected(b, "both", posed.axes)
    if posed.model is not None:
        made["difference"] = Expected(derive.less(posed.model, posed.v), "both", posed.axes)
    return made


class _Sum:
    """Terms that are added in order."""

    def __init__(self, posed: _Posed, derive: Derivation) -> None:
        self.grow = Growing(len(posed.axes.names), derive)
        self.v = self.grow.run(posed.v, 0)[-1]
        self.total: int | None = None

    def at(self, term: Term) -> int:
        if isinstance(term, tuple):
            return self.grow.run(term, 0)[-1]
        return self.v if isinstance(term, str) else self.grow.numbers([term])

    def add(self, node: int) -> None:
        self.total = node if self.total is None else self.grow.call("add", self.total, node)

    def add_product(self, term: Term, node: int) -> None:
        if term != 0.0:
            self.add(self.grow.call("mul", self.at(term), node))


def _residual(posed: _Posed, derive: Derivation) -> Operations:
    terms = _Sum(posed, derive)
    first = [derive.partial(posed.v, i) for i in range(len(posed.axes.names))]
    if posed.time is not None:
        terms.add(terms.at(first[posed.time]))
    for i in posed.space:
        terms.add_product(-posed.diffusivity, terms.at(derive.partial(first[i], i)))
    for i, b in zip(posed.space, posed.velocity, strict=True):
        terms.add_product(b, terms.at(first[i]))
    terms.add_product(posed.reaction, terms.v)
    assert terms.total is not None
    if posed.source == 0.0:
        return terms.grow.until(terms.total)
    return terms.grow.until(terms.grow.call("sub", terms.total, terms.at(posed.source)))


def _flux(posed: _Posed, derive: Derivation, axis: int, at: float, flux: Flux) -> Operations:
    """The derivative of v along the outward normal, plus coefficient * v, less the value, on the whole box."""
    terms = _Sum(posed, derive)
    slope = terms.at(derive.partial(posed.v, axis))
    terms.add(slope if at == posed.axes.high[axis] else terms.grow.call("neg", slope))
    terms.add_product(flux.coefficient, terms.v)
    assert terms.total is not None
    if flux.value == 0.0:
        return terms.grow.until(terms.total)
    return terms.grow.until(terms.grow.call("sub", terms.total, terms.at(flux.value)))


def _growth(posed: _Posed, derive: Derivation) -> Operations | None:
    """-(v_x of the axes along which the solution moves itself + c), unless this is a number."""
    moved = [i for i, b in zip(posed.space, posed.velocity, strict=True) if b == "u"]
    if not moved and isinstance(posed.reaction, float):
        return None
    terms = _Sum(posed, derive)
    for i in moved:
        terms.add(terms.at(derive.partial(posed.v, i)))
    if posed.reaction != 0.0:
        terms.add(terms.at(posed.reaction))
    assert terms.total is not None
    return terms.grow.until(terms.grow.call("neg", terms.total))


def claims(given: Given, proved: Mapping[str, Ends]) -> dict[str, Ends]:
    """The error of v, and that of the model where it is another function."""
    posed = _read(given)
    known = _constants(posed, given.data["barrier"], proved)
    faces = [proved[name] for name, *_, flux in posed.faces if flux is None]
    seen = arb(0)
    for low, _ in faces:
        seen = seen if low is None else seen.max(low)
    terms = [(known.on_faces, _largest(faces)), (known.inside, proved["interior"][1])]
    for i, axis in enumerate(posed.space):
        of_axis = [proved[name] for name, at, _, _, flux in posed.faces if flux is not None and at == axis]
        if of_axis:
            terms.append((known.fluxes.get(i), _largest(of_axis)))
    of_v: Ball | None = arb(0)
    for factor, size in terms:
        of_v = None if of_v is None or factor is None or size is None else of_v + factor * size
    if posed.model is None:
        return {"error": (seen, of_v)}
    low, high = proved["difference"]
    least = arb(0) if of_v is None or low is None else (low - of_v).max(arb(0))
    most = None if of_v is None or high is None else high + of_v
    return {"error": (least, most), "reference": (seen, of_v)}


def _largest(faces: Sequence[Ends]) -> Ball | None:
    """The largest of the upper bounds; None where one is missing."""
    largest: Ball | None = arb(0)
    for _, high in faces:
        largest = None if largest is None or high is None else largest.max(high)
    return largest


def _constants(posed: _Posed, barrier: Mapping[str, Any], proved: Mapping[str, Ends]) -> Constants:
    """All constants; the numbers in the file must not be below them."""
    growth = proved["growth"][1] if "growth" in proved else None
    if "growth" not in proved:
        assert isinstance(posed.reaction, float)
        growth = -arb(posed.reaction)
    if growth is None:
        return NOTHING
    speeds: list[Ball | None] = []
    for i, b in enumerate(posed.velocity):
        known = proved[f"speed {i}"][1] if f"speed {i}" in proved else None
        speeds.append(abs(arb(b)) if isinstance(b, float) else known)
    situation = Situation(
        diffusivity=arb(posed.diffusivity),
        widths=tuple(posed.widths[i] for i in posed.space),
        time=None if posed.time is None else posed.widths[posed.time],
        velocity=tuple(b if isinstance(b, float) else None for b in posed.velocity),
        moved=tuple(b == "u" for b in posed.velocity),
        speeds=tuple(speeds),
        ends=tuple(tuple(posed.alpha(i, end) for end in ENDS) for i in posed.space),
        growth=growth,
    )
    fluxes = {posed.space.index(i): kind for i, kind in posed.kinds(barrier).items()}
    made = constants(situation, barrier, fluxes)
    for value, key in ((made.on_faces, "on_faces"), (made.inside, "inside")):
        _demand_not_below(value, exact(barrier[key]), f"the constant {key} =")
    for entry in barrier.get("fluxes", ()):
        stated = exact(entry["factor"])
        _demand_not_below(made.fluxes.get(posed.space.index(entry["axis"])), stated, "the factor of a flux =")
    return made


def _demand_not_below(value: Ball | None, stated: float, what: str) -> None:
    if stated != float("inf") and (value is None or not value <= arb(stated)):
        raise Rejected(f"{what} {stated:.9g} is below that of the theorem")


def words(given: Given, claims: Mapping[str, tuple[float, float]]) -> tuple[str, ...]:
    """The equation, and what is claimed of its solution."""
    posed, equation = _read(given), given.data["equation"]
    names = given.axes.shown

    def shown(text: str, name: str) -> str:
        return name if text == "program" else "u" if text == "u" else repr(exact(text))

    left = [] if posed.time is None else [f"u_{names[posed.time]}"]
    left.append(f"-{posed.diffusivity!r} laplace u")
    for i, text in zip(posed.space, equation["velocity"], strict=True):
        left.append(f"{shown(text, 'velocity')} u_{names[i]}")
    left.append(f"{shown(equation['reaction'], 'reaction')} u")
    low, high = claims["error"]
    barrier = given.data["barrier"]
    return (
        f"equation: {' + '.join(left)} = {shown(equation['source'], 'source')}, u given on the faces{_other_faces(posed)}",
        f"the model is at most {high!r} from its solution u everywhere, and at least {low!r} somewhere",
        f"barrier {ascii(barrier['kind'])[:20]}: {exact(barrier['on_faces'])!r} times the misfit on the faces and "
        f"{exact(barrier['inside'])!r} times the residual",
    )


def _other_faces(posed: _Posed) -> str:
    """The faces on which a derivative is given, in words."""
    names, words = posed.axes.shown, []
    for (axis, end), flux in posed.sides.items():
        at = posed.axes.low[axis] if end == "low" else posed.axes.high[axis]
        given = repr(flux.value) if isinstance(flux.value, float) else "its data"
        words.append(f"; du/dn + {flux.coefficient!r} u = {given} at {names[axis]} = {at!r}")
    words += [f"; u periodic in {names[axis]}" for axis in posed.periodic]
    return "".join(words)


SOLUTION = Kind(parts, claims, words, conditions=(EXISTS,))
