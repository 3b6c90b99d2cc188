"""Special functions in ball arithmetic: Taylor coefficients, and bounds of them on complex rectangles.

`coefficients(op, z, count, p)` gives phi^(i)(z)/i!; a ball that is not a number where phi has no value. `bound(op, i, low,
high, h, p)` bounds the same for low <= Re z <= high, |Im z| <= h by the closed forms of the file format; None where the
rectangle meets a pole or a branch cut. `p` is the order or shape.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, comb, factorial
from typing import Any, TypeAlias

from flint import arb, arb_poly, arb_series, ctx

from supnorm.checker.bessel_bounds import i_bound, j_bound, k_bound, y_bound
from supnorm.checker.cost import watch
from supnorm.checker.incomplete import FAR, beta, p, q, up_to

Ball = Any
Parameter: TypeAlias = float | tuple[float, float] | None  # an order, a shape, two shapes
LARGEST = {  # of the orders and shapes that a file may have
    **{f"bessel_{kind}": 64.0 for kind in "jyik"},
    **{name: 1000.0 for name in ("gammainc", "gammaincc", "betainc")},
}
# Smallest order but for 0: FLINT divides by the order's distance from whole numbers, and takes minutes.
LEAST_ORDER = 2.0**-60
NAMES = ("atan", "cbrt", "erfc", "lgamma", "digamma", "erfcx", "erfinv", "exp1", *LARGEST)
POSITIVE = ("lgamma", "digamma", "exp1", "bessel_y", "bessel_k", "gammainc", "gammaincc", "betainc")
# Radius of an argument's ball: FLINT works long on wider ones (tests/checker/test_special_functions.py), of Bessel functions
# up to half a minute: for a radius of 2^-10 and an argument of 700, and of a thousandth of a tiny argument.
WIDEST, WIDEST_OF_BESSEL = 2.0**-10, 2.0**-20
LARGE = 4  # below, a ball of J or Y is hardly wider by the series than by the slope
MORE_BITS = 80  # what derivatives of erfcx lose at arguments of some thousand; more only widens the ball


LONG = frozenset((*LARGEST, "exp1"))  # a call may take a thousand times as long as another one


def allowed(op: str, p: float) -> bool:
    """Whether a file may have this order or shape.

    >>> allowed("bessel_j", 0.0), allowed("gammainc", 0.0), allowed("bessel_y", -1.0), allowed("bessel_k", 1e-300)
    (True, False, False, False)
    """
    bessel = op.startswith("bessel")
    return (bessel and p == 0.0) or (p > 0.0 and (LEAST_ORDER if bessel else 0.0) <= p <= LARGEST[op])


def entire(op: str, p: Parameter) -> bool:
    """Whether the function has no singularity."""
    return op in ("erfc", "erfcx") or (
        op in ("bessel_j", "bessel_i") and isinstance(p, float) and p.is_integer()
    )


def one_sided(op: str, p: Parameter) -> bool:
    """Whether the function is taken for positive arguments only."""
    return op in POSITIVE or (op in ("bessel_j", "bessel_i") and not entire(op, p))


def coefficients(op: str, z: Ball, count: int, p: Parameter = None) -> list[Ball]:
    """phi^(i)(z)/i!, i < ``count``."""
    if one_sided(op, p) and not z > 0:
        return [arb.nan()] * count
    widest = arb(WIDEST)
    if op.startswith("bessel"):
        widest = WIDEST_OF_BESSEL * (z.min(arb(1)) if one_sided(op, p) else arb(1))
    if op == "cbrt":  # of large numbers, where balls are as wide as they are precise
        widest = widest * abs(z).max(arb(1))
    if not z.rad() < widest:
        return _wide_erfc(z, count) if op == "erfc" else [arb.nan()] * count
    if op in LONG:
        watch()
    before = ctx.prec
    ctx.prec = before + MORE_BITS
    try:
        return _COEFFICIENTS[op](z, count, *map(arb, _numbers(p)))
    finally:
        ctx.prec = before


def _numbers(p: Parameter) -> tuple[float, ...]:
    if p is None:
        return ()
    return p if isinstance(p, tuple) else (p,)


def _listed(series: Any, count: int) -> list[Ball]:
    return [series[i] for i in range(count)]


def _line(z: Ball, count: int) -> Any:
    """z + t as a power series."""
    return arb_series([z, 1], prec=count)


def _cbrt(z: Ball, count: int) -> list[Ball]:
    if z < 0:
        return [(-1) ** (i + 1) * v for i, v in enumerate(_cbrt(-z, count))]
    if not z > 0:  # it grows with its argument, and has no slope at zero
        value = cube_root(z.lower()).union(cube_root(z.upper())) if z.is_finite() else arb.nan()
        return [value] + [arb.nan()] * (count - 1)
    return _listed((_line(z, count).log() / 3).exp(), count)


def cube_root(z: Ball) -> Ball:
    """The cube root of a number, such as an end of a ball; `arb.root` of zero is not a number."""
    return arb(0) if z == 0 else -((-z).root(3)) if z < 0 else z.root(3)


def _lgamma(z: Ball, count: int) -> list[Ball]:
    values = [z.lgamma(), *([z.digamma()] if count > 1 else [])]
    return values + [(-1) ** i * arb(i).zeta(z) / i for i in range(2, count)]


def _digamma(z: Ball, count: int) -> list[Ball]:
    return [z.digamma()] + [(-1) ** (i + 1) * arb(i + 1).zeta(z) for i in range(1, count)]


def _erfcx(z: Ball, count: int) -> list[Ball]:
    if count == 1:
        return [(z * z).exp() * z.erfc()]
    line = _line(z, count)
    return _listed((line * line).exp() * line.erfc(), count)


def _erfc(z: Ball, count: int) -> list[Ball]:
    return _listed(_line(z, count).erfc(), count) if count > 1 else [z.erfc()]


def _wide_erfc(z: Ball, count: int) -> list[Ball]:
    """erfc falls: its values lie between those of the ends; the others are within their bounds on the interval.

    A number of 1e30 that is rounded to 80 bits is a ball of radius 1e6, on which erfc hardly varies.
    """
    low, high = z.lower(), z.upper()
    sizes = [bound("erfc", i, low, high, arb(0)) for i in range(1, count)]
    value = low.erfc().union(high.erfc()) if z.is_finite() else arb.nan()
    return [value] + [arb.nan() if size is None else size * arb(0, 1) for size in sizes]


def _erfinv(z: Ball, count: int) -> list[Ball]:
    """w = w(z) + sqrt(pi)/2 times the integral of exp(w^2): each step makes one more coefficient exact."""
    if not abs(z) < 1:
        return [arb.nan()] * count
    first, half = z.erfinv(), arb.pi().sqrt() / 2
    w = arb_series([first], prec=count)
    for _ in range(count - 1):
        slope = (w * w).exp() * half
        w = arb_series([first, *(slope[i] / (i + 1) for i in range(count - 1))], prec=count)
    return _listed(w, count)


def _integrated(first: Ball, slope: Any, count: int) -> list[Ball]:
    return [first] + [slope[i - 1] / i for i in range(1, count)]


def _exp1(z: Ball, count: int) -> list[Ball]:
    line = _line(z, count)
    # 0 < E1(x) < exp(-x)/x (DLMF 6.8.1)
    first = up_to((-z).exp() / z) if z > FAR else z.expint(1)
    return _integrated(first, -(-line).exp() / line, count)


def _gamma_density(z: Ball, count: int, s: Ball) -> Any:
    line = _line(z, count)
    return (line.log() * (s - 1) - line - s.lgamma()).exp()


def _gammainc(z: Ball, count: int, s: Ball) -> list[Ball]:
    return _integrated(p(z, s), _gamma_density(z, count, s), count)


def _gammaincc(z: Ball, count: int, s: Ball) -> list[Ball]:
    return _integrated(q(z, s), -_gamma_density(z, count, s), count)


def _betainc(z: Ball, count: int, a: Ball, b: Ball) -> list[Ball]:
    if count == 1 and (z == 0 or z == 1):
        return [z]
    if not z < 1:
        return [arb.nan()] * count
    first = beta(z, a, b)
    if count == 1:
        return [first]
    line = _line(z, count)
    scale = a.lgamma() + b.lgamma() - (a + b).lgamma()
    return _integrated(first, (line.log() * (a - 1) + (1 - line).log() * (b - 1) - scale).exp(), count)


def _k(z: Ball, order: Ball) -> Ball:
    """K by Tricomi's function U, of which FLINT keeps more bits than of K itself; K is even in its order."""
    size = abs(order)
    u = (2 * z).hypgeom_u(size + arb("0.5"), 2 * size + 1)
    return ((2 * z).log() * size - z).exp() * u * arb.const_sqrt_pi()


def _around_middle(
    kind: str, function: Callable[[Ball, int, Ball], list[Ball]], z: Ball, count: int, order: Ball
) -> list[Ball]:
    """By the values at the middle, with more bits, and bounds of the slopes.

    FLINT sums a series with terms as large as exp(z), and a ball becomes so much wider: by a factor of 1e13 at 30.
    """
    low, high, off, p = z.lower(), z.upper(), z.rad(), float(order)
    before = ctx.prec
    ctx.prec = before + ceil(3.0 * float(high.min(arb(before))))
    try:
        values = function(z.mid(), count, order)
    finally:
        ctx.prec = before
    slopes = [bound(f"bessel_{kind}", i + 1, low, high, arb(0), p) for i in range(count)]
    return [v + (i + 1) * off * (b * arb(0, 1)) for i, (v, b) in enumerate(zip(values, slopes, strict=True))]


def _bessel(kind: str) -> Callable[[Ball, int, Ball], list[Ball]]:
    """The i-th derivative is 2^-i sum of binomial(i, k) (signs) w_(order - i + 2 k)."""
    lower, higher = {"j": (1, -1), "y": (1, -1), "i": (1, 1), "k": (-1, -1)}[kind]

    def function(z: Ball, count: int, order: Ball) -> list[Ball]:
        if kind == "i" and not abs(z) < FAR:
            return [arb.nan()] * count
        if kind in "jy" and z > LARGE and not z.is_exact():
            return _around_middle(kind, function, z, count, order)
        call = (lambda v: _k(z, v)) if kind == "k" else getattr(z, f"bessel_{kind}")
        around = {k: call(order + k) for k in range(1 - count, count)}
        return [
            sum((comb(i, k) * lower ** (i - k) * higher**k * around[2 * k - i] for k in range(i + 1)), arb(0))
            / (2**i * factorial(i))
            for i in range(count)
        ]

    return function


_COEFFICIENTS: dict[str, Callable[..., list[Ball]]] = {
    "atan": lambda z, count: _listed(_line(z, count).atan(), count) if count > 1 else [z.atan()],
    "cbrt": _cbrt,
    "lgamma": _lgamma,
    "digamma": _digamma,
    "erfc": _erfc,
    "erfcx": _erfcx,
    "erfinv": _erfinv,
    "exp1": _exp1,
    **{f"bessel_{kind}": _bessel(kind) for kind in "jyik"},
    "gammainc": _gammainc,
    "gammaincc": _gammaincc,
    "betainc": _betainc,
}


def bound(op: str, i: int, low: Ball, high: Ball, h: Ball, p: Parameter = None) -> Ball | None:
    """Bound of |phi^(i)/i!|, i <= 6, on the rectangle."""
    if not (low.is_finite() and high.is_finite() and h.is_finite()):
        return None
    if one_sided(op, p) and not low > 0:
        return None
    size = _BOUNDS[op](i, low, high, h, *_numbers(p))
    return size.upper() if size is not None and size.is_finite() else None


def _from_zero(low: Ball, high: Ball) -> Ball:
    """Distance of a real interval from 0; not positive if it holds 0."""
    return low.max(-high)


def _size(low: Ball, high: Ball) -> Ball:
    return abs(low).max(abs(high))


def _atan_bound(i: int, low: Ball, high: Ball, h: Ball) -> Ball | None:
    near, above = _from_zero(low, high), 1 - h
    if not near > 0:
        if not above > 0:
            return None
        near = arb(0)
    if not above > 0:
        above = arb(0)
    distance = (near * near + above * above).sqrt()
    return arb.pi() / 2 + h / distance if i == 0 else 1 / (i * distance**i)


def _cbrt_bound(i: int, low: Ball, high: Ball, h: Ball) -> Ball | None:
    near = _from_zero(low, high)
    if not near > 0:
        return None
    if i == 0:
        return (_size(low, high) + h).root(3)
    factor = arb(1)
    for k in range(i):
        factor = factor * (arb(1) / 3 - k) / (k + 1)
    return abs(factor) * near.root(3) / near**i


def _zeta(s: int, a: Ball) -> Ball:
    """At least sum (a + k)^-s."""
    return (1 + a / (s - 1)) / a**s


def _digamma_bound(i: int, low: Ball, high: Ball, h: Ball) -> Ball:
    return _zeta(i + 1, low) if i else abs(low.digamma()).max(abs(high.digamma())) + h * _zeta(2, low)


def _lgamma_bound(i: int, low: Ball, high: Ball, h: Ball) -> Ball:
    if i == 0:
        ends = abs(low.lgamma()).max(abs(high.lgamma())).max(arb("0.1215"))
        return ends + h * _digamma_bound(0, low, high, h)
    return _zeta(i, low) / i if i > 1 else _digamma_bound(0, low, high, h)


def _erfcx_bound(i: int, low: Ball, high: Ball, h: Ball) -> Ball:
    root = arb.pi().sqrt()
    if low < 0:
        moments = (comb(i, k) * (arb(k + 1) / 2).gamma() * abs(low) ** (i - k) for k in range(i + 1))
        return 2 ** (i + 1) * (low * low).exp() * sum(moments, arb(0)) / (root * factorial(i))
    flat = 2**i * (arb(i + 1) / 2).gamma() / (root * factorial(i))
    return flat.min(1 / (root * low ** (i + 1))) if low > 0 else flat


def _erfc_bound(i: int, low: Ball, high: Ball, h: Ball) -> Ball:
    if i == 0:
        bound = low.erfc() * (h * h).exp()
        if bound.is_finite():
            return bound
        # Far out one factor overflows and the other vanishes: erfc(x) <= exp(-x^2)/(x sqrt(pi)) for x > 0 (DLMF 7.8.4,
        # weaker), and erfc(-z) = 2 - erfc(z).
        near = low if low > 0 else -high
        tail = (h * h - near * near).exp() / (near * arb.pi().sqrt())
        return tail if low > 0 else 2 + tail if high < 0 else bound
    near, size = _from_zero(low, high), (_size(low, high) ** 2 + h * h).sqrt()
    grown = (h * h - near * near).exp() if near > 0 else (h * h).exp()
    polynomial = arb_poly([1])
    for _ in range(1, i):  # with absolute coefficients, H_k = 2 x H_(k-1) + H_(k-1)'
        polynomial = arb_poly([0, 2]) * polynomial + polynomial.derivative()
    return 2 * grown * polynomial(size) / (arb.pi().sqrt() * factorial(i))


def _erfinv_bound(i: int, low: Ball, high: Ball, h: Ball) -> Ball | None:
    far = (_size(low, high) ** 2 + h * h).sqrt().upper()
    return _erfinv(far, i + 1)[i] if far < 1 else None


def _powers(low: Ball, terms: list[Any]) -> Ball:
    """sum_k terms_k k!/low^(k+1)."""
    return sum((c * factorial(k) / low ** (k + 1) for k, c in enumerate(terms)), arb(0))


def _exp1_bound(i: int, low: Ball, high: Ball, h: Ball) -> Ball:
    if i == 0:
        return (-low).exp() * (1 / low).min((1 + 1 / low).log())
    return (-low).exp() * _powers(low, [comb(i - 1, k) for k in range(i)]) / factorial(i)


def _p_bound(i: int, low: Ball, high: Ball, h: Ball, p: float) -> Ball:
    if i == 0:
        return 1 + h * _p_bound(1, low, high, h, p)
    far, total, factor, s = high + h, arb(0), arb(1), arb(p)
    for j in range(i):
        q = s - 1 - j
        total = total + abs(factor) * (low**q).max(far**q) / factorial(i - 1 - j)
        factor = factor * q / (j + 1)
    return s.rgamma() * (-low).exp() * total / i


def _beta_bound(i: int, low: Ball, high: Ball, h: Ball, a: float, b: float) -> Ball | None:
    if not high < 1:
        return None
    if i == 0:
        first = _beta_bound(1, low, high, h, a, b)
        return None if first is None else 1 + h * first
    p, q = arb(a) - 1, arb(b) - 1
    sizes = (low, (high * high + h * h).sqrt()), (1 - high, ((1 - low) ** 2 + h * h).sqrt())
    total, left = arb(0), [arb(1)]
    for j in range(i - 1):
        left.append(left[j] * (p - j) / (j + 1))
    right = [arb(1)]
    for j in range(i - 1):
        right.append(right[j] * (q - j) / (j + 1))
    for j in range(i):
        first = abs(left[j]) * (sizes[0][0] ** (p - j)).max(sizes[0][1] ** (p - j))
        k = i - 1 - j
        total = total + first * abs(right[k]) * (sizes[1][0] ** (q - k)).max(sizes[1][1] ** (q - k))
    return total * (arb(a) + arb(b)).gamma() * arb(a).rgamma() * arb(b).rgamma() / i


_BOUNDS: dict[str, Callable[..., Ball | None]] = {
    "atan": _atan_bound,
    "cbrt": _cbrt_bound,
    "lgamma": _lgamma_bound,
    "digamma": _digamma_bound,
    "erfc": _erfc_bound,
    "erfcx": _erfcx_bound,
    "erfinv": _erfinv_bound,
    "exp1": _exp1_bound,
    "bessel_j": j_bound,
    "bessel_y": y_bound,
    "bessel_i": i_bound,
    "bessel_k": k_bound,
    "gammainc": _p_bound,
    "gammaincc": _p_bound,
    "betainc": _beta_bound,
}
