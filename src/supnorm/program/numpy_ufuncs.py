"""NumPy's and SciPy's elementwise functions, and products of matrices, as operations of programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from supnorm.program.composed import COMPOSED, atan2, incomplete_beta, power, scaled, special, with_parameter
from supnorm.program.operations import Unsupported
from supnorm.program.tracing import Builder, Tensor, Value

_UNARY = {
    "negative": "neg",
    "absolute": "abs",
    "fabs": "abs",
    "tanh": "tanh",
    "expit": "sigmoid",
    "sin": "sin",
    "cos": "cos",
    "exp": "exp",
    "log": "log",
    "sqrt": "sqrt",
    "erf": "erf",
    "arctan": "atan",
    "cbrt": "cbrt",
}
_SPECIAL = {
    "gammaln": "lgamma",
    "loggamma": "lgamma",
    "psi": "digamma",
    "erfcx": "erfcx",
    "exp1": "exp1",
}
# functions of a number and an array
_ORDERED = {
    "jv": "bessel_j",
    "yv": "bessel_y",
    "yn": "bessel_y",
    "iv": "bessel_i",
    "kv": "bessel_k",
    "kn": "bessel_k",
    "gammainc": "gammainc",
    "gammaincc": "gammaincc",
}
_SCALED = {"ive": "i", "kve": "k"}
# NumPy's names of functions that have others in `COMPOSED`
_OTHER = {
    "arcsin": "asin",
    "arccos": "acos",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "radians": "deg2rad",
    "degrees": "rad2deg",
}
_TWO = ("power", "float_power", "matmul", "logaddexp", "hypot", "arctan2", "xlogy", "xlog1py", "betainc")
_BINARY = {
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "minimum": "min",
    "maximum": "max",
    "fmin": "min",
    "fmax": "max",
}
COMPARE = {"greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le"}
NEAREST = "elementwise functions, arithmetic, slicing, stacking, sums and matrix products with constants"
_CHOICE, _EXACT = "np.where or np.select with comparisons of the values", "the same without rounding"
_INSTEAD = {
    "searchsorted": f"np.interp for a table, or {_CHOICE}",
    "digitize": f"np.interp for a table, or {_CHOICE}",
    "piecewise": "np.where or np.select of the formulas",
    "solve": "x @ np.linalg.inv(A).T with a constant matrix A",
    "sinc": "np.sin(y) / y on a domain without y = 0",
    "polyval2d": "np.polynomial.polynomial.polyval in one variable, or a sum of terms",
    "equal": "< or <= instead of ==",
    "not_equal": "< or <= instead of !=",
    "isnan": "a domain on which every value is a number, without the question",
    "nan_to_num": "a domain on which every value is a number, without it",
    **dict.fromkeys(("round", "around", "rint", "floor", "ceil", "trunc", "fix"), _EXACT),
    **dict.fromkeys(("remainder", "fmod", "floor_divide", "divmod", "modf"), "the same without a remainder"),
}


def unsupported(function: Any) -> Unsupported:
    """The refusal of a function of NumPy or SciPy, with what to write instead of it.

    >>> unsupported(np.floor)
    Unsupported('operation np.floor is not supported; nearest supported form: the same without rounding')
    """
    name = function.__name__
    if getattr(np, name, None) is not function and not isinstance(function, type(np.sum)):
        return Unsupported(f"{name} (a compiled function)", _INSTEAD.get(name, NEAREST))
    return Unsupported(f"np.{name}", _INSTEAD.get(name, NEAREST))


def ufunc_value(build: Builder, name: str, args: list[Any]) -> Value:
    """The value of an elementwise function, or of a product of matrices, by its name in NumPy or `scipy.special`.

    Raises:
        Unsupported: for a function that programs do not have.
    """
    if name == "positive":
        return args[0]  # type: ignore[no-any-return]
    if name in _UNARY:
        return build.unary(_UNARY[name], args[0])
    if name in _BINARY:
        return build.binary(_BINARY[name], args[0], args[1])
    if name in ("power", "float_power"):
        return power(build, args[0], args[1])
    if name == "matmul":
        return matmul(build, args[0], args[1])
    if name == "logaddexp":
        return build.binary("add", build.unary("softplus", build.binary("sub", *args)), args[1])
    if name == "hypot":
        squares = [build.unary("pow", a, 2.0) for a in args]
        return build.unary("sqrt", build.binary("add", *squares))
    if name in _SPECIAL:
        return special(build, _SPECIAL[name], args[0])
    if name in ("kn", "yn") and not isinstance(args[0], Tensor) and np.any(np.asarray(args[0]) % 1 != 0):
        raise Unsupported(f"{name} of an order that SciPy truncates", f"{name[0]}v")
    if name in _ORDERED:
        return with_parameter(build, _ORDERED[name], args[0], args[1], name)
    if name in _SCALED:
        if isinstance(args[0], Tensor) or np.size(args[0]) != 1 or np.ndim(args[0]) > len(args[1].shape):
            raise Unsupported(f"{name} of a varying order", f"{name} with one number")
        return scaled(build, _SCALED[name], float(np.ravel(args[0])[0]), args[1])
    if name == "arctan2":
        return atan2(build, *args)
    if name == "betainc":
        return incomplete_beta(build, *args)
    if name in ("xlogy", "xlog1py"):
        inner = args[1] if name == "xlogy" else build.binary("add", args[1], np.asarray(1.0))
        return build.binary("mul", args[0], build.unary("log", inner))
    if _OTHER.get(name, name) in COMPOSED:
        return COMPOSED[_OTHER.get(name, name)](build, args[0])
    raise Unsupported(f"np.{name}" if hasattr(np, name) else f"{name} (a compiled function)", NEAREST)


def matmul(build: Builder, a: Any, b: Any) -> Value:
    """The product of two matrices, or of a matrix and a vector.

    Raises:
        Unsupported: for more than two axes.
    """
    if len(a.shape) > 2 or len(b.shape) > 2:
        raise Unsupported("np.matmul of stacked matrices", "products of two matrices")

    def matrix(x: Any, shape: tuple[int, ...]) -> Any:
        return x.arrange(lambda i: i.reshape(shape)) if isinstance(x, Tensor) else x.reshape(shape)

    row, column = len(a.shape) == 1, len(b.shape) == 1
    left = matrix(a, (1, -1)) if row else a
    right = matrix(b, (-1, 1)) if column else b
    shape = (() if row else a.shape[:1]) + (() if column else b.shape[1:])
    return matrix(build.contract(left, right), shape)  # type: ignore[no-any-return]


# operations are recognised by the object and not by its name, because another function may have the same name
UFUNCS = frozenset(
    getattr(home, name)
    for home in (np, scipy.special)
    for name in (
        *_UNARY,
        *_BINARY,
        *COMPARE,
        *COMPOSED,
        *_OTHER,
        *_SPECIAL,
        *_ORDERED,
        *_SCALED,
        *_TWO,
        "positive",
        "heaviside",
    )
    if isinstance(getattr(home, name, None), np.ufunc)
)
