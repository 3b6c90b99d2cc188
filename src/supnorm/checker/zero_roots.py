"""Square and cube roots on real cells where their argument reaches zero, so that no tangent has a bound.

For 0 < p < 1, s > 0 and 0 <= z <= b the concave function z^p - s z is at least the smaller of its values at the ends, 0 and
b^p - s b, and at most that at its summit z = (p/s)^(1/(1 - p)): 1/(4 s) for the square root, 2/(3 sqrt(3 s)) for the cube
root. That z is at least zero must follow from operations and from the lower ends of the axes: an enclosure, whose ends
are rounded outwards, does not show it where zero is reached.
"""

from __future__ import annotations

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
        args = [known[a] for a in o.args]
        if o.op == "input":
            flags = tuple(v >= 0.0 for v in low)
        elif o.op == "constant":
            flags = tuple(v >= 0.0 for v in o.vector)
        elif o.op == "affine":
            flags = _of_sums(o, args[0])
        elif o.op == "take":
            flags = tuple(args[0][c] for c in o.columns)
        elif o.op == "concat":
            flags = tuple(f for arg in args for f in arg)
        else:
            flags = _of_function(o, args)
        known.append(flags)
    return tuple(known)


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
