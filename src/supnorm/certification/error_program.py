"""The error of a model against a reference as straight-line programs, in the coordinates of the boxes.

Per output the error is the smallest |E_a| over the alternatives a: one program for absolute and scaled
errors; for a relative error with floor, |N - f| / max(|f|, floor) = min(|N - f| / |f|, |N - f| / floor), both
analytic. A log axis runs over t = log x; its ends are rounded outwards. Masks and constraints are left out:
a bound on the whole box holds on every part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from supnorm.certification.rounding import Array
from supnorm.problem import Function, Problem
from supnorm.program import Builder, Program, Tensor, Unsupported, program_of
from supnorm.program.tracing import Value
from supnorm.results import BadInput


@dataclass(frozen=True)
class ErrorProgram:
    """What is bounded.

    Attributes:
        alternatives: programs of t, each ``(n, d) -> (n, m)``; per output the smallest counts.
        at_points: the same as programs of x, for values at points of the domain.
        model, reference: the programs behind the error.
        low, high: the box in t, shape ``(d,)``.
        log: which axes are logarithmic.
        side: "both", "over" or "under".
        notes: what the user must know about the bound.
    """

    alternatives: tuple[Program, ...]
    at_points: tuple[Program, ...]
    model: Program
    reference: Program
    low: Array
    high: Array
    log: tuple[bool, ...]
    side: str = "both"
    notes: tuple[str, ...] = ()

    @property
    def d(self) -> int:
        """Number of inputs."""
        return len(self.low)

    def to_x(self, t: Array) -> Array:
        """Points of the box in the units of the axes."""
        return np.where(self.log, np.exp(np.where(self.log, t, 0.0)), t)

    def to_t(self, x: Array) -> Array:
        """Points in the units of the axes in box coordinates."""
        return np.where(self.log, np.log(np.where(self.log, x, 1.0)), x)

    def one_sided(self, signed: Array) -> Array:
        """The error from signed values, by the side that counts."""
        if self.side == "both":
            return np.abs(signed)
        return np.maximum(signed if self.side == "over" else -signed, 0.0)


def error_program(problem: Problem) -> ErrorProgram:
    """The programs of a problem's error.

    Raises:
        BadInput: when model or reference has an operation that programs do not have (named), or the error
            measure is a function of the user's.
    """
    if problem.model is None:
        raise BadInput("certify needs a model; give Problem(model, reference, domain)")
    measure, domain = problem.error, problem.domain
    if measure.kind == "function":
        raise BadInput(
            "certify cannot read error = a Python function; use kind = absolute, relative or scaled"
        )
    model = _program(problem.model, "model", domain.d)
    reference = _program(problem.reference, "reference", domain.d)
    for name, program in (("model", model), ("reference", reference)):
        if program.d != domain.d:
            raise BadInput(f"the {name} has {program.d} inputs, the domain {domain.d}")
    if model.m != reference.m:
        raise BadInput(f"the model has {model.m} outputs, the reference {reference.m}")
    log = tuple(axis.log for axis in domain.axes)
    ends = np.array([[a.low, a.high] for a in domain.axes])
    for i in np.flatnonzero(log):
        low, high = np.log(ends[i])
        ends[i] = low - 4e-16 * max(abs(low), 1.0), high + 4e-16 * max(abs(high), 1.0)
    return ErrorProgram(
        _alternatives(problem, model, reference, log),
        _alternatives(problem, model, reference, (False,) * domain.d),
        model, reference, ends[:, 0], ends[:, 1], log, measure.side, _notes(problem, model, reference),
    )  # fmt: skip


def _program(function: Function, what: str, d: int) -> Program:
    try:
        return program_of(function, d)
    except Unsupported as error:
        raise BadInput(f"certify cannot read the {what}: {error}") from None


def _notes(problem: Problem, model: Program, reference: Program) -> tuple[str, ...]:
    notes = [*model.remarks, *reference.remarks]
    if problem.error.mask is not None:
        notes.append("the mask is left out of the upper bound, which holds on the whole box")
    if problem.domain.constraints or problem.domain.cloud is not None:
        notes.append("the constraints are left out of the upper bound, which holds on the whole box")
    if any(a.values is not None for a in problem.domain.axes):
        notes.append("discrete axes are taken as intervals in the upper bound")
    return tuple(dict.fromkeys(notes))


def _alternatives(
    problem: Problem, model: Program, reference: Program, log: tuple[bool, ...]
) -> tuple[Program, ...]:
    measure, m = problem.error, model.m
    divisors: list[Array | None] = [np.ones(m)]
    if measure.kind == "relative":
        divisors = [None] if not measure.floor else [None, np.full(m, measure.floor)]
    elif measure.kind == "scaled":
        divisors = [np.broadcast_to(np.asarray(measure.scale), (m,))]
    tolerances = np.ones(m)
    if isinstance(measure.tolerance, tuple):
        tolerances = np.broadcast_to(np.asarray(measure.tolerance), (m,))
    signed = measure.side != "both"
    return tuple(_one(model, reference, log, divisor, tolerances, signed) for divisor in divisors)


def _one(
    model: Program, reference: Program, log: tuple[bool, ...], divisor: Array | None, tolerances: Array,
    signed: bool,
) -> Program:  # fmt: skip
    build = Builder(len(log))
    x = _inputs(build, log)
    f = build.inline(reference, x)
    gap: Value = build.binary("sub", build.inline(model, x), f)
    if divisor is None:
        gap = build.binary("div", gap, build.unary("abs", f) if signed else f)
    elif np.any(divisor != 1.0):
        gap = build.binary("div", gap, divisor)
    if np.any(tolerances != 1.0):
        gap = build.binary("div", gap, tolerances)
    return build.finish(gap)


def _inputs(build: Builder, log: tuple[bool, ...]) -> Tensor:
    if not any(log):
        return build.input
    columns = [Tensor(0, np.array([i])) for i in range(len(log))]
    parts = [build.unary("exp", c) if is_log else c for c, is_log in zip(columns, log, strict=True)]
    joined = build.concatenate(parts, 0)
    assert isinstance(joined, Tensor)
    return joined
