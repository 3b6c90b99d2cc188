"""Taylor coefficients of elementary functions in ball arithmetic, and bounds of them on complex rectangles.

`series(op, z)` gives phi^(i)(z)/i! for i = 0..5. `bounds(op, low, high, h, e)` bounds the same for i = 0..6 on the
rectangle low <= Re z <= high, |Im z| <= h, by closed forms or by Cauchy's inequality with margin e; None where
phi is singular. `real_bounds` bounds them on a real interval, i = 1..6. The tables belong to the file format.
"""

from __future__ import annotations

from math import factorial
from typing import Any

from flint import arb, fmpq

from supnorm.checker.functions import exactly, power, value_and_slope
from supnorm.checker.special_functions import NAMES, Parameter, bound, coefficients, entire

Ball = Any
ORDER = 6  # derivatives 0 to 5: what graded models use
LOGISTIC = ("sigmoid", "softplus", "silu")
ELLIPSES = {
    "tanh": ((1.3, 0.15), (0.95, 0.45), (0.5, 0.9)),
    "sigmoid": ((2.6, 0.3), (1.9, 0.9), (1.0, 1.8)),
    "gelu": ((3.0, 0.5), (2.0, 1.0), (1.0, 1.5)),
    "erf": ((2.2, 0.4), (1.4, 0.7), (0.7, 1.0)),
}
LARGEST = {  # sup |phi^(i)/i!| on the real line, i = 1..6
    "tanh": ("1", "0.385", "0.334", "0.171", "0.134", "0.073"),
    "sigmoid": ("0.25", "0.0482", "0.0209", "0.00534", "0.00209", "0.00057"),
    "softplus": ("1", "0.125", "0.0161", "0.00522", "0.00107", "0.00035"),
    "silu": ("1.1", "0.25", "0.0514", "0.0209", "0.0055", "0.0021"),
    "gelu": ("1.13", "0.399", "0.13", "0.0665", "0.0238", "0.01"),
    "erf": ("1.1284", "0.4842", "0.3762", "0.1837", "0.1129", "0.0514"),
}


def _table(op: str) -> str:
    return "sigmoid" if op in LOGISTIC else op


def series(op: str, z: Ball, p: Parameter = None) -> list[Ball]:
    """phi^(i)(z)/i!, i = 0..5."""
    if op == "tanh":
        return _tanh(z)
    if op in LOGISTIC:
        s = [t * arb(2) ** (-i - 1) for i, t in enumerate(_tanh(z / 2))]
        s[0] = value_and_slope("sigmoid", z)[0]
        if op == "softplus":
            return [value_and_slope("softplus", z)[0]] + [s[i] / (i + 1) for i in range(ORDER - 1)]
        return s if op == "sigmoid" else _times(z, s)
    if op == "gelu":
        return _times(z, _normal(z))
    if op == "erf":
        root = arb(2).sqrt()
        return [z.erf()] + [2 * root**i * v for i, v in enumerate(_normal(root * z)) if i]
    if op in ("sin", "cos", "exp"):
        s, c = (z.exp(), z.exp()) if op == "exp" else (z.sin(), z.cos())
        turns = {"sin": (s, c, -s, -c), "cos": (c, -s, -c, s), "exp": (s, s, s, s)}[op]
        return [turns[i % 4] / factorial(i) for i in range(ORDER)]
    if op in NAMES:
        return coefficients(op, z, ORDER, p)
    return _powers(op, z, p)


def _tanh(z: Ball) -> list[Ball]:
    """u' = 1 - u^2."""
    t = [z.tanh()]
    for k in range(ORDER - 1):
        square = sum((t[j] * t[k - j] for j in range(k + 1)), arb(0))
        t.append(((1 if k == 0 else 0) - square) / (k + 1))
    return t


def _normal(z: Ball) -> list[Ball]:
    """The distribution function: g' = -z g for its density."""
    g = [(-z * z / 2).exp() / (2 * arb.pi()).sqrt()]
    for k in range(ORDER - 2):
        g.append(-(z * g[k] + (g[k - 1] if k else 0)) / (k + 1))
    return [(-z / arb(2).sqrt()).erfc() / 2] + [g[i] / (i + 1) for i in range(ORDER - 1)]


def _times(z: Ball, s: list[Ball]) -> list[Ball]:
    return [z * s[0]] + [z * s[i] + s[i - 1] for i in range(1, ORDER)]


def _exponent(op: str, p: Parameter) -> Any:
    return exactly({"log": 0.0, "sqrt": 0.5, "reciprocal": -1.0}.get(op, p if isinstance(p, float) else 0.0))


def _powers(op: str, z: Ball, p: Parameter) -> list[Ball]:
    if op == "log":
        return [z.log()] + [-((-1 / z) ** i) / i for i in range(1, ORDER)]
    q, factor, out = _exponent(op, p), fmpq(1), []
    for i in range(ORDER):
        out.append(arb(0) if factor == 0 else arb(factor) * power(z, q - i))
        factor *= (q - i) / (i + 1)
    return out


def _far(low: Ball, high: Ball) -> Ball:
    return abs(low).max(abs(high)).upper()


def _strip(op: str, low: Ball, high: Ball, h: Ball) -> Ball | None:
    """|phi| on the rectangle."""
    if op == "tanh":
        if not (h < 1.57):
            return None
        return h.tan().max(arb(1)).upper()
    if op == "softplus":
        if not (h < 3.1):
            return None
        real = (1 + high.exp()).log()
        deep = arb(0) if h < 1.5 else -(h.sin().log())
        return real.max(deep).upper() + h
    inner = _strip("tanh", low, high, h / 2)
    if inner is None:
        return None
    s = (1 + inner) / 2
    return s if op == "sigmoid" else (_far(low, high) + h) * s


def _strip_erf(h: Ball) -> Ball:
    """|erf(x + iy) - erf(x)| <= 2/sqrt(pi) |y| e^(y^2)."""
    return 1 + 2 / arb.pi().sqrt() * h * (h * h).exp()


def bounds(
    op: str, low: Ball, high: Ball, h: Ball, e: float, p: Parameter = None, last: int = ORDER
) -> list[Ball] | None:
    """Bounds of |phi^(i)/i!| on the rectangle, i = 0..6, or no further than ``last`` where that takes less time."""
    if op in ("sin", "cos", "exp"):
        size = high.exp() if op == "exp" else h.cosh()
        return [size / factorial(i) for i in range(last + 1)]
    if op in ("gelu", "erf"):
        return _gaussian(op, low, high, h, e)
    if op == "tanh" or op in LOGISTIC:
        margin = arb(e)
        size = _strip(op, low - margin, high + margin, h + margin)
        return None if size is None else [size / margin**i for i in range(ORDER + 1)]
    if op in NAMES:
        sizes = [bound(op, i, low, high, h, p) for i in range(last + 1)]
        return None if any(v is None for v in sizes) else sizes
    return _power_bounds(op, low, high, h, p, last)


def real_bounds(op: str, low: Ball, high: Ball, p: Parameter = None) -> list[Ball] | None:
    """Bounds of |phi^(i)/i!| on a real interval, i = 1..6."""
    if op in LARGEST:
        return [arb(v) for v in LARGEST[op]]
    sizes = bounds(op, low, high, arb(0), 0.0, p)
    return None if sizes is None else sizes[1:]


def largest_slope(op: str, low: Ball, high: Ball, p: Parameter = None) -> Ball | None:
    """The first of `real_bounds`: a bound of |phi'| on a real interval."""
    if op in LARGEST:
        return arb(LARGEST[op][0])
    sizes = bounds(op, low, high, arb(0), 0.0, p, last=1)
    return None if sizes is None else sizes[1]


def _gaussian(op: str, low: Ball, high: Ball, h: Ball, e: float) -> list[Ball]:
    """|density| <= e^(h^2/2)/sqrt(2 pi); the i-th coefficient of Phi is the (i-1)-th of the density over i."""
    k = arb(2).sqrt() if op == "erf" else arb(1)
    margin = k * arb(e)
    density = ((k * h + margin) ** 2 / 2).exp() / (2 * arb.pi()).sqrt()
    phi = [(1 + _strip_erf(k * h / arb(2).sqrt())) / 2]
    phi += [density / (margin ** (i - 1) * i) for i in range(1, ORDER + 1)]
    if op == "erf":
        return [_strip_erf(h)] + [2 * k**i * phi[i] for i in range(1, ORDER + 1)]
    far = _far(low, high) + h
    return [far * phi[0]] + [far * phi[i] + phi[i - 1] for i in range(1, ORDER + 1)]


def _power_bounds(op: str, low: Ball, high: Ball, h: Ball, p: Parameter, last: int) -> list[Ball] | None:
    near: Ball | None = low if low > 0 else None
    q = _exponent(op, p)
    if near is None and op in ("pow", "reciprocal") and q.q == 1 and high < 0:
        near = -high
    far = _far(low, high) + h
    out: list[Ball] = []
    factor = fmpq(1)
    for i in range(last + 1):
        if op == "log" and i == 0:
            if near is None:
                return None
            out.append(_far(near.log(), (high + h).log()) + arb.pi() / 2)
            continue
        size, rest = arb(1) / i if op == "log" else abs(arb(factor)), q - i
        if size == 0:
            out.append(arb(0))
        elif rest >= 0 and rest.q == 1:
            out.append(size * power(far, rest))
        elif near is None:
            return None
        else:
            out.append(size * power(near, rest).max(power(far, rest)).upper())
        factor *= (q - i) / (i + 1)
    return out


def ellipses(op: str, c: Ball, r: Ball, p: Parameter = None) -> list[tuple[Ball, float]]:
    """Half-heights of ellipses around [c - r, c + r], with margins."""
    table = ELLIPSES.get(_table(op))
    if table is not None:
        return [(arb(b), e) for b, e in table]
    whole = op == "pow" and isinstance(p, float) and p >= 0 and p.is_integer()
    if op in ("sin", "cos", "exp") or whole:
        return [(b * (1 + r), 0.0) for b in (8, 3)]
    if op == "erfc":
        return [(arb(b), 0.0) for b in (2.2, 1.4, 0.7)]
    if op in NAMES and entire(op, p):
        return [(b * (1 + r), 0.0) for b in (8, 3, 1)]
    if op == "betainc":
        free = c.min(1 - c) ** 2 - r * r
        return [(arb(part) * free.sqrt().lower(), 0.0) for part in (0.9, 0.6, 0.3)] if free > 0 else []
    if op == "erfinv":
        free = (1 - abs(c)) ** 2 - r * r
        return [(arb(part) * free.sqrt().lower(), 0.0) for part in (0.7, 0.4, 0.2)] if free > 0 else []
    if op == "atan":
        far = (c * c - r * r).max(arb(1)).sqrt().lower()
        return [(arb(part) * far, 0.0) for part in (0.9, 0.6, 0.3)]
    room = c * c - r * r
    if not (room > 0):
        return []
    return [(arb(part) * room.sqrt().lower(), 0.0) for part in (0.98, 0.9, 0.7)]
