"""Functions that programs express by other operations and that are equal to these in real arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.program.branches import sign
from supnorm.program.operations import Unsupported
from supnorm.program.special import LARGEST_ORDER, LARGEST_SHAPE, LEAST_ORDER, has_balls
from supnorm.program.tracing import Builder, Tensor, Value

Array = NDArray[Any]
_ZERO, _ONE = np.asarray(0.0), np.asarray(1.0)
_ROOT_HALF = float(np.sqrt(0.5))


def power(build: Builder, base: Value, exponent: Value) -> Value:
    """base^exponent: powers where the exponent is constant, else exp(exponent log(base)), which needs base > 0."""
    if not isinstance(exponent, Tensor) and np.unique(np.asarray(exponent)).size == 1:
        p = float(np.asarray(exponent).ravel()[0])
        base = _beside(base, exponent)
        if not np.isfinite(p):
            raise Unsupported(f"a power {p}", "a finite exponent")
        if p == 0.5:
            return build.unary("sqrt", base)
        return build.binary("div", np.ones(base.shape), base) if p == -1.0 else build.unary("pow", base, p)
    if not isinstance(exponent, Tensor) and isinstance(base, Tensor) and np.size(exponent):
        return _powers(build, base, np.asarray(exponent))
    build.unlike.add("a power whose exponent varies")
    return build.unary("exp", build.binary("mul", exponent, build.unary("log", base)))


def _powers(build: Builder, base: Tensor, exponents: Array) -> Value:
    """Each entry to its own constant power, as in ``x ** np.arange(5)``; entries of one exponent together."""
    shape = np.broadcast_shapes(base.shape, exponents.shape)
    each = np.broadcast_to(exponents, shape).ravel()
    entries = base.arrange(lambda i: np.broadcast_to(i, shape).ravel())
    order = np.argsort(each, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(each[order])) + 1)
    powers = [
        power(build, entries.arrange(partial(np.take, indices=rows)), each[rows[:1]]) for rows in groups
    ]
    back = np.argsort(np.concatenate(groups))
    joined = build.concatenate(powers, 0)
    assert isinstance(joined, Tensor)
    return joined.arrange(lambda i: i[back].reshape(shape))


def _beside(x: Value, *others: Value) -> Value:
    """An argument with the shape that it has with others, of which only one number counts."""
    shape = np.broadcast_shapes(x.shape, *map(np.shape, others))
    return (
        x.arrange(lambda i: np.broadcast_to(i, shape)) if isinstance(x, Tensor) else np.broadcast_to(x, shape)
    )


def _half(build: Builder, x: Value, sign: str) -> Value:
    both = build.binary(sign, build.unary("exp", x), build.unary("exp", build.unary("neg", x)))
    return build.binary("mul", both, np.asarray(0.5))


def elu(build: Builder, x: Value, alpha: float = 1.0, scale: float = 1.0, stretch: float = 1.0) -> Value:
    """scale (max(x, 0) + alpha (exp(stretch min(x, 0)) - 1)): ELU; with other constants SELU and CELU."""
    below = build.binary("mul", build.binary("min", x, _ZERO), np.asarray(float(stretch)))
    tail = build.binary("sub", build.unary("exp", below), _ONE)
    both = build.binary(
        "add", build.binary("max", x, _ZERO), build.binary("mul", tail, np.asarray(float(alpha)))
    )
    return build.binary("mul", both, np.asarray(float(scale)))


def hard_sigmoid(build: Builder, x: Value, slope: float = 1.0 / 6.0, middle: float = 0.5) -> Value:
    """slope x + middle, cut off at 0 and 1."""
    line = build.binary("add", build.binary("mul", x, np.asarray(float(slope))), np.asarray(float(middle)))
    return build.binary("min", build.binary("max", line, _ZERO), _ONE)


def prelu(build: Builder, x: Value, slope: Value) -> Value:
    """max(x, 0) + slope min(x, 0), with slopes of any shape that broadcasts with x."""
    below = build.binary("mul", build.binary("min", x, _ZERO), slope)
    return build.binary("add", build.binary("max", x, _ZERO), below)


def special(build: Builder, op: str, x: Value, parameter: float | None = None) -> Value:
    """A special function, if its values can be proved and its parameter is one that has bounds.

    Raises:
        Unsupported: names the function and what to do.
    """
    if not has_balls():
        raise Unsupported(f"{op} without python-flint", "pip install 'python-flint>=0.6'")
    if parameter is None:
        return build.unary(op, x)
    limit = LARGEST_ORDER if op.startswith("bessel") else LARGEST_SHAPE
    order = abs(parameter) if op == "bessel_k" else parameter  # K is even in its order
    bessel = op.startswith("bessel")
    if not (0.0 <= order <= limit) or (order == 0.0 and not bessel):
        raise Unsupported(
            f"{op} with parameter {parameter:g}",
            f"parameters between 0 and {limit:g}, of the same number everywhere",
        )
    if bessel and 0.0 < order < LEAST_ORDER:
        raise Unsupported(
            f"{op} with parameter {parameter:g}", f"0, or a parameter of at least {LEAST_ORDER:.2g}"
        )
    return build.unary(op, x, order)


def with_parameter(build: Builder, op: str, parameter: Value, x: Value, source: str = "") -> Value:
    """A special function whose first argument is a number; ``source`` is its name in the code.

    Raises:
        Unsupported: when the parameter depends on the input or is not the same everywhere.
    """
    known = np.unique(np.asarray(parameter)) if not isinstance(parameter, Tensor) else np.zeros(0)
    if known.size != 1:
        raise Unsupported(f"{source or op} of a varying order or shape", f"{op} with one number")
    return special(build, op, _beside(x, parameter), float(known[0]))


def incomplete_beta(build: Builder, a: Value, b: Value, x: Value) -> Value:
    """I_x(a, b), whose shapes are numbers.

    Raises:
        Unsupported: for shapes that depend on the input, or for which no bounds are known.
    """
    shapes = [np.unique(np.asarray(s)) if not isinstance(s, Tensor) else np.zeros(0) for s in (a, b)]
    if any(s.size != 1 for s in shapes):
        raise Unsupported("betainc of varying shapes", "betainc with two numbers")
    first, second = (float(s[0]) for s in shapes)
    if not has_balls():
        raise Unsupported("betainc without python-flint", "pip install 'python-flint>=0.6'")
    if not (0.0 < first <= LARGEST_SHAPE and 0.0 < second <= LARGEST_SHAPE):
        raise Unsupported(
            f"betainc with shapes {first:g} and {second:g}", f"shapes above 0 and at most {LARGEST_SHAPE:g}"
        )
    return build.unary("betainc", _beside(x, a, b), first, second=second)


def scaled(build: Builder, kind: str, order: float, x: Value) -> Value:
    """exp(-|x|) I(x) or exp(x) K(x)."""
    size = x if kind == "k" else build.unary("neg", build.unary("abs", x))
    return build.binary("mul", build.unary("exp", size), special(build, f"bessel_{kind}", x, order))


def _whole_order(kind: str, n: int, build: Builder, x: Value) -> Value:
    return special(build, f"bessel_{kind}", x, float(n))


def _scaled(kind: str, n: int, build: Builder, x: Value) -> Value:
    return scaled(build, kind, float(n), x)


def _asin(build: Builder, x: Value) -> Value:
    """atan(x/sqrt((1 - x)(1 + x))), of which all of [-1, 1] but its ends has bounds."""
    rest = build.binary("mul", build.binary("sub", _ONE, x), build.binary("add", _ONE, x))
    return build.unary("atan", build.binary("div", x, build.unary("sqrt", rest)))


def _asinh(build: Builder, x: Value) -> Value:
    """log(x + sqrt(x^2 + 1))."""
    root = build.unary("sqrt", build.binary("add", build.unary("pow", x, 2.0), _ONE))
    return build.unary("log", build.binary("add", x, root))


def _acosh(build: Builder, x: Value) -> Value:
    """log(x + sqrt((x - 1)(x + 1)))."""
    square = build.binary("mul", build.binary("sub", x, _ONE), build.binary("add", x, _ONE))
    return build.unary("log", build.binary("add", x, build.unary("sqrt", square)))


def atan2(build: Builder, y: Value, x: Value) -> Value:
    """2 atan(y/(sqrt(x^2 + y^2) + x)), everywhere except on its cut, the negative x axis, where it has no bound."""
    squares = build.binary("add", build.unary("pow", x, 2.0), build.unary("pow", y, 2.0))
    below = build.binary("add", build.unary("sqrt", squares), x)
    return build.binary("mul", build.unary("atan", build.binary("div", y, below)), np.asarray(2.0))


def _log_ndtr(build: Builder, x: Value) -> Value:
    """log(erfcx(-x/sqrt 2)/2) - x^2/2."""
    scaled_tail = special(build, "erfcx", build.binary("mul", x, np.asarray(-_ROOT_HALF)))
    half = build.unary("log", build.binary("mul", scaled_tail, np.asarray(0.5)))
    return build.binary("sub", half, build.binary("mul", build.unary("pow", x, 2.0), np.asarray(0.5)))


def _ndtri(build: Builder, x: Value) -> Value:
    """sqrt(2) erfinv(2 x - 1)."""
    twice = build.binary("sub", build.binary("mul", x, np.asarray(2.0)), _ONE)
    return build.binary("mul", special(build, "erfinv", twice), np.asarray(float(np.sqrt(2.0))))


COMPOSED: dict[str, Callable[[Builder, Value], Value]] = {
    "reciprocal": lambda b, x: b.binary("div", _ONE, x),
    "sign": sign,
    "square": lambda b, x: b.unary("pow", x, 2.0),
    "rsqrt": lambda b, x: b.binary("div", _ONE, b.unary("sqrt", x)),
    "log1p": lambda b, x: b.unary("log", b.binary("add", x, _ONE)),
    "expm1": lambda b, x: b.binary("sub", b.unary("exp", x), _ONE),
    "tan": lambda b, x: b.binary("div", b.unary("sin", x), b.unary("cos", x)),
    "sinh": lambda b, x: _half(b, x, "sub"),
    "cosh": lambda b, x: _half(b, x, "add"),
    "erfc": lambda b, x: b.unary("erfc", x),
    "erfinv": lambda b, x: special(b, "erfinv", x),
    "erfcinv": lambda b, x: special(b, "erfinv", b.binary("sub", _ONE, x)),
    "asin": _asin,
    "acos": lambda b, x: b.binary("sub", np.asarray(0.5 * np.pi), _asin(b, x)),
    "asinh": _asinh,
    "acosh": _acosh,
    "atanh": lambda b, x: b.binary(
        "mul",
        b.unary("log", b.binary("div", b.binary("add", _ONE, x), b.binary("sub", _ONE, x))),
        np.asarray(0.5),
    ),
    "ndtr": lambda b, x: b.binary(
        "mul", b.unary("erfc", b.binary("mul", x, np.asarray(-_ROOT_HALF))), np.asarray(0.5)
    ),
    "ndtri": _ndtri,
    "log_ndtr": _log_ndtr,
    "logit": lambda b, x: b.unary("log", b.binary("div", x, b.binary("sub", _ONE, x))),
    "log_expit": lambda b, x: b.unary("neg", b.unary("softplus", b.unary("neg", x))),
    "entr": lambda b, x: b.unary("neg", b.binary("mul", x, b.unary("log", x))),
    "exp10": lambda b, x: b.unary("exp", b.binary("mul", x, np.asarray(np.log(10.0)))),
    "gamma": lambda b, x: b.unary("exp", special(b, "lgamma", x)),
    "rgamma": lambda b, x: b.unary("exp", b.unary("neg", special(b, "lgamma", x))),
    "deg2rad": lambda b, x: b.binary("mul", x, np.asarray(np.pi / 180.0)),
    "rad2deg": lambda b, x: b.binary("mul", x, np.asarray(180.0 / np.pi)),
    **{f"{kind}{n}": partial(_whole_order, kind, n) for kind in "jyik" for n in (0, 1)},
    **{f"{kind}{n}e": partial(_scaled, kind, n) for kind in "ik" for n in (0, 1)},
    "exp2": lambda b, x: b.unary("exp", b.binary("mul", x, np.asarray(np.log(2.0)))),
    "log2": lambda b, x: b.binary("div", b.unary("log", x), np.asarray(np.log(2.0))),
    "log10": lambda b, x: b.binary("div", b.unary("log", x), np.asarray(np.log(10.0))),
}
