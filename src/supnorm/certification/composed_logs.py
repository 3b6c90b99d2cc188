"""Chebyshev models of positive features by their logarithms, which formulas on logarithmic axes are made of.

The exponential e^t of a log axis has no zero, but a disc that holds its values on an ellipse soon does: 1/e^t and
log(e^t + 1) would get no bound on boxes of a decade. So a feature keeps what the program shows of its logarithm, a model:

    log(e^u) = u,    log(x y) = u + v,    log(x^p) = p u,
    log(x + y) = v + softplus(u - v),     log(x - y) = u + log(1 - e^(v - u)),

with u, v those of x and y, and of a feature that is positive on the box the model of its logarithm as a function. Powers and
logarithms of such features take the smaller remainder of two: their own, and that of p u, exponentiated, or of u. Likewise
(f - g)/g = e^(log f - log g) - 1, the error relative to g, which knows what f and g have in common.

Logarithms are made when they are asked for, of single features only. Values are always those of the operations themselves.
Where rounding is a large part of the smallest value, it is bounded relative to the value (`composed_relative`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from supnorm.certification import composed_model as plain
from supnorm.certification import composed_relative as relative
from supnorm.certification.composed_grid import Sizes
from supnorm.certification.composed_model import ChebyshevModel, Log
from supnorm.certification.composed_relative import Relative
from supnorm.certification.rounding import ULPS, Array, U

MOST_STEPS = 40  # they are made by recursion
EXACT = 1e-18  # a logarithm with no more remainder cannot be known better
POWERS = {"reciprocal": -1.0, "sqrt": 0.5}


def constant(value: Array, like: ChebyshevModel) -> ChebyshevModel:
    """A feature that does not vary."""
    exact = plain.constant(value, like)
    if len(value) > 1 or not value[0] > 0.0:
        return exact
    rounding = partial(relative.of_interval, *(np.asarray(v) for v in (exact.sizes.c, exact.err, exact.err)))
    make = partial(_log_of_constant, float(value[0]), exact)
    return replace(exact, logs=(Log(make, fixed=True, round=rounding),))


def _log_of_constant(value: float, exact: ChebyshevModel) -> ChebyshevModel:
    """Within the rounding of the library."""
    v = math.log(value)
    off = 2.0 * ULPS * U * abs(v)
    parts = exact.sizes.parts.copy()
    parts[..., 0] = off
    return ChebyshevModel(
        grid=exact.grid,
        values=np.full(exact.values.shape, v),
        rem=exact.rem,
        err=np.full_like(exact.err, off),
        known=Sizes(np.full_like(exact.sizes.c, v), parts),
    )


def add(x: ChebyshevModel, y: ChebyshevModel) -> ChebyshevModel:
    """x + y."""
    return _less_rounding(replace(plain.add(x, y), logs=_logs(_log_of_sum, x, y, relative.of_sum)))


def subtract(x: ChebyshevModel, y: ChebyshevModel) -> ChebyshevModel:
    """x - y."""
    return replace(plain.add(x, y, -1.0), logs=_logs(_log_of_difference, x, y), terms=(x, y))


def multiply(x: ChebyshevModel, y: ChebyshevModel) -> ChebyshevModel:
    """x y."""
    product = replace(plain.multiply(x, y), logs=_logs(_log_of_product, x, y, relative.of_product))
    return _less_rounding(product)


def divide(x: ChebyshevModel, y: ChebyshevModel) -> ChebyshevModel:
    """x/y = x (1/y); (f - g)/g is e^(log f - log g) - 1 as well, and so is (f - g)/|g| where g has a logarithm."""
    quotient = multiply(x, smooth("reciprocal", y))
    g = y if y.inside is None else y.inside
    if not x.terms or x.terms[1] is not g or not (x.terms[0].exponential or g.exponential):
        return quotient
    u, v = (_positive_log(z) for z in x.terms)
    if u is None or v is None:
        return quotient
    ratio = plain.smooth("exp", plain.add(u, v, -1.0))
    better = _with(quotient, ratio)
    if not _rough(better, x.terms[1]).any():
        return better
    off = relative.relative_error_err(_relative(x.terms[0]), _relative(y), ratio.size)
    return replace(better, err=np.fmin(better.err, off))


def smooth(op: str, x: ChebyshevModel, *parameter: float) -> ChebyshevModel:
    """phi(x); powers and logarithms of what is an exponential by its logarithm, where that is better."""
    if op == "pow" and parameter == (2.0,):
        return multiply(x, x)
    model = plain.smooth(op, x, *parameter)
    if op == "exp" and x.values.shape[1] == 1:
        rounding = partial(_relative_of_exp, x)
        return _less_rounding(replace(model, logs=(Log(lambda: x, round=rounding),)))
    p = parameter[0] if op == "pow" else POWERS.get(op)
    if not x.exponential or (log := x.log) is None or (p is None and op != "log"):
        return model
    if p is None:
        better = _with(model, log)
        if not _rough(better, x).any():
            return better
        return replace(better, err=np.fmin(better.err, relative.log_err(_relative(x))))
    power = plain.scale(log, p)
    of_power = Log(lambda: power, steps=x.steps + 1, round=lambda: relative.of_power(_relative(x), p))
    return _less_rounding(replace(_with(model, plain.smooth("exp", power)), logs=(of_power,)))


def without_relative(x: ChebyshevModel) -> ChebyshevModel:
    """The same without what is known of rounding relative to values, for a feature whose runtime adds to it."""
    return replace(x, logs=tuple(None if log is None else _rounded_by(log, None) for log in x.logs))


def _rounded_by(log: Log, rounding: Callable[[], Relative | None] | None) -> Log:
    """The same logarithm, made once, beside another bound of rounding."""
    return replace(log, make=lambda: log.model, round=rounding)


def only_where(right: NDArray[np.bool_], logs: tuple[Log | None, ...]) -> tuple[Log | None, ...]:
    """The same logarithms for a feature whose values are those of its operation only where ``right`` says so, ``(B, w)``."""

    def rounding(log: Log, known: NDArray[np.bool_]) -> Relative | None:
        old = log.relative
        return None if old is None else replace(old, off=np.where(known, old.off, np.inf))

    return tuple(
        None if log is None else _rounded_by(log, partial(rounding, log, right[:, k : k + 1]))
        for k, log in enumerate(logs)
    )


def _relative(x: ChebyshevModel) -> Relative:
    """What is kept of a single feature, or by its interval."""
    known = x.logs[0].relative if len(x.logs) == 1 and x.logs[0] is not None else None
    return relative.of_interval(x.sizes.c, x.reach, x.err) if known is None else known


def _relative_of_exp(x: ChebyshevModel) -> Relative:
    return relative.of_exp(x.sizes.c, x.reach, x.err)


def _rough(x: ChebyshevModel, of: ChebyshevModel) -> NDArray[np.bool_]:
    """Where the rounding of ``x`` or of its argument ``of`` is a large part of the smallest value, shape ``(B, w)``."""
    parts = [~(z.err <= relative.ROUGH * np.abs(z.values).min(-1)) for z in (x, of)]
    return np.asarray(parts[0] | parts[1], dtype=bool)


def _less_rounding(x: ChebyshevModel) -> ChebyshevModel:
    """A positive feature with the smaller one of two bounds of its rounding, where that is large."""
    if not x.exponential or not _rough(x, x).any():
        return x
    known = x.logs[0].relative if x.logs[0] is not None else None
    return x if known is None else replace(x, err=np.fmin(x.err, known.err))


def _with(x: ChebyshevModel, other: ChebyshevModel) -> ChebyshevModel:
    """``x`` with the remainder of another model of it (or it less a constant), on boxes where that is smaller.

    Of all axes together: the parts of the one and of the other do not belong together. Values must be known.
    """
    better = (other.rest < x.rest) & np.isfinite(x.values).all(-1)
    return replace(x, rem=np.where(better[..., None], other.rem, x.rem))


def _logs(
    rule: Callable[..., ChebyshevModel | None],
    x: ChebyshevModel,
    y: ChebyshevModel,
    rounding: Callable[[Relative, Relative], Relative] | None = None,
) -> tuple[Log, ...]:
    """The logarithm of a sum or product, to be made when it is asked for; none for long chains of them."""
    if not x.exponential and not y.exponential:
        return ()
    steps = 1 + max(x.steps, y.steps)
    if steps > MOST_STEPS:
        return ()
    by_value = None if rounding is None else lambda: rounding(_relative(x), _relative(y))
    return (Log(partial(rule, x, y), steps=steps, round=by_value),)


def _positive_log(x: ChebyshevModel) -> ChebyshevModel | None:
    """The logarithm of a single feature: what is kept, or as a function of it where it is positive; the better one."""
    stored = x.log
    if stored is not None and (stored.rest <= EXACT).all():
        return stored
    middle, radius = x.span
    if not (middle > radius).any():
        return stored
    direct = plain.smooth("log", x)
    if stored is None:
        return direct
    better = stored.rest <= direct.rest
    values, rem = (
        np.where(better[..., None], getattr(stored, k), getattr(direct, k)) for k in ("values", "rem")
    )
    return ChebyshevModel(x.grid, values, rem, np.where(better, stored.err, direct.err))


def _log_of_product(x: ChebyshevModel, y: ChebyshevModel) -> ChebyshevModel | None:
    u, v = _positive_log(x), _positive_log(y)
    return None if u is None or v is None else plain.add(u, v)


def _log_of_sum(x: ChebyshevModel, y: ChebyshevModel) -> ChebyshevModel | None:
    u, v = _positive_log(x), _positive_log(y)
    if u is None or v is None:
        return None
    return plain.add(v, plain.smooth("softplus", plain.add(u, v, -1.0)))


def _log_of_difference(x: ChebyshevModel, y: ChebyshevModel) -> ChebyshevModel | None:
    """No bound on boxes where y < x is not proved: the logarithm has none there."""
    u, v = _positive_log(x), _positive_log(y)
    if u is None or v is None:
        return None
    ratio = plain.smooth("exp", plain.add(v, u, -1.0))
    rest = plain.add(plain.constant(np.ones(1), x), ratio, -1.0)
    return plain.add(u, plain.smooth("log", rest))
