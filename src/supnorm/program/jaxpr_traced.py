"""Traces JAX code, and takes nothing from what JAX has traced before where its execution is recorded."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from supnorm.jax_mode import jax_mode
from supnorm.program.foreign_code import foreign_code
from supnorm.program.jaxpr_caches import uncached
from supnorm.program.jaxpr_equal import RULES, same
from supnorm.program.recording import attempt

RAISING = ("debug_nans", "debug_infs")
_ALONE = threading.RLock()  # `refusals` changes classes of JAX: two proofs may run in two threads
SETTERS = ("__call__", "set_global", "set_local", "swap_local")


@contextmanager
def refusals() -> Iterator[list[str]]:
    """The same as `_refusals`, for one thread at a time: what two leave in turn would not be what was there before."""
    with _ALONE, _refusals() as made:
        yield made


@contextmanager
def _refusals() -> Iterator[list[str]]:
    """Record in a list when traced code asks JAX for a value; JAX raises the same class of error for all such questions.

    Recorded is also what makes JAX raise an error for a value, NaN or infinite, which code may catch; and where the user's
    code asks what stands for an array for its text, or for what only arrays have.
    """
    import jax
    from jax.core import Tracer
    from jax.errors import JAXTypeError

    made: list[str] = []
    before = JAXTypeError.__dict__.get("__init__")

    def noted(self: Any, *args: Any, **named: Any) -> None:
        made.append(type(self).__name__)
        super(JAXTypeError, self).__init__(*args, **named)

    # The settings of JAX are objects. Each is called to set it for a context; newer versions do so by these methods.
    setting, for_all = type(jax.debug_nans), type(jax.config).update
    setters = {name: getattr(setting, name) for name in SETTERS if hasattr(setting, name)}
    there = [name for name in setters if name in vars(setting)]

    def noting(method: Callable[..., Any]) -> Callable[..., Any]:
        def set_one(self: Any, *value: Any) -> Any:
            on = any(one == 1 for one in value)  # not the object for "not set"
            made.extend(name for name in RAISING if on and self is getattr(jax, name))
            return method(self, *value)

        return set_one

    def set_for_all(self: Any, name: str, value: Any) -> None:
        made.extend(one for one in RAISING if value and name == f"jax_{one}")
        for_all(self, name, value)

    of_arrays = {*dir(np.ndarray), *dir(np.float64), *dir(_array())}
    attribute, text = Tracer.__getattr__, Tracer.__repr__

    def has(self: Any, name: str) -> Any:
        try:
            return attribute(self, name)
        except Exception:
            if name in of_arrays and _by_the_user():
                made.append(f"its attribute {name}")
            raise

    def shown(self: Any) -> str:
        if _by_the_user():
            made.append("its text")
        return str(text(self))

    Tracer.__getattr__, Tracer.__repr__ = has, shown
    JAXTypeError.__init__ = noted
    type(jax.config).update = set_for_all
    for name, method in setters.items():
        setattr(setting, name, noting(method))
    try:
        yield made
    finally:
        type(jax.config).update = for_all
        for name, method in setters.items():
            if name in there:
                setattr(setting, name, method)
            else:
                delattr(setting, name)
        Tracer.__getattr__, Tracer.__repr__ = attribute, text
        if before is None:
            del JAXTypeError.__init__
        else:
            JAXTypeError.__init__ = before


@functools.cache
def _array() -> type:
    """JAX's class of arrays; to make one, to ask it, takes a millisecond."""
    import jax

    return type(jax.numpy.zeros(()))


def _by_the_user() -> bool:
    """Whether the code that called the caller of this is the user's."""
    frame = sys._getframe(2)
    return not foreign_code(frame.f_code, frame.f_globals)


def as_it_runs(least: str, compiled: bool) -> tuple[bool, type[np.floating[Any]]]:
    """Whether JAX runs code in its 64-bit mode, and the type of the points that the code gets.

    In the 32-bit mode integers wrap at 2^31 (``jnp.array(65536) * 65536`` is 0), and numbers that JAX computes while it
    traces are rounded. supnorm runs code in the 64-bit mode, but for code in lower precision that `from_jax` compiles.

    Args:
        least: the precision in which the code is declared to run.
        compiled: whether `supnorm.sources.from_jax` runs it.

    >>> as_it_runs("float32", compiled=False), as_it_runs("float32", compiled=True)
    ((True, <class 'numpy.float64'>), (False, <class 'numpy.float32'>))
    """
    import jax

    if least == "float64" or not compiled:
        return True, np.float64
    return bool(jax.config.jax_enable_x64), np.float32


def retrace(function: Callable[..., Any], n: int, d: int, least: str, compiled: bool) -> Any:
    """Have JAX trace a function as for ``n`` points ``(n, d)``: while instructions are recorded, anew.

    Then all of its code is executed, also what is below a ``jax.jit`` that was compiled for as many points. ``least`` and
    ``compiled`` are those of `as_it_runs`.

    Returns:
        The jaxpr; None for code that JAX cannot trace so.
    """
    import jax

    double, kind = as_it_runs(least, compiled)
    with jax_mode(double), uncached(), suppress(Exception):
        return jax.make_jaxpr(function)(jax.ShapeDtypeStruct((n, d), kind))
    return None


def is_current(fresh: Any, earlier: Any) -> bool:
    """Whether what JAX has kept from earlier traces, and compiled, is what it traces now.

    The code may have changed between: a value that it names, or an argument that is compared by an ``__eq__`` of the user.
    """
    if fresh is None or earlier is None:
        return fresh is earlier
    return same(fresh.jaxpr, fresh.consts, earlier.jaxpr, earlier.consts, RULES)


def traced(
    function: Callable[..., Any],
    shapes: list[tuple[int, ...]],
    asked: list[str],
    kind: type[np.floating[Any]] = np.float64,
) -> tuple[Any, tuple[int, ...]]:
    """The jaxpr of a function of the first of these shapes with which JAX can trace it, and this shape.

    A batch ``(n, d)`` counts only if its result has ``n`` rows, too. ``asked`` is emptied where a shape fails.

    Raises:
        Exception: whatever JAX raises for the first of the shapes.
    """
    import jax

    failure: Exception | None = None
    for shape in shapes:
        try:
            with attempt("jax"), uncached():
                closed = jax.make_jaxpr(function)(jax.ShapeDtypeStruct(shape, kind))
        except Exception as error:
            failure = failure or error
            asked.clear()
            continue
        result = closed.out_avals[0].shape if len(closed.out_avals) == 1 else ()
        if len(shape) == 1 or (result and result[0] == shape[0]):
            return closed, shape
    raise failure or TypeError(f"for points {shape} its result has the shape {result}")
