"""Why there is no upper bound: where the error has no value, and which operation has no value there.

There are two ways to find out. At a point of the screen a function may have no finite value; a model without a value
counts as an infinite error. Or a box of the smallest size may have no bound (a pole between the points, an infinite
slope): then the message names the first operation whose range is infinite although the ranges of its arguments are finite.
"""

from __future__ import annotations

import numpy as np

from supnorm.certification.boxes import DEEPEST
from supnorm.certification.branch_room import with_tests
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.executions import runs
from supnorm.certification.leaf import Leaves
from supnorm.certification.node_models import first_infinite
from supnorm.certification.propagation import propagate
from supnorm.certification.rounding import Array
from supnorm.certification.shelf import Stored, largest_by
from supnorm.problem import Domain, Problem
from supnorm.program import Program, Unsupported, program_of
from supnorm.results.numbers import num
from supnorm.wording import Fact, Value, fact

FEW = 256  # the functions are called at no more points than this
NAMED = ("div", "log", "sqrt", "pow", "constant", "exp")  # operations with words of their own
# Halvings of an axis (1/1,000 of it) from which on a pole is suspected: wider boxes are often without a bound, pole or not.
SUSPECTED = 10
REACH = 64.0  # half-widths; the largest ellipse around a box (rho = 80) reaches out by 40
_OVERFLOW = ("affine", "mul", "add", "sub")


def without_value(problem: Problem, x: Array) -> Fact | None:
    """Why the error is infinite at points where it has no finite value; None if none of the points counts.

    Args:
        problem: the problem; by its measure, a model without a finite value has an infinite error.
        x: points in units of the axes, shape ``(k, d)``, at which the error's program has no finite value. The
            functions are called there, because a program may overflow where its function does not.
    """
    x = x[:FEW]
    model, reference = runs(problem.model, x, "model"), runs(problem.reference, x, "reference")
    size, output = problem.error(model, reference, x)
    if np.isinf(size).any():
        i = int(np.flatnonzero(np.isinf(size))[0])
        value, at = model[i, output[i]], _point(problem, x[i])
        if np.isfinite(value):
            return fact("error-without-value", at=at)
        return fact(
            "model-without-value", at=at, value=float(value), operation=_operation(problem, "model", x[i])
        )
    lost = ~np.isfinite(reference).all(1) & problem.error.counts(x, reference)
    if lost.any():
        i = int(np.argmax(lost))
        value = float(reference[i][~np.isfinite(reference[i])][0])
        operation = _operation(problem, "reference", x[i])
        return fact("reference-without-value", at=_point(problem, x[i]), value=value, operation=operation)
    return None


def _halved_without_bound(leaves: Leaves) -> Array:
    """How often boxes without a bound are halved along the axis where this is most; -1 for those with a bound."""
    boxes = leaves.boxes
    return np.where(np.isfinite(boxes.upper), -1.0, boxes.level.max(1, initial=0))


def without_bound(problem: Problem, error: ErrorProgram, leaves: Leaves | Stored) -> Fact:
    """Where there is no bound, and which operation prevents it; both are taken from the smallest box without a bound."""
    smallest = largest_by(leaves, _halved_without_bound, 1).boxes
    t, half = (part[0] for part in smallest.centre_and_half(error.low, error.high))
    low, high = error.to_x(t - half), error.to_x(t + half)
    centre, half = 0.5 * (low + high), 0.5 * (high - low)
    # Twice the box: rounding may hide a pole on the face of so small a box.
    whose, where = _whose(problem, centre, 2.0 * half), box_in_words(problem.domain, low, high)
    if error.declared and not whose:
        return fact("declared-too-loose", where=where)
    if smallest.level.max() >= SUSPECTED and not whose and _may_jump(error, centre, REACH * half):
        return fact("no-bound-at-jump", where=where)
    if smallest.level.max() >= DEEPEST:
        return fact("no-bound", where=where, **whose)
    narrow = smallest.level.max() >= SUSPECTED
    return fact("no-bound-yet" if narrow else "no-bound-wide", where=where, **whose)


def _may_jump(error: ErrorProgram, centre: Array, half: Array) -> bool:
    """Whether the test of a ``where`` of the error has both signs on a box: polydiscs and ellipses have no bound there."""
    for program in error.at_points:
        watched = with_tests(program)
        if watched is not program:
            model, _ = propagate(watched, centre[None], half[None], np.ones(1))
            if (np.abs(model.c) <= model.reach[:, 0])[0, program.m :].any():
                return True
    return False


def _whose(problem: Problem, centre: Array, half: Array) -> dict[str, Value]:
    """The side and the operation without a finite range, or that the error itself divides; empty where unknown."""
    for side in ("model", "reference"):
        if operation := _operation(problem, side, centre, half):
            return {"side": side, "operation": operation}
    return {"relative": True} if problem.error.kind == "relative" else {}


def _operation(problem: Problem, side: str, centre: Array, half: Array | None = None) -> tuple[Fact, ...]:
    """The operation that has no finite range on a box, by default at a point; none if all have one."""
    program = _read(problem, side)
    half = np.zeros_like(centre) if half is None else half
    op = None if program is None else first_infinite(program, centre[None], half[None])
    if op is None:
        return ()
    if op in _OVERFLOW:
        return (fact("too-large"),)
    return (fact(op) if op in NAMED else fact("operation", name=op),)


def _read(problem: Problem, side: str) -> Program | None:
    function = problem.model if side == "model" else problem.reference
    try:
        return program_of(function, problem.domain.d, limited=True, branches=True)
    except Unsupported:
        return None


def _point(problem: Problem, x: Array) -> dict[str, float]:
    return dict(zip(problem.domain.names, x.tolist(), strict=True))


def box_in_words(domain: Domain, low: Array, high: Array) -> str:
    """A box in words: one number for an axis on which it is thin, otherwise its ends."""
    parts = []
    for axis, name, a, b in zip(domain.axes, domain.names, low, high, strict=True):
        width = axis.high - axis.low
        a, b, middle = (0.0 if abs(v) < 1e-9 * width else v for v in (a, b, 0.5 * (a + b)))
        thin = b - a < 1e-6 * max(width, abs(middle))
        ends = [num(v, 6) for v in (a, b)]
        parts.append(f"{name} = {num(middle, 6)}" if thin else f"{name} in [{', '.join(ends)}]")
    return ", ".join(parts)
