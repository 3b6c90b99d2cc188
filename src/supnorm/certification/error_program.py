"""The error of a model against a reference as straight-line programs, in the coordinates of the boxes.

Per output the error is the smallest |E_a| over the alternatives a: one program for absolute and scaled
errors; for a relative error with floor, |N - f| / max(|f|, floor) = min(|N - f| / |f|, |N - f| / floor), both
analytic, the first only where f has no zero. A log axis runs over t = log x; its ends are rounded outwards.
Masks and constraints are left out: a bound on the whole box holds on every part of it.

A function that cannot be read but has a declared bound is a `BlackBox` beside the one alternative, which then
holds the other function only: the signed error is the sum of both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.black_box import BlackBox
from supnorm.certification.branch_room import branch_room, demand_bounded, in_words
from supnorm.certification.coordinates import box_of, inputs
from supnorm.certification.measured import Measuring
from supnorm.certification.propagation import propagate
from supnorm.certification.reading import read_side
from supnorm.certification.rounding import Array
from supnorm.problem import Function, Problem
from supnorm.program import Builder, Program, Unsupported
from supnorm.program.branches import demand_no_branches, rounds_a_threshold
from supnorm.program.lifted import lifted
from supnorm.program.tracing import Value
from supnorm.results import BadInput
from supnorm.results.numbers import num
from supnorm.wording import fact
from supnorm.wording.certify import CERTIFY

# Any other kind is refused: without a branch in `_alternatives` its bound would be that of the absolute error.
PROVED = ("absolute", "relative", "scaled")


@dataclass(frozen=True)
class ErrorProgram:
    """The programs of the error, and the box on which it is bounded.

    Attributes:
        alternatives: programs of t, each ``(n, d) -> (n, m)``; for each output the smallest value is the error.
        at_points: the same as programs of x, for values at points of the domain.
        model, reference: values of the two functions, from points in units of the axes, ``(n, d) -> (n, m)``.
        low, high: the box in t, shape ``(d,)``.
        log: which axes are logarithmic.
        side: "both", "over" or "under".
        notes: sentences that the user must know about the bound.
        declared: functions without a program; their values are added to the one alternative.
        assumptions: their declarations, in words.
        vanishes: for a relative error with floor: from points in units of the axes ``(n, d)``, where outputs of the
            reference are proved to be zero, ``(n, m)``; there only the second alternative counts.
        at_least: if the code has branches that the programs lack (`branch_room`): programs of x with values that the
            error is proved to reach. Otherwise it is empty, because ``at_points`` are exact.
    """

    alternatives: tuple[Program, ...]
    at_points: tuple[Program, ...]
    model: Callable[[Array], Array]
    reference: Callable[[Array], Array]
    low: Array
    high: Array
    log: tuple[bool, ...]
    side: str = "both"
    notes: tuple[str, ...] = ()
    declared: tuple[BlackBox, ...] = ()
    assumptions: tuple[str, ...] = ()
    vanishes: Callable[[Array], NDArray[np.bool_]] | None = None
    at_least: tuple[Program, ...] = ()

    @property
    def d(self) -> int:
        """Number of inputs."""
        return len(self.low)

    @cached_property
    def cuts(self) -> tuple[Array, ...]:
        """The knots of interpolation tables on each axis, in box coordinates, inside of the box."""
        by_axis: list[set[float]] = [set() for _ in range(self.d)]
        for program in self.alternatives:
            for column, knots in program.cuts:
                by_axis[column].update(knots)
        sorted_ = [np.array(sorted(k), dtype=np.float64) for k in by_axis]
        with np.errstate(all="ignore"):
            placed = [np.log(k) if log else k for k, log in zip(sorted_, self.log, strict=True)]
        return tuple(
            k[(k > a) & (k < b)]
            for k, a, b in zip(placed, self.low.tolist(), self.high.tolist(), strict=True)
        )

    def to_x(self, t: Array) -> Array:
        """Points of the box in the units of the axes."""
        return np.where(self.log, np.exp(np.where(self.log, t, 0.0)), t)

    def values(self, a: int, t: Array) -> Array:
        """Signed values of alternative ``a`` at points in box coordinates, shape ``(n, m)``."""
        known = self.alternatives[a].value(t)
        for part in self.declared:
            known = known + part.at(self.to_x(t))
        return known

    def refuted(self, x: Array | None, lower: float, upper: float) -> BadInput:
        """The message when a proved error, at ``x``, is above the bound that follows from the declarations."""
        part = self.declared[0]
        at = "" if x is None else f" at {x.tolist()}"
        what = "bound" if part.declared.bound is not None else "bounds of derivatives"
        sides = " or the ".join(p.which for p in self.declared)
        return BadInput(
            f"the declared {what} of the {sides} {'is' if what == 'bound' else 'are'} wrong: the error{at} is at least "
            f"{num(lower, 6)}, above the bound {num(upper, 6)} that follows from the declaration of {part.name}; correct it"
        )

    def one_sided(self, signed: Array) -> Array:
        """The error from signed values, for the side (over, under or both) that counts."""
        if self.side == "both":
            return np.abs(signed)
        return np.maximum(signed if self.side == "over" else -signed, 0.0)


def error_program(problem: Problem, measuring: Measuring | None = None) -> ErrorProgram:
    """The programs of a problem's error. ``measuring`` records how far the running functions are from their programs.

    Raises:
        BadInput: when model or reference has an operation that programs do not have (the message names it) or gives
            other values than its program (`agreement`), or when the kind of error has no formula here.
    """
    if problem.model is None:
        raise BadInput(
            "certify needs a model beside the reference: [model] of a problem file, or Problem(model, reference, domain)"
        )
    measure, domain = problem.error, problem.domain
    demand_kind(problem)
    sources = {"model": problem.model, "reference": problem.reference}
    measuring = measuring or Measuring(problem)
    programs = {
        what: read_side(function, what, measuring, branches=True) for what, function in sources.items()
    }
    ends = box_of(domain)
    low, high, log = ends[:, 0], ends[:, 1], tuple(axis.log for axis in domain.axes)
    missing = [what for what, program in programs.items() if program is None]
    m = _outputs(problem, programs)
    problem.check_tolerances(m)
    reference = programs["reference"]
    declared: tuple[BlackBox, ...] = ()
    room = {w: branch_room(p, domain) if p is not None else np.zeros(m) for w, p in programs.items()}
    demand_bounded(room)
    notes = _notes(problem, {w: p for w, p in programs.items() if p is not None}, room)
    if missing:
        _refuse_jumps(programs)
        weight = _weights(problem, m)
        _refuse_room(room, missing)
        declared = tuple(
            BlackBox(
                which=what,
                name=sources[what].name or what,
                value=sources[what].value,
                declared=sources[what].declared,
                weight=weight if what == "model" else -weight,
                low=low,
                high=high,
                log=log,
            )
            for what in missing
        )
    straight, by_logarithm = (
        (False,) * domain.d,
        [n for n, is_log in zip(domain.names, log, strict=True) if is_log],
    )
    off = any(np.any(r) for r in room.values())
    zero = (
        None if reference is None or not measure.floor or off else partial(_zeros, reference, measure.floor)
    )
    return ErrorProgram(
        alternatives=_alternatives(problem, programs, log, m, room),
        at_points=_alternatives(problem, programs, straight, m, room),
        model=_values(problem.model, programs["model"]),
        reference=_values(problem.reference, programs["reference"]),
        low=low,
        high=high,
        log=log,
        side=measure.side,
        notes=notes,
        declared=declared,
        assumptions=tuple(
            s
            for part in declared
            for s in part.declared.sentences(f"the {part.which} ({part.name})", by_logarithm)
        ),
        vanishes=zero,
        at_least=_alternatives(problem, programs, straight, m, room, least=True) if off else (),
    )


def demand_kind(problem: Problem) -> None:
    """Check that there are proofs for the kind of error.

    Raises:
        BadInput: when there are none.
    """
    kind = problem.error.kind
    if kind == "function":
        raise BadInput(
            "certify cannot read error = a Python function; use kind = absolute, relative or scaled"
        )
    if kind == "ulp":
        precision, share = ("float32", 24) if problem.error.precision == "float32" else ("float64", 53)
        raise BadInput(
            f'certify has no proof for an error in ulp; prove kind = "relative", floor = 0: a unit in the last place of a '
            f"{precision} number is above 2^-{share} of it, so a relative error below t 2^-{share} is one below t ulp"
        )
    if kind not in PROVED:
        raise BadInput(f"certify has no proof for error kind {kind!r}; use one of {', '.join(PROVED)}")


# The affine model of a function that is zero has a size of its room for underflow, which adds up over its features. A
# size below this number counts as zero. The number is above `UNDERFLOW`, the smallest bound of an error.
ZERO = 1e-250


def _zeros(reference: Program, floor: float, x: Array) -> NDArray[np.bool_]:
    """Where |f| is below the floor and so small that only underflow can explain it, shape ``(n, m)``."""
    model, _ = propagate(reference, x, np.zeros_like(x), np.ones(1))
    return np.asarray(model.size <= min(floor, ZERO))


def _values(function: Function, program: Program | None) -> Callable[[Array], Array]:
    return function.value if program is None else program.value


def _outputs(problem: Problem, programs: dict[str, Program | None]) -> int:
    """The number of outputs; a function without a program is called once to learn it."""
    middle = problem.domain.from_unit(np.full((1, problem.domain.d), 0.5))
    functions = {"model": problem.model, "reference": problem.reference}
    sizes = {w: functions[w].columns(middle).shape[1] if p is None else p.m for w, p in programs.items()}
    if sizes["model"] != sizes["reference"]:
        raise BadInput(f"the model has {sizes['model']} outputs, the reference {sizes['reference']}")
    for what, function in functions.items():
        declared = function.declared
        if (
            programs[what] is None
            and isinstance(declared.bound, tuple)
            and len(declared.bound) != sizes[what]
        ):
            raise BadInput(f"the {what} has {sizes[what]} outputs, {len(declared.bound)} bounds are declared")
        if programs[what] is None and len(declared.derivatives or middle[0]) != problem.domain.d:
            raise BadInput(f"declared derivatives of the {what}: give one per input, {problem.domain.d}")
    return sizes["model"]


def _weights(problem: Problem, m: int) -> Array:
    """Factors of the outputs in an error that is linear in model and reference."""
    measure = problem.error
    if measure.kind == "relative":
        raise BadInput(
            "certify needs a program of the reference for a relative error; use kind = absolute or scaled, "
            "where a declared bound is enough"
        )
    return np.asarray(1.0 / (_scale(problem, m) * _tolerances(problem, m)))


def _scale(problem: Problem, m: int) -> Array:
    measure = problem.error
    if measure.kind != "scaled" or measure.scale is None:
        return np.ones(m)
    return measure.for_outputs(measure.scale, m, "scale")


def _tolerances(problem: Problem, m: int) -> Array:
    tolerance = problem.error.tolerance
    if not isinstance(tolerance, tuple):
        return np.ones(m)
    return problem.error.for_outputs(tolerance, m, "tolerance")


def _refuse_room(room: dict[str, Array], declared: list[str]) -> None:
    """Refuse branches beside a function that is only evaluated: there the bound can have no room for them."""
    for what, size in room.items():
        if np.any(size):
            raise BadInput(
                f"the {what} has a branch that its program does not take ({in_words(size)}), and a declared bound of the "
                f"{declared[0]} cannot be combined with it; choose a larger threshold or a smaller domain, so that the code "
                "never takes the branch"
            )


def _refuse_jumps(programs: dict[str, Program | None]) -> None:
    """Refuse code with branches beside a function that is only evaluated: declared bounds are of what does not jump."""
    for what, program in programs.items():
        try:
            if program is not None:
                demand_no_branches(program, "a conditional certificate")
        except Unsupported as error:
            raise BadInput(f"certify cannot read the {what}: {error}") from None


def _precision(problem: Problem, what: str) -> str:
    function = problem.model if what == "model" else problem.reference
    return "float64" if function is None else function.precision


def _notes(problem: Problem, programs: dict[str, Program], room: dict[str, Array]) -> tuple[str, ...]:
    remarks = (remark for program in programs.values() for remark in program.remarks)
    rounded = [what for what, one in programs.items() if rounds_a_threshold(one, _precision(problem, what))]
    facts = [fact("threshold-rounded", sides=" or the ".join(rounded))] if rounded else []
    facts += [
        fact("branches-not-taken", side=what, room=float(np.max(size)))
        for what, size in room.items()
        if np.any(size)
    ]
    if problem.error.mask is not None:
        facts.append(fact("mask-not-in-bound"))
    if problem.domain.constraints or problem.domain.cloud is not None:
        facts.append(fact("constraints-not-in-bound"))
    if any(a.values is not None for a in problem.domain.axes):
        facts.append(fact("values-as-intervals"))
    return tuple(dict.fromkeys((*remarks, *map(CERTIFY.text, facts))))


def _alternatives(
    problem: Problem,
    programs: dict[str, Program | None],
    log: tuple[bool, ...],
    m: int,
    room: dict[str, Array],
    least: bool = False,
) -> tuple[Program, ...]:
    model, reference = programs["model"], programs["reference"]
    if model is None or reference is None:
        return (_known_part(model, reference, log, _weights(problem, m)),)
    measure = problem.error
    divisors: list[Array | None] = [np.ones(m)]
    if measure.kind == "relative":
        divisors = [None] if not measure.floor else [None, np.full(m, measure.floor)]
    elif measure.kind == "scaled":
        divisors = [_scale(problem, m)]
    signed, tolerances = measure.side != "both", _tolerances(problem, m)
    ends = _Room(room["model"] + room["reference"], room["reference"], least, measure.side)
    return tuple(
        _one(model, reference, log, divisor, tolerances, signed=signed, room=ends) for divisor in divisors
    )


@dataclass(frozen=True)
class _Room:
    """How far model minus reference, and the reference, may be from their programs; ``least``: towards smaller errors."""

    gap: Array
    reference: Array
    least: bool
    side: str

    def widened(self, build: Builder, gap: Value) -> Value:
        """Both ends of the difference, or with ``least`` the smaller one; a tolerance or divisor may follow."""
        if not np.any(self.gap):
            return gap
        if not self.least:
            ends = [build.binary("add", gap, self.gap), build.binary("sub", gap, self.gap)]
            return build.concatenate(ends, 0)
        if self.side == "both":
            return build.binary(
                "max", build.binary("sub", build.unary("abs", gap), self.gap), np.asarray(0.0)
            )
        return build.binary("sub" if self.side == "over" else "add", gap, self.gap)

    def divisor(self, build: Builder, f: Value, signed: bool) -> Value:
        """The smallest size that the reference may have; with ``least`` the largest."""
        if not np.any(self.reference):
            return build.unary("abs", f) if signed else f
        size = build.unary("abs", f)
        if self.least:
            return build.binary("add", size, self.reference)
        return build.binary("max", build.binary("sub", size, self.reference), np.asarray(0.0))

    def twice(self, build: Builder, v: Value) -> Value:
        """``v`` once for each output of the widened difference."""
        return v if self.least or not np.any(self.gap) else build.concatenate([v, v], 0)


def _known_part(
    model: Program | None, reference: Program | None, log: tuple[bool, ...], weight: Array
) -> Program:
    """The program of the part that has one, where the other part of the error is only evaluated."""
    build = Builder(len(log))
    if model is None and reference is None:
        return build.finish(np.zeros(len(weight)))
    program, sign = (model, 1.0) if model is not None else (reference, -1.0)
    assert program is not None
    value: Value = build.inline(program, inputs(build, log))
    if np.any(sign * weight != 1.0):
        value = build.binary("mul", value, sign * weight)
    return build.finish(value)


def _one(
    model: Program,
    reference: Program,
    log: tuple[bool, ...],
    divisor: Array | None,
    tolerances: Array,
    signed: bool,
    room: _Room,
) -> Program:
    build = Builder(len(log))
    x = inputs(build, log)
    f = build.inline(reference, x)
    gap: Value = room.widened(build, build.binary("sub", build.inline(model, x), f))
    for constant in (divisor, tolerances):
        if constant is not None and np.any(constant != 1.0):
            gap = build.binary("div", gap, room.twice(build, constant))
    if divisor is None:
        # The division comes last: the checker knows how to treat a final quotient where f is zero.
        gap = build.binary("div", gap, room.twice(build, room.divisor(build, f, signed)))
    return lifted(build.finish(gap))
