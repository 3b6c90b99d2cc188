"""Graded models in ball arithmetic, and the bound of a graded leaf.

A feature on the cell is c + J.y + H(y) + sum_{k=2..13} q_k + rest with H = sum_i H_ii T_2(y_i) + sum_{i<j} H_ij y_i y_j,
q_k some polynomial of total degree <= k bounded by s_k and |rest| <= rem, for real |y_j| <= 1. The rules are those of
the file format (docs/certificate-format.md); norms are upper ends of balls, so every sum of them is rounded outwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

from flint import arb, arb_mat, arb_poly, ctx

from supnorm.checker.enclosure import Program, _rows, node_values, point_function
from supnorm.checker.functions import range_on
from supnorm.checker.graded_feature import TOP, Graded
from supnorm.checker.graded_functions import ORDER, bounds, ellipses, real_bounds, series
from supnorm.checker.graded_range import polynomial_range
from supnorm.checker.graded_rule import Index, Rule
from supnorm.checker.operation import Operation
from supnorm.checker.polynomial import _transform
from supnorm.checker.special_functions import NAMES, Parameter

Ball = Any
POINTS = 18  # nodes of a series: the format fixes them
SMOOTH = (
    "tanh",
    "sigmoid",
    "softplus",
    "silu",
    "gelu",
    "erf",
    "sin",
    "cos",
    "exp",
    "log",
    "sqrt",
    "pow",
    *NAMES,
)


def _nothing(x: Graded) -> Graded:
    return Graded(arb(0), tuple(arb(0) for _ in x.J), tuple(arb(0) for _ in x.H), arb_poly([]), None)


def _zeros(count: int) -> tuple[Ball, ...]:
    return (arb(0),) * count


def enclose(
    program: Program, centre: list[Ball], half: list[Ball], rule: Rule | None, fast: bool = False
) -> list[Graded]:
    """Models of the outputs; with a rule, arguments of nonlinear functions that are not affine are tightened."""
    d = len(centre)
    forms = d * (d + 1) // 2
    known: list[list[Graded]] = []
    values = None if rule is None else _projections(program, rule, centre, half, fast)
    for position, o in program.each():
        if (
            rule is not None
            and values is not None
            and o.op in SMOOTH
            and any(f.bent > 0 for f in known[o.args[0]])
        ):
            rows = zip(known[o.args[0]], values(o.args[0]), strict=True)
            known[o.args[0]] = [tightened(f, row, rule) for f, row in rows]
        args = [known[a] for a in o.args]
        if o.op == "input":
            unit = [tuple(half[j] if i == j else arb(0) for i in range(d)) for j in range(d)]
            out = [Graded(centre[j], unit[j], _zeros(forms), arb_poly([]), arb(0)) for j in range(d)]
        elif o.op == "constant":
            out = [Graded(arb(v), _zeros(d), _zeros(forms), arb_poly([]), arb(0)) for v in o.vector]
        elif o.op == "affine":
            out = _affine(program, position, args[0])
        elif o.op == "take":
            out = [args[0][k] for k in o.columns]
        elif o.op == "concat":
            out = [f for arg in args for f in arg]
        else:
            out = _functions(o, args, fast)
        known.append(out)
    return known[-1]


def _projections(
    program: Program, rule: Rule, centre: list[Ball], half: list[Ball], fast: bool
) -> Callable[[int], list[dict[Index, Ball]]]:
    """The coefficients of each operation's features by their values at the rule's nodes."""
    if not fast:
        rows = node_values(program, nodes_on(rule, centre, half))
        return lambda position: [rule.coefficients(row) for row in rows[position]]
    from supnorm.checker import batch, graded_floats

    balls = batch.all_values(program, batch.points_on(rule.table, 0.0, centre, half))
    return lambda position: graded_floats.projected(rule, balls[position])


def _functions(o: Operation, args: list[list[Graded]], fast: bool) -> list[Graded]:
    """A function of all features of a node; with ``fast`` its interpolants are computed together, if that is known."""
    rows = None
    if fast and o.op in SMOOTH:
        from supnorm.checker import graded_arrays, graded_batch

        together = graded_arrays.smooth(o.op, args[0])
        if together is not None:
            return together
        # ORDER for a size that is no number, as in `smooth`.
        order = 1 if all(f.bent <= 0 for f in args[0]) else ORDER
        rows = graded_batch.interpolants(o.op, [f.c for f in args[0]], [f.slope for f in args[0]], order)
    if rows is None:
        return [_function(o, fs) for fs in zip(*args, strict=True)]
    return [smooth(o.op, f, o.given, row) for f, row in zip(args[0], rows, strict=True)]


def nodes_on(rule: Rule, centre: list[Ball], half: list[Ball]) -> list[list[Ball]]:
    """Coordinates (rows) of the rule's nodes on a cell."""
    return [
        [c + h * node[j] for node in rule.nodes] for j, (c, h) in enumerate(zip(centre, half, strict=True))
    ]


def _affine(program: Program, position: int, args: list[Graded]) -> list[Graded]:
    o = program.operations[position]
    d, k = len(args[0].J), len(args)
    exact = [(f.c, *f.J, *f.H) for f in args]
    parts = program.weights[position] * arb_mat(k, len(exact[0]), [z for row in exact for z in row])
    norms = [z for f in args for z in (*(f.s[i] for i in range(TOP + 1)), f.rem or arb(0))]
    sizes = _rows(program.sizes[position] * arb_mat(k, TOP + 2, norms), o.width, TOP + 2)
    lost = [i for i, f in enumerate(args) if f.rem is None]
    out = []
    for i, (row, size) in enumerate(zip(_rows(parts, o.width, len(exact[0])), sizes, strict=True)):
        s = arb_poly([z.upper() for z in size[:-1]])
        rem = None if any(o.weight[i * k + j] != 0 for j in lost) else size[-1].upper()
        out.append(Graded(row[0] + o.vector[i], tuple(row[1 : d + 1]), tuple(row[d + 1 :]), s, rem))
    return out


def _function(o: Operation, args: tuple[Graded, ...]) -> Graded:
    x, y = args[0], args[-1]
    if o.op in ("add", "sub"):
        return plus(x, y if o.op == "add" else times(y, arb(-1)))
    if o.op == "neg":
        return times(x, arb(-1))
    if o.op == "mul":
        return multiply(x, y)
    if o.op == "div":
        return multiply(x, smooth("reciprocal", y))
    if o.op == "relu":
        return relu(x)
    if o.op == "leaky_relu":
        slope = arb(o.parameter)
        return plus(times(x, slope), times(relu(x), 1 - slope))
    if o.op == "abs":
        return plus(times(relu(x), arb(2)), times(x, arb(-1)))
    if o.op in ("max", "min"):
        above = relu(plus(x, times(y, arb(-1))))
        return plus(y, above) if o.op == "max" else plus(x, times(above, arb(-1)))
    if o.op == "where":
        return where(x, args[1], y)
    if o.op == "gelu_tanh":
        inner = times(plus(x, times(smooth("pow", x, 3.0), arb(0.044715))), arb(0.7978845608028654))
        bent = smooth("tanh", inner)
        return multiply(times(x, arb(1) / 2), replace(bent, c=bent.c + 1))
    return smooth(o.op, x, o.given)


def plus(x: Graded, y: Graded) -> Graded:
    """x + y."""
    rem = None if x.rem is None or y.rem is None else (x.rem + y.rem).upper()
    return Graded(x.c + y.c, _sum(x.J, y.J), _sum(x.H, y.H), x.s + y.s, rem)


def _sum(a: tuple[Ball, ...], b: tuple[Ball, ...]) -> tuple[Ball, ...]:
    return tuple(u + v for u, v in zip(a, b, strict=True))


def _scaled(factor: Ball, a: tuple[Ball, ...]) -> tuple[Ball, ...]:
    return tuple(factor * z for z in a)


def times(x: Graded, factor: Ball) -> Graded:
    """factor x."""
    rem = None if x.rem is None else (abs(factor) * x.rem).upper()
    return Graded(factor * x.c, _scaled(factor, x.J), _scaled(factor, x.H), abs(factor) * x.s, rem)


def multiply(x: Graded, y: Graded) -> Graded:
    """x y."""
    if x.rem is None or y.rem is None:
        return _nothing(x)
    rx, ry, ax, ay = x.slope, y.slope, abs(x.c).upper(), abs(y.c).upper()
    parts = (
        x.parts * y.parts + arb_poly([0, rx]) * y.parts + arb_poly([0, ry]) * x.parts + ax * y.s + ay * x.s
    )
    rem = _above(parts) + x.rem * (ay + ry + y.bent) + y.rem * (ax + rx + x.bent) + x.rem * y.rem
    constant, form = _form(x.J, y.J)
    J = _sum(_scaled(x.c, y.J), _scaled(y.c, x.J))
    H = _sum(form, _sum(_scaled(x.c, y.H), _scaled(y.c, x.H)))
    return Graded(x.c * y.c + constant, J, H, _up_to_top(parts), rem.upper())


def _form(a: tuple[Ball, ...], b: tuple[Ball, ...]) -> tuple[Ball, tuple[Ball, ...]]:
    """(a.y)(b.y) as a constant and a form in T_2(y_i) and y_i y_j."""
    squares = tuple(u * v / 2 for u, v in zip(a, b, strict=True))
    mixed = (a[i] * b[j] + a[j] * b[i] for i, j in combinations(range(len(a)), 2))
    return sum(squares, arb(0)), (*squares, *mixed)


def _up_to_top(parts: Any) -> Any:
    return arb_poly([arb(0)] * 2 + [parts[k].upper() for k in range(2, TOP + 1)])


def _above(parts: Any) -> Ball:
    return sum((parts[k] for k in range(TOP + 1, parts.length())), arb(0)).upper()


def smooth(op: str, x: Graded, p: Parameter = None, rows: list[list[Ball]] | None = None) -> Graded:
    """phi(x); ``rows`` are its interpolants, where they are known already."""
    if x.rem is None or not x.c.is_finite():
        return _nothing(x)
    r, bent = x.slope, x.bent
    order = 1 if bent <= 0 else ORDER
    reach = r + bent + x.rem
    steep = real_bounds(op, x.c - reach, x.c + reach, p)  # i = 1..6
    lost = _smallest([_aliasing(op, x.c, r, b, e, p) for b, e in ellipses(op, x.c, r, p)])
    if steep is None or lost is None:
        return _nothing(x)
    rows = rows or _interpolants(op, x.c, r, order, p)
    rem, parts, power = steep[0] * x.rem, arb_poly([]), arb_poly([1])
    for i in range(order):
        sizes = [abs(a).upper() for a in rows[i]]
        if i == 0:  # its terms of degree 0, 1, 2 stay exact
            sizes[:3] = [arb(0), arb(0), arb(0)]
        if i == 1:  # and a_10 H
            parts += sizes[0] * x.s
            sizes[0] = arb(0)
        parts += arb_poly(sizes) * power
        rem += lost[i] * power(arb(1))
        power = power * x.parts
    if order == ORDER:
        rem += steep[ORDER - 1] * bent**ORDER
    rem = (rem + _above(parts)).upper()
    unit = _zeros(len(x.J)) if r <= 0 else _scaled(1 / r, x.J)
    constant, form = _form(unit, unit)  # (u.y)^2, of T_2(u.y) = 2 (u.y)^2 - 1
    a = rows[0]
    H = _scaled(2 * a[2], form)
    if order == ORDER:
        H = _sum(H, _scaled(rows[1][0], x.H))
    result = Graded(a[0] + a[2] * (2 * constant - 1), _scaled(a[1], unit), H, _up_to_top(parts), rem)
    good = rem.is_finite() and result.c.is_finite() and all(z.is_finite() for z in (*result.J, *H))
    good = good and bool(result.bent.is_finite())
    bounded = range_on(op, x.c - reach, x.c + reach) if reach.is_finite() else None
    # The range of the function is a tighter bound.
    if bounded is not None and not (good and rem < bounded[1]):
        return replace(_nothing(x), c=bounded[0], rem=bounded[1])
    return result if good else _nothing(x)


def _smallest(rows: list[list[Ball] | None]) -> list[Ball] | None:
    """Entry by entry the smallest of several lists of bounds."""
    known = [row for row in rows if row is not None]
    if not known:
        return None
    # Not as floats: of a logarithm near 1e100 the fourth coefficient is below 1e-400.
    return [min(z.upper() for z in column) for column in zip(*known, strict=True)]


def _aliasing(op: str, c: Ball, r: Ball, height: Ball, e: float, p: Parameter) -> list[Ball] | None:
    """4 M rho^-17/(rho - 1) for each Taylor coefficient: how far its interpolant is from it."""
    b = height / r if r > 0 else arb(50)
    b = b.lower() if b < 50 else arb(50)
    wide = (b * b + 1).sqrt()
    rho, above, reach = b + wide, b + b * b / (1 + wide), r * wide  # rho - 1 without cancellation
    sizes = bounds(op, c - reach, c + reach, r * b, e, p)
    if sizes is None or not (above > 0):
        return None
    if op == "log":
        # The interpolant of log z - k is as far from it for each k; the middle of both ends makes this bound smallest.
        sizes[0] = ((c + reach + r * b) / (c - reach)).log().upper() / 2 + arb.pi() / 2
    factor = 4 * rho ** (1 - POINTS) / above
    return [factor * size for size in sizes]


def _interpolants(op: str, c: Ball, r: Ball, order: int, p: Parameter) -> list[list[Ball]]:
    """Chebyshev coefficients of phi^(i)/i! on [c - r, c + r] from 18 nodes, one list per i < order."""
    nodes = [(arb.pi() * (2 * i + 1) / (2 * POINTS)).cos() for i in range(POINTS)]
    if order == 1:
        call = point_function(op, p)
        values = [[call(c + r * t)] for t in nodes]
    else:
        values = [series(op, c + r * t, p) for t in nodes]
    matrix = _transform(POINTS - 1, ctx.prec) * arb_mat(values)
    return [list(column) for column in zip(*matrix.tolist(), strict=True)]


def relu(x: Graded) -> Graded:
    """max(x, 0) where the sign is certain."""
    if x.rem is None:
        return x
    reach = x.slope + x.bent + x.rem
    if x.c > reach:
        return x
    return times(x, arb(0)) if x.c < -reach else _nothing(x)


def where(z: Graded, above: Graded, other: Graded) -> Graded:
    """``above`` where z > 0, else ``other``, where the sign of z is certain."""
    if z.rem is None:
        return _nothing(above)
    reach = z.slope + z.bent + z.rem
    if z.c > reach:
        return above
    return other if z.c <= -reach else _nothing(above)


def tightened(x: Graded, coefficients: dict[Index, Ball], rule: Rule) -> Graded:
    """Parts of degree <= m from the coefficients of the rule's projection."""
    if x.rem is None:
        return x
    d, m = rule.d, rule.D
    above = sum((x.s[k] for k in range(m + 1, TOP + 1)), arb(0))
    s = [arb(0)] * 2 + [x.s[k] if k > m else arb(0) for k in range(2, TOP + 1)]
    for k, a in coefficients.items():
        if sum(k) > 2:
            s[sum(k)] += abs(a)
    s[m] += rule.lebesgue * above
    unit = [tuple(1 if i == j else 0 for i in range(d)) for j in range(d)]
    pairs = [(i, i) for i in range(d)] + list(combinations(range(d), 2))
    H = tuple(coefficients[tuple(a + b for a, b in zip(unit[i], unit[j], strict=True))] for i, j in pairs)
    J = tuple(coefficients[k] for k in unit)
    rem = ((1 + rule.lebesgue) * x.rem).upper()
    return Graded(coefficients[(0,) * d], J, H, arb_poly([z.upper() for z in s]), rem)


def leaf_ranges(
    program: Program,
    centre: list[Ball],
    half: list[Ball],
    D: int,
    grid: int,
    tight: Rule | None,
    rule: Rule | None,
    fast: bool = False,
) -> list[tuple[Ball, Ball] | None]:
    """A range of each output on the cell; without a rule (D = 1) it is the range of the model itself.

    ``fast``: values at nodes and on grids are balls of float64 numbers.
    """
    features = enclose(program, centre, half, tight, fast)
    if rule is None:
        return [_model_range(f) for f in features]
    rows = _projections(program, rule, centre, half, fast)(-1)
    out: list[tuple[Ball, Ball] | None] = []
    for f, row in zip(features, rows, strict=True):
        tail = f.tail(D)
        if tail is None:
            out.append(None)
            continue
        low, high = polynomial_range(row, rule.d, D, grid, fast)
        slack = (1 + rule.lebesgue) * tail
        out.append(((low - slack).lower(), (high + slack).upper()))
    return out


def _model_range(f: Graded) -> tuple[Ball, Ball] | None:
    if f.rem is None:
        return None
    reach = f.slope + f.bent + f.rem
    return (f.c - reach).lower(), (f.c + reach).upper()
