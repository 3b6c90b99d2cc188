"""Values of programs at many points at once: balls with float64 midpoints and radii, in arrays of NumPy.

Nothing is assumed but IEEE 754 for + - x / and square roots, rounded to nearest, and that a matrix product sums the products
of each entry in some order, with or without fused multiply-add (error gamma_k, Higham, Accuracy and Stability of Numerical
Algorithms, 2nd ed., ch. 3). No function of a library is trusted: exp, log, sin and cos are computed here from sums and
products, with the errors derived beside them (u = 2^-53); what is not here is evaluated ball by ball in FLINT.

Radii are sums and products of non-negative numbers; they lose at most `ROOM`. A number that is not finite has an infinite
radius. A proof that these balls leave undecided is made again with as many bits as it needs (`leaves`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import factorial
from random import SystemRandom
from typing import Any

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray

from supnorm.checker.enclosure import Program, point_function, values
from supnorm.checker.operation import Operation
from supnorm.checker.special_functions import Parameter

Array = NDArray[np.float64]
Ball = Any
U = 2.0**-53  # float64: half the distance of 1 to the next number
ROOM = 1.0 + 1e-10
COMPARED = 0.25  # of the cells; one point of each is evaluated by FLINT as well
_RANDOM = SystemRandom()
TINY = 1e-300  # above what an operation loses by underflow


@dataclass(frozen=True)
class Balls:
    """Midpoints and radii of features (rows) at points (columns)."""

    mid: Array
    rad: Array

    @classmethod
    def of(cls, mid: Array, rad: Array) -> Balls:
        """Balls; those that are not finite become all numbers."""
        good = np.isfinite(mid) & np.isfinite(rad)
        return cls(np.where(good, mid, 0.0), np.where(good, rad * ROOM + TINY, np.inf))

    def rows(self) -> list[list[Ball]]:
        """The balls as those of FLINT; one whose radius is not finite is not a number."""
        return [
            [arb(m, r) if r < np.inf else arb("nan") for m, r in zip(mids, radii, strict=True)]
            for mids, radii in zip(self.mid.tolist(), self.rad.tolist(), strict=True)
        ]


def points_on(nodes: Array, error: float, centre: list[Ball], half: list[Ball]) -> Balls:
    """Points c + h t of a cell, coordinates as rows, from nodes t ``(n, d)`` in [-1, 1] that are off by ``error``."""
    rows, radii = [], []
    for t, c, h in zip(nodes.T, centre, half, strict=True):
        middle, reach = float(c.mid()), float(h.mid())
        off = float((c - middle).abs_upper()) + float((h - reach).abs_upper())
        rows.append(middle + reach * t)
        radii.append(np.full(len(t), off + error * abs(reach) + 4.0 * U * (abs(middle) + abs(reach))))
    return Balls.of(np.array(rows), np.array(radii) * ROOM)


@lru_cache(maxsize=64)
def tensor_nodes(n: int, d: int) -> Array:
    """The (n + 1)^d nodes cos((2i + 1) pi/(2n + 2)), the last axis running fastest, shape ``(count, d)``, off by u."""
    old, ctx.prec = ctx.prec, 120
    try:
        one = [float((arb.pi() * (2 * i + 1) / (2 * n + 2)).cos()) for i in range(n + 1)]
    finally:
        ctx.prec = old
    return np.stack(np.meshgrid(*[np.array(one)] * d, indexing="ij"), -1).reshape(-1, d)


def outputs(program: Program, points: Balls) -> list[list[Ball]]:
    """Outputs (rows) at points (columns) as balls."""
    return all_values(program, points)[-1].rows()


def all_values(program: Program, points: Balls) -> list[Balls]:
    """Every operation's features at points."""
    count = points.mid.shape[1]
    known: list[Balls] = []
    with np.errstate(all="ignore"):
        for _, o in program.each():
            args = [known[a] for a in o.args]
            if o.op == "input":
                value = points
            elif o.op == "constant":
                value = Balls(np.repeat(np.array(o.vector)[:, None], count, 1), np.zeros((o.width, count)))
            elif o.op == "affine":
                value = affine(o, args[0])
            elif o.op == "take":
                value = Balls(args[0].mid[list(o.columns)], args[0].rad[list(o.columns)])
            elif o.op == "concat":
                value = Balls(np.concatenate([a.mid for a in args]), np.concatenate([a.rad for a in args]))
            else:
                value = function(o.op, o.given, args)
            known.append(value)
    if not _believed(program, points, known[-1]):
        return [Balls(b.mid, np.full(b.rad.shape, np.inf)) for b in known]
    return known


def believed(program: Program, points: list[Balls], outputs: list[Balls]) -> bool:
    """False if FLINT, which is asked in some of the cells, finds other values at a point; a row of each input and output."""
    return _believed(program, _joined(points), _joined(outputs))


def _believed(program: Program, points: Balls, last: Balls) -> bool:
    return _RANDOM.random() >= COMPARED or _agrees(program, points, last)


def _joined(rows: list[Balls]) -> Balls:
    return Balls(np.concatenate([r.mid for r in rows]), np.concatenate([r.rad for r in rows]))


def _agrees(program: Program, points: Balls, last: Balls) -> bool:
    """Whether FLINT's outputs at one random point meet these balls: a fault of this machine's libraries would show."""
    k = _RANDOM.randrange(points.mid.shape[1])
    point = [[arb(m, r)] for m, r in zip(points.mid[:, k].tolist(), points.rad[:, k].tolist(), strict=True)]
    if not np.isfinite(points.rad[:, k]).all():
        return True
    balls = zip(last.mid[:, k].tolist(), last.rad[:, k].tolist(), values(program, point), strict=True)
    return all(not r < np.inf or not v.is_finite() or v.overlaps(arb(m, r)) for m, r, (v,) in balls)


def affine(o: Operation, x: Balls) -> Balls:
    """weight @ x + bias. A feature of weight 0 does not enter, also where it is all numbers."""
    weight, bias = np.array(o.weight).reshape(o.width, -1), np.array(o.vector)[:, None]
    k = weight.shape[1] + 2
    size = np.abs(weight)
    lost = ~np.isfinite(x.rad)
    rad = np.where(lost, 0.0, x.rad)
    gamma = 1.01 * k * U
    radii = size @ rad + gamma * (size @ (np.abs(x.mid) + rad) + np.abs(bias))
    if lost.any():
        radii = np.where((size != 0.0).astype(float) @ lost.astype(float) > 0.0, np.inf, radii)
    return Balls.of(weight @ x.mid + bias, radii * (1.0 + 2.0 * gamma))


def add(x: Balls, y: Balls, sign: float = 1.0) -> Balls:
    """x + y or x - y."""
    mid = x.mid + sign * y.mid
    return Balls.of(mid, x.rad + y.rad + U * np.abs(mid))


def multiply(x: Balls, y: Balls) -> Balls:
    """x y."""
    mid = x.mid * y.mid
    return Balls.of(mid, np.abs(x.mid) * y.rad + x.rad * (np.abs(y.mid) + y.rad) + U * np.abs(mid))


def scale(x: Balls, factor: float) -> Balls:
    """factor x."""
    mid = factor * x.mid
    return Balls.of(mid, abs(factor) * x.rad + U * np.abs(mid))


def divide(x: Balls, y: Balls) -> Balls:
    """x/y: |x/y - m/n| <= (|m|/|n| s + r)/(|n| - s) for radii r, s; no ball where y may be zero."""
    least = np.abs(y.mid) - y.rad
    clear = least > 1e-12 * np.abs(y.mid)
    least = np.where(clear, least * (1.0 - 1e-11), 1.0)
    mid = x.mid / np.where(clear, y.mid, 1.0)
    rad = (np.abs(mid) * (1.0 + 4.0 * U) * y.rad + x.rad) / least + U * np.abs(mid)
    return Balls.of(mid, np.where(clear, rad * (1.0 + 1e-12), np.inf))


def _constants() -> tuple[list[float], Array, Array, float, list[float]]:
    """Parts of log(2)/64, 2^(j/64), logarithms of j/128, log(2), and parts of pi/2, to the nearest number."""
    old, ctx.prec = ctx.prec, 200
    try:
        step, turn = arb(2).log() / 64, arb.pi() / 2
        parts = [float((step * 2**39).floor()) / 2.0**39]
        parts.append(float(step - parts[0]))
        powers = np.array([float((step * j).exp()) for j in range(64)])
        logs = np.array([0.0] * 64 + [float((arb(j) / 128).log()) for j in range(64, 129)])
        turns = [float((turn * 2**31).floor()) / 2.0**31]
        turns.append(float(((turn - turns[0]) * 2**63).floor()) / 2.0**63)
        turns.append(float(turn - turns[0] - turns[1]))
        return parts, powers, logs, float(arb(2).log()), turns
    finally:
        ctx.prec = old


_STEP, _POWERS, _LOGS, _LN2, _PARTS = _constants()
# exp: x = k log(2)/64 + r with |r| < .0055; 2^(k/64) from a table, e^r by its series. k times the first part of the step is
# exact, since that has 33 bits and |k| < 2^17. r is off by 3 u .0055 + |k| 2^-85, e^r - 1 by 8 u .0055, its series by
# r^6/720 < 4e-17; the table by u, the product by 2 u. Together less than 5 u of the value.
EXP_ERROR = 8.0 * U


def _exp(x: Array) -> Array:
    """e^x within `EXP_ERROR` of its value for |x| <= 600; NaN beyond."""
    inside = np.abs(x) <= 600.0
    x = np.where(inside, x, 0.0)
    k = np.rint(x * (64.0 / 0.6931471805599453))
    r = (x - k * _STEP[0]) - k * _STEP[1]
    e = r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0)))))
    whole, part = np.divmod(k.astype(np.int64), 64)
    table = _POWERS[part]
    return np.where(inside, np.ldexp(table + table * e, whole), np.nan)


def exp(x: Balls) -> Balls:
    """e^x; for |d| <= r <= 1, |e^d - 1| <= r + r^2."""
    value = _exp(x.mid)
    small = x.rad <= 1.0
    r = np.where(small, x.rad, 0.0)
    rad = value * ((r + r * r) * (1.0 + 2.0 * EXP_ERROR) + EXP_ERROR)
    return Balls.of(value, np.where(small, rad, np.inf))


def tanh(x: Balls) -> Balls:
    """1 - 2/(e^2|x| + 1), with the sign of x: the quotient is off by 10 u of at most 1, the rest by 3 u."""
    e = _exp(np.minimum(2.0 * np.abs(x.mid), 100.0))
    value = np.copysign(1.0 - 2.0 / (e + 1.0), x.mid)
    return Balls.of(value, _at_most(x.rad, 2.0) + 16.0 * U)


def _at_most(rad: Array, most: float) -> Array:
    """Finite radii cut off; what is no number stays without a ball, also where a function is bounded."""
    return np.where(np.isfinite(rad), np.minimum(rad, most), np.inf)


def sigmoid(x: Balls) -> Balls:
    """1/(1 + e^-|x|), or 1 less that: within 12 u."""
    e = _exp(-np.minimum(np.abs(x.mid), 500.0))
    upper = 1.0 / (1.0 + e)
    return Balls.of(np.where(x.mid >= 0, upper, 1.0 - upper), _at_most(0.25 * x.rad, 1.0) + 16.0 * U)


# log: x = 2^e m, m = c (1 + z) with c a multiple of 1/128 and |z| <= 1/128; log c from a table, log(1 + z) by its series.
# z is exact up to u |z|, the series off by z^9/9 < 2^-66 and 4 u |z|, table and sums by 3 u each of at most |e| + 1.


def _log(x: Array) -> tuple[Array, Array]:
    """log x and how far it may be off, for x > 0."""
    m, e = np.frexp(x)
    j = np.rint(m * 128.0)
    c = j / 128.0
    z = (m - c) / np.where(c > 0, c, 1.0)
    series = z * (
        1.0 - z * (0.5 - z * (1 / 3 - z * (0.25 - z * (0.2 - z * (1 / 6 - z * (1 / 7 - z * 0.125))))))
    )
    table = _LOGS[np.clip(j, 0, 128).astype(np.int64)]
    value = e * _LN2 + (table + series)
    return np.where(x > 0, value, np.nan), 12.0 * U * (np.abs(e) + 1.0)


def log(x: Balls) -> Balls:
    """log x; |log(1 + d)| <= |d|/(1 - |d|)."""
    value, off = _log(x.mid)
    least = (x.mid - x.rad) * (1.0 - 1e-12)
    clear = (x.mid > 1e-290) & (least > 1e-12 * x.mid)
    rad = x.rad / np.where(clear, least, 1.0) + off
    return Balls.of(np.where(clear, value, 0.0), np.where(clear, rad, np.inf))


def softplus(x: Balls) -> Balls:
    """max(x, 0) + log(1 + e^-|x|)."""
    e = _exp(-np.minimum(np.abs(x.mid), 500.0))
    value, off = _log(1.0 + e)
    total = np.maximum(x.mid, 0.0) + value
    return Balls.of(total, x.rad + off + 16.0 * U + U * np.abs(total))


# sin, cos: x - k pi/2 from three parts of pi/2, the first two of 32 bits, so that their products with |k| < 2^20 are exact;
# the rest is off by 4 u, and by k 2^-110. The series of sin to r^17 and of cos to r^16 end within 2e-18 for |r| <= .786, and
# their sums are off by 4 u at most.
_FACTORIALS = [float(factorial(i)) for i in range(18)]
TURN = 1e6


def _wave(x: Balls, turns: int) -> Balls:
    """sin(x + turns pi/2)."""
    inside = np.abs(x.mid) <= TURN
    v = np.where(inside, x.mid, 0.0)
    k = np.rint(v / (0.5 * np.pi))
    r = ((v - k * _PARTS[0]) - k * _PARTS[1]) - k * _PARTS[2]
    s = r * r
    sine, cosine = np.zeros_like(r), np.zeros_like(r)
    for i in range(8, -1, -1):
        sine = 1.0 / _FACTORIALS[2 * i + 1] - s * sine
        cosine = 1.0 / _FACTORIALS[2 * i] - s * cosine
    sine = r * sine
    quarter = np.mod(k.astype(np.int64) + turns, 4)
    value = np.choose(quarter, [sine, cosine, -sine, -cosine])
    return Balls.of(value, np.where(inside, _at_most(x.rad, 2.0) + 24.0 * U, np.inf))


def sqrt(x: Balls) -> Balls:
    """sqrt(x): |sqrt(m + d) - sqrt(m)| <= |d|/sqrt(m)."""
    value = np.sqrt(x.mid)
    clear = (x.mid - x.rad > 1e-12 * x.mid) & (x.mid > 1e-290)
    rad = x.rad / np.where(clear, value, 1.0) * (1.0 + 4.0 * U) + U * value
    return Balls.of(np.where(clear, value, 0.0), np.where(clear, rad, np.inf))


def power(x: Balls, p: float) -> Balls:
    """x^p: products for whole p up to 64, else e^(p log x)."""
    if not (p.is_integer() and 0 < abs(p) <= 64):
        return exp(scale(log(x), p)) if p else Balls(np.ones_like(x.mid), np.zeros_like(x.rad))
    result, square, left = None, x, int(abs(p))
    while left:
        if left & 1:
            result = square if result is None else multiply(result, square)
        left >>= 1
        if left:
            square = multiply(square, square)
    assert result is not None
    one = Balls(np.ones_like(x.mid), np.zeros_like(x.rad))
    return divide(one, result) if p < 0 else result


def _tanh_gelu(x: Balls) -> Balls:
    inner = scale(add(x, scale(power(x, 3.0), 0.044715)), 0.7978845608028654)
    bent = tanh(inner)
    return multiply(scale(x, 0.5), add(Balls(np.ones_like(x.mid), np.zeros_like(x.rad)), bent))


def _larger(x: Balls, y: Balls) -> Balls:
    return Balls(np.maximum(x.mid, y.mid), np.maximum(x.rad, y.rad))


def _smaller(x: Balls, y: Balls) -> Balls:
    return Balls(np.minimum(x.mid, y.mid), np.maximum(x.rad, y.rad))


def _one_of_two(z: Balls, above: Balls, other: Balls) -> Balls:
    """``above`` where z > 0, else ``other``; both together where a ball reaches beyond zero."""
    wide = z.rad * (1.0 + 4.0 * U)
    on, off = z.mid > wide, z.mid <= -wide
    mid = np.where(on, above.mid, np.where(off, other.mid, 0.5 * above.mid + 0.5 * other.mid))
    both = 0.5 * np.abs(above.mid - other.mid) + np.maximum(above.rad, other.rad)
    both = both * (1.0 + 8.0 * U) + 2.0 * U * (np.abs(above.mid) + np.abs(other.mid))
    rad = np.where(on, above.rad, np.where(off, other.rad, np.where(np.isfinite(wide), both, np.inf)))
    return Balls.of(mid, rad)


RULES: dict[str, Callable[..., Balls]] = {
    "add": add,
    "sub": lambda x, y: add(x, y, -1.0),
    "mul": multiply,
    "div": divide,
    "max": _larger,
    "min": _smaller,
    "neg": lambda x: Balls(-x.mid, x.rad),
    "abs": lambda x: Balls(np.abs(x.mid), x.rad),
    "relu": lambda x: Balls(np.maximum(x.mid, 0.0), x.rad),
    "tanh": tanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "silu": lambda x: multiply(x, sigmoid(x)),
    "sin": lambda x: _wave(x, 0),
    "cos": lambda x: _wave(x, 1),
    "exp": exp,
    "log": log,
    "sqrt": sqrt,
    "gelu_tanh": _tanh_gelu,
    "where": _one_of_two,
}


def function(op: str, given: Parameter, args: list[Balls]) -> Balls:
    """The function with its parameter."""
    if op == "pow":
        return power(args[0], _one(given))
    if op == "leaky_relu":
        slope = _one(given)
        x = args[0]
        mid = np.where(x.mid >= 0.0, x.mid, slope * x.mid)
        return Balls.of(mid, max(1.0, abs(slope)) * x.rad + U * np.abs(mid))
    if op in RULES:
        return RULES[op](*args)
    return _one_by_one(op, given, args)


def _one(given: Parameter) -> float:
    return given if isinstance(given, float) else 0.0


def _one_by_one(op: str, given: Parameter, args: list[Balls]) -> Balls:
    """An operation in FLINT, ball by ball."""
    call = point_function(op, given)
    mids, radii = [], []
    columns = [(a.mid.ravel().tolist(), a.rad.ravel().tolist()) for a in args]
    for balls in zip(*(zip(*column, strict=True) for column in columns), strict=True):
        value = call(*(arb(m, r) if r < np.inf else arb("nan") for m, r in balls))
        middle = float(value.mid()) if value.is_finite() else np.nan
        mids.append(middle)
        radii.append(float((value - middle).abs_upper()) * (1.0 + 4.0 * U) if value.is_finite() else np.inf)
    shape = args[0].mid.shape
    return Balls.of(np.array(mids).reshape(shape), np.array(radii).reshape(shape))
