"""Why there is no upper bound: where the error has no value, and which operation has none there.

Two ways to find it. A point of the screen has no finite value: the model's counts as an infinite error. Or a
box as small as boxes get still has no bound (a pole between the points, an infinite slope): the first operation
whose range is infinite there, though those of its arguments are finite, is the one to name.
"""

from __future__ import annotations

import numpy as np

from supnorm.certification.affine_model import first_infinite
from supnorm.certification.agreement import runs
from supnorm.certification.boxes import DEEPEST
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.leaf import Leaves
from supnorm.certification.rounding import Array
from supnorm.problem import Problem
from supnorm.program import Program, Unsupported, program_of

FEW = 256  # points at which the functions are called
_REMEDY = "shrink the domain to stay clear of it"
_WORDS = {
    "div": "a division by zero",
    "log": "a logarithm of zero or less",
    "sqrt": "a square root at zero or below",
    "pow": "a power of zero or less",
    "constant": "a constant without a value",
    "exp": "an overflowing exponential",
}
_OVERFLOW = ("affine", "mul", "add", "sub")


def without_value(problem: Problem, x: Array) -> str | None:
    """Why the error is infinite at points where it has no finite value; None where none of them counts.

    Args:
        problem: whose definition of the error holds: a model without a finite value has an infinite one.
        x: points in units of the axes, shape ``(k, d)``, at which the error's program has no finite value. The
            functions themselves decide: a program may overflow where they do not.
    """
    x = x[:FEW]
    model, reference = runs(problem.model, x, "model"), runs(problem.reference, x, "reference")
    size, output = problem.error(model, reference, x)
    if np.isinf(size).any():
        i = int(np.flatnonzero(np.isinf(size))[0])
        value, where, spot = model[i, output[i]], _point(problem, x[i]), (x[i], np.zeros_like(x[i]))
        if np.isfinite(value):
            return f"The error has no finite value at {where}; {_REMEDY}, or give a relative error a floor."
        return (
            f"The model has no finite value at {where} ({_operation(problem, 'model', *spot)}{value:g}), which counts "
            f"as an infinite error; {_REMEDY}."
        )
    lost = ~np.isfinite(reference).all(1) & problem.error.counts(x, reference)
    if lost.any():
        i = int(np.argmax(lost))
        value, spot = reference[i][~np.isfinite(reference[i])][0], (x[i], np.zeros_like(x[i]))
        return (
            f"The reference has no finite value at {_point(problem, x[i])} "
            f"({_operation(problem, 'reference', *spot)}{value:g}); {_REMEDY}."
        )
    return None


def without_bound(problem: Problem, error: ErrorProgram, leaves: Leaves) -> str:
    """Where there is no bound, and for which operation: the smallest of the boxes without one."""
    boxes = leaves.boxes.take(~np.isfinite(leaves.boxes.upper))
    smallest = boxes.take(np.argsort(-boxes.level.max(1), kind="stable")[:1])
    t, half = (part[0] for part in smallest.centre_and_half(error.low, error.high))
    low, high = error.to_x(t - half), error.to_x(t + half)
    centre, half = 0.5 * (low + high), 0.5 * (high - low)
    whose = _whose(problem, centre, 2.0 * half)  # a pole on the face of so small a box is lost in rounding
    cause = f"a pole or an infinite slope{whose}"
    if error.declared and not whose:
        return f"What is declared allows no bound near {_where(problem, low, high)}; declare a smaller bound."
    if smallest.level.max() < DEEPEST:
        return f"No bound is known yet on {_where(problem, low, high)}: there may be {cause}."
    return f"No bound can be proved near {_where(problem, low, high)}: {cause}; {_REMEDY}."


def _whose(problem: Problem, centre: Array, half: Array) -> str:
    for side in ("model", "reference"):
        operation = _operation(problem, side, centre, half)
        if operation:
            return f" of the {side} ({operation.removesuffix(': ')})"
    return " of the error itself (a division by zero)" if problem.error.kind == "relative" else ""


def _operation(problem: Problem, side: str, centre: Array, half: Array) -> str:
    """The operation that has no range on a box, in words with a colon behind; empty where all have one."""
    program = _read(problem, side)
    op = None if program is None else first_infinite(program, centre[None], half[None])
    if op is None:
        return ""
    words = "numbers too large for float64" if op in _OVERFLOW else f"the operation {op}"
    return f"{_WORDS.get(op, words)}: "


def _read(problem: Problem, side: str) -> Program | None:
    function = problem.model if side == "model" else problem.reference
    try:
        return program_of(function, problem.domain.d)
    except Unsupported:
        return None


def _point(problem: Problem, x: Array) -> str:
    return ", ".join(f"{n} = {v:.6g}" for n, v in zip(problem.domain.names, x, strict=True))


def _where(problem: Problem, low: Array, high: Array) -> str:
    """A box in words: a number where it is thin against the axis, else its ends."""
    parts = []
    for axis, name, a, b in zip(problem.domain.axes, problem.domain.names, low, high, strict=True):
        width = axis.high - axis.low
        a, b, middle = (0.0 if abs(v) < 1e-9 * width else v for v in (a, b, 0.5 * (a + b)))
        thin = b - a < 1e-6 * max(width, abs(middle))
        parts.append(f"{name} = {middle:.6g}" if thin else f"{name} in [{a:.6g}, {b:.6g}]")
    return ", ".join(parts)
