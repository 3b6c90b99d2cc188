"""Elementary functions in ball arithmetic: values, slopes, and linear remainders on complex discs.

`remainder(op, c, r)` bounds |phi(z) - phi(c) - phi'(c)(z - c)| for complex |z - c| <= r, as a ball whose
upper end counts; None where the disc meets a singularity.
"""

from __future__ import annotations

from typing import Any

from flint import arb, fmpq

from supnorm.checker.special_functions import NAMES, Parameter, bound, coefficients

Ball = Any


def smaller(a: Ball | None, b: Ball | None) -> Ball | None:
    """The smaller of two bounds, either of which may be missing; a bound that is not a number counts as missing."""
    known = [v for v in (a, b) if v is not None and not v.is_nan()]
    if len(known) < 2:
        return known[0] if known else None
    return known[0] if known[0].upper() <= known[1].upper() else known[1]


def extremes(values: list[Ball]) -> tuple[Ball, Ball]:
    """The lowest lower and the highest upper end of balls; not a number if one of the balls is not a number.

    Comparisons of balls that are not numbers, or that overlap, are false, so they must not choose between ends.
    """
    low = high = values[0]
    for v in values[1:]:
        low, high = low.min(v), high.max(v)
    return low.lower(), high.upper()


def value_and_slope(op: str, z: Ball, p: Parameter = None) -> tuple[Ball, Ball]:
    """phi(z) and phi'(z)."""
    one = arb(1)
    if op == "tanh":
        v = z.tanh()
        return v, one - v * v
    if op == "sigmoid":
        return _sigmoid(z)
    if op == "softplus":  # for large z, exp(z) is not finite but exp(-z) is
        return z + (-z).exp().log1p() if z > 0 else z.exp().log1p(), _sigmoid(z)[0]
    if op == "silu":
        s, ds = value_and_slope("sigmoid", z)
        return z * s, s + z * ds
    if op == "gelu":
        s, ds = _normal(z)
        return z * s, s + z * ds
    if op == "erf":
        return z.erf(), 2 * (-z * z).exp() / arb.pi().sqrt()
    if op in NAMES:
        value, slope = coefficients(op, z, 2, p)
        return value, slope
    return _simple(op, z, p)


def _sigmoid(z: Ball) -> tuple[Ball, Ball]:
    """1/(1 + e^-z) and its slope; if one of e^z and e^-z is too large for a ball, they are computed from the other one."""
    v, slope = 1 / (1 + (-z).exp()), 1 / (2 + z.exp() + (-z).exp())
    if v.is_finite() and slope.is_finite():
        return v, slope
    if z > 0:
        e = (-z).exp()
        return 1 / (1 + e), e / (1 + e) ** 2
    e = z.exp()
    return e / (1 + e), e / (1 + e) ** 2


def _simple(op: str, z: Ball, p: Parameter) -> tuple[Ball, Ball]:
    if op == "sin":
        return z.sin(), z.cos()
    if op == "cos":
        return z.cos(), -z.sin()
    if op == "exp":
        return z.exp(), z.exp()
    if op == "log":
        return z.log(), 1 / z
    if op == "sqrt":
        return z.sqrt(), 1 / (2 * z.sqrt())
    if op == "reciprocal":
        return 1 / z, -1 / (z * z)
    if op == "pow":
        assert isinstance(p, float)
        q = exactly(p)
        return power(z, q), arb(q) * power(z, q - 1) if q != 0 else arb(0)
    raise ValueError(op)


def exactly(p: float) -> Any:
    """A float as an exact rational number, because p - 1 and p - 2 are often no floats."""
    return fmpq(*p.as_integer_ratio())


def power(z: Ball, q: Any) -> Ball:
    """z^q for a rational q: whole powers of any z, others of positive z."""
    if q.q != 1:
        return z ** arb(q)
    if q < 0:
        return 1 / power(z, -q)
    result, square, left = arb(1), z, int(q.p)  # FLINT's function has no value for a ball around 0
    while left:
        if left & 1:
            result = result * square
        left >>= 1
        if left:
            square = square * square
    return result


def _normal(z: Ball) -> tuple[Ball, Ball]:
    """Distribution function and density of the normal law."""
    half = arb(1) / 2
    return half * (-z / arb(2).sqrt()).erfc(), (-half * z * z).exp() / (2 * arb.pi()).sqrt()


def _tanh(c: Ball, r: Ball) -> tuple[Ball | None, Ball | None]:
    """(increment, linear remainder) of tanh: addition theorem, or expansion in e^(-2z)."""
    size = abs(c)
    increment = rest = None
    u = size.tanh()
    if r < arb.pi() / 2:
        t = r.tan()
        if u * t < 1:
            slope = 1 / (size.cosh() * size.cosh())
            increment, rest = slope * t / (1 - u * t), slope * (t / (1 - u * t) - r)
    if r < size:
        s, q = (-2 * size).exp(), (-2 * (size - r)).exp()
        gap = q / (1 - q) - s / (1 - s)
        increment = smaller(increment, 2 * gap)
        rest = smaller(rest, 2 * (gap - 2 * r * s / (1 - s) ** 2))
    return increment, rest


def remainder(op: str, c: Ball, r: Ball, p: Parameter = None) -> Ball | None:
    """Bound of the linear remainder on the disc."""
    if op == "tanh":
        return _tanh(c, r)[1]
    if op in ("sigmoid", "softplus", "silu"):
        return _logistic(op, c, r)
    if op in ("gelu", "erf"):
        return _gaussian(op, c, r)
    if op in ("sin", "cos"):
        even, odd = (c.sin(), c.cos()) if op == "sin" else (c.cos(), c.sin())
        return abs(even) * (r.cosh() - 1) + abs(odd) * (r.sinh() - r)
    if op == "exp":
        rest = c.exp() * (r.exp() - 1 - r)
        # e^r - 1 - r <= e^r, which may be too large for a ball.
        return rest if rest.is_finite() else (c + r).exp()
    if op == "log":
        t = r / c
        return -(1 - t).log() - t if c > 0 and t < 1 else None
    if op == "reciprocal":
        return r * r / (c * c * (abs(c) - r)) if abs(c) > r else None
    if op in NAMES:
        second = bound(op, 2, (c - r).lower(), (c + r).upper(), r, p)
        return None if second is None else r * r * second
    return _power_remainder(c, r, exactly(p if isinstance(p, float) else 0.5))


def real_remainder(op: str, r: Ball, slope: Ball) -> Ball | None:
    """Bound of the linear remainder on a real interval of radius r, from sup |phi'| and sup |phi''|."""
    root = arb(3).sqrt()
    largest = {
        "tanh": (arb(1), 4 / (3 * root)),
        "sigmoid": (arb(1) / 4, 1 / (6 * root)),
        "softplus": (arb(1), arb(1) / 4),
        "silu": (arb(11) / 10, arb(1) / 2),
        "gelu": (arb(113) / 100, 2 / (2 * arb.pi()).sqrt()),
        "erf": (2 / arb.pi().sqrt(), 2 * (2 / (arb.pi() * arb(1).exp())).sqrt()),
        "erfc": (2 / arb.pi().sqrt(), 2 * (2 / (arb.pi() * arb(1).exp())).sqrt()),
        "sin": (arb(1), arb(1)),
        "cos": (arb(1), arb(1)),
    }
    if op not in largest:
        return None
    first, second = largest[op]
    return smaller(second * r * r / 2, r * (first + abs(slope)))


def range_of(op: str) -> tuple[Ball, Ball] | None:
    """Middle and half-width of the values of a bounded function of a real number; None for the others."""
    if op in ("tanh", "erf", "sin", "cos"):
        return arb(0), arb(1)
    if op == "erfc":
        return arb(1), arb(1)
    return (arb(1) / 2, arb(1) / 2) if op == "sigmoid" else None


def range_on(op: str, low: Ball, high: Ball) -> tuple[Ball, Ball] | None:
    """The same for real arguments from ``low`` to ``high``: of erfc, which falls, by its values at both ends.

    Far out erfc is tiny: a range of all its values would make a product with a large factor useless.
    """
    if op != "erfc":
        return range_of(op)
    least, largest = high.erfc(), low.erfc()
    if not (least.is_finite() and largest.is_finite()):
        return range_of(op)
    return (least + largest) / 2, (abs(largest - least) / 2).upper()


def _logistic(op: str, c: Ball, r: Ball) -> Ball | None:
    increment, rest = _tanh(c / 2, r / 2)
    if increment is None or rest is None:
        return None
    increment, rest = increment / 2, rest / 2
    if op == "sigmoid":
        return rest
    return r * increment / 2 if op == "softplus" else abs(c) * rest + r * increment


def _gaussian(op: str, c: Ball, r: Ball) -> Ball:
    """The density grows at most by e^(|c| s + s^2/2) at distance s: convex, with a positive series."""
    if op == "erf":
        c, r = c * arb(2).sqrt(), r * arb(2).sqrt()
    density = _normal(c)[1]
    growth = (abs(c) * r + r * r / 2).exp() - 1
    rest = density * growth * r / 2
    if op == "erf":
        return 2 * rest
    return abs(c) * rest + r * r * density * (1 + growth / 2)


def _power_remainder(c: Ball, r: Ball, q: Any) -> Ball | None:
    """r^2/2 times the largest |phi''| on the disc."""
    factor = abs(arb(q * (q - 1))) / 2 * r * r
    size = abs(c)
    if q >= 0 and q.q == 1:
        return arb(0) if q < 2 else factor * power(size + r, q - 2)
    if not (size > r and (c > 0 or q.q == 1)):
        return None
    ends = power(size - r, q - 2), power(size + r, q - 2)
    return factor * ends[0].max(ends[1])
