"""The kind "solution": how far a function is from the solution u of a differential equation on a box.

Written from docs/certificate-format.md, "Solutions", which states the theorem behind each constant:

    u_t - D laplace u + b . grad u + c u = source,  u given on all faces (of the time axis on its start),
    |u - v| <= on_faces * (largest misfit of v on the faces) + inside * (largest residual of v).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flint import arb

from supnorm.checker.derived import Derivation, Growing, Operations
from supnorm.checker.operation import Operation
from supnorm.checker.rejected import Rejected, exact, whole
from supnorm.checker.statement_parts import Axes, Ball, Ends, Expected, Given, Kind

EQUATION = {"name", "time", "diffusivity", "velocity", "reaction", "source"}
BARRIER = {"kind", "axes", "numbers", "on_faces", "inside"}
EXISTS = (
    "the equation has a solution u that is continuous on the closed box, has continuous derivatives of the equation's order "
    "inside and up to the end of time, and takes the given values on the faces"
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

    @property
    def widths(self) -> list[Ball]:
        return [arb(b) - arb(a) for a, b in zip(self.axes.low, self.axes.high, strict=True)]

    @property
    def still(self) -> bool:
        """Whether the velocity is the number zero."""
        return all(b == 0.0 for b in self.velocity)

    @property
    def faces(self) -> list[tuple[str, int, float, Operations]]:
        """Name, axis, coordinate and data of each face with given values."""
        made = []
        for i, (low, high) in enumerate(zip(self.axes.low, self.axes.high, strict=True)):
            made.append((f"face {i} low", i, low, self.initial if i == self.time else self.boundary))
            if i != self.time:
                made.append((f"face {i} high", i, high, self.boundary))
        return made


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
    )


def _equation(given: Given) -> Mapping[str, Any]:
    """The entry of the equation, after checks that do not depend on its terms."""
    if set(given.data) != {"equation", "barrier"}:
        raise Rejected("malformed statement: keys of a solution")
    equation: Mapping[str, Any] = given.data["equation"]
    if (
        set(equation) != EQUATION
        or set(given.data["barrier"]) != BARRIER
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
    made = {"interior": Expected(_residual(posed, derive), "both", posed.axes)}
    for name, axis, at, data in posed.faces:
        inner = _embedding(len(posed.axes.names), axis, at)
        made[name] = Expected(
            derive.insert(derive.less(posed.v, data), [inner]), "both", _without(posed.axes, axis)
        )
    growth = _growth(posed, derive)
    if growth is not None:
        made["growth"] = Expected(growth, "over", posed.axes)
    barrier = given.data["barrier"]
    if barrier["kind"] == "axis":
        i = _axis(posed, barrier, 0)
        b = posed.velocity[i]
        if isinstance(b, tuple):
            made[f"speed {i}"] = Expected(b, "both", posed.axes)
    if posed.model is not None:
        made["difference"] = Expected(derive.less(posed.model, posed.v), "both", posed.axes)
    return made


def _embedding(d: int, axis: int, at: float) -> Operations:
    """From the other inputs to the box; with one input from this input, which has no effect."""
    others = [j for j in range(d) if j != axis] or [-1]
    weight = tuple(1.0 if i == j else 0.0 for i in range(d) for j in others)
    offset = tuple(at if i == axis else 0.0 for i in range(d))
    n = len(others)
    return (Operation("input", (), n), Operation("affine", (0,), d, weight=weight, vector=offset))


def _without(axes: Axes, axis: int) -> Axes:
    keep = [i for i in range(len(axes.names)) if i != axis] or [axis]
    return Axes(
        tuple(axes.names[i] for i in keep),
        tuple(axes.log[i] for i in keep),
        tuple(axes.low[i] for i in keep),
        tuple(axes.high[i] for i in keep),
    )


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
    on_faces, inside = _constants(posed, given.data["barrier"], proved)
    faces = [proved[name] for name, *_ in posed.faces]
    misfit: Ball | None = arb(0)
    seen = arb(0)
    for low, high in faces:
        misfit = None if misfit is None or high is None else misfit.max(high)
        seen = seen if low is None else seen.max(low)
    rest = proved["interior"][1]
    of_v = None
    if on_faces is not None and inside is not None and misfit is not None and rest is not None:
        of_v = on_faces * misfit + inside * rest
    if posed.model is None:
        return {"error": (seen, of_v)}
    low, high = proved["difference"]
    least = arb(0) if of_v is None or low is None else (low - of_v).max(arb(0))
    most = None if of_v is None or high is None else high + of_v
    return {"error": (least, most), "reference": (seen, of_v)}


def _constants(
    posed: _Posed, barrier: Mapping[str, Any], proved: Mapping[str, Ends]
) -> tuple[Ball | None, Ball | None]:
    """Both constants; the numbers in the file must not be below them."""
    growth = proved["growth"][1] if "growth" in proved else None
    if "growth" not in proved:
        assert isinstance(posed.reaction, float)
        growth = -arb(posed.reaction)
    if growth is None:
        return None, None
    made = _of_kind(posed, barrier, growth, proved)
    for value, key in zip(made, ("on_faces", "inside"), strict=True):
        stated = exact(barrier[key])
        if value is not None and not (stated == float("inf") or value <= arb(stated)):
            raise Rejected(f"the constant {key} = {stated:.9g} is below that of the theorem")
    return made


def _of_kind(
    posed: _Posed, barrier: Mapping[str, Any], mu: Ball, proved: Mapping[str, Ends]
) -> tuple[Ball | None, Ball | None]:
    kind, D, one = barrier["kind"], arb(posed.diffusivity), arb(1)
    if kind == "none":  # of work that ended before it was known: nothing follows
        return None, None
    if kind == "time":
        if posed.time is None:
            raise Rejected("the barrier in time needs an axis of time")
        size = mu * posed.widths[posed.time]
        inside = posed.widths[posed.time] if mu == 0 else size.expm1() / mu
        return size.exp() if mu > 0 else one, inside
    if kind == "reaction":
        if not mu < 0:
            raise Rejected("the barrier of a reaction needs a positive coefficient")
        return one, -1 / mu
    if kind == "axis":
        i = _axis(posed, barrier, 0)
        speed = _speed(posed, i, proved)
        if speed is None:
            return None, None
        return _against_growth(mu, _axis_height(D, posed.widths[posed.space[i]], speed))
    if kind == "transport":
        i = _axis(posed, barrier, 0)
        b = posed.velocity[i]
        if not isinstance(b, float) or b == 0.0:
            raise Rejected("the barrier of transport needs a constant velocity other than zero")
        return _against_growth(mu, posed.widths[posed.space[i]] / abs(arb(b)))
    if not posed.still:
        raise Rejected("this barrier needs a velocity of zero")
    if kind == "pair":
        return _against_growth(mu, _pair_height(posed, barrier) / D)
    if kind == "cosines":
        return _cosines(posed, barrier, mu)
    raise Rejected("malformed statement: a barrier that the format does not have")


def _axis(posed: _Posed, barrier: Mapping[str, Any], k: int) -> int:
    """A position among the axes of space."""
    i = whole(barrier["axes"][k])
    if not 0 <= i < len(posed.space):
        raise Rejected("malformed statement: the axis of a barrier does not exist")
    return i


def _speed(posed: _Posed, i: int, proved: Mapping[str, Ends]) -> Ball | None:
    b = posed.velocity[i]
    if isinstance(b, str):
        raise Rejected("the barrier of an axis needs a bound of the velocity along it")
    return proved[f"speed {i}"][1] if isinstance(b, tuple) else abs(arb(b))


def _against_growth(mu: Ball, height: Ball) -> tuple[Ball, Ball]:
    share = mu.max(arb(0)) * height
    if not share < 1:
        raise Rejected("the barrier is too small for the growth")
    return 1 / (1 - share), height / (1 - share)


def _axis_height(D: Ball, width: Ball, speed: Ball) -> Ball:
    """D/speed^2 (e^s - 1 - s); where s is tiny, a bound of its series."""
    s = speed * width / (2 * D)
    tiny = s < arb("1e-20")  # where e^s - 1 - s would have no digits
    share = arb(1) / 2 + s / 6 + s * s * s.exp() / 24 if tiny else (s.expm1() - s) / (s * s)
    return share * width * width / (4 * D)


def _pair_height(posed: _Posed, barrier: Mapping[str, Any]) -> Ball:
    i, j = _axis(posed, barrier, 0), _axis(posed, barrier, 1)
    m, a = (arb(exact(v)) for v in barrier["numbers"])
    p, q = (posed.widths[posed.space[k]] / 2 for k in (i, j))
    P, Q = p * p, q * q
    if i == j or not (m >= 0 and m <= 1 and a >= 0 and 6 * a * Q <= m and 6 * a * P <= 1 - m):
        raise Rejected("the numbers of a barrier of two axes do not satisfy its conditions")
    corner = m * P / 2 + (1 - m) * Q / 2 + a * (P * P - 6 * P * Q + Q * Q)
    return (m * P / 2 + a * P * P).max((1 - m) * Q / 2 + a * Q * Q).max(corner)


def _cosines(posed: _Posed, barrier: Mapping[str, Any], mu: Ball) -> tuple[Ball, Ball]:
    numbers = [arb(exact(v)) for v in barrier["numbers"]]
    widths = [posed.widths[i] for i in posed.space]
    squares, logs = arb(0), arb(0)
    for k, width in zip(numbers, widths, strict=True):
        if not (k >= 0 and k * width < arb.pi()):
            raise Rejected("the numbers of a barrier of cosines do not satisfy its conditions")
        squares += k * k
        logs -= (-((k * width / 2).sin() ** 2)).log1p() / 2
    if not (mu > 0 and arb(posed.diffusivity) * squares >= mu):
        raise Rejected("the numbers of a barrier of cosines do not reach the growth")
    return logs.exp(), logs.expm1() / mu


def words(given: Given, claims: Mapping[str, tuple[float, float]]) -> tuple[str, ...]:
    """The equation, and what is claimed of its solution."""
    posed, equation = _read(given), given.data["equation"]
    names = given.axes.names

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
        f"equation: {' + '.join(left)} = {shown(equation['source'], 'source')}, u given on the faces",
        f"the model is at most {high!r} from its solution u everywhere, and at least {low!r} somewhere",
        f"barrier {ascii(barrier['kind'])[:20]}: {exact(barrier['on_faces'])!r} times the misfit on the faces and "
        f"{exact(barrier['inside'])!r} times the residual",
    )


SOLUTION = Kind(parts, claims, words, conditions=(EXISTS,))
