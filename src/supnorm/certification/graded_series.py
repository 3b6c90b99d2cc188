"""Elementary functions for graded models: Taylor coefficients on the real line, bounds in the complex plane.

`taylor`[phi](z) gives phi^(i)(z)/i! for i = 0..5 with bounds of their rounding. `modulus`[phi](low, high, h)
bounds |phi| on the rectangle low <= Re z <= high, |Im z| <= h, infinite where phi is singular there. From it, by Cauchy,
|phi^(i)(z)/i!| <= modulus on the rectangle enlarged by e, divided by e^i (`bounds`).

`heights`[phi](c, r) proposes half-heights of ellipses round [c - r, c + r] with such e; any choice is sound.
`real_bounds` bounds the Taylor coefficients on a real interval: by `LARGEST`, whose constants the tests prove in
interval arithmetic, or by closed forms.
Rounding of the Taylor coefficients: each is a polynomial in one or two library values (trusted to `ULPS` units), computed
by a recurrence of at most a few dozen operations. Its error is at most 200 units of the same recurrence with absolute
values; powers add the error of the exponent (`exponent_rounding`). For underflow each error has an absolute term, and
no bound is below it (`ROOM`), because a lost number may be multiplied by a power of a huge argument.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import special

from supnorm.certification.elementary import exponent_rounding
from supnorm.certification.rounding import Array, U
from supnorm.certification.special_bounds import SPECIAL, is_entire, largest
from supnorm.certification.special_series import series

ORDER = 6  # the Taylor coefficients 0..5 are used; the sixth bounds the remainder
Series = tuple[list[Array], list[Array]]
_EPS = 200.0 * U
ROOM = 1e-295  # bound of what underflow loses of a coefficient; the recurrences multiply it by less than 1e12
_ROOT2 = math.sqrt(2.0)


def _tanh(z: Array) -> Series:
    t = [np.tanh(z)]
    t.append(1.0 - t[0] * t[0])
    t.append(-t[0] * t[1])
    t.append((-2.0 * t[0] * t[2] - t[1] * t[1]) / 3.0)
    t.append((-t[0] * t[3] - t[1] * t[2]) / 2.0)
    t.append((-2.0 * (t[0] * t[4] + t[1] * t[3]) - t[2] * t[2]) / 5.0)
    sizes = (1.0, 2.0, 2.0, 8.0 / 3.0, 10.0 / 3.0, 4.3)
    return t, [np.asarray(_EPS * s) for s in sizes]


def _sigmoid(z: Array) -> Series:
    t, e = _tanh(0.5 * z)
    values = [special.expit(z)] + [t[i] * 0.5 ** (i + 1) for i in range(1, ORDER)]
    return values, [e[i] * 0.5 ** (i + 1) + (_EPS if i == 0 else 0.0) for i in range(ORDER)]


def _softplus(z: Array) -> Series:
    s, e = _sigmoid(z)
    first = np.logaddexp(z, 0.0)
    return [first, *(s[i] / (i + 1) for i in range(ORDER - 1))], [
        _EPS * first + ROOM,
        *(e[i] / (i + 1) + _EPS * np.abs(s[i]) for i in range(ORDER - 1)),
    ]


def _times_z(z: Array, s: Series) -> Series:
    """z times a function: c_i = z s_i + s_{i-1}."""
    (v, e), size = s, np.abs(z)
    values = [z * v[0]] + [z * v[i] + v[i - 1] for i in range(1, ORDER)]
    errors = [size * e[0] + _EPS * np.abs(values[0])]
    for i in range(1, ORDER):
        errors.append(size * e[i] + e[i - 1] + _EPS * (size * np.abs(v[i]) + np.abs(v[i - 1])))
    return values, errors


def _normal(z: Array) -> Series:
    """The normal distribution function: its density g obeys g' = -z g."""
    size = np.abs(z)
    g = [np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)]
    a = [g[0] * (1.0 + z * z) + ROOM]  # the exponent's rounding grows with z^2
    for k in range(ORDER - 2):
        before, a_before = (g[k - 1], a[k - 1]) if k else (0.0, 0.0)
        g.append(-(z * g[k] + before) / (k + 1))
        a.append((size * a[k] + a_before) / (k + 1))
    phi = special.ndtr(z)
    values = [phi] + [g[i] / (i + 1) for i in range(ORDER - 1)]
    return values, [_EPS * (1.0 + z * z) * phi + ROOM] + [_EPS * a[i] + ROOM for i in range(ORDER - 1)]


def _erf(z: Array) -> Series:
    v, e = _normal(_ROOT2 * z)
    values = [special.erf(z)] + [2.0 * v[i] * _ROOT2**i for i in range(1, ORDER)]
    return values, [np.abs(values[0]) * _EPS + ROOM] + [2.0 * _ROOT2**i * e[i] for i in range(1, ORDER)]


def _relative(values: list[Array]) -> Series:
    return values, [_EPS * np.abs(v) + ROOM for v in values]


def _cycle(z: Array, shift: int) -> Series:
    s, c = np.sin(z), np.cos(z)
    turns = (s, c, -s, -c)
    return _relative([turns[(i + shift) % 4] / math.factorial(i) for i in range(ORDER)])


def _exp(z: Array) -> Series:
    v = np.exp(z)
    return _relative([v / math.factorial(i) for i in range(ORDER)])


def _log(z: Array) -> Series:
    return _relative([np.log(z)] + [-((-1.0 / z) ** i) / i for i in range(1, ORDER)])


def _reciprocal(z: Array) -> Series:
    return _relative([(-1.0 / z) ** i / z for i in range(ORDER)])


def _power(z: Array, p: float) -> Series:
    whole = float(p).is_integer()
    values, factor = [], 1.0
    for i in range(ORDER):
        values.append(
            np.zeros_like(z) if factor == 0.0 else factor * (z ** int(p - i) if whole else z ** (p - i))
        )
        factor *= (p - i) / (i + 1)
    return values, [(_EPS + exponent_rounding(z, p - i)) * np.abs(v) + ROOM for i, v in enumerate(values)]


def _strip_tanh(h: Array) -> Array:
    """|tanh| on |Im z| <= h: tan h, at least 1; the pole is at pi/2."""
    return np.where(h < 1.57, np.maximum(np.tan(np.minimum(h, 1.57)), 1.0), np.inf)


def _far(low: Array, high: Array) -> Array:
    return np.maximum(np.abs(low), np.abs(high))


def _strip_sigmoid(low: Array, high: Array, h: Array) -> Array:
    return 0.5 * (1.0 + _strip_tanh(0.5 * h))


def _strip_softplus(low: Array, high: Array, h: Array) -> Array:
    """log|1 + e^z| lies between log sin h (log 1 for h < pi/2) and log(1 + e^high); |arg| <= h < pi."""
    deep = np.where(h < math.pi / 2, 1.0, np.sin(np.minimum(h, 3.1)))
    real = np.maximum(np.logaddexp(high, 0.0), -np.log(deep))
    return np.where(h < 3.1, real + h, np.inf)


def _strip_erf(low: Array, high: Array, h: Array) -> Array:
    """|erf(x + iy) - erf(x)| <= 2/sqrt(pi) |y| e^(y^2)."""
    return np.where(h < 20.0, 1.0 + 1.1284 * h * np.exp(np.minimum(h, 20.0) ** 2), np.inf)


def _strip_gelu(low: Array, high: Array, h: Array) -> Array:
    return 0.5 * (_far(low, high) + h) * (1.0 + _strip_erf(low, high, h / _ROOT2))


def _strip_power(low: Array, high: Array, h: Array, p: float) -> Array:
    far = _far(low, high) + h
    if p >= 0 and float(p).is_integer():
        return np.asarray(far ** int(p))
    near = np.where(low > 0, low, -high) if float(p).is_integer() else low
    with np.errstate(all="ignore"):
        return np.where(near > 0, np.maximum(np.where(near > 0, near, 1.0) ** p, far**p), np.inf)


def _strip_log(low: Array, high: Array, h: Array) -> Array:
    near = np.where(low > 0, low, 1.0)
    ends = np.maximum(np.abs(np.log(near)), np.abs(np.log(np.maximum(high, near) + h)))
    return np.where(low > 0, ends + math.pi / 2, np.inf)


def _special(op: str) -> Callable[..., Series]:
    def coefficients(z: Array, *parameter: float) -> Series:
        values, errors = series(op, z, ORDER, *parameter)
        return values, [e + ROOM for e in errors]

    return coefficients


def _strip_special(op: str) -> Callable[..., Array]:
    return lambda low, high, h, *parameter: largest(op, 0, low, high, h, *parameter)


MODULUS: dict[str, Callable[..., Array]] = {
    "tanh": lambda low, high, h: _strip_tanh(h),
    "sigmoid": _strip_sigmoid,
    "softplus": _strip_softplus,
    "silu": lambda low, high, h: (_far(low, high) + h) * _strip_sigmoid(low, high, h),
    "gelu": _strip_gelu,
    "erf": _strip_erf,
    "sin": lambda low, high, h: np.cosh(np.minimum(h, 600.0)),
    "cos": lambda low, high, h: np.cosh(np.minimum(h, 600.0)),
    "exp": lambda low, high, h: np.exp(np.minimum(high, 700.0)) * np.where(high < 700.0, 1.0, np.inf),
    "log": _strip_log,
    "sqrt": lambda low, high, h: _strip_power(low, high, h, 0.5),
    "pow": _strip_power,
    "reciprocal": lambda low, high, h: _strip_power(low, high, h, -1.0),
    **{op: _strip_special(op) for op in SPECIAL},
}

TAYLOR: dict[str, Callable[..., Series]] = {
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "silu": lambda z: _times_z(z, _sigmoid(z)),
    "gelu": lambda z: _times_z(z, _normal(z)),
    "erf": _erf,
    "sin": lambda z: _cycle(z, 0),
    "cos": lambda z: _cycle(z, 1),
    "exp": _exp,
    "log": _log,
    "sqrt": lambda z: _power(z, 0.5),
    "pow": _power,
    "reciprocal": _reciprocal,
    **{op: _special(op) for op in SPECIAL},
}


LARGEST: dict[str, tuple[float, ...]] = {  # sup |phi^(i)/i!| on the real line, i = 1..6, rounded up
    "tanh": (1.0, 0.385, 0.334, 0.171, 0.134, 0.073),
    "sigmoid": (0.25, 0.0482, 0.0209, 0.00534, 0.00209, 0.00057),
    "softplus": (1.0, 0.125, 0.0161, 0.00522, 0.00107, 0.00035),
    "silu": (1.1, 0.25, 0.0514, 0.0209, 0.0055, 0.0021),
    "gelu": (1.13, 0.399, 0.13, 0.0665, 0.0238, 0.01),
    "erf": (1.1284, 0.4842, 0.3762, 0.1837, 0.1129, 0.0514),
}


def real_bounds(op: str, low: Array, high: Array, *parameter: float) -> list[Array]:
    """Bounds of |phi^(i)/i!|, i = 1..6, on the real interval [low, high]."""
    if op in LARGEST:
        return [np.full(np.shape(low), v) for v in LARGEST[op]]
    zero = np.zeros_like(low)
    return [size * (1.0 + 1e-12) for size in bounds(op, low, high, zero, zero, *parameter)[1:]]


def bounds(op: str, low: Array, high: Array, h: Array, e: Array, *parameter: float) -> list[Array]:
    """Bounds of |phi^(i)/i!|, i = 0..6, on the rectangle; by closed forms, or Cauchy with the margin ``e``."""
    return [np.maximum(size, ROOM) for size in _bounds(op, low, high, h, e, *parameter)]


def _bounds(op: str, low: Array, high: Array, h: Array, e: Array, *parameter: float) -> list[Array]:
    if op in SPECIAL:
        return [largest(op, i, low, high, h, *parameter) for i in range(ORDER + 1)]
    size = MODULUS[op](low - e, high + e, h + e, *parameter)
    if op in ("sin", "cos", "exp"):
        size = MODULUS[op](low, high, h)
        return [size / math.factorial(i) for i in range(ORDER + 1)]
    if op in ("erf", "gelu"):
        return _gaussian(op, low, high, h, e)
    if op in ("log", "sqrt", "pow", "reciprocal"):
        return _powers(op, low, high, h, *parameter)
    return [size / e**i for i in range(ORDER + 1)]


def _gaussian(op: str, low: Array, high: Array, h: Array, e: Array) -> list[Array]:
    """Through the density g, |g| <= e^(h^2/2)/sqrt(2 pi): the i-th coefficient of Phi is g_(i-1)/i."""
    k = _ROOT2 if op == "erf" else 1.0
    h, e = k * h, k * e
    reach = h + e
    density = np.where(reach < 30.0, 0.39895 * np.exp(0.5 * np.minimum(reach, 30.0) ** 2), np.inf)
    phi = [0.5 * (1.0 + _strip_erf(low, high, h / _ROOT2))]
    phi += [density / (e ** (i - 1) * i) for i in range(1, ORDER + 1)]
    if op == "erf":
        return [_strip_erf(low, high, h / k)] + [2.0 * k**i * phi[i] for i in range(1, ORDER + 1)]
    far = _far(low, high) + h
    return [far * phi[0]] + [far * phi[i] + phi[i - 1] for i in range(1, ORDER + 1)]


def _powers(op: str, low: Array, high: Array, h: Array, *parameter: float) -> list[Array]:
    p = {"log": 0.0, "sqrt": 0.5, "reciprocal": -1.0}.get(op, parameter[0] if parameter else 0.0)
    if op == "log":
        rest = [_strip_power(low, high, h, float(-i)) / i for i in range(1, ORDER + 1)]
        return [_strip_log(low, high, h), *rest]
    out, factor = [], 1.0
    for i in range(ORDER + 1):
        out.append(np.zeros_like(low) if factor == 0.0 else abs(factor) * _strip_power(low, high, h, p - i))
        factor *= (p - i) / (i + 1)
    return out


_FIXED: dict[str, tuple[tuple[float, float], ...]] = {  # (height of the ellipse, margin e)
    "tanh": ((1.3, 0.15), (0.95, 0.45), (0.5, 0.9)),
    "sigmoid": ((2.6, 0.3), (1.9, 0.9), (1.0, 1.8)),
    "softplus": ((2.6, 0.3), (1.9, 0.9), (1.0, 1.8)),
    "silu": ((2.6, 0.3), (1.9, 0.9), (1.0, 1.8)),
    "gelu": ((3.0, 0.5), (2.0, 1.0), (1.0, 1.5)),
    "erf": ((2.2, 0.4), (1.4, 0.7), (0.7, 1.0)),
}


def heights(op: str, c: Array, r: Array, *parameter: float) -> list[tuple[Array, Array]]:
    """Pairs (half-height of an ellipse round [c - r, c + r], margin e for Cauchy's bound)."""
    if op in _FIXED:
        return [(np.asarray(b), np.asarray(e)) for b, e in _FIXED[op]]
    zero = np.asarray(0.0)
    whole = op == "pow" and parameter[0] >= 0 and float(parameter[0]).is_integer()
    if op in ("sin", "cos", "exp") or whole:
        return [(b * (1.0 + r), zero) for b in (8.0, 3.0)]
    if op == "erfc":  # exp(h^2) grows; heights of erf
        return [(np.asarray(b), zero) for b in (2.2, 1.4, 0.7)]
    if op in SPECIAL and is_entire(op, *parameter):
        return [(b * (1.0 + r), zero) for b in (8.0, 3.0, 1.0)]
    if op == "betainc":  # it has a branch point at 1, too
        free = np.sqrt(np.maximum(np.minimum(c, 1.0 - c) ** 2 - r * r, 0.0))
        return [(part * free, zero) for part in (0.9, 0.6, 0.3)]
    if op == "erfinv":  # the rectangle round the ellipse has to stay in the unit disc
        free = np.sqrt(np.maximum((1.0 - np.abs(c)) ** 2 - r * r, 0.0))
        return [(part * free, zero) for part in (0.7, 0.4, 0.2)]
    if op == "atan":  # the cuts begin at +-i, and the rectangle may end at one of them or at 0
        return [
            (np.maximum(part, part * np.sqrt(np.maximum(c * c - r * r, 0.0))), zero)
            for part in (0.9, 0.6, 0.3)
        ]
    room = np.sqrt(np.maximum(c * c - r * r, 0.0))  # the pole at 0 is an end of the ellipse of this height
    return [(part * room, zero) for part in (0.98, 0.9, 0.7)]
