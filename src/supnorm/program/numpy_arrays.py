"""NumPy's conversions to arrays in traced NumPy code: ``x = np.asarray(x)``, and ``np.array([x[:, 0], x[:, 1]])``.

NumPy asks no protocol of what stands for an array there, and would take its values. So while code is traced, these functions
of the module ``numpy`` are replaced by ones that look at the argument first (`converting`); any other argument goes to
NumPy. Code that holds such a function under another name, ``from numpy import asarray``, is refused as before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

import numpy as np

from supnorm.foreign import is_any
from supnorm.program import entry
from supnorm.program.numpy_traced import FUNCTIONS, Traced, copied, moved
from supnorm.program.operations import Unsupported
from supnorm.program.tracing import Builder

_LOCK = threading.RLock()  # the module belongs to all threads
CONVERSIONS = ("array", "asarray", "asanyarray", "ascontiguousarray")
_STANDING: dict[
    int, tuple[Callable[..., Any], Callable[..., Any]]
] = {}  # by identity: what stands, and for what
COPY = {"ALWAYS": True, "NEVER": False, "IF_NEEDED": None}
_MOST = 64  # levels of lists, as many as arrays have axes


@contextmanager
def converting() -> Iterator[None]:
    """Read conversions of traced arrays while this context is open."""
    with _LOCK:
        before = {name: getattr(np, name) for name in CONVERSIONS}
        try:
            for name, function in before.items():
                setattr(np, name, _looking(original_of(function)))
            yield
        finally:
            for name, function in before.items():
                setattr(np, name, function)


def original_of(value: Any) -> Any:
    """The function of NumPy for which a function stands while code is read; any other value itself.

    >>> with converting():
    ...     stands = np.asarray
    >>> original_of(stands) is np.asarray, original_of(1)
    (True, 1)
    """
    return _STANDING.get(id(value), (value, value))[1]


def _looking(original: Callable[..., Any]) -> Callable[..., Any]:
    """A conversion that hands what stands for an array to the reader; the same one for the same function."""
    for stands, of in list(_STANDING.values()):
        if of is original:
            return stands

    def conversion(*args: Any, **named: Any) -> Any:
        traced = _first(args[0]) if args else None
        if traced is None:
            return original(*args, **named)
        if isinstance(named.get("copy"), Enum):  # SciPy's, with a value for each of NumPy's
            named["copy"] = COPY[named["copy"].name]
        return traced.__array_function__(original, (), args, named)

    conversion.__name__ = original.__name__
    _STANDING[id(conversion)] = conversion, original
    return conversion


def _first(value: Any, level: int = 0) -> Traced | None:
    """What stands for an array, or the first one in a list of lists; None where there is none."""
    if type(value) is Traced:
        return value
    if level < _MOST and is_any(type(value), list, tuple):
        return next((one for part in value if (one := _first(part, level + 1)) is not None), None)
    return None


def _array(build: Builder, given: Any, dtype: Any = None, *, copy: Any = True, **named: Any) -> Traced:
    x = _conversion(build, given, dtype, **named)
    return copied(x) if copy and x is given else x


def _conversion(
    build: Builder, given: Any, dtype: Any = None, *, copy: Any = None, ndmin: int = 0, **named: Any
) -> Traced:
    """``np.asarray`` and its like."""
    if dtype is not None:
        entry.result(dtype, "np.asarray", build.least)
    if set(named) - {"order", "subok"}:
        raise Unsupported(f"np.asarray with {', '.join(named)}", "np.asarray(x)")
    x = _stacked(build, given)
    return moved(x, lambda i: i[(None,) * (ndmin - x.ndim)]) if ndmin > x.ndim else x


def _stacked(build: Builder, given: Any) -> Any:
    """The array of a list of arrays and numbers."""
    if not is_any(type(given), list, tuple):
        return given
    return np.stack([_stacked(build, one) if _first(one) is not None else _constant(one) for one in given])


def _constant(value: Any) -> Any:
    return entry.constant(value, "np.array")


for _name in CONVERSIONS:
    FUNCTIONS[getattr(np, _name)] = _array if _name == "array" else _conversion
