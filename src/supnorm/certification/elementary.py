"""Value, slope and their rounding errors at a point, and the largest slope on an interval.

`at_point`[phi](c) returns (phi(c), phi'(c), error of the first, error of the second); library functions are
trusted to `ULPS` units, a listed assumption of every certificate. `steepest`[phi](c, r) bounds |phi'| on the
real interval [c - r, c + r]: it carries rounding errors of evaluation through phi.

A relative error says nothing about a number that underflows, and a slope that is lost may be multiplied by a huge reach.
So every error has an absolute term, a few times the smallest normal number (`LEAST`), and every bound of a slope is at
least as large. `near_one` keeps the bounds narrow.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import special

from supnorm.certification.majorants import _sech2
from supnorm.certification.rounding import ULPS, Array, U, power_margin
from supnorm.certification.special_bounds import SPECIAL, largest
from supnorm.certification.special_series import series

Four = tuple[Array, Array, Array, Array]
_V, _D = 2 * ULPS * U, 6 * ULPS * U
LEAST = 2.3e-308  # above the smallest normal number: what one operation may lose by underflow


def _tanh(c: Array) -> Four:
    v, s = np.tanh(c), _sech2(c)
    return v, s, _V * np.abs(v), _D * s


def _sigmoid(c: Array) -> Four:
    v, s = special.expit(c), 0.25 * _sech2(0.5 * c)
    return v, s, _V * v, _D * s


def _softplus(c: Array) -> Four:
    v, s = np.logaddexp(c, 0.0), special.expit(c)
    return v, s, _V * v, _D * s


def _silu(c: Array) -> Four:
    v, s = special.expit(c), 0.25 * _sech2(0.5 * c)
    return c * v, v + c * s, _V * np.abs(c * v), _D * (v + np.abs(c) * s)


def _gauss(c: Array) -> tuple[Array, Array]:
    return np.exp(-0.5 * c * c) / math.sqrt(2.0 * math.pi), 1.0 + c * c


def _gelu(c: Array) -> Four:
    density, loss = _gauss(c)
    v = special.ndtr(c)
    return c * v, v + c * density, _V * loss * np.abs(c * v), _D * loss * (v + np.abs(c) * density)


def _erf(c: Array) -> Four:
    v, s = special.erf(c), 2.0 / math.sqrt(math.pi) * np.exp(-c * c)
    return v, s, _V * np.abs(v), _D * (1.0 + c * c) * s


def _sin(c: Array) -> Four:
    v, s = np.sin(c), np.cos(c)
    return v, s, _V * np.abs(v), _D * np.abs(s)


def _cos(c: Array) -> Four:
    v, s = np.cos(c), -np.sin(c)
    return v, s, _V * np.abs(v), _D * np.abs(s)


def _exp(c: Array) -> Four:
    v = np.exp(c)
    return v, v, _V * v, _D * v


def _log(c: Array) -> Four:
    v, s = np.log(c), 1.0 / c
    return v, s, _V * np.abs(v), _D * np.abs(s)


def _sqrt(c: Array) -> Four:
    v = np.sqrt(c)
    s = 0.5 / v
    return v, s, _V * v, _D * s


def _power(c: Array, p: float) -> Four:
    v = np.asarray(c ** int(p) if float(p).is_integer() else c**p)
    s = (
        np.zeros_like(c)
        if p == 0
        else np.asarray(p * (c ** int(p - 1) if float(p).is_integer() else c ** (p - 1)))
    )
    return v, s, _V * np.abs(v), (_D + exponent_rounding(c, p - 1.0)) * np.abs(s)


def exponent_rounding(z: Array, p: float) -> Array | float:
    """Relative error of z^p, z > 0, that comes from the rounding of p, if p was computed as a difference.

    >>> (exponent_rounding(np.array([1.0, np.e]), -8.3) / U).round(9)
    array([0. , 8.3])
    """
    return 0.0 if float(p).is_integer() else U * abs(p) * np.abs(np.log(z))


def _special(op: str) -> Callable[..., Four]:
    def at_point(c: Array, *parameter: float) -> Four:
        (v, s), (v_err, s_err) = series(op, c, 2, *parameter)
        return v, s, v_err, s_err

    return at_point


def _steepest_special(op: str) -> Callable[..., Array]:
    return lambda c, r, *parameter: largest(op, 1, c - r, c + r, np.asarray(0.0), *parameter)


def _reciprocal(c: Array) -> Four:
    v = 1.0 / c
    return v, -v * v, _V * np.abs(v), _D * v * v


def largest_power(c: Array, r: Array, p: float) -> Array:
    """sup |z|^p for z in [c - r, c + r]."""
    far, near = np.abs(c) + r, np.maximum(np.abs(c) - r, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.maximum(far**p, near**p) * (1.0 + power_margin(p)))


def _constant(bound: float) -> Callable[[Array, Array], Array]:
    return lambda c, r: np.full(np.shape(c), bound)


def _with_room(phi: Callable[..., Four], grows: bool) -> Callable[..., Four]:
    """Add the errors that underflow may cause; with ``grows`` a factor c of the formula multiplies them."""

    def roomy(c: Array, *parameter: float) -> Four:
        v, s, v_err, s_err = phi(c, *parameter)
        room = 8.0 * LEAST * (1.0 + sum(map(abs, parameter))) * (1.0 + np.abs(c) if grows else 1.0)
        return v, s, v_err + room, s_err + room

    return roomy


def _above_underflow(bound: Callable[..., Array]) -> Callable[..., Array]:
    return lambda c, r, *parameter: np.maximum(bound(c, r, *parameter), LEAST)


AT_POINT: dict[str, Callable[..., Four]] = {
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "silu": _silu,
    "gelu": _gelu,
    "erf": _erf,
    "sin": _sin,
    "cos": _cos,
    "exp": _exp,
    "log": _log,
    "sqrt": _sqrt,
    "pow": _power,
    "reciprocal": _reciprocal,
    **{op: _special(op) for op in SPECIAL},
}
AT_POINT = {op: _with_room(phi, op in ("silu", "gelu")) for op, phi in AT_POINT.items()}

STEEPEST: dict[str, Callable[..., Array]] = {
    "tanh": _constant(1.0),
    "sigmoid": _constant(0.25),
    "softplus": _constant(1.0),
    "silu": _constant(1.1),  # the maximum is 1.0998 at 2.4
    "gelu": _constant(1.13),  # the maximum is 1.1289 at sqrt(2)
    "erf": _constant(1.1284),  # 2/sqrt(pi) = 1.12838
    "sin": _constant(1.0),
    "cos": _constant(1.0),
    "exp": lambda c, r: np.exp(c + r),  # infinite where the value itself may overflow
    "log": lambda c, r: largest_power(c, r, -1.0),
    "sqrt": lambda c, r: 0.5 * largest_power(c, r, -0.5),
    "pow": lambda c, r, p: abs(p) * (largest_power(c, r, p - 1.0) if p != 0 else np.zeros_like(c)),
    "reciprocal": lambda c, r: largest_power(c, r, -2.0),
    **{op: _steepest_special(op) for op in SPECIAL},
}
STEEPEST = {op: _above_underflow(bound) for op, bound in STEEPEST.items()}
