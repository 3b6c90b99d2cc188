"""Checks all numbers that enter a program: constants, weights, buffers, and the types of results.

A program is real arithmetic on float64 numbers, without rounding. So a constant is accepted if float64 represents it
exactly, and a result if the code stores it as a real number of at least the precision in which the function is declared to
run. With anything else (complex numbers, integers and booleans made of the input, narrower floats, objects, text) the
program would be another function than the code. It is refused, and the message names its type and the operation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from supnorm.foreign import home_of, is_any
from supnorm.program.operations import Array, Unsupported

# bits of the significand
BITS = {
    "float64": 53,
    "float32": 24,
    "float16": 11,
    "bfloat16": 8,
    "float8_e4m3fn": 4,
    "float8_e4m3fnuz": 4,
    "float8_e5m2": 3,
    "float8_e5m2fnuz": 3,
    "longdouble": 64,
    "float96": 64,
    "float128": 64,
}
_ADVICE = {
    "float32": 'numbers that stay float64; or precision = "float32" where the code is meant to run in it',
    "other": "real numbers",
}


DOUBLE = np.dtype(np.float64)  # most types are this object; to make their names takes microseconds
_SOME = (int, float, bool, complex, str, bytes, range, type(None))
_PLAIN = frozenset(map(id, (np.ndarray, np.memmap, list, tuple, *_SOME, *np.sctypeDict.values())))
_ARGUMENTS = frozenset((*_PLAIN, id(type(Ellipsis))))


class Narrowed(Unsupported):
    """Numbers that are not real, or that have less than the declared precision of the function.

    >>> print(Narrowed("np.add with a complex128 constant", "real numbers"))
    np.add with a complex128 constant cannot be read as real arithmetic; nearest supported form: real numbers
    """

    def __init__(self, what: str, nearest: str) -> None:
        text = f"{what} cannot be read as real arithmetic"
        Exception.__init__(self, f"{text}; nearest supported form: {nearest}")
        self.operation, self.nearest = text, nearest


def constant(value: Any, what: str) -> Array:
    """A constant as float64 numbers, exactly.

    Integers and booleans become float64 numbers, as NumPy, JAX and torch convert them beside float64 numbers.

    Args:
        value: a number or an array of any library.
        what: the operation that takes it, for the message.

    Raises:
        Narrowed: for complex numbers, objects, text, and long doubles that float64 cannot represent.

    >>> constant(np.float16(0.1), "np.add")
    array(0.09997559)
    >>> constant(1j, "np.add")
    Traceback (most recent call last):
    supnorm.program.entry.Narrowed: np.add with a complex128 constant cannot be read as real arithmetic; ...
    """
    if is_any(type(value), int, float, bool):
        return np.asarray(float(value))
    if type(value) is np.ndarray and value.dtype is DOUBLE:
        return value.astype(np.float64)
    if _computes_otherwise(value):
        raise Narrowed(f"{what} with a {type(value).__name__}", "numbers and plain arrays, np.asarray(c)")
    try:
        array = np.asarray(value)
    except Exception as error:  # arrays of other libraries that NumPy cannot convert
        raise Narrowed(f"{what} with a {type(value).__name__} ({error})", _ADVICE["other"]) from None
    name = "str" if array.dtype.kind in "US" else str(array.dtype)
    if array.dtype.kind not in "fiub" and name not in BITS:
        raise Narrowed(f"{what} with a {name} constant", _ADVICE["other"])
    with np.errstate(all="ignore"):
        real = array.astype(np.float64)
        if BITS.get(name, 0) > BITS["float64"] and not np.array_equal(real, array, equal_nan=True):
            raise Narrowed(
                f"{what} with a {name} constant that float64 cannot represent", "float64 constants"
            )
    return np.asarray(real)


def _computes_otherwise(value: Any) -> bool:
    """Whether a constant is no number, array or list of these: its class may define its own arithmetic or contents.

    `np.asarray` makes an array of many other objects (a deque, a view of memory, what has an ``__array_interface__``). What
    they hold is not compared between reading and running, as the contents of an array are.
    """
    kind = type(value)
    if (
        id(kind) in _PLAIN
    ):  # by identity: a class of the user can give itself any module and be equal to any class
        return isinstance(value, list | tuple) and any(map(_computes_otherwise, value))
    return home_of(kind).partition(".")[0] not in ("jax", "jaxlib", "torch", "ml_dtypes")


def demand_plain(values: Any, what: str) -> None:
    """Refuse arguments of a function of NumPy that may hold numbers which are not compared.

    Raises:
        Narrowed: names the type of the argument.
    """
    for value in values:
        kind = type(value)
        if is_any(kind, tuple, list):
            demand_plain(value, what)
        elif kind is slice:
            demand_plain((value.start, value.stop, value.step), what)
        elif id(kind) not in _ARGUMENTS and not isinstance(value, np.dtype):
            traced = home_of(kind).partition(".")[0] == "jax" and "Tracer" in kind.__name__
            instead = "x = jnp.asarray(x) first" if traced else "numbers and plain arrays, np.asarray(c)"
            raise Narrowed(f"{what} with a {kind.__name__}", instead)


def result(dtype: Any, what: str, least: str = "float64") -> None:
    """Refuse a result that depends on the input and is not a real number of sufficient precision.

    Args:
        dtype: type of the result, or its name, such as ``"torch.float32"``.
        what: the operation that returns it, for the message.
        least: the precision in which the function is declared to run.

    Raises:
        Narrowed: names the operation and the type.

    >>> result(np.float32, "np.sum", "float32")
    >>> result(np.float32, "np.sum")
    Traceback (most recent call last):
    supnorm.program.entry.Narrowed: np.sum to float32 cannot be read as real arithmetic; ...
    """
    if dtype is DOUBLE and least == "float64":
        return
    name = name_of(dtype)
    if name not in BITS:
        raise Narrowed(f"{what} to {name}", "numbers that stay real, of floating point: 8.0 instead of 8")
    if narrower(name, least):
        raise Narrowed(f"{what} to {name}", _ADVICE.get(name, f"numbers that stay {least}"))


def narrower(name: str, least: str) -> bool:
    """Whether a floating type cannot represent every number of another one.

    >>> narrower("float32", "float64"), narrower("float64", "float32"), narrower("bfloat16", "float16")
    (True, False, True)
    """
    return name != least and BITS[name] <= BITS.get(least, 53)


def name_of(dtype: Any) -> str:
    """The name of a type of numbers from any library; for text always ``"str"``.

    >>> name_of(np.float64), name_of("torch.bfloat16"), name_of(complex)
    ('float64', 'bfloat16', 'complex128')
    """
    text = dtype.removeprefix("torch.") if isinstance(dtype, str) else dtype
    try:
        kind_of_numbers = np.dtype(text)
        return "str" if kind_of_numbers.kind in "US" else str(kind_of_numbers)
    except TypeError:
        return str(text).removeprefix("torch.")


def tensor(value: Any, what: str) -> Any:
    """A torch tensor as a NumPy array of the same numbers; floating-point numbers become float64, which is exact.

    Raises:
        Narrowed: for quantised and sparse tensors.
    """
    if value.is_quantized or str(value.layout) != "torch.strided":
        kind = str(value.dtype) if value.is_quantized else str(value.layout)
        raise Narrowed(f"{what} of type {kind}", "dense tensors of real numbers")
    value = value.detach().cpu().resolve_conj().resolve_neg()
    return (value.double() if value.is_floating_point() else value).numpy()
