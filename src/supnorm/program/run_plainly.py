"""Whether code that JAX reads does with NumPy's arrays what JAX does not: it changes them in place, or hears of an overflow.

JAX reads code of plain arrays where NumPy's protocols cannot. Its arrays never change, and no setting of NumPy tells of
their values. So such code is run with an array that nobody can change, for as many points as it was read for. Whatever
NumPy then refuses to change is noted, also where the code catches the error, and so are settings that tell of values, at
each instruction of the code.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from functools import partial
from operator import is_
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from supnorm.jax_mode import jax_mode
from supnorm.program.foreign_code import foreign_code
from supnorm.program.jaxpr_caches import standing_for_arrays, uncached
from supnorm.program.recording import recorded, unrecorded
from supnorm.program.rows import ROWS
from supnorm.program.watched import (
    Unlike,
    events,
    heard_beyond,
    hearing_of_overflow,
    in_place,
    left_alone,
    settings,
)

# What NumPy and Python say of what may not be changed.
FIXED = re.compile("read-?only|read-write|writ(e?)able|cannot resize|not acceptable", re.IGNORECASE)


def demand_as_jax_reads(function: Callable[..., Any], d: int) -> None:
    """Check that code computes with plain arrays as it does with those of JAX.

    What else goes wrong in these calls counts for nothing: the values of both are compared elsewhere, at points of the
    domain.

    Args:
        function: ``(n, d) -> (n,)`` or ``(n, m)``, which NumPy's protocols could not read.
        d: number of inputs.

    Raises:
        Unlike: when the code changes an array in place, or lets NumPy tell it of an overflow, an underflow or NaN.

    >>> demand_as_jax_reads(lambda x: x.cumsum(axis=1)[:, 0], 2)
    >>> def model(x):
    ...     s = x.cumsum(axis=1)
    ...     first = s[:, 0]
    ...     first += 1.0
    ...     return s[:, 0]
    >>> demand_as_jax_reads(model, 2)
    Traceback (most recent call last):
    supnorm.program.watched.Unlike: a change of an array (...) in place cannot be read; ...
    """
    import jax

    for n in (1, ROWS):
        watch = _Watch()
        x = watch.array(n, d)
        # In float64, as JAX read it: without it an operation of JAX fails in the middle of the code; the rest does not run.
        with (
            unrecorded(),
            np.errstate(all="ignore"),
            jax_mode(True),
            recorded(watch),
            suppress(Exception),
        ):
            watch.known = left_alone()
            # Under a trace, operations of JAX are not compiled, for each of these numbers of points.
            # JAX's own functions see no plain array there, so that those that it has traced for the same shapes will do.
            with uncached(), standing_for_arrays(type(x), n > 1):
                jax.make_jaxpr(partial(function, x))()
        if watch.seen:
            raise watch.seen[0]


class _Watch:
    """Notes what JAX would not see, while code runs with an array that nobody can change.

    What is computed from it is made so at the next instruction of the code: a function of a library may change an array
    that it has just made.
    """

    def __init__(self) -> None:
        self.seen: list[Unlike] = []
        self.known: frozenset[Hashable] = events()
        self.thread = threading.get_ident()
        self._made: list[Any] = []
        self._unheard: list[object] = []  # settings that were found not to tell of values

    def array(self, n: int, d: int) -> Any:
        """An array of its kind, ``(n, d)``. Code cannot tell it from another one by its attributes."""
        watch = self

        class Fixed(np.ndarray):
            __slots__ = ()

            def __array_finalize__(self, made_of: Any) -> None:
                watch._made.append(self)
                watch.unheard()

            def __array_ufunc__(self, ufunc: np.ufunc, method: str, *given: Any, **named: Any) -> Any:
                if method == "at":  # NumPy lets it change any array
                    watch.seen.append(in_place(f"np.{ufunc.__name__}.at"))
                if "out" in named:
                    named["out"] = tuple(map(_plain, named["out"]))
                result = getattr(ufunc, method)(*map(_plain, given), **named)
                if isinstance(result, tuple):
                    return tuple(one.view(Fixed) for one in result)
                return result.view(Fixed) if isinstance(result, np.ndarray) else result

        return np.frombuffer(np.full(n * d, 0.5).tobytes()).reshape(n, d).view(Fixed)

    def unheard(self) -> None:
        """Note settings that tell of values."""
        now = [self.known, *settings()]
        if len(now) == len(self._unheard) and all(map(is_, now, self._unheard)):
            return
        self._unheard = []
        if heard_beyond(self.known, self.thread):
            self.seen.append(hearing_of_overflow())
        elif threading.get_ident() == self.thread:
            self._unheard = now

    def step(self) -> None:
        """Called at each instruction of the code."""
        while self._made:
            self._made.pop().setflags(write=False)
        self.unheard()

    def error(self, error: BaseException, frame: FrameType) -> None:
        """Called with each error, also with those that the code or a library catches."""
        if FIXED.search(str(error)):
            at: FrameType | None = frame
            while at is not None and foreign_code(at.f_code, at.f_globals):
                at = at.f_back
            where = f" ({Path(at.f_code.co_filename).name} line {at.f_lineno})" if at is not None else ""
            self.seen.append(in_place(f"a change of an array{where}"))


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, np.ndarray) else value
