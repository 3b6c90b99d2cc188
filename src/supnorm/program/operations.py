"""The operations of a straight-line program, with their values and derivatives in float64.

Structural operations (``input``, ``constant``, ``affine``, ``take``, ``concat``) move or combine features;
``UNARY`` and ``BINARY`` act feature by feature. Everything else (layer normalisation, convolution, residual
connections, softmax, ...) is a composition of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import special

from supnorm.program.special import NAMES, value

Array = NDArray[np.float64]

PARAMETERS = {  # the one float that an operation may carry
    "pow": "exponent",
    "leaky_relu": "slope",
    **{f"bessel_{kind}": "order" for kind in "jyik"},
    **{name: "shape" for name in ("gammainc", "gammaincc", "betainc")},
}
SECOND = {"betainc": "second_shape"}  # a second one
_TANH_GELU = math.sqrt(2.0 / math.pi)
_CUBIC = 0.044715  # of gelu by tanh, as all libraries have it


# For a function that calls a module of torch.
MODULE = "the torch module itself in place of a function that calls it"


class Unsupported(Exception):
    """An operation that straight-line programs do not have.

    Attributes:
        operation: its name in the source (ONNX operator, JAX primitive, NumPy function).
        nearest: what to use instead.

    >>> print(Unsupported("Mod", "none"))
    operation Mod is not supported; nearest supported form: none
    """

    def __init__(self, operation: str, nearest: str) -> None:
        super().__init__(f"operation {operation} is not supported; nearest supported form: {nearest}")
        self.operation = operation
        self.nearest = nearest


class Unreadable(Unsupported):
    """A function whose operations cannot be read.

    >>> print(Unreadable("f.csv is a table", "code"))
    f.csv is a table; nearest supported form: code
    """

    def __init__(self, why: str, nearest: str) -> None:
        Exception.__init__(self, f"{why}; nearest supported form: {nearest}")
        self.operation, self.nearest = why, nearest


def _sigmoid(x: Array) -> Array:
    return np.asarray(special.expit(x))


def _normal_density(x: Array) -> Array:
    return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def _gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1.0 + np.tanh(_TANH_GELU * (x + _CUBIC * x**3)))


def _gelu_tanh_slope(x: Array) -> Array:
    t = np.tanh(_TANH_GELU * (x + _CUBIC * x**3))
    return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * _TANH_GELU * (1.0 + 3.0 * _CUBIC * x * x)


def _silu_slope(x: Array) -> Array:
    s = _sigmoid(x)
    return s + x * s * (1.0 - s)


def _pow(x: Array, p: float) -> Array:
    return np.asarray(x ** int(p) if float(p).is_integer() else x**p)


UNARY: dict[str, Callable[..., Array]] = {
    "neg": np.negative,
    "abs": np.abs,
    "relu": lambda x: np.maximum(x, 0.0),
    "leaky_relu": lambda x, s: np.where(x >= 0, x, s * x),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "softplus": lambda x: np.logaddexp(x, 0.0),
    "silu": lambda x: x * _sigmoid(x),
    "gelu": lambda x: x * special.ndtr(x),
    "gelu_tanh": _gelu_tanh,
    "sin": np.sin,
    "cos": np.cos,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "erf": special.erf,
    "erfc": special.erfc,
    "pow": _pow,
    "atan": np.arctan,
    "cbrt": np.cbrt,
    **{name: partial(value, name) for name in NAMES},
}


def _gamma_density(x: Array, y: Array, s: float) -> Array:
    return np.asarray(np.exp((s - 1.0) * np.log(x) - x - special.gammaln(s)))


# derivative from the argument x and the value y
SLOPE: dict[str, Callable[..., Array]] = {
    "neg": lambda x, y: -np.ones_like(x),
    "abs": lambda x, y: np.sign(x),
    "relu": lambda x, y: (x > 0).astype(float),
    "leaky_relu": lambda x, y, s: np.where(x >= 0, 1.0, s),
    "tanh": lambda x, y: 1.0 - y * y,
    "sigmoid": lambda x, y: y * (1.0 - y),
    "softplus": lambda x, y: _sigmoid(x),
    "silu": lambda x, y: _silu_slope(x),
    "gelu": lambda x, y: special.ndtr(x) + x * _normal_density(x),
    "gelu_tanh": lambda x, y: _gelu_tanh_slope(x),
    "sin": lambda x, y: np.cos(x),
    "cos": lambda x, y: -np.sin(x),
    "exp": lambda x, y: y,
    "log": lambda x, y: 1.0 / x,
    "sqrt": lambda x, y: 0.5 / y,
    "erf": lambda x, y: 2.0 / math.sqrt(math.pi) * np.exp(-x * x),
    "erfc": lambda x, y: -2.0 / math.sqrt(math.pi) * np.exp(-x * x),
    "pow": lambda x, y, p: p * _pow(x, p - 1.0),
    "atan": lambda x, y: 1.0 / (1.0 + x * x),
    "cbrt": lambda x, y: 1.0 / (3.0 * y * y),
    "lgamma": lambda x, y: special.digamma(x),
    "digamma": lambda x, y: special.polygamma(1, x),
    "erfcx": lambda x, y: 2.0 * x * y - 2.0 / math.sqrt(math.pi),
    "erfinv": lambda x, y: 0.5 * math.sqrt(math.pi) * np.exp(y * y),
    "exp1": lambda x, y: -np.exp(-x) / x,
    "bessel_j": lambda x, y, p: special.jvp(p, x),
    "bessel_y": lambda x, y, p: special.yvp(p, x),
    "bessel_i": lambda x, y, p: special.ivp(p, x),
    "bessel_k": lambda x, y, p: special.kvp(p, x),
    "betainc": lambda x, y, a, b: np.exp(
        special.xlogy(a - 1.0, x) + special.xlog1py(b - 1.0, -x) - special.betaln(a, b)
    ),
    "gammainc": _gamma_density,
    "gammaincc": lambda x, y, p: -_gamma_density(x, y, p),
}

BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "min": np.minimum,
    "max": np.maximum,
}


def _where(z: Array, above: Array, other: Array) -> Array:
    return np.where(np.isnan(z), np.nan, np.where(z > 0.0, above, other))


# ``where`` gives its second argument where the first is above zero, else its third; it has no value where the first has none
TERNARY: dict[str, Callable[[Array, Array, Array], Array]] = {"where": _where}
