"""Programs in ball arithmetic: values at many points, and affine models on a cell or polydisc.

A model of a feature is c + sum_j J_j y_j + remainder with balls c, J and |remainder| <= eps for |y_j| <= A
(complex when A > 1, real when A = 1). eps is None where there is no bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from flint import arb, arb_mat

from supnorm.checker.cost import watch
from supnorm.checker.functions import (
    exactly,
    power,
    range_on,
    real_remainder,
    remainder,
    smaller,
    value_and_slope,
)
from supnorm.checker.operation import Operation
from supnorm.checker.special_functions import NAMES, Parameter, coefficients
from supnorm.checker.zero_roots import ORDERS, Flags, at_least_zero, chord, on_a_cell

Ball = Any
Rows = list[list[Ball]]


class Form(NamedTuple):
    """One of the forms of an affine bound; each proves it.

    Attributes:
        within: how functions that are bounded are taken (`smooth`).
        far: a root on a real cell has its chord where the remainder of the tangent is more than so many times as large. The
            certifier, whose tangents have up to twice the remainder, takes 4. After a function whose bound is tighter here,
            such as tanh, its chord may be one that only 1 takes.
    """

    within: bool = True
    far: int = 2


# Every pair, the usual ones first: a sine that must not be its range may be multiplied by a root with any of the chords.
FORMS = (
    Form(),
    Form(within=False, far=4),
    Form(far=4),
    Form(far=1),
    Form(within=False, far=2),
    Form(within=False, far=1),
)


@dataclass(frozen=True)
class Program:
    """A program with its weights as ball matrices, and which features are at least zero on the domain."""

    operations: tuple[Operation, ...]
    weights: tuple[Any, ...]
    sizes: tuple[Any, ...]
    above: tuple[Flags, ...] = ()
    low: tuple[float, ...] = ()

    @classmethod
    def of(cls, operations: tuple[Operation, ...], low: tuple[float, ...] | None = None) -> Program:
        """Prepare the matrices of the affine operations; operations that occur twice are computed once.

        Args:
            operations: the program.
            low: lower ends of the inputs, where roots need a bound at zero.
        """
        weights, sizes = [], []
        operations = without_repetitions(operations)
        for o in operations:
            k = len(o.weight) // o.width
            weights.append(arb_mat(o.width, k, list(o.weight)) if o.op == "affine" else None)
            sizes.append(arb_mat(o.width, k, [abs(w) for w in o.weight]) if o.op == "affine" else None)
        above = () if low is None else at_least_zero(operations, low)
        return cls(operations, tuple(weights), tuple(sizes), above, low or ())

    def each(self, start: int = 0) -> Iterator[tuple[int, Operation]]:
        """The operations from ``start`` with their positions; a hostile proof is stopped between two of them."""
        for position in range(start, len(self.operations)):
            watch()
            yield position, self.operations[position]


def without_repetitions(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """The same program without operations that equal earlier ones; the last operation stays the last one."""
    index: dict[Operation, int] = {}
    new: list[int] = []
    distinct: list[Operation] = []
    for position, o in enumerate(operations):
        o = replace(o, args=tuple(new[a] for a in o.args))
        if o not in index or position == len(operations) - 1:
            index[o] = len(distinct)
            distinct.append(o)
        new.append(index[o])
    return tuple(distinct)


def values(program: Program, points: Rows) -> Rows:
    """Outputs (rows) at points (columns): ``points[j][i]`` is coordinate j of point i."""
    return node_values(program, points)[-1]


def node_values(program: Program, points: Rows) -> list[Rows]:
    """Every operation's features (rows) at points (columns)."""
    count = len(points[0])
    known: list[Rows] = []
    for position, o in program.each():
        args = [known[a] for a in o.args]
        if o.op == "input":
            out = points
        elif o.op == "constant":
            out = [[arb(v)] * count for v in o.vector]
        elif o.op == "affine":
            product = program.weights[position] * arb_mat(
                len(args[0]), count, [z for row in args[0] for z in row]
            )
            out = _rows(product, o.width, count)
            out = [[z + b for z in row] for row, b in zip(out, o.vector, strict=True)]
        elif o.op == "take":
            out = [args[0][c] for c in o.columns]
        elif o.op == "concat":
            out = [row for arg in args for row in arg]
        else:
            call = point_function(o.op, o.given)
            out = [[call(*zs) for zs in zip(*rows, strict=True)] for rows in zip(*args, strict=True)]
        known.append(out)
    return known


def _rows(matrix: Any, height: int, width: int) -> Rows:
    flat = matrix.entries()
    return [flat[i * width : (i + 1) * width] for i in range(height)]


def one_of_two(z: Ball, above: Ball, other: Ball) -> Ball:
    """``above`` where z > 0, else ``other``; both together where a ball reaches beyond zero."""
    if z > 0:
        return above
    if z <= 0:
        return other
    return above.union(other) if z.is_finite() else arb("nan")


_POINT: dict[str, Callable[..., Ball]] = {
    "neg": lambda z: -z,
    "abs": abs,
    "relu": lambda z: z.max(arb(0)),
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "max": arb.max,
    "min": arb.min,
    "tanh": arb.tanh,
    "sin": arb.sin,
    "cos": arb.cos,
    "exp": arb.exp,
    "log": arb.log,
    "sqrt": arb.sqrt,
    "reciprocal": lambda z: 1 / z,
    "where": one_of_two,
    "gelu_tanh": lambda z: z / 2 * (1 + (arb(0.7978845608028654) * (z + arb(0.044715) * z * z * z)).tanh()),
}


def point_function(op: str, parameter: Parameter) -> Callable[..., Ball]:
    """The function that computes an operation on balls."""
    if op == "leaky_relu":
        s = arb(parameter)
        return lambda z: ((1 + s) * z + (1 - s) * abs(z)) / 2
    if op in _POINT:
        return _POINT[op]
    if op == "pow":
        assert isinstance(parameter, float)
        q = exactly(parameter)
        return lambda z: power(z, q)
    if op in NAMES:
        return lambda z: coefficients(op, z, 1, parameter)[0]
    return lambda z: value_and_slope(op, z, parameter)[0]


@dataclass(frozen=True)
class Feature:
    """The model of one feature."""

    c: Ball
    J: tuple[Ball, ...]
    eps: Ball | None

    def reach(self, scale: Ball) -> Ball | None:
        """Radius of the disc that contains the feature."""
        if self.eps is None:
            return None
        return (scale * sum((abs(j) for j in self.J), arb(0)) + self.eps).upper()


def model(
    program: Program, centre: list[Ball], half: list[Ball], scale: Ball, real: bool, form: Form = FORMS[0]
) -> list[Feature]:
    """Models of the outputs on |y_j| <= scale."""
    known: list[list[Feature]] = []
    flags: list[Flags] = []
    for position, o in program.each():
        known.append(
            step(
                program,
                position,
                [known[a] for a in o.args],
                centre,
                half,
                scale=scale,
                real=real,
                form=form,
            )
        )
        if real and program.above and o.op in ORDERS and not all(program.above[o.args[0]]):
            known[-1] = _roots_on_the_cell(program, o, known, flags, scale, form)
    return known[-1]


def _roots_on_the_cell(
    program: Program, o: Operation, known: list[list[Feature]], flags: list[Flags], scale: Ball, form: Form
) -> list[Feature]:
    """The last features, those of roots, by chords also where the argument is only known to be at least zero on the cell."""
    (a,) = o.args
    roots = known[-1]
    chords = [_or_chord(f, o.op, x, scale, form, True) for f, x in zip(roots, known[a], strict=True)]
    if all(f is root for f, root in zip(chords, roots, strict=True)):
        return roots
    above = on_a_cell(
        program.operations[: a + 1], program.low, lambda i, k: _is_positive(known[i][k], scale), flags
    )
    return [f if flag else root for f, root, flag in zip(chords, roots, above, strict=True)]


def _is_positive(x: Feature, scale: Ball) -> bool:
    reach = x.reach(scale)
    return reach is not None and x.c.is_finite() and bool(x.c - reach > 0)


def step(
    program: Program,
    position: int,
    args: list[list[Feature]],
    centre: list[Ball],
    half: list[Ball],
    scale: Ball,
    real: bool,
    form: Form = FORMS[0],
) -> list[Feature]:
    """The models of one node from those of its arguments."""
    o, d = program.operations[position], len(centre)
    if o.op == "input":
        return [
            Feature(centre[j], tuple(half[j] if i == j else arb(0) for i in range(d)), arb(0))
            for j in range(d)
        ]
    if o.op == "constant":
        return [Feature(arb(v), (arb(0),) * d, arb(0)) for v in o.vector]
    if o.op == "affine":
        return _affine(program, position, args[0])
    if o.op == "take":
        return [args[0][c] for c in o.columns]
    if o.op == "concat":
        return [f for arg in args for f in arg]
    if real and program.above and o.op in ORDERS:
        flags = program.above[o.args[0]]
        return [_root(o.op, x, scale, form, above) for x, above in zip(args[0], flags, strict=True)]
    return [_function(o, fs, scale, real, form.within) for fs in zip(*args, strict=True)]


def _affine(program: Program, position: int, args: list[Feature]) -> list[Feature]:
    o = program.operations[position]
    d, k = len(args[0].J), len(args)
    parts = program.weights[position] * arb_mat(k, d + 1, [z for f in args for z in (f.c, *f.J)])
    rows = _rows(parts, o.width, d + 1)
    remainders = program.sizes[position] * arb_mat(k, 1, [arb(0) if f.eps is None else f.eps for f in args])
    lost = [i for i, f in enumerate(args) if f.eps is None]
    eps = [e.upper() for e in remainders.entries()]
    return [
        Feature(row[0] + b, tuple(row[1:]), None if any(o.weight[i * k + j] != 0 for j in lost) else eps[i])
        for i, (row, b) in enumerate(zip(rows, o.vector, strict=True))
    ]


def _function(
    o: Operation, args: tuple[Feature, ...], scale: Ball, real: bool, within: bool = True
) -> Feature:
    x = args[0]
    y = args[-1]
    if o.op == "add":
        return plus(x, y)
    if o.op == "sub":
        return plus(x, times(y, arb(-1)))
    if o.op == "neg":
        return times(x, arb(-1))
    if o.op == "mul":
        return product(x, y, scale)
    if o.op == "div":
        return product(x, smooth("reciprocal", y, scale, real), scale)
    if o.op == "relu":
        return relu(x, scale, real)
    if o.op == "leaky_relu":
        s = arb(o.parameter)
        return plus(times(x, s), times(relu(x, scale, real), 1 - s))
    if o.op == "abs":
        return plus(times(relu(x, scale, real), arb(2)), times(x, arb(-1)))
    if o.op in ("max", "min"):
        above = relu(plus(x, times(y, arb(-1))), scale, real)
        return plus(y, above) if o.op == "max" else plus(x, times(above, arb(-1)))
    if o.op == "where":
        return where(x, args[1], y, real)
    if o.op == "gelu_tanh":
        inner = times(
            plus(x, times(smooth("pow", x, scale, real, 3.0), arb(0.044715))), arb(0.7978845608028654)
        )
        bent = smooth("tanh", inner, scale, real)
        return product(times(x, arb(1) / 2), Feature(bent.c + 1, bent.J, bent.eps), scale)
    return smooth(o.op, x, scale, real, o.given, within=within)


def where(z: Feature, above: Feature, other: Feature, real: bool) -> Feature:
    """``above`` where z > 0, else ``other``; the hull of both on a real cell in which z changes its sign.

    ``z`` is bounded on the same cell or polydisc. Where its sign is certain on a polydisc, it is so on the real cell, and
    the continuation of ``where`` is that of one of both.
    """
    reach = z.reach(arb(1))
    if reach is not None and z.c > reach:
        return above
    if reach is not None and z.c <= -reach:
        return other
    zeros = tuple(arb(0) for _ in z.J)
    if not real or above.eps is None or other.eps is None or reach is None or not z.c.is_finite():
        return Feature(arb(0), zeros, None)
    J = tuple(_in_common(a, b) for a, b in zip(above.J, other.J, strict=True))
    first, second = (
        x.eps + sum((abs(a - b) for a, b in zip(x.J, J, strict=True)), arb(0)) for x in (above, other)
    )
    low, high = (above.c - first).min(other.c - second), (above.c + first).max(other.c + second)
    return Feature(((low + high) / 2).mid(), J, ((high - low) / 2 + (low + high).rad()).upper())


def _in_common(a: Ball, b: Ball) -> Ball:
    """The nearer to zero of two slopes of one sign, else zero."""
    a, b = a.mid(), b.mid()
    if a * b <= 0:
        return arb(0)
    return a if abs(a) < abs(b) else b


def plus(x: Feature, y: Feature) -> Feature:
    """x + y."""
    eps = None if x.eps is None or y.eps is None else (x.eps + y.eps).upper()
    return Feature(x.c + y.c, tuple(a + b for a, b in zip(x.J, y.J, strict=True)), eps)


def times(x: Feature, factor: Ball) -> Feature:
    """factor x."""
    return Feature(
        factor * x.c, tuple(factor * j for j in x.J), None if x.eps is None else (abs(factor) * x.eps).upper()
    )


def product(x: Feature, y: Feature, scale: Ball) -> Feature:
    """x y."""
    J = tuple(x.c * b + y.c * a for a, b in zip(x.J, y.J, strict=True))
    a, b = x.reach(scale), y.reach(scale)
    eps = None if a is None or b is None else (a * b + abs(x.c) * y.eps + abs(y.c) * x.eps).upper()
    return Feature(x.c * y.c, J, eps)


def smooth(op: str, x: Feature, scale: Ball, real: bool, p: Parameter = None, within: bool = True) -> Feature:
    """phi(x), on the real cell or on the polydisc.

    ``within``: a bounded function whose remainder is no smaller than its range is this range on a real cell. That loses how
    it depends on the inputs, and neither choice is always the better one.
    """
    zeros = tuple(arb(0) for _ in x.J)
    r = x.reach(scale)
    if r is None or not x.c.is_finite():
        return Feature(arb(0), zeros, None)
    v, s = value_and_slope(op, x.c, p)
    rest = remainder(op, x.c, r, p)
    if real:
        rest = smaller(rest, real_remainder(op, r, s))
    # An argument within finite bounds is a real number, at which the function has a value.
    bounded = range_on(op, x.c - r, x.c + r) if real and r.is_finite() else None
    if rest is None or not rest.is_finite() or not v.is_finite() or not s.is_finite():
        return Feature(arb(0), zeros, None) if bounded is None else Feature(bounded[0], zeros, bounded[1])
    eps = (abs(s) * x.eps + abs(rest)).upper()
    if within and bounded is not None and eps >= bounded[1]:  # the range of the function is a tighter bound
        return Feature(bounded[0], zeros, bounded[1])
    return Feature(v, tuple(s * j for j in x.J), eps)


def _root(op: str, x: Feature, scale: Ball, form: Form, above: bool) -> Feature:
    """A root on the real cell: its tangent, or its chord where the remainder of the tangent is too large (`Form`)."""
    return _or_chord(smooth(op, x, scale, True, within=form.within), op, x, scale, form, above)


def _or_chord(tangent: Feature, op: str, x: Feature, scale: Ball, form: Form, above: bool) -> Feature:
    r = x.reach(scale)
    if r is None or x.eps is None:
        return tangent
    known = chord(op, x.c - r, x.c + r, above)
    if known is None:
        return tangent
    s, middle, half = known
    eps = (s * x.eps + half).upper()
    if tangent.eps is not None and tangent.eps <= form.far * eps:
        return tangent
    return Feature(s * x.c + middle, tuple(s * j for j in x.J), eps)


def relu(x: Feature, scale: Ball, real: bool) -> Feature:
    """max(x, 0): x itself, zero, the chord on a real cell, or no bound."""
    zeros = tuple(arb(0) for _ in x.J)
    r = x.reach(scale)
    if r is None:
        return Feature(arb(0), zeros, None)
    if x.c > r:
        return x
    if x.c < -r:
        return Feature(arb(0), zeros, arb(0))
    if not real:
        return Feature(arb(0), zeros, None)
    s = ((x.c + r) / (2 * r)).mid() if r > 0 else arb(0)
    s = arb(0) if s < 0 else arb(1) if s > 1 else s
    top = ((1 - s) * (x.c + r)).max(s * (r - x.c)).max(arb(0)).upper()
    return Feature(s * x.c + top / 2, tuple(s * j for j in x.J), (s * x.eps + top / 2).upper())


__all__ = ["Feature", "Program", "model", "smaller", "values"]
