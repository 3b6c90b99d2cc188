"""Functions that programs express by other operations and that are equal to these in real arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from supnorm.program.tracing import Builder, Tensor, Value

_ZERO, _ONE = np.asarray(0.0), np.asarray(1.0)


def power(build: Builder, base: Value, exponent: Value) -> Value:
    """base^exponent: a power if the exponent is constant, else exp(exponent log(base)), which needs base > 0."""
    if not isinstance(exponent, Tensor) and np.unique(np.asarray(exponent)).size == 1:
        p = float(np.asarray(exponent).ravel()[0])
        if p == 0.5:
            return build.unary("sqrt", base)
        return build.binary("div", np.ones(base.shape), base) if p == -1.0 else build.unary("pow", base, p)
    return build.unary("exp", build.binary("mul", exponent, build.unary("log", base)))


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


COMPOSED: dict[str, Callable[[Builder, Value], Value]] = {
    "reciprocal": lambda b, x: b.binary("div", _ONE, x),
    "square": lambda b, x: b.unary("pow", x, 2.0),
    "rsqrt": lambda b, x: b.binary("div", _ONE, b.unary("sqrt", x)),
    "log1p": lambda b, x: b.unary("log", b.binary("add", x, _ONE)),
    "expm1": lambda b, x: b.binary("sub", b.unary("exp", x), _ONE),
    "tan": lambda b, x: b.binary("div", b.unary("sin", x), b.unary("cos", x)),
    "sinh": lambda b, x: _half(b, x, "sub"),
    "cosh": lambda b, x: _half(b, x, "add"),
    "erfc": lambda b, x: b.binary("sub", _ONE, b.unary("erf", x)),
    "exp2": lambda b, x: b.unary("exp", b.binary("mul", x, np.asarray(np.log(2.0)))),
    "log2": lambda b, x: b.binary("div", b.unary("log", x), np.asarray(np.log(2.0))),
    "log10": lambda b, x: b.binary("div", b.unary("log", x), np.asarray(np.log(10.0))),
}
