"""Whether methods of JAX's arrays give what those of NumPy's arrays give, in plain code that JAX reads and NumPy runs.

JAX reads code of plain arrays where NumPy's protocols cannot. ``x.sum(axis=1, initial=1.0)`` is a method of NumPy's array
where the code runs, and one of JAX's where it is read; JAX 0.10 leaves ``initial`` out there. On a small part of the domain
no comparison of results shows such a difference. So the code is executed with NumPy's arrays and once more with JAX's, and
what its expressions give is compared. In the second execution each expression goes on with NumPy's value, so that a
difference is that of one expression, and is not rounding that has grown.

Indices and arithmetic of arrays are the same in both libraries. Code in which nothing else gives an array of NumPy is not
executed a second time: JAX would compile each of its operations alone, some 20 ms each.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial, reduce
from itertools import combinations
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from supnorm.foreign import home_of, is_any
from supnorm.jax_mode import jax_mode
from supnorm.program.executed import Executed
from supnorm.program.expressions import EXPRESSIONS, NAME, Expression
from supnorm.program.given import kinds

# Units of rounding that one operation on equal numbers may differ by, beside one for each number of a row.
UNITS = 8
DOUBLE, SINGLE = 2.0**-52, 2.0**-23
AXES = 8  # of arrays with more is not asked which numbers a sum is made of
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
    if not _made_elsewhere(ran, x, read, watched):
        return None
    import jax.numpy as jnp

    replay = _Replay(ran, DOUBLE if double else SINGLE, jnp.asarray)
    with _reporting(replay.see):
        _executed(code, partial(jnp.asarray, x), double)
    return replay.unlike


def _executed(code: Callable[[Any], Any], points: Callable[[], Any], double: bool) -> None:

    precise = jax_mode(True) if double else nullcontext()
    with suppress(Exception), precise, np.errstate(all="ignore"):
        code(points())


class _Replay:
    """Compares what expressions give now with what they gave, and has each go on with what it gave."""

    def __init__(self, ran: list[tuple[int, Any]], unit: float, as_jax: Callable[[Any], Any]) -> None:
        self.ran, self.unit, self.as_jax, self.next = ran, unit, as_jax, 0
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
        if np.array_equal(one, two, equal_nan=True):
            return True
        room = self.unit * _units(two, _arrays(_parts(self.ran, self.next)))
        with np.errstate(all="ignore"):
            near = np.abs(one.astype(np.float64) - two) <= room
        return bool((near | (one == two) | (np.isnan(one) & np.isnan(two))).all())

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


def _made_elsewhere(ran: list[tuple[int, Any]], x: Any, read: Executed, watched: Container[int]) -> bool:
    """Whether an expression gives an array of NumPy that nobody saw made, where it gave one of JAX while the code was read.

    Seen is what operators, indices and attributes of arrays make of arrays that are known, and what functions give whose own
    expressions are looked at. All else may be computed by code of a library: what another call gives, an iterator, a part of
    another object, and what a name has by ``with``, by ``for`` or as an argument.
    """
    known = {_owner(x)}
    for k, (number, value) in enumerate(ran):
        one = EXPRESSIONS[number]
        if is_any(type(value), map, filter) or home_of(type(value)) == "itertools":
            return True  # what they compute is no expression
        arrays = _arrays(value)
        if not arrays:
            continue
        seen = one.computes or all(_owner(a) in known or _equal(a, x) for a in arrays)
        if one.calls is not None:
            seen = one.calls in watched
        elif one.taken_of is not None and not seen:
            holder = next((v for n, v in reversed(ran[:k]) if n == one.taken_of), None)
            seen = not is_any(type(holder), list, tuple) and _is_numeric(holder)
        if not seen and (
            number in read.later or any("tensor" in kinds(v) for v in read.values.get(number, ()))
        ):
            return True
        known.update(map(_owner, arrays))
    return False


def _arrays(value: Any) -> list[Any]:
    """The arrays and numbers of NumPy that a value is, or that a list holds."""
    if is_any(type(value), list, tuple):
        return [a for v in value for a in _arrays(v)]
    return [value] if _is_numeric(value) else []


def _owner(array: Any) -> int:
    """What an array has its memory from: a row that a ``for`` takes of an array has that of the array."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return id(array)


def _equal(array: Any, x: Any) -> bool:
    return array.shape == x.shape and bool(np.array_equal(array, x, equal_nan=True))


def _is_of_jax(value: Any) -> bool:
    import jax

    return issubclass(type(value), jax.Array)


def _is_numeric(value: Any) -> bool:
    """Whether a value is an array or a number of NumPy, or a list of such."""
    kind = type(value)
    if is_any(kind, list, tuple):
        return any(map(_is_numeric, value))
    return (kind is np.ndarray or issubclass(kind, np.generic)) and value.dtype.kind in "fiubc"


def _units(result: Any, parts: list[Any]) -> Any:
    """How large a unit of rounding may be, in units of 1, for each number of the result of an operation on some arrays.

    The numbers of another column do not count where the shapes say which numbers a result is made of.
    """
    terms = max((part.size / max(1, len(part)) for part in parts if part.ndim), default=1.0)
    size, others = _finite(result), []
    for part in map(_finite, parts):
        if (its := _of_result(part, result.shape)) is None:
            others.append(its := _by_rows(part, result.shape))
        size = np.maximum(size, its)
    if len(others) > 1:  # such as a product of matrices
        size = np.maximum(size, reduce(np.multiply, others))
    return (UNITS + terms) * size


def _of_result(part: Any, shape: tuple[int, ...]) -> Any:
    """The largest number of a part of which each number of a sum over some axes is made; None if it is no sum of them."""
    part, long, least = part.squeeze(), tuple(k for k in shape if k != 1), None
    if part.ndim > AXES:
        return None
    for axes in combinations(range(part.ndim), len(long)):
        if tuple(part.shape[i] for i in axes) == long:
            its = part.max(axis=tuple(i for i in range(part.ndim) if i not in axes), initial=0.0)
            least = its if least is None else np.minimum(least, its)
    return None if least is None else least.reshape(shape)


def _by_rows(part: Any, shape: tuple[int, ...]) -> Any:
    """The largest number of each row where a part has as many rows as the result, else of all."""
    if not (part.ndim and shape and len(part) == shape[0]):
        return part.max(initial=0.0)
    return part.reshape(len(part), -1).max(axis=1, initial=0.0).reshape(-1, *(1 for _ in shape[1:]))


def _finite(array: Any) -> Any:
    size = np.abs(np.asarray(array)).astype(np.float64)
    return np.where(np.isfinite(size), size, 0.0)


def _parts(ran: list[tuple[int, Any]], k: int) -> list[Any]:
    """The values of which an expression is made: the arguments of a call, and the array whose method is called."""
    one, parts, taken = EXPRESSIONS[ran[k][0]], list[Any](), list[tuple[int, int, int, int]]()
    for number, value in reversed(ran[max(0, k - FAR) : k]):
        other = EXPRESSIONS[number]
        if other.file == one.file and other.within(one.span) and not any(map(other.within, taken)):
            taken.append(other.span)
            parts.append(getattr(value, "__self__", value) if number == one.calls else value)
    return parts
