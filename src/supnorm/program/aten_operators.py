"""ATen operators: those that do nothing, functions of each entry, and the table of all that compute."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from supnorm.program import entry
from supnorm.program import onnx_operators as shared
from supnorm.program.aten_norms import NORMS
from supnorm.program.aten_products import PRODUCTS
from supnorm.program.aten_recurrent import RECURRENT
from supnorm.program.aten_values import moved, value
from supnorm.program.aten_windows import WINDOWS
from supnorm.program.branches import Comparison, select
from supnorm.program.composed import (
    COMPOSED,
    atan2,
    elu,
    hard_sigmoid,
    power,
    prelu,
    special,
    with_parameter,
)
from supnorm.program.discrepancies import linear_above
from supnorm.program.operations import Unsupported
from supnorm.program.sums import cumsum
from supnorm.program.tracing import Builder, Tensor, Value

SAME = frozenset(
    {
        "clone",
        "contiguous",
        "detach",
        "alias",
        "to",
        "_to_copy",
        "type_as",
        "lift_fresh_copy",
        "dropout",
        "alpha_dropout",
        "feature_dropout",
        "feature_alpha_dropout",
        "_to",
        "native_dropout",
        "float",
        "double",
        "lift_fresh",
        "_assert_tensor_metadata",
        "positive",
    }
)

NEAREST = {
    "floor": "none: a step has no certificate",
    "round": "none: a step has no certificate",
    "sign": "none: a step has no certificate",
    "cdist": "torch.linalg.vector_norm(x[:, None] - centres, dim=-1): cdist may subtract squares",
    "_cdist_forward": "torch.linalg.vector_norm(x[:, None] - centres, dim=-1): cdist may subtract squares",
    "bernoulli": "none: random",
    "rand_like": "none: random",
    "randn_like": "none: random",
}


def _unary(op: str, build: Builder, x: Any) -> Value:
    return build.unary(op, value(x))


def _special(op: str, build: Builder, x: Any) -> Value:
    return special(build, op, value(x))


def _composed(form: Callable[[Builder, Value], Value], build: Builder, x: Any) -> Value:
    return form(build, value(x))


def _binary(
    op: str, build: Builder, a: Any, b: Any, *, alpha: float = 1.0, rounding_mode: Any = None
) -> Value:
    if rounding_mode is not None:
        raise Unsupported("torch aten.div with rounding", "none: a step has no certificate")
    second = value(b) if alpha == 1.0 else build.binary("mul", value(b), np.asarray(float(alpha)))
    return build.binary(op, value(a), second)


def _clamp(
    build: Builder, x: Any, low: Any = None, high: Any = None, *, min: Any = None, max: Any = None
) -> Value:
    low, high = min if low is None else low, max if high is None else high
    x = value(x)
    x = x if low is None else build.binary("max", x, value(low))
    return x if high is None else build.binary("min", x, value(high))


def _softplus(build: Builder, x: Any, beta: float = 1.0, threshold: float = 20.0) -> Value:
    scaled = value(x) if beta == 1.0 else build.binary("mul", value(x), np.asarray(float(beta)))
    if not isinstance(scaled, Tensor):
        raise Unsupported("torch aten.softplus of constants", "their values")
    out = build.unary("softplus", scaled, discrepancies=(linear_above(float(threshold)),))
    return out if beta == 1.0 else build.binary("div", out, np.asarray(float(beta)))


def _channels(slope: Any, x: Any) -> Any:
    """Slopes of a PReLU (one for all, or one for each channel on the second axis), in a shape that broadcasts with x."""
    slope = entry.constant(slope, "torch aten.prelu")
    return slope.reshape(-1, *(1,) * (len(x.shape) - 2)) if slope.size > 1 else slope


def _gelu(build: Builder, x: Any, *, approximate: str = "none") -> Value:
    return build.unary("gelu_tanh" if approximate == "tanh" else "gelu", value(x))


def _masked(build: Builder, x: Any, mask: Any, filled: Any) -> Value:
    test = mask if isinstance(mask, Comparison) else np.asarray(mask, dtype=bool)
    return select(build, test, value(filled), value(x))


def _triangle(part: Callable[..., Any], build: Builder, x: Any, diagonal: int = 0) -> Value:
    x = value(x)
    return select(build, part(np.ones(x.shape[-2:], dtype=bool), diagonal), x, np.zeros(()))


def _threshold(build: Builder, x: Any, limit: Any, filled: Any) -> Value:
    x = value(x)
    return select(build, Comparison("gt", x, value(limit)), x, value(filled))


def _hard_shrink(build: Builder, x: Any, room: Any = 0.5) -> Value:
    x, zero = value(x), np.asarray(0.0)
    inside = select(build, Comparison("ge", x, value(-float(room))), zero, x)
    return select(build, Comparison("gt", x, value(float(room))), x, inside)


def _soft_shrink(build: Builder, x: Any, room: Any = 0.5) -> Value:
    return build.binary("sub", value(x), _clamp(build, x, -float(room), float(room)))


def _random_slope(
    build: Builder, x: Any, lower: float = 0.125, upper: float = 1.0 / 3.0, training: bool = False
) -> Value:
    if training:
        raise Unsupported("torch aten.rrelu in training mode", "model.eval() before it is exported")
    return build.unary("leaky_relu", value(x), (lower + upper) / 2.0)


def _gate(build: Builder, x: Any, dim: int = -1) -> Value:
    first, second = moved(value(x), lambda i: list(np.split(i, 2, dim)))
    return build.binary("mul", first, build.unary("sigmoid", second))


def _between(build: Builder, start: Any, end: Any, weight: Any) -> Value:
    step = build.binary("mul", value(weight), build.binary("sub", value(end), value(start)))
    return build.binary("add", value(start), step)


def _add_times(op: str, build: Builder, x: Any, a: Any, b: Any, **options: Any) -> Value:
    part = build.binary(op, value(a), value(b))
    factor = np.asarray(float(options.get("value", 1.0)))
    return build.binary("add", value(x), build.binary("mul", part, factor))


def _hypotenuse(build: Builder, a: Any, b: Any) -> Value:
    squares = [build.unary("pow", value(one), 2.0) for one in (a, b)]
    return build.unary("sqrt", build.binary("add", *squares))


def _log_add_exp(build: Builder, a: Any, b: Any) -> Value:
    """log(e^a + e^b) = softplus(a - b) + b."""
    b = value(b)
    return build.binary("add", build.unary("softplus", build.binary("sub", value(a), b)), b)


def _inaccurate(name: str, other: str, build: Builder, x: Any) -> Value:
    """A function whose values in torch are far from it: to 4e-7 of `bessel_j0` beyond 5, to 8e-7 of `bessel_y1`."""
    raise Unsupported(
        f"torch aten.{name}, whose float64 values are off by up to 1e-6 beyond 5,",
        f"scipy.special.{other} in NumPy",
    )


def _incomplete_gamma(op: str, build: Builder, s: Any, x: Any) -> Value:
    """Up to s = 20; beyond, torch's values are off by 2e-9 of their size (s = 20.5, x = 15)."""
    order = value(s)
    if not isinstance(order, Tensor) and (np.asarray(order, dtype=np.float64) > LARGEST_ORDER).any():
        raise Unsupported(
            f"torch aten.{op} of an order above 20, whose float64 values are off by up to 1e-8,",
            f"scipy.special.{op} in NumPy",
        )
    return with_parameter(build, op, order, value(x), op)


def _power(build: Builder, base: Any, exponent: Any) -> Value:
    return power(build, value(base), value(exponent))


def _filled(value: float) -> Callable[..., Value]:
    return lambda build, x, **options: np.full(x.shape, value)


# Alpha and scale of torch and ONNX.
_SELU = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
LARGEST_ORDER = 20.0  # of torch's incomplete gamma functions: beyond, it uses an expansion with too few terms
_PLAIN = ("neg", "abs", "relu", "tanh", "sigmoid", "silu", "sin", "cos", "exp", "log", "sqrt", "erf", "atan")
_OTHER = {  # names of torch for what has others in `COMPOSED`
    **{f"special_modified_bessel_{kind}{n}": f"{kind}{n}" for kind in "ik" for n in (0, 1)},
    **{f"special_scaled_modified_bessel_k{n}": f"k{n}e" for n in (0, 1)},
    **{
        f"special_{name}": name
        for name in ("i0e", "i1", "i1e", "ndtr", "log_ndtr", "entr", "erfc", "ndtri", "erfinv")
    },
    **{f"special_{name}": name for name in ("expm1", "log1p", "exp2", "logit")},
    **{f"arc{name}": f"a{name}" for name in ("sin", "cos", "sinh", "cosh", "tanh")},
}
_TWO = {
    **{"add": "add", "sub": "sub", "mul": "mul", "div": "div", "minimum": "min", "maximum": "max"},
    **{"subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div"},
}

OPERATORS: dict[str, Callable[..., Any]] = {
    **NORMS,
    **PRODUCTS,
    **RECURRENT,
    **WINDOWS,
    **{op: partial(_unary, op) for op in _PLAIN},
    **{
        name: partial(_unary, op)
        for name, op in (("negative", "neg"), ("absolute", "abs"), ("arctan", "atan"))
    },
    "special_erf": partial(_unary, "erf"),
    "special_expit": partial(_unary, "sigmoid"),
    **{
        f"special_bessel_{kind}{n}": partial(_inaccurate, f"special_bessel_{kind}{n}", f"{kind}{n}")
        for kind in "jy"
        for n in (0, 1)
    },
    **{name: partial(_composed, f) for name, f in COMPOSED.items()},
    **{name: partial(_composed, COMPOSED[other]) for name, other in _OTHER.items()},
    **{
        name: partial(_special, name.removeprefix("special_"))
        for name in ("lgamma", "digamma", "special_erfcx")
    },
    **{
        name: partial(_special, op)
        for name, op in (("special_gammaln", "lgamma"), ("special_psi", "digamma"))
    },
    **{
        name: partial(_incomplete_gamma, op)
        for name, op in (
            ("igamma", "gammainc"),
            ("igammac", "gammaincc"),
            ("special_gammainc", "gammainc"),
            ("special_gammaincc", "gammaincc"),
        )
    },
    "atan2": lambda build, y, x: atan2(build, value(y), value(x)),
    "arctan2": lambda build, y, x: atan2(build, value(y), value(x)),
    "cumsum": lambda build, x, dim, dtype=None: cumsum(build, x, dim),
    **{name: partial(_binary, op) for name, op in _TWO.items()},
    "rsub": lambda build, a, b, alpha=1.0: _binary("sub", build, b, a, alpha=alpha),
    "clamp": _clamp,
    "clip": _clamp,
    "clamp_min": lambda build, x, low: _clamp(build, x, low),
    "clamp_max": lambda build, x, high: _clamp(build, x, None, high),
    "hardtanh": lambda build, x, low=-1.0, high=1.0: _clamp(build, x, low, high),
    "relu6": lambda build, x: _clamp(build, x, 0.0, 6.0),
    "leaky_relu": lambda build, x, slope=0.01: build.unary("leaky_relu", value(x), float(slope)),
    "softplus": _softplus,
    "elu": lambda build, x, alpha=1.0, scale=1.0, stretch=1.0: elu(build, value(x), alpha, scale, stretch),
    "selu": lambda build, x: elu(build, value(x), _SELU[0], _SELU[1]),
    "celu": lambda build, x, alpha=1.0: elu(build, value(x), alpha, 1.0, 1.0 / alpha),
    "prelu": lambda build, x, slope: prelu(build, value(x), _channels(slope, x)),
    "mish": lambda build, x: shared.mish(build, value(x)),
    "hardsigmoid": lambda build, x: hard_sigmoid(build, value(x)),
    "hardswish": lambda build, x: build.binary("mul", value(x), hard_sigmoid(build, value(x))),
    "gelu": _gelu,
    "log_sigmoid": lambda build, x: build.unary("neg", build.unary("softplus", build.unary("neg", value(x)))),
    "softshrink": _soft_shrink,
    "threshold": _threshold,
    "hardshrink": _hard_shrink,
    "rrelu": _random_slope,
    "glu": _gate,
    "pow": _power,
    "lerp": _between,
    "addcmul": partial(_add_times, "mul"),
    "addcdiv": partial(_add_times, "div"),
    "hypot": _hypotenuse,
    "logaddexp": _log_add_exp,
    "masked_fill": _masked,
    "tril": partial(_triangle, np.tril),
    "triu": partial(_triangle, np.triu),
    "zeros_like": _filled(0.0),
    "ones_like": _filled(1.0),
    "full_like": lambda build, x, value, **options: np.full(x.shape, float(value)),
    "full": lambda build, shape, value, **options: np.full(tuple(shape), float(value)),
    "zeros": lambda build, shape, **options: np.zeros(tuple(shape)),
    "ones": lambda build, shape, **options: np.ones(tuple(shape)),
    "scalar_tensor": lambda build, value, **options: np.asarray(float(value)),
    "arange": lambda build, *ends, **options: np.arange(*ends, dtype=float),
}
