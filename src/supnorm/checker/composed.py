"""Chebyshev models in ball arithmetic: features as interpolants of degree n in each input, with proved remainders.

A feature is known by its values at the tensor nodes of a cell, ``row``, and by a bound ``rem`` of how far it is from the
interpolant of these values anywhere on the cell (None where there is no bound). The rules are those of the file format
(docs/certificate-format.md, Chebyshev models). A remainder is the upper end of a ball, so every sum of them is rounded
outwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from flint import arb, arb_mat, ctx

from supnorm.checker import node_rows
from supnorm.checker.composed_tail import tail as _tail
from supnorm.checker.enclosure import Program
from supnorm.checker.graded_functions import largest_slope
from supnorm.checker.node_rows import Grid, grid_of
from supnorm.checker.operation import Operation
from supnorm.checker.polynomial import interpolant_range, nodes
from supnorm.checker.program_cost import MANY
from supnorm.checker.special_functions import POSITIVE, Parameter

Ball = Any
ROOTED = ("log", "reciprocal", "sqrt", "pow", *POSITIVE)  # where it matters that a feature is positive
MOST_STEPS = 45  # they are made by recursion
EXACT = 1e-18  # a logarithm with no more remainder need not be known better
POWERS = {"reciprocal": -1.0, "sqrt": 0.5}  # of the functions that are powers


@dataclass(frozen=True, eq=False)
class Log:
    """The logarithm of a feature, made when it is needed.

    Attributes:
        make: makes it as a feature; None where none is proved to exist.
        fixed: whether it is that of a constant.
        steps: logarithms that have to be made for it, one within the other.
    """

    make: Callable[[], Feature | None]
    fixed: bool = False
    steps: int = 0

    @cached_property
    def feature(self) -> Feature | None:
        """The logarithm as a feature; None where none is proved to exist."""
        return self.make()


@dataclass(frozen=True, eq=False)
class Feature:
    """One feature on a cell.

    Attributes:
        grid: degree and inputs.
        row: values at the nodes (`node_rows`).
        rem: remainder; None where there is no bound.
        log: what is kept of its logarithm.
        terms: its arguments, if it is a difference.
        inside: its argument, if it is the size of a feature.
    """

    grid: Grid
    row: node_rows.Row
    rem: Ball | None
    log: Log | None = None
    terms: tuple[Feature, ...] = field(default=(), repr=False)
    inside: Feature | None = field(default=None, repr=False)

    @cached_property
    def _sizes(self) -> tuple[Ball, list[list[Ball]]]:
        return node_rows.sizes(self.row, self.grid)

    @property
    def c(self) -> Ball:
        """The constant coefficient."""
        return self._sizes[0]

    @property
    def parts(self) -> list[list[Ball]]:
        """For each axis j the sums of |a_k|, k != 0, over k_j = 0, 1, .., n."""
        return self._sizes[1]

    @cached_property
    def deviation(self) -> Ball:
        """The interpolant is within this of c on the cell."""
        return sum(self.parts[0], arb(0)).upper()

    @property
    def reach(self) -> Ball | None:
        """The feature is within this of c."""
        return None if self.rem is None else (self.deviation + self.rem).upper()

    @property
    def top(self) -> Ball:
        """Bound of the interpolant."""
        return (abs(self.c) + self.deviation).upper()

    @property
    def exponential(self) -> bool:
        """Whether a logarithm is kept, and varies."""
        return self.log is not None and not self.log.fixed

    def span(self) -> tuple[Ball, Ball] | None:
        """Ends of an interval that holds the feature and its interpolant."""
        if self.rem is None or not self.c.is_finite() or not self.deviation.is_finite():
            return None
        low, high = (self.c - self.deviation - self.rem).lower(), (self.c + self.deviation + self.rem).upper()
        u = self.log.feature if self.exponential and self.log is not None else None
        if u is None or u.reach is None:
            return low, high
        a, b = (u.c - u.reach).exp() - self.rem, (u.c + u.reach).exp() + self.rem
        return (low.max(a).lower(), high.min(b).upper()) if a.is_finite() and b.is_finite() else (low, high)


def leaf_ranges(
    program: Program,
    centre: list[Ball],
    half: list[Ball],
    n: int,
    grid: int,
    fast: bool = False,
    thorough: bool = False,
) -> list[tuple[Ball, Ball] | None]:
    """A range of each output on the cell; None without a bound.

    ``fast``: values at nodes in arrays (`node_rows`). ``thorough``: all ellipses are tried (`composed_tail`).
    """
    g = grid_of(n, len(centre), ctx.prec, thorough)
    fast = fast and len(g.index) >= MANY
    ranges: list[tuple[Ball, Ball] | None] = []
    for f in enclose(program, centre, half, g, fast):
        ends = None if f.rem is None or not node_rows.finite(f.row) else _range(f.row, g, grid)
        ranges.append(None if ends is None else (ends[0] - f.rem, ends[1] + f.rem))
    return ranges


def _range(row: node_rows.Row, g: Grid, grid: int) -> tuple[Ball, Ball] | None:
    """Ends of the interpolant of the values at the nodes; None where arrays give none."""
    if isinstance(row, list):
        return interpolant_range(row, g.n, g.d, grid, ctx.prec)
    from supnorm.checker import interpolant_floats

    return interpolant_floats.ranges(row, g.n, g.d, grid)[0]


def enclose(
    program: Program, centre: list[Ball], half: list[Ball], g: Grid, fast: bool = False
) -> list[Feature]:
    """The outputs."""
    with node_rows.quiet(fast):
        return _enclose(program, _arrays(g, centre, half) if fast else nodes(g.n, centre, half), g, fast)


def _enclose(program: Program, points: list[node_rows.Row], g: Grid, fast: bool) -> list[Feature]:
    like = points[0] if fast else None
    known: list[list[Feature]] = []
    for position, o in program.each():
        args = [known[a] for a in o.args]
        if o.op == "input":
            out = [Feature(g, row, arb(0)) for row in points]
        elif o.op == "constant":
            out = [_constant(g, arb(v), like) for v in o.vector]
            if o.width == 1 and o.vector[0] > 0:
                v = arb(o.vector[0]).log()
                out = [replace(out[0], log=Log(partial(_constant, g, v, like), True))]
        elif o.op == "affine":
            out = _affine(program, position, args[0], g)
        elif o.op == "take":
            out = [args[0][c] for c in o.columns]
        elif o.op == "concat":
            out = [f for arg in args for f in arg]
        else:
            out = [_function(o, fs) for fs in zip(*args, strict=True)]
        known.append(out)
    return known[-1] if like is None else _compared(program, points, known[-1])


def _arrays(g: Grid, centre: list[Ball], half: list[Ball]) -> list[node_rows.Row]:
    """The coordinates of the nodes in arrays."""
    from supnorm.checker import batch

    both = batch.points_on(batch.tensor_nodes(g.n, g.d), batch.U, centre, half)
    return [batch.Balls(both.mid[j : j + 1], both.rad[j : j + 1]) for j in range(g.d)]


def _compared(program: Program, points: list[node_rows.Row], last: list[Feature]) -> list[Feature]:
    """The outputs; none has a bound if FLINT finds other values at a point, which is asked in a part of the cells."""
    from supnorm.checker import batch

    rows = [f.row for f in last]
    return last if batch.believed(program, points, rows) else [replace(f, rem=None) for f in last]


def _constant(g: Grid, value: Ball, like: node_rows.Row | None = None) -> Feature:
    return Feature(g, node_rows.constant(like, len(g.index), value), arb(0))


def _affine(program: Program, position: int, args: list[Feature], g: Grid) -> list[Feature]:
    o, k = program.operations[position], len(args)
    rows = node_rows.affine(o, program.weights[position], [f.row for f in args])
    sizes = program.sizes[position] * arb_mat(k, 1, [arb(0) if f.rem is None else f.rem for f in args])
    lost = [i for i, f in enumerate(args) if f.rem is None]
    return [
        Feature(g, row, None if any(o.weight[i * k + j] != 0 for j in lost) else size.upper())
        for i, (row, size) in enumerate(zip(rows, sizes.entries(), strict=True))
    ]


def _function(o: Operation, args: tuple[Feature, ...]) -> Feature:
    x, y = args[0], args[-1]
    if o.op in ("add", "sub", "mul", "div"):
        return {"add": add, "sub": subtract, "mul": multiply, "div": divide}[o.op](x, y)
    if o.op == "neg":
        return times(x, arb(-1))
    if o.op == "relu":
        return relu(x)
    if o.op == "leaky_relu":
        s = arb(o.parameter)
        return add(times(x, s), times(relu(x), 1 - s))
    if o.op == "abs":
        if x.reach is not None and x.c > x.reach:
            return x
        return replace(subtract(times(relu(x), arb(2)), x), log=x.log, terms=(), inside=x)
    if o.op in ("max", "min"):
        above = relu(subtract(x, y))
        return add(y, above) if o.op == "max" else subtract(x, above)
    if o.op == "where":
        return where(x, args[1], y)
    if o.op == "gelu_tanh":
        inner = add(x, times(smooth("pow", x, 3.0), arb(0.044715)))
        bent = smooth("tanh", times(inner, arb(0.7978845608028654)))
        return multiply(times(x, arb(1) / 2), add(_constant(x.grid, arb(1), x.row), bent))
    return smooth(o.op, x, o.given)


def plus(x: Feature, y: Feature) -> Feature:
    """x + y, without its logarithm."""
    rem = None if x.rem is None or y.rem is None else (x.rem + y.rem).upper()
    return Feature(x.grid, node_rows.plus(x.row, y.row), rem)


def times(x: Feature, factor: Ball) -> Feature:
    """factor x."""
    rem = None if x.rem is None else (abs(factor) * x.rem).upper()
    return Feature(x.grid, node_rows.times(x.row, factor), rem)


def add(x: Feature, y: Feature) -> Feature:
    """x + y."""
    return replace(plus(x, y), log=_log_by(_log_of_sum, x, y))


def subtract(x: Feature, y: Feature) -> Feature:
    """x - y."""
    return replace(plus(x, times(y, arb(-1))), log=_log_by(_log_of_difference, x, y), terms=(x, y))


def multiply(x: Feature, y: Feature) -> Feature:
    """x y: T_i T_i' = (T_(i+i') + T_|i-i'|)/2, whose interpolation error is at most 1, and 0 for i + i' <= n."""
    g, rem = x.grid, None
    if x.rem is not None and y.rem is not None:
        cut = []
        for a, b in zip(x.parts, y.parts, strict=True):
            above, total = arb(0), arb(0)
            for i in range(1, g.n + 1):
                above = above + b[g.n + 1 - i]
                total = total + a[i] * above
            cut.append(total)
        rem = (x.top * y.rem + (y.top + y.rem) * x.rem + g.along(cut)).upper()
    return Feature(g, node_rows.product(x.row, y.row), rem, _log_by(_log_of_product, x, y))


def divide(x: Feature, y: Feature) -> Feature:
    """x/y; (f - g)/g is e^(log f - log g) - 1 as well, and (f - g)/|g| where g has a logarithm."""
    quotient = multiply(x, smooth("reciprocal", y))
    g = y if y.inside is None else y.inside
    if not x.terms or x.terms[1] is not g or not (x.terms[0].exponential or g.exponential):
        return quotient
    u, v = (_positive_log(z) for z in x.terms)
    if u is None or v is None:
        return quotient
    return _with(quotient, plain("exp", plus(u, times(v, arb(-1)))))


def smooth(op: str, x: Feature, p: Parameter = None) -> Feature:
    """phi(x); powers and logarithms of what has a logarithm by that, if it is better."""
    if op == "pow" and p == 2.0:
        return multiply(x, x)
    feature = plain(op, x, p)
    if op == "exp":
        return replace(feature, log=Log(lambda: x))
    q = p if op == "pow" else POWERS.get(op)
    log = x.log.feature if x.exponential and x.log is not None else None
    if log is None or (q is None and op != "log"):
        return feature
    if q is None:
        return _with(feature, log)
    power = times(log, arb(q))
    return replace(_with(feature, plain("exp", power)), log=Log(lambda: power, steps=x.log.steps + 1))  # type: ignore[union-attr]


def plain(op: str, x: Feature, p: Parameter = None) -> Feature:
    """phi(x): the slope times the remainder of x, and the interpolation error of phi of a polynomial."""
    g = x.grid
    row = node_rows.function(op, p, x.row)
    ends = x.span() if op in ROOTED else None if x.reach is None else (x.c - x.reach, x.c + x.reach)
    slope = None if ends is None else largest_slope(op, ends[0].lower(), ends[1].upper(), p)
    if x.rem is None or slope is None:
        return Feature(g, row, None)
    tails = []
    for part in x.parts:
        tail = _tail(op, x.c, part, g, p)
        if tail is None:
            return Feature(g, row, None)
        tails.append(tail)
    rem = (slope * x.rem + g.along(tails)).upper()
    known = rem.is_finite() and node_rows.finite(row)
    return Feature(g, row, rem if known else None)


def where(z: Feature, above: Feature, other: Feature) -> Feature:
    """``above`` where z > 0, else ``other``, where the sign of z is certain."""
    if z.reach is not None and z.c > z.reach:
        return above
    if z.reach is not None and z.c <= -z.reach:
        return other
    return replace(_constant(z.grid, arb(0), z.row), rem=None)


def relu(x: Feature) -> Feature:
    """max(x, 0): itself, zero, or within half the distance to its chord of the chord."""
    g, r = x.grid, x.reach
    row = node_rows.positive(x.row)
    if r is None or not r.is_finite() or not x.c.is_finite():
        return Feature(g, row, None)
    if x.c > r:
        return x
    if x.c < -r:
        return _constant(g, arb(0), x.row)
    s = ((x.c + r) / (2 * r)).mid() if r > 0 else arb(0)
    s = arb(0) if s < 0 else arb(1) if s > 1 else s
    lift = ((1 - s) * (x.c + r)).max(s * (r - x.c)).max(arb(0)).upper()
    rem = (s * x.rem + (1 + g.lebesgue**g.d) * lift / 2).upper()
    return Feature(g, row, rem)


def _with(x: Feature, other: Feature) -> Feature:
    """``x`` with the remainder of another model of it, or of it less a constant, if that is smaller."""
    if other.rem is None or not node_rows.finite(x.row):
        return x
    return replace(x, rem=other.rem) if x.rem is None or other.rem < x.rem else x


def _log_by(rule: Callable[[Feature, Feature], Feature | None], x: Feature, y: Feature) -> Log | None:
    """The logarithm of a sum, difference or product, unless too many would have to be made for it."""
    if not x.exponential and not y.exponential:
        return None
    steps = 1 + max(z.log.steps for z in (x, y) if z.log is not None)
    return Log(lambda: rule(x, y), steps=steps) if steps <= MOST_STEPS else None


def _positive_log(x: Feature) -> Feature | None:
    """The logarithm: what is kept, or as a function of the feature, if that is positive; the one that is known better."""
    stored = None if x.log is None else x.log.feature
    if stored is not None and stored.rem is not None and stored.rem <= EXACT:
        return stored
    ends = x.span()
    direct = plain("log", x) if ends is not None and ends[0] > 0 else None
    if (
        direct is None
        or direct.rem is None
        or (stored is not None and stored.rem is not None and stored.rem <= direct.rem)
    ):
        return stored
    return direct


def _log_of_product(x: Feature, y: Feature) -> Feature | None:
    u, v = _positive_log(x), _positive_log(y)
    return None if u is None or v is None else plus(u, v)


def _log_of_sum(x: Feature, y: Feature) -> Feature | None:
    """log(e^u + e^v) = v + log(1 + e^(u - v))."""
    u, v = _positive_log(x), _positive_log(y)
    return None if u is None or v is None else plus(v, plain("softplus", plus(u, times(v, arb(-1)))))


def _log_of_difference(x: Feature, y: Feature) -> Feature | None:
    """log(e^u - e^v) = u + log(1 - e^(v - u)), if that is proved to exist."""
    u, v = _positive_log(x), _positive_log(y)
    if u is None or v is None:
        return None
    ratio = plain("exp", plus(v, times(u, arb(-1))))
    return plus(u, plain("log", plus(_constant(x.grid, arb(1), x.row), times(ratio, arb(-1)))))
