"""NumPy's conversions to arrays in traced NumPy code: ``x = np.asarray(x)``, and ``np.array([x[:, 0], x[:, 1]])``.

NumPy asks no protocol of what stands for an array there, and would take its values. So while code is traced, these functions
of the module ``numpy`` are replaced by ones that look at the argument first (`converting`); any other argument goes to
NumPy. Code that holds such a function under another name, ``from numpy import asarray``, is refused as before.

Compiled code finds the replaced functions, too (``np.ascontiguousarray(points)`` in Cython), and would go on with what it
takes for an array: SciPy's triangulation ended the process there. It is refused (`_demand_python`).
"""

from __future__ import annotations

import builtins
import dis
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from types import CodeType, FrameType
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
# Compiled code that hands its arguments on as they are: ``list(map(np.asarray, parts))``.
_HANDING_ON = frozenset({"builtins", "functools", "itertools", "operator"})


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
        _demand_python(traced, sys._getframe(1))
        if isinstance(named.get("copy"), Enum):  # SciPy's, with a value for each of NumPy's
            named["copy"] = COPY[named["copy"].name]
        return traced.__array_function__(original, (), args, named)

    conversion.__name__ = original.__name__
    _STANDING[id(conversion)] = conversion, original
    return conversion


def _demand_python(traced: Traced, frame: FrameType) -> None:
    """Refuse a conversion by compiled code, which has no frame: the nearest one then calls something else.

    Raises:
        Unsupported: names what it calls.
    """
    name = _called(frame.f_code, frame.f_lasti)
    if name is None or name in CONVERSIONS:
        return
    known = frame.f_locals.get(name, frame.f_globals.get(name, getattr(builtins, name, None)))
    if id(known) in _STANDING or getattr(known, "__module__", type(known).__module__) in _HANDING_ON:
        return
    what = f"{name}, whose compiled code would get what stands for an array"
    traced.refuse(
        Unsupported(what, "functions of NumPy, or a RegularGridInterpolator made outside of the code")
    )


@functools.lru_cache(maxsize=4096)
def _called(code: CodeType, at: int) -> str | None:
    """The last name of what the instruction at this offset calls; None where it calls nothing, or no name.

    >>> def outer():
    ...     return np.linalg.norm(frame(0).f_code.co_names)
    >>> found = {_called(outer.__code__, step.offset) for step in dis.get_instructions(outer)}
    >>> sorted(found - {None})
    ['frame', 'norm']
    """
    steps = [step for step in dis.get_instructions(code) if step.offset <= at]  # its caches come after a call
    if not steps or not steps[-1].opname.startswith("CALL"):
        return None
    whole = steps[-1].positions
    if whole is None or whole.end_lineno is None or whole.end_col_offset is None:
        return None
    name: str | None = None
    furthest = (0, 0)
    for step in steps:  # what is called begins where the call begins, and ends before it
        here = step.positions
        if here is None or here.end_lineno is None or here.end_col_offset is None:
            continue
        end = here.end_lineno, here.end_col_offset
        begins = (here.lineno, here.col_offset) == (whole.lineno, whole.col_offset)
        if begins and furthest <= end < (whole.end_lineno, whole.end_col_offset):
            furthest, named = end, step.opname.startswith("LOAD_") and isinstance(step.argval, str)
            name = step.argval if named else None
    return name


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
