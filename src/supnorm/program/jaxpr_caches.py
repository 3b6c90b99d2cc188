"""What JAX may take from earlier traces while the execution of code is recorded: its own functions, none of the user's.

JAX keeps what it has traced below a ``jax.jit``, and does not execute it again. Recorded code has to be executed, so each
recorded trace gets a context that no other one has. JAX has jitted most functions of ``jax.numpy``, too; to trace them each
time takes ten times as long as all else. They execute none of the user's code where they are given arrays and numbers alone;
then they have a context of their own, another one for each proof (`renew`): somebody may have changed JAX meanwhile. One
that executes code of the user nevertheless, because something that it uses was replaced, is traced each time from then on.

The trace function of the recording makes JAX take twice as long. It is set aside nowhere in here: the user can replace what
JAX calls between two traces of the same function, and an argument can be an object whose attributes are code of the user.
Such code would be read without being recorded.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, NoneType
from typing import Any

import numpy as np

from supnorm.foreign import home_of
from supnorm.program.foreign_code import foreign_code
from supnorm.program.recording import forget_libraries, is_dropped, is_recorded, steps

_NEVER_TWICE = itertools.count()
_ALSO_HERE = threading.RLock()
# The contexts of JAX's own functions, recorded and not: only the first tells of the user's code.
_LIBRARY: list[int] = []
_WITHIN: list[object] = []  # one of each `uncached` that has begun
_LOOK_UP: list[tuple[Any, Any]] = []  # JAX's own function for looking up, and the one in its place
_MIXED: dict[int, Any] = {}  # functions of JAX that have executed code of the user in this proof, by identity
_STANDING: list[type] = []
_SEVERAL: list[None] = []
_PLAIN = (bool, int, float, complex, str, NoneType, np.ndarray)


def renew() -> None:
    """Have JAX trace its own functions again, too, from now on, and look again which functions are of libraries."""
    forget_libraries()
    _LIBRARY[:] = [next(_NEVER_TWICE), next(_NEVER_TWICE)]
    _MIXED.clear()


@contextmanager
def uncached() -> Iterator[None]:
    """A context in which JAX traces all functions of the user again, if instructions are recorded."""
    import jax

    if not is_recorded():
        yield
        return
    context = _context()
    if context is None:
        jax.clear_caches()
        yield
        return
    with context(next(_NEVER_TWICE)), _library_aside(context):
        yield


@functools.cache
def _context() -> Any:
    """A context on which JAX's caches depend; older versions of JAX have none."""
    import jax

    return jax.make_user_context(None) if hasattr(jax, "make_user_context") else None


@contextmanager
def _library_aside(context: Any) -> Iterator[None]:
    """A context in which JAX's own functions are looked up in a context of their own.

    JAX has no setting for this. Where the function is another one that does the looking up, all functions are traced again.
    """
    from jax._src import pjit

    if not _LIBRARY:
        renew()
    mine = object()
    with _ALSO_HERE:
        if not _WITHIN:
            look_up = getattr(pjit, "_infer_params", None)
            if look_up is not None and [*inspect.signature(look_up).parameters] == [
                "fun",
                "ji",
                "args",
                "kwargs",
            ]:
                pjit._infer_params = _with_library(look_up, context)
                _LOOK_UP[:] = [(look_up, pjit._infer_params)]
        _WITHIN.append(mine)
    try:
        yield
    finally:
        with _ALSO_HERE:
            _WITHIN.remove(mine)
            if not _WITHIN:
                for before, ours in _LOOK_UP:
                    if getattr(pjit, "_infer_params", None) is ours:  # nobody has replaced it meanwhile
                        pjit._infer_params = before
                _LOOK_UP.clear()


def _with_library(look_up: Callable[..., Any], context: Any) -> Callable[..., Any]:
    @functools.wraps(look_up)
    def looked_up(fun: Any, ji: Any, args: Any, kwargs: Any) -> Any:
        if not _WITHIN or not _executes_library_alone(fun, args, kwargs):
            return look_up(fun, ji, args, kwargs)
        if is_dropped() or _SEVERAL:
            with context(_LIBRARY[1]):
                return look_up(fun, ji, args, kwargs)
        before = steps()
        with context(_LIBRARY[0]):
            traced = look_up(fun, ji, args, kwargs)
        if steps() != before:
            _MIXED[id(fun)] = fun
        return traced

    return looked_up


def _executes_library_alone(fun: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a function with these arguments can execute nothing of the user's.

    A function of JAX that is made for one of the user's (``jax.vmap(f)``) has it in its closure.
    """
    return (
        type(fun) is FunctionType
        and id(fun) not in _MIXED
        and fun.__closure__ is None
        and foreign_code(fun.__code__, fun.__globals__)
        and all(map(_is_plain, (args, kwargs, fun.__defaults__, fun.__kwdefaults__)))
    )


@contextmanager
def standing_for_arrays(kind: type, several: bool) -> Iterator[None]:
    """A context in which a class of ours counts as NumPy's arrays, which it stands for.

    Args:
        kind: the class.
        several: whether it stands for several points: then functions of JAX are looked up as they were traced while code was
            read for several points, which is not recorded.
    """
    _STANDING.append(kind)
    _SEVERAL.extend([None] * several)
    try:
        yield
    finally:
        _STANDING.remove(kind)
        if several:
            _SEVERAL.pop()


def _is_plain(value: Any) -> bool:
    """Whether a value is an array, a number, a text or a type of numbers, or is made of such.

    By identity and by their modules first: a class of the user may be equal to any other one, and have a ``dtype`` and a
    ``__class__`` that are code.
    """
    kind = type(value)
    if kind is tuple or kind is list:
        return all(map(_is_plain, value))
    if kind is dict:
        return all(map(_is_plain, value.values()))
    if any(kind is one for one in (*_PLAIN, *_STANDING)):
        return True
    if issubclass(kind, type):
        return home_of(value) in ("builtins", "numpy") and issubclass(
            value, np.generic | int | float | complex
        )
    if home_of(kind).partition(".")[0] not in ("numpy", "jax", "jaxlib") or callable(value):
        return False
    # A key of `jax.random` has a type without a kind, and the user can define how bits are made of it.
    return hasattr(getattr(value, "dtype", np.dtype(float)), "kind")
