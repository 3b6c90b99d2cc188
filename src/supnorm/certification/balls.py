"""Values of a program at points in ball arithmetic (python-flint), for errors that float64 cannot see.

A ball is a midpoint of many bits and a radius; each operation of FLINT returns a ball that contains all results (Johansson,
Arb: efficient arbitrary-precision midpoint-radius interval arithmetic, IEEE Trans. Comput. 66, 2017). So no
assumption about library functions is needed. The checker has ball arithmetic of its own and shares no code with this file.
python-flint is an optional dependency (the extra ``checker``); without it (`available`) certify goes as far as float64.

Cost: about a quarter of a microsecond for a product, one to five for a function.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from supnorm.certification.rounding import Array, U
from supnorm.program import Node, Program
from supnorm.program.ball_precision import precision
from supnorm.program.special import NAMES, has_balls, in_balls

Ball = Any
Rows = list[list[Ball]]  # of a feature the values at all points
# Precisions that are tried, in bits. Errors of 1e-22 need 128; the checker takes none above the last one.
BITS = (128, 256, 512)
_TANH_GELU, _CUBIC = 0.7978845608028654, 0.044715  # the float64 constants are the definition of gelu_tanh


def available() -> bool:
    """Whether python-flint is installed."""
    return has_balls()


def knows(program: Program) -> bool:
    """Whether all of its operations have values in balls."""
    return all(node.op in _KNOWN for node in program.nodes)


def at_points(program: Program, x: Array, bits: int) -> tuple[Array, Array]:
    """Values at float64 points, and bounds of their distance from the exact ones, shapes ``(n, d) -> (n, m)``.

    >>> from supnorm.program import Node
    >>> program = Program((Node("input", (), 1), Node("sin", (0,), 1), Node("sub", (1, 0), 1)))
    >>> value, off = at_points(program, np.array([[1e-6]]), 128)  # sin x - x = -x^3/6
    >>> f"{value[0, 0]:.9e}", bool(off[0, 0] < 1e-33)
    ('-1.666666667e-19', True)
    """
    from flint import arb

    if not knows(program):
        return np.zeros((len(x), program.m)), np.full((len(x), program.m), np.inf)
    with precision(bits):
        return _as_floats(_values(program, [[arb(v) for v in column] for column in x.T.tolist()]))


def at_nodes(program: Program, centre: Array, half: Array, n: int, bits: int) -> tuple[Array, Array]:
    """Values at the (n+1)^d tensor nodes of one box, as `at_points`; the nodes are exact up to the precision.

    Args:
        centre, half: the box, shapes ``(d,)``.
        n: degree of the interpolant.
    """
    from flint import arb

    count = (n + 1) ** len(centre)
    if not knows(program):
        return np.zeros((count, program.m)), np.full((count, program.m), np.inf)
    with precision(bits):
        one = [(arb(2 * i + 1) / (2 * n + 2)).cos_pi() for i in range(n + 1)]
        index = np.indices((n + 1,) * len(centre)).reshape(len(centre), -1).tolist()
        ends = zip(centre.tolist(), half.tolist(), index, strict=True)
        return _as_floats(_values(program, [[arb(c) + arb(h) * one[i] for i in row] for c, h, row in ends]))


def _as_floats(rows: Rows) -> tuple[Array, Array]:
    """Midpoints and radii in float64, shapes ``(n, m)``; a value that is not finite has an infinite radius."""
    middle = np.array([[float(z.mid()) for z in row] for row in rows]).T
    radius = np.array([[float(z.rad()) for z in row] for row in rows]).T
    off = radius * (1.0 + 1e-8) + 2.0 * U * np.abs(middle) + 1e-300
    known = np.isfinite(middle) & np.isfinite(off)
    return np.where(known, middle, 0.0), np.where(known, off, np.inf)


def _values(program: Program, points: Rows) -> Rows:
    known: list[Rows] = []
    for node in program.nodes:
        known.append(_apply(node, [known[a] for a in node.args], points))
    return known[-1]


def _apply(node: Node, args: list[Rows], points: Rows) -> Rows:
    from flint import arb, arb_mat

    count = len(points[0])
    if node.op == "input":
        return points
    if node.op == "constant":
        return [[arb(v)] * count for v in np.asarray(node.value).tolist()]
    if node.op == "affine":
        weight, bias = np.asarray(node.weight), np.asarray(node.bias).tolist()
        # A feature of weight 0 has no effect, also where it has no value.
        used = np.flatnonzero(weight.any(axis=0))
        columns = [args[0][i] for i in used.tolist()]
        if not columns:
            return [[arb(b)] * count for b in bias]
        matrix = arb_mat(weight[:, used].tolist())
        flat = (matrix * arb_mat(columns)).entries()
        rows = [flat[i * count : (i + 1) * count] for i in range(node.width)]
        return [[z + b for z in row] for row, b in zip(rows, map(arb, bias), strict=True)]
    if node.op == "take":
        return [args[0][c] for c in np.asarray(node.columns).tolist()]
    if node.op == "concat":
        return [row for arg in args for row in arg]
    call = _function(node)
    return [[call(*zs) for zs in zip(*rows, strict=True)] for rows in zip(*args, strict=True)]


def _function(node: Node) -> Callable[..., Ball]:
    from flint import arb

    p = node.parameter
    if node.op == "pow":
        assert p is not None
        if float(p).is_integer():
            return partial(_power, n=int(p))
        return lambda z: (arb(p) * z.log()).exp()
    if node.op == "leaky_relu":
        return lambda z: z.max(arb(0)) + arb(p) * z.min(arb(0))
    if node.op in NAMES:
        return partial(in_balls, node.op, parameter=node.parameters)
    return _NAMED[node.op] if node.op in _NAMED else getattr(arb, node.op)


def _sigmoid(z: Ball) -> Ball:
    return 1 / (1 + (-z).exp())


def _softplus(z: Ball) -> Ball:
    return z + (-z).exp().log1p() if z > 0 else z.exp().log1p()


def _gelu(z: Ball) -> Ball:
    from flint import arb

    return z / 2 * (-z / arb(2).sqrt()).erfc()


def _power(z: Ball, n: int) -> Ball:
    """A whole power; FLINT's own is NaN for a ball around zero."""
    from flint import arb

    if not z.contains(0):
        return z**n
    if n <= 0:
        return 1 / _power(z, -n) if n else arb(1)
    half = _power(z, n // 2)
    return half * half * z if n % 2 else half * half


def _gelu_tanh(z: Ball) -> Ball:
    from flint import arb

    return z / 2 * (1 + (arb(_TANH_GELU) * (z + arb(_CUBIC) * z * z * z)).tanh())


def _cbrt(z: Ball) -> Ball:
    if not (z.is_finite() and z.contains(0)):
        return -_cbrt(-z) if z < 0 else z.root(3)
    low, high = z.lower(), z.upper()  # it grows with its argument
    return (high.root(3) if high > 0 else high * 0).union(-(-low).root(3) if low < 0 else low * 0)


def _relu(z: Ball) -> Ball:
    from flint import arb

    return z.max(arb(0))


def _where(z: Ball, above: Ball, other: Ball) -> Ball:
    if z > 0 or z <= 0:
        return above if z > 0 else other
    return above.union(other) if z.is_finite() else z * float("nan")


_NAMED: dict[str, Callable[..., Ball]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda z: -z,
    "abs": abs,
    "relu": _relu,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "cbrt": _cbrt,
    "silu": lambda z: z * _sigmoid(z),
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "where": _where,
}
# Functions that FLINT has under the same names.
_OF_FLINT = ("tanh", "atan", "sin", "cos", "exp", "log", "sqrt", "erf", "erfc", "min", "max")
_KNOWN = {
    *_NAMED, *_OF_FLINT, *NAMES, "input", "constant", "affine", "take", "concat", "pow", "leaky_relu"
}  # fmt: skip
