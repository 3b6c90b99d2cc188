"""Whether methods of JAX's arrays give what those of NumPy's arrays give, in plain code that JAX reads and NumPy runs.

JAX reads code of plain arrays where NumPy's protocols cannot. ``x.sum(axis=1, initial=1.0)`` is a method of NumPy's array
where the code runs, and one of JAX's where it is read; JAX 0.10 leaves ``initial`` out there. On a small part of the domain
no comparison of results shows such a difference. So the code is executed with NumPy's arrays and once more with JAX's, and
what its expressions give is compared. In the second execution each expression goes on with NumPy's value, so that a
difference is that of one expression, and is not rounding that has grown.

Indices and arithmetic of arrays are the same in both libraries, and so is code without another call that gives an array of
NumPy. It is not executed a second time: JAX would compile each of its operations alone, some 20 ms each.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from supnorm.foreign import home_of, is_any
from supnorm.program.executed import Executed
from supnorm.program.expressions import EXPRESSIONS, NAME, Expression
from supnorm.program.given import kinds

# Of the larger one of both values and of the arrays of which the expression is made: of one operation, on equal numbers.
ROUNDING, SINGLE = 1e-12, 1e-4
FAR = 1000  # values before that of an expression, among which are those of its parts


class _Unlike(Exception):
    """Ends the execution with arrays of JAX, at the expression that gives something else."""


def first_unlike(
    code: Callable[[Any], Any], x: Any, read: Executed, copies: Container[CodeType], double: bool
) -> Expression | None:
    """The first expression that gives another array with JAX's arrays than with NumPy's; None if all give the same.

    Args:
        code: plain code that JAX has read; its functions report what their expressions give (`expressions.watching`).
        x: points ``(n, d)``.
        read: what the expressions gave while JAX read the code.
        copies: the code that reports.
        double: whether it runs in double precision.
    """
    ran: list[tuple[int, Any]] = []

    def note(number: int, value: Any) -> Any:
        ran.append((number, value))
        return value

    with _reporting(note):
        _executed(code, lambda: x, double)
    watched = _watched(ran, copies)
    if not any(_calls_numpy(ran, k, read, watched) for k in range(len(ran))):
        return None
    import jax.numpy as jnp

    replay = _Replay(ran, ROUNDING if double else SINGLE, jnp.asarray)
    with _reporting(replay.see):
        _executed(code, partial(jnp.asarray, x), double)
    return replay.unlike


def _executed(code: Callable[[Any], Any], points: Callable[[], Any], double: bool) -> None:
    import jax

    precise = jax.enable_x64(True) if double else nullcontext()
    with suppress(Exception), precise, np.errstate(all="ignore"):
        code(points())


class _Replay:
    """Compares what expressions give now with what they gave, and has each go on with what it gave."""

    def __init__(self, ran: list[tuple[int, Any]], tolerance: float, as_jax: Callable[[Any], Any]) -> None:
        self.ran, self.tolerance, self.as_jax, self.next = ran, tolerance, as_jax, 0
        self.differs: int | None = None

    @property
    def unlike(self) -> Expression | None:
        """The first expression that gives something else, or that is not executed."""
        if self.differs is None and self.next < len(self.ran):
            self.differs = self.ran[self.next][0]
        return None if self.differs is None else EXPRESSIONS[self.differs]

    def see(self, number: int, value: Any) -> Any:
        """The value with which the code goes on."""
        if self.differs is not None:
            raise _Unlike
        if self.next == len(self.ran) or self.ran[self.next][0] != number:
            self.differs = number
            raise _Unlike
        other = self.ran[self.next][1]
        if not self._same(value, other):
            self.differs = number
            raise _Unlike
        self.next += 1
        return self._as_it_was(value, other)

    def _same(self, value: Any, other: Any) -> bool:
        if is_any(type(value), list, tuple) and is_any(type(other), list, tuple):
            return len(value) == len(other) and all(map(self._same, value, other))
        if not (_is_of_jax(value) and _is_numeric(other)):
            return True
        one, two = np.asarray(value), np.asarray(other)
        if one.shape != two.shape:
            return False
        if not np.array_equal(one, two, equal_nan=True):
            room = self.tolerance * max(_size(one), _size(two), _size(_parts(self.ran, self.next)))
            return bool(np.allclose(one, two, rtol=0.0, atol=room, equal_nan=True))
        return True

    def _as_it_was(self, value: Any, other: Any) -> Any:
        if is_any(type(value), list, tuple):
            return type(value)(map(self._as_it_was, value, other))
        return self.as_jax(other) if _is_of_jax(value) and _is_numeric(other) else value


@contextmanager
def _reporting(report: Callable[[int, Any], Any]) -> Iterator[None]:
    """A context in which the expressions of watched code report to a function; they give what it returns."""
    before = getattr(builtins, NAME)
    setattr(builtins, NAME, report)
    try:
        yield
    finally:
        setattr(builtins, NAME, before)


def _watched(ran: list[tuple[int, Any]], copies: Container[CodeType]) -> set[int]:
    """The expressions that gave functions whose own expressions are looked at, and nothing else."""
    watched, others = set[int](), set[int]()
    for number, value in ran:
        function = value.__func__ if type(value) is MethodType else value
        mine = type(function) is FunctionType and function.__code__ in copies
        (watched if mine else others).add(number)
    return watched - others


def _calls_numpy(ran: list[tuple[int, Any]], k: int, read: Executed, watched: Container[int]) -> bool:
    """Whether an expression is a call that gives an array of NumPy, and gave one of JAX while the code was read.

    Not counted are calls of functions whose own expressions are looked at. An attribute or a part of what is no array, such
    as a property, may call code of a library, and so do iterators.
    """
    number, value = ran[k]
    one = EXPRESSIONS[number]
    if is_any(type(value), map, filter) or home_of(type(value)) == "itertools":
        return True  # what they compute is no expression
    if not _is_numeric(value) or not any("tensor" in kinds(v) for v in read.values.get(number, ())):
        return False
    if one.taken_of is not None:
        holder = next((v for n, v in reversed(ran[:k]) if n == one.taken_of), None)
        return not (_is_numeric(holder) or is_any(type(holder), list, tuple, dict))
    return one.calls is not None and one.calls not in watched


def _is_of_jax(value: Any) -> bool:
    import jax

    return issubclass(type(value), jax.Array)


def _is_numeric(value: Any) -> bool:
    """Whether a value is an array or a number of NumPy, or a list of such."""
    kind = type(value)
    if is_any(kind, list, tuple):
        return any(map(_is_numeric, value))
    return (kind is np.ndarray or issubclass(kind, np.generic)) and value.dtype.kind in "fiubc"


def _size(value: Any) -> float:
    """The largest finite number of an array, or of a list of arrays; 0 for other values."""
    if is_any(type(value), list, tuple):
        return max(map(_size, value), default=0.0)
    if not _is_numeric(value):
        return 0.0
    with np.errstate(all="ignore"):
        size = np.abs(np.asarray(value))
    return float(np.max(size, where=np.isfinite(size), initial=0.0))


def _parts(ran: list[tuple[int, Any]], k: int) -> list[Any]:
    """The values of which an expression is made: the arguments of a call, and the array whose method is called."""
    one, parts, taken = EXPRESSIONS[ran[k][0]], list[Any](), list[tuple[int, int, int, int]]()
    for number, value in reversed(ran[max(0, k - FAR) : k]):
        other = EXPRESSIONS[number]
        if other.file == one.file and other.within(one.span) and not any(map(other.within, taken)):
            taken.append(other.span)
            parts.append(getattr(value, "__self__", value) if number == one.calls else value)
    return parts
