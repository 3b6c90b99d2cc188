"""How far computed outputs are from the exact ones: each rounding times the derivative of the output, in arrays.

`batch` carries balls forward, through the sizes of all weights. In a deep program their product is many orders of magnitude
larger than the derivative of the output, so outputs that are small against what they are computed from are lost. Here a
rounding is multiplied by the derivative itself (running error analysis by adjoints: Bauer, Computational graphs and rounding
error, SIAM J. Numer. Anal. 11, 1974).

At one point let v_k be the computed values of the operations, l_k bounds of d_k = v_k - phi_k(v), the rounding of one
operation at computed arguments, and z(t) the solution of z_k = phi_k(z) + t d_k: z(0) are the exact values, z(1) the
computed ones. Suppose all arguments satisfy |z_i(t) - v_i| <= E_i for t in [0, 1], and S_ki holds the derivatives of phi_k
on v +- E. Then

    |z_k(t) - v_k| = |phi_k(z) - phi_k(v) - (1 - t) d_k| <= sum_i |S_ki| E_i + l_k =: E_k,

and the output moves from t = 0 to t = 1 by at most sum_k l_k sup |A_k|, where A_k, its derivative by the operation k, lies
in what one pass backward from the output encloses with the same S. E is as large as the radii of `batch`, but enters the
result only to second order, through S.

l_k is the radius that `batch` gives an operation for arguments of radius zero. At kinks S holds the slopes of both sides and
all between; z is Lipschitz in t, and the chain rule holds with such slopes for almost all t.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from supnorm.checker import batch
from supnorm.checker.batch import Array, Balls, U
from supnorm.checker.enclosure import Program
from supnorm.checker.operation import Operation
from supnorm.checker.special_functions import Parameter

CHUNK = 1 << 18  # features times points that are held at a time, each with its derivatives
MOST_OUTPUTS = 16  # each of them takes a pass of its own
SUMMED = 1.0 + 1e-8  # sums of up to 1e7 numbers that are not negative, and products of them
Slopes = tuple[Balls | None, ...]  # by each argument; None for an operation that moves or adds up features


def outputs(program: Program, points: Balls) -> Balls:
    """Outputs (rows) at points (columns); a radius is infinite where there is no bound."""
    last = program.operations[-1]
    count = points.mid.shape[1]
    if last.width > MOST_OUTPUTS or not all(o.op in KNOWN for o in program.operations):
        return Balls(np.zeros((last.width, count)), np.full((last.width, count), np.inf))
    step = max(CHUNK // sum(o.width for o in program.operations), 8)
    parts = []
    with np.errstate(all="ignore"):
        for i in range(0, count, step):
            some = Balls(points.mid[:, i : i + step], points.rad[:, i : i + step])
            parts.append(_outputs(program, some))
    whole = Balls(np.concatenate([p.mid for p in parts], 1), np.concatenate([p.rad for p in parts], 1))
    return (
        whole
        if batch.believed(program, [points], [whole])
        else Balls(whole.mid, np.full_like(whole.rad, np.inf))
    )


def _outputs(program: Program, points: Balls) -> Balls:
    around: list[Balls] = []  # v +- E
    local: list[Array | None] = []  # l; None where nothing is rounded
    slopes: list[Slopes] = []
    for _, o in program.each():
        value, off, by = _forward(o, [around[a] for a in o.args], points)
        around.append(value)
        local.append(off)
        slopes.append(by)
    last = around[-1]
    error = np.stack([_error(program, around, local, slopes, k) for k in range(last.mid.shape[0])])
    return Balls.of(last.mid, np.where(np.isnan(error) | ~np.isfinite(last.rad), np.inf, error))


def _error(
    program: Program, around: list[Balls], local: list[Array | None], slopes: list[Slopes], k: int
) -> Array:
    """The sum of all roundings times the derivative of output k, in one pass backward."""
    start = np.zeros_like(around[-1].mid)
    start[k] = 1.0
    flow: list[Balls | None] = [None] * len(around)
    flow[-1] = Balls(start, np.zeros_like(start))
    error = np.zeros(start.shape[1])
    for i in range(len(around) - 1, -1, -1):
        here, off = flow[i], local[i]
        flow[i] = None
        if here is None:
            continue
        if off is not None:
            error += ((np.abs(here.mid) + here.rad) * off).sum(0)
        o = program.operations[i]
        widths = [around[a].mid.shape[0] for a in o.args]
        for arg, part in zip(o.args, _backward(o, here, slopes[i], widths), strict=True):
            held = flow[arg]
            flow[arg] = part if held is None else batch.add(held, part)
    return error * SUMMED


def _forward(o: Operation, args: list[Balls], points: Balls) -> tuple[Balls, Array | None, Slopes]:
    """The values of one operation as v +- E, their own rounding, and its derivatives there."""
    if o.op == "input":
        return points, points.rad, ()
    if o.op == "constant":
        column = np.repeat(np.array(o.vector)[:, None], points.mid.shape[1], 1)
        return Balls(column, np.zeros_like(column)), None, ()
    if o.op == "take":
        return Balls(args[0].mid[list(o.columns)], args[0].rad[list(o.columns)]), None, (None,)
    if o.op == "concat":
        joined = Balls(np.concatenate([a.mid for a in args]), np.concatenate([a.rad for a in args]))
        return joined, None, (None,) * len(args)
    exact = [Balls(a.mid, np.zeros_like(a.rad)) for a in args]
    if o.op == "affine":
        value = batch.affine(o, exact[0])
        size = np.abs(np.array(o.weight).reshape(o.width, -1))
        return Balls.of(value.mid, (size @ args[0].rad) * SUMMED + value.rad), value.rad, (None,)
    value = batch.function(o.op, o.given, exact)
    by = DERIVATIVES[o.op](args, value, o.given)
    moved = sum((_size(s) * a.rad for s, a in zip(by, args, strict=True)), np.zeros_like(value.mid))
    # 0 times what is not known is not known
    return Balls.of(value.mid, np.where(np.isnan(moved), np.inf, moved) * SUMMED + value.rad), value.rad, by


def _size(x: Balls) -> Array:
    return np.abs(x.mid) + x.rad


def _backward(o: Operation, flow: Balls, by: Slopes, widths: list[int]) -> list[Balls]:
    """The derivatives of the output by the arguments of an operation."""
    if o.op == "affine":
        weight = np.array(o.weight).reshape(o.width, -1).T
        size, gamma = np.abs(weight), 1.01 * (o.width + 2) * U
        radius = (size @ flow.rad + gamma * (size @ (np.abs(flow.mid) + flow.rad))) * (1.0 + 2.0 * gamma)
        return [Balls.of(weight @ flow.mid, radius)]
    if o.op == "take":
        columns = list(o.columns)
        mid, rad = np.zeros((2, widths[0], flow.mid.shape[1]))
        if len(set(columns)) == len(columns):
            mid[columns], rad[columns] = flow.mid, flow.rad
            return [Balls(mid, rad)]
        size = np.zeros_like(mid)
        np.add.at(mid, columns, flow.mid)
        np.add.at(size, columns, np.abs(flow.mid))
        np.add.at(rad, columns, flow.rad)
        return [Balls.of(mid, rad + len(columns) * U * size)]
    if o.op == "concat":
        ends = np.cumsum(widths)[:-1]
        both = zip(np.split(flow.mid, ends), np.split(flow.rad, ends), strict=True)
        return [Balls(mid, rad) for mid, rad in both]
    return [batch.multiply(flow, s) for s in by if s is not None]


def _one(like: Balls) -> Balls:
    return Balls(np.ones_like(like.mid), np.zeros_like(like.mid))


def _fixed(slope: float) -> Callable[[Balls], Balls]:
    return lambda x: Balls(np.full_like(x.mid, slope), np.zeros_like(x.mid))


def _logistic(x: Balls) -> Balls:
    """The slope s (1 - s) of the sigmoid s."""
    s = batch.sigmoid(x)
    return batch.multiply(s, batch.add(_one(x), s, -1.0))


def _tanh(x: Balls) -> Balls:
    t = batch.tanh(x)
    return batch.add(_one(x), batch.multiply(t, t), -1.0)


def _power(x: Balls, p: float) -> Balls:
    """p x^(p - 1); p - 1 is a float64 number where p is whole, and else p x^p/x is taken."""
    if p == 0.0:
        return Balls(np.zeros_like(x.mid), np.zeros_like(x.mid))
    if p.is_integer() and 0 < abs(p) <= 64:
        return batch.scale(batch.power(x, p - 1.0), p)
    return batch.scale(batch.divide(batch.power(x, p), x), p)


def _kink(x: Balls, low: float) -> Balls:
    """1 above zero, ``low`` below, and all between where the sign is not certain."""
    sure = np.abs(x.mid) > x.rad * (1.0 + 4.0 * U)
    mid = np.where(sure, np.where(x.mid > 0.0, 1.0, low), 0.5 * (1.0 + low))
    return Balls(mid, np.where(sure, 0.0, (0.5 * abs(1.0 - low) + U * (1.0 + abs(low))) * SUMMED))


def _choice(sign: float, x: Balls, y: Balls) -> tuple[Balls, Balls]:
    """max (sign 1) or min (-1): all of one argument where it is certain which, else shares whose sum is 1."""
    first = _kink(batch.scale(batch.add(x, y, -1.0), sign), 0.0)
    return first, batch.add(_one(first), first, -1.0)


def _quotient(x: Balls, y: Balls) -> tuple[Balls, Balls]:
    return batch.divide(_one(y), y), batch.scale(batch.divide(batch.divide(x, y), y), -1.0)


def _of_one(rule: Callable[[Balls], Balls]) -> Callable[[list[Balls], Balls, Parameter], tuple[Balls, ...]]:
    return lambda args, value, given: (rule(args[0]),)


def _number(given: Parameter) -> float:
    return given if isinstance(given, float) else 0.0


# Derivatives on the balls of the arguments. A program with an operation that is not here has no bound.
DERIVATIVES: dict[str, Callable[[list[Balls], Balls, Parameter], tuple[Balls, ...]]] = {
    "add": lambda args, value, given: (_fixed(1.0)(value), _fixed(1.0)(value)),
    "sub": lambda args, value, given: (_fixed(1.0)(value), _fixed(-1.0)(value)),
    "mul": lambda args, value, given: (args[1], args[0]),
    "div": lambda args, value, given: _quotient(*args),
    "max": lambda args, value, given: _choice(1.0, *args),
    "min": lambda args, value, given: _choice(-1.0, *args),
    "neg": _of_one(_fixed(-1.0)),
    "abs": _of_one(lambda x: _kink(x, -1.0)),
    "relu": _of_one(lambda x: _kink(x, 0.0)),
    "leaky_relu": lambda args, value, given: (_kink(args[0], _number(given)),),
    "tanh": _of_one(_tanh),
    "sigmoid": _of_one(_logistic),
    "softplus": _of_one(batch.sigmoid),
    "silu": _of_one(lambda x: batch.add(batch.sigmoid(x), batch.multiply(x, _logistic(x)))),
    "sin": _of_one(batch.RULES["cos"]),
    "cos": _of_one(lambda x: batch.scale(batch.RULES["sin"](x), -1.0)),
    "exp": _of_one(batch.exp),
    "log": _of_one(lambda x: batch.divide(_one(x), x)),
    "sqrt": _of_one(lambda x: batch.scale(batch.divide(_one(x), batch.sqrt(x)), 0.5)),
    "pow": lambda args, value, given: (_power(args[0], _number(given)),),
}
KNOWN = frozenset(("input", "constant", "affine", "take", "concat", *DERIVATIVES))
