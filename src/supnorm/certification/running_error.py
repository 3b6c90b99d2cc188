"""Values of a program at points in float64, and how far each is from its exact value: running error analysis by adjoints.

`affine_model` carries rounding errors forward through |W|, layer by layer. In a deep network the product of the |W| is
many orders of magnitude larger than the derivative of the output with respect to a layer, so the bound is far too large.
Here each rounding is multiplied by the derivative itself.

Let z_i be the exact values of the operations at a point, v_i the computed ones, and l_i a bound of |v_i - phi_i(v)|, the
rounding of one operation (running error analysis: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., ch. 3.3).
Add t delta_i to operation i, where delta_i is the rounding that was made: t = 0 gives the exact values, t = 1 the computed
ones. So by the mean value theorem along t (Bauer, Computational graphs and rounding error, SIAM J. Numer. Anal. 11, 1974)

    |computed - exact output| <= sum_i l_i max_t |d output / d z_i|.

All values along t lie in v_i +- E_i, where E_i carries the roundings forward with slopes on these intervals. One backward
pass encloses the derivatives on the same intervals, in midpoint-radius arithmetic. E_i is as crude as the bound of
`affine_model`, but it only enters the radii of the derivatives, and so the result only to second order.

Radii, E and l are sums and products of non-negative numbers, whose relative error stays below `ROOM`; they are enlarged
once. Cost: about 15 evaluations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from supnorm.certification.elementary import AT_POINT, STEEPEST, largest_power
from supnorm.certification.majorants import REAL
from supnorm.certification.rounding import TINY, Array, U, gamma
from supnorm.certification.special_bounds import SPECIAL, largest
from supnorm.program import Node, Program
from supnorm.program.evaluation import apply

# Numbers of all nodes at some points; ten arrays of this size are in use at a time. For a residual of 3,600 features an
# eighth of it took twice the time, four times as many numbers took 0.9 of it.
CHUNK = 1 << 19
# Relative error of what is computed with non-negative numbers: below 1e-12 for programs of a thousand operations that each
# sum up a thousand numbers. Differences (`_least`) magnify it by up to 1e6.
ROOM = 1e-6
FAR = 1e100  # powers and logarithms of larger numbers and of their inverses have no rule here
Ball: TypeAlias = tuple[Array, Array]  # midpoint and radius


def _special_curvature(op: str) -> Callable[..., Array]:
    def bend(c: Array, r: Array, *parameter: float) -> Array:
        wide = r * (1.0 + ROOM) + 4.0 * U * np.abs(c)
        return 2.0 * largest(op, 2, c - wide, c + wide, np.zeros(1), *parameter)

    return bend


# sup |phi''| on [c - r, c + r] for functions whose second derivative is not bounded on the real line.
_CURVATURE: dict[str, Callable[..., Array]] = {
    "exp": lambda c, r: np.exp(c + r) * (1.0 + ROOM),
    "log": lambda c, r: largest_power(c, r, -2.0),
    "sqrt": lambda c, r: 0.25 * largest_power(c, r, -1.5),
    "pow": lambda c, r, p: abs(p * (p - 1.0)) * (1.0 + ROOM) * largest_power(c, r, p - 2.0),
    **{op: _special_curvature(op) for op in SPECIAL},
}
_EXACT = ("constant", "take", "concat", "neg", "abs", "relu", "min", "max", "where")
_ARITHMETIC = ("add", "sub", "mul", "div", "leaky_relu")


@dataclass(frozen=True, eq=False)
class _Step:
    """One operation at some points: its values v, its own rounding l, the distance E, and its derivatives on v +- E.

    ``local`` is None where the operation is exact; ``slopes`` is empty for operations that move or add up features.
    """

    value: Array
    local: Array | None
    around: Array
    slopes: tuple[Ball | float, ...] = ()


@np.errstate(all="ignore")
def with_rounding(program: Program, x: Array, off: Array) -> Ball:
    """Values of a program at points, and bounds of their distance from the exact ones, both ``(n, m)``.

    Args:
        program: any program; an operation without a rule here (gelu_tanh) makes the bounds infinite.
        x: points, shape ``(n, d)``.
        off: how far each coordinate may be from that of the point that is meant, shape ``(n, d)``.

    >>> from supnorm.program import Node
    >>> program = Program((Node("input", (), 1), Node("sin", (0,), 1)))
    >>> value, error = with_rounding(program, np.array([[1.0]]), np.zeros((1, 1)))
    >>> bool(abs(value[0, 0] - 0.8414709848078965) <= error[0, 0] < 1e-14)
    True
    """
    step = max(CHUNK // sum(node.width for node in program.nodes), 16)
    parts = [_with_rounding(program, x[i : i + step], off[i : i + step]) for i in range(0, len(x), step)]
    values, errors = (np.concatenate(part) for part in zip(*parts, strict=True))
    return values, errors


def _with_rounding(program: Program, x: Array, off: Array) -> Ball:
    nodes = program.nodes
    steps: list[_Step] = []
    for node in nodes:
        steps.append(_forward(node, [steps[a] for a in node.args], x, off))
    last = steps[-1].value
    error = np.full(last.shape, TINY)
    for k in range(program.m):
        flow: list[Ball | None] = [None] * len(nodes)
        start = np.zeros_like(last)
        start[:, k] = 1.0
        flow[-1] = start, np.zeros_like(start)
        for i in range(len(nodes) - 1, -1, -1):
            here, local = flow[i], steps[i].local
            flow[i] = None
            if here is None:
                continue
            if local is not None:
                error[:, k] += ((np.abs(here[0]) + here[1]) * local).sum(1)
            widths = [nodes[a].width for a in nodes[i].args]
            for arg, part in zip(nodes[i].args, _backward(nodes[i], steps[i], here, widths), strict=True):
                held = flow[arg]
                flow[arg] = part if held is None else _sum(held, part)
    error = error * (1.0 + 4.0 * ROOM)
    return last, np.where(np.isfinite(last) & ~np.isnan(error), error, np.inf)


def _forward(node: Node, args: list[_Step], x: Array, off: Array) -> _Step:
    v, r = [a.value for a in args], [a.around for a in args]
    local: Array | None
    if node.op in AT_POINT and (node.op in REAL or node.op in _CURVATURE):
        extra = node.parameters
        value, slope, local, lost = AT_POINT[node.op](v[0], *extra)
        radius = _slope_radius(node.op, v[0], r[0], np.abs(slope), lost, extra)
        local = local + TINY
        return _Step(value, local, (np.abs(slope) + radius) * r[0] + local, ((slope, radius),))
    value = apply(node, v, x)
    if node.op == "input":
        return _Step(value, off + TINY, off + TINY)
    if node.op == "constant":
        return _Step(value, None, np.zeros_like(value))
    if node.op == "affine":
        size, bias = np.abs(np.asarray(node.weight)).T, np.abs(np.asarray(node.bias))
        local = gamma(len(size) + 2) * (np.abs(v[0]) @ size + bias) + TINY
        return _Step(value, local, r[0] @ size + local)
    if node.op == "take":
        return _Step(value, None, r[0][:, node.columns])
    if node.op == "concat":
        return _Step(value, None, np.concatenate(r, 1))
    local = None
    if node.op in _ARITHMETIC:
        local = 2.0 * U * np.abs(value) + TINY
    elif node.op not in _EXACT:
        return _Step(
            value, np.full_like(value, np.inf), np.full_like(value, np.inf), ((value, value + np.inf),)
        )
    carried, slopes = _arithmetic(node, v, r, value)
    return _Step(value, local, carried if local is None else carried + local, slopes)


def _slope_radius(op: str, x: Array, r: Array, slope: Array, lost: Array, extra: tuple[float, ...]) -> Array:
    """How far the derivative on [x - r, x + r] may be from the computed one at x, whose size is ``slope``."""
    bend = 2.0 * REAL[op][1] if op in REAL else _CURVATURE[op](x, r, *extra)
    radius = lost + bend * r
    if op in REAL:
        return np.minimum(radius, slope + REAL[op][0])
    radius = np.fmin(radius, slope + STEEPEST[op](x, r, *extra) * (1.0 + ROOM))
    if op == "exp" or op in SPECIAL or (op == "pow" and float(*extra).is_integer() and float(*extra) >= 0.0):
        return radius
    sign = np.abs(x) if op == "pow" and float(*extra).is_integer() else x
    known = (_least(sign, r) > 0.0) & (sign > 1.0 / FAR) & (sign < FAR)
    return np.where(known, radius, np.inf)  # elsewhere it has no value, or its curvature may underflow


def _least(size: Array, r: Array) -> Array:
    """A lower bound of size - r; negative where the difference is so small that its rounding counts."""
    return np.where(r < (1.0 - ROOM) * size, size - r * (1.0 + ROOM), -1.0)


def _arithmetic(
    node: Node, v: list[Array], r: list[Array], value: Array
) -> tuple[Array, tuple[Ball | float, ...]]:
    """How far the exact operation moves if its arguments move by at most ``r``, and its derivatives."""
    if node.op in ("add", "sub"):
        return r[0] + r[1], (1.0, 1.0 if node.op == "add" else -1.0)
    if node.op == "neg":
        return r[0], (-1.0,)
    if node.op == "mul":
        moved = np.abs(v[0]) * r[1] + np.abs(v[1]) * r[0] + r[0] * r[1]
        return moved, ((v[1], r[1]), (v[0], r[0]))
    if node.op == "div":
        size = np.abs(v[1])
        least = _least(size, r[1])
        inverse, quotient = 1.0 / v[1], value / v[1]
        off = r[1] / size / least + 4.0 * U * np.abs(inverse) + TINY
        # |a/b^2 - a'/b'^2| <= |a - a'|/b^2 + |a'| |b'^2 - b^2|/(b b')^2
        more = (r[0] + np.abs(value) * (r[1] / size) * (2.0 * size + r[1])) / least / least
        more = more + 8.0 * U * np.abs(quotient) + TINY
        moved = (r[0] + np.abs(value) * r[1]) / least
        moved, off, more = (np.where(least > 0.0, w, np.inf) for w in (moved, off, more))
        return moved, ((inverse, off), (-quotient, more))
    if node.op in ("min", "max"):
        gap = v[0] - v[1] if node.op == "max" else v[1] - v[0]
        sure = np.abs(gap) > (r[0] + r[1]) * (1.0 + ROOM)
        first, radius = np.where(sure, (gap > 0.0).astype(float), 0.5), np.where(sure, 0.0, 0.5)
        return np.maximum(r[0], r[1]), ((first, radius), (1.0 - first, radius))
    if node.op == "where":  # its values jump: nothing bounds them where the sign of the test is not certain
        above, below = v[0] > r[0] * (1.0 + ROOM), -v[0] > r[0] * (1.0 + ROOM)
        moved = np.where(above, r[1], np.where(below, r[2], np.inf))
        radius = np.where(above | below, 0.0, np.inf)
        return moved, ((0.0 * v[0], radius), (above.astype(float), radius), (below.astype(float), radius))
    low = {"abs": -1.0, "relu": 0.0}.get(node.op, node.parameter)
    assert low is not None
    sure = np.abs(v[0]) > r[0] * (1.0 + ROOM)
    slope = np.where(sure, np.where(v[0] > 0.0, 1.0, low), 0.5 * (1.0 + low))
    radius = np.where(sure, 0.0, 0.5 * abs(1.0 - low) + 2.0 * U)
    return max(1.0, abs(low)) * r[0], ((slope, radius),)


def _backward(node: Node, step: _Step, flow: Ball, widths: list[int]) -> list[Ball]:
    """The derivatives of the output with respect to the arguments of an operation."""
    middle, radius = flow
    if not widths:
        return []
    if node.op == "affine":
        weight = np.asarray(node.weight)
        lost = radius + gamma(len(weight) + 2) * np.abs(middle)
        return [(middle @ weight, lost @ np.abs(weight) + TINY)]
    if node.op == "take":
        columns = np.asarray(node.columns)
        parts = [np.zeros((len(middle), widths[0])) for _ in flow]
        once = len(np.unique(columns)) == len(columns)
        for part, given in zip(parts, flow, strict=True):
            if once:
                part[:, columns] = given
            else:
                np.add.at(part.T, columns, given.T)
        if not once:
            np.add.at(parts[1].T, columns, (2.0 * U * len(columns) * np.abs(middle)).T)
        return [(parts[0], parts[1])]
    if node.op == "concat":
        ends = np.cumsum(widths)[:-1]
        return list(zip(np.split(middle, ends, 1), np.split(radius, ends, 1), strict=True))
    return [_product(middle, radius, slope) for slope in step.slopes]


def _product(middle: Array, radius: Array, slope: Ball | float) -> Ball:
    if isinstance(slope, float):
        return (middle if slope == 1.0 else slope * middle), radius
    centre, off = slope
    size = np.abs(centre)
    product = middle * centre
    # 2 U |product|, the rounding of the product, is in the first summand; `TINY` has room for underflow
    return product, np.abs(middle) * (off + 2.0 * U * size) + (radius * (size + off) + TINY)


def _sum(x: Ball, y: Ball) -> Ball:
    middle = x[0] + y[0]
    return middle, x[1] + y[1] + U * np.abs(middle)
