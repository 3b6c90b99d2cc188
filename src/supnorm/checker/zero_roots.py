"""Square and cube roots on real cells where their argument reaches zero, so that no tangent has a bound.

For 0 < p < 1, s > 0 and 0 <= z <= b the concave function z^p - s z is at least the smaller of its values at the ends, 0 and
b^p - s b, and at most that at its summit z = (p/s)^(1/(1 - p)): 1/(4 s) for the square root, 2/(3 sqrt(3 s)) for the cube
root. That z is at least zero must follow from operations and from the lower ends of the axes: an enclosure, whose ends
are rounded outwards, does not show it where zero is reached. Of a part of z, such as a factor, it may (`on_a_cell`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import arb

from supnorm.checker.operation import Operation
from supnorm.checker.special_functions import cube_root

Ball = Any
ORDERS = {"sqrt": 2, "cbrt": 3}
Flags = tuple[bool, ...]
# What is at least zero for every argument for which it is a number, and for those that are at least zero.
POSITIVE = frozenset({"abs", "relu", "exp", "sqrt", "sigmoid"})
ODD = frozenset({"cbrt", "tanh", "erf", "atan"})


def at_least_zero(operations: tuple[Operation, ...], low: tuple[float, ...]) -> tuple[Flags, ...]:
    """Which features of each operation are at least zero where input j is at least ``low[j]``; empty without roots."""
    if not any(o.op in ORDERS for o in operations):
        return ()
    known: list[Flags] = []
    for o in operations:
        known.append(_of(o, [known[a] for a in o.args], low))
    return tuple(known)


def on_a_cell(
    operations: tuple[Operation, ...],
    low: tuple[float, ...],
    is_positive: Callable[[int, int], bool],
    known: list[Flags],
) -> Flags:
    """Which features of the last of these operations are at least zero on a cell.

    Args:
        operations: the first operations of a program.
        low: as of `at_least_zero`.
        is_positive: whether feature k of operation i has an enclosure above zero on the cell.
        known: the answers for the first of these operations; those of the others are appended.
    """
    for i in range(len(known), len(operations)):
        flags = _of(operations[i], [known[a] for a in operations[i].args], low)
        known.append(tuple(f or is_positive(i, k) for k, f in enumerate(flags)))
    return known[len(operations) - 1]


def _of(o: Operation, args: list[Flags], low: tuple[float, ...]) -> Flags:
    if o.op == "input":
        return tuple(v >= 0.0 for v in low)
    if o.op == "constant":
        return tuple(v >= 0.0 for v in o.vector)
    if o.op == "affine":
        return _of_sums(o, args[0])
    if o.op == "take":
        return tuple(args[0][c] for c in o.columns)
    if o.op == "concat":
        return tuple(f for arg in args for f in arg)
    return _of_function(o, args)


def _of_sums(o: Operation, arg: Flags) -> Flags:
    """A sum of features that are at least zero with weights and a bias that are."""
    k = len(arg)
    rows = (o.weight[i * k : (i + 1) * k] for i in range(o.width))
    return tuple(
        b >= 0.0 and all(w == 0.0 or (w > 0.0 and f) for w, f in zip(row, arg, strict=True))
        for row, b in zip(rows, o.vector, strict=True)
    )


def _of_function(o: Operation, args: list[Flags]) -> Flags:
    even = o.op == "pow" and o.parameter is not None and o.parameter % 2.0 == 0.0
    if even or o.op in POSITIVE or (o.op == "mul" and o.args[0] == o.args[1]):
        return (True,) * o.width
    if o.op in ODD or o.op == "pow":
        return args[0]
    if o.op in ("add", "mul", "div", "min"):  # the quotient by a feature that may be zero has no bound
        return tuple(a and b for a, b in zip(*args, strict=True))
    if o.op == "where":
        return tuple(a and b for a, b in zip(args[1], args[2], strict=True))
    if o.op == "max":
        return tuple(a or b for a, b in zip(*args, strict=True))
    return (False,) * o.width


def chord(op: str, low: Ball, high: Ball, above: bool) -> tuple[Ball, Ball, Ball] | None:
    """s, middle and half with ``|root(z) - s z - middle| <= half`` for z from low to high; None without a bound.

    Args:
        op: "sqrt" or "cbrt".
        low, high: ends of the argument; ``low`` may be below zero.
        above: whether the argument is at least zero.
    """
    if not (low.is_finite() and high.is_finite()):
        return None
    if above:
        b = high.upper()
        if b <= 0:  # the argument is zero, as a positive part where its own is negative
            return arb(0), arb(0), arb(0)
        if not b > 0:
            return None
        p = arb(1) / ORDERS[op]
        s = (b ** (p - 1)).mid()
        if not (s > 0 and s.is_finite()):
            return None
        summit = 1 / (4 * s) if op == "sqrt" else 2 / (3 * (3 * s).sqrt())
        least = (b**p - s * b).min(arb(0)).lower()
        return s, (least + summit) / 2, ((summit - least) / 2).upper()
    if op == "cbrt":
        first, last = (cube_root(v) for v in (low.lower(), high.upper()))
        return arb(0), (first + last) / 2, (abs(last - first) / 2).upper()
    return None
