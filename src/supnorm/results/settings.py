"""Frozen dataclasses of settings: each field is checked when the object is made, and refused in one line that names it.

>>> from dataclasses import dataclass
>>> @dataclass(frozen=True)
... class Box(Settings):
...     width: float = 1.0
...     sides: tuple[int, ...] = (4,)
>>> Box(sides=[4, 6])
Box(width=1.0, sides=(4, 6))
>>> Box(sides=3)
Traceback (most recent call last):
supnorm.results.status.BadInput: Box: sides must be a list of whole numbers from 1 to 1000000000000, got 3
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import inf
from types import NoneType, UnionType
from typing import Any, ClassVar, Union, get_args, get_origin

import numpy as np

from supnorm.results.option import Allowed, options_of
from supnorm.results.printable import one_line
from supnorm.results.status import BadInput

SHARE = Allowed(low=0, high=1)
NONE_TOO = Allowed(low=0, high=1e12, whole=True)  # a count that may be 0
MOST = 1e12  # of a field without a limit of its own: larger numbers of points or runs are mistakes
NUMBERS = (int, float)
Taken = Allowed | tuple[str, ...]
Limits = Mapping[str, Taken]


class Settings:
    """Base of a frozen dataclass of settings: strategies, their parts, and what says how a verb calls or draws.

    Attributes:
        LIMITS: by field, the numbers that it takes (for a list: each of its numbers), or the texts. Without an entry those
            of its option hold; any other number is at most `MOST` and at least 0, or 1 if it is whole and no seed.

    Raises:
        BadInput: naming class and field, for a value of another type or beyond its limits.
    """

    LIMITS: ClassVar[Limits] = {}

    def __post_init__(self) -> None:
        demand_fields(self, **self.LIMITS)


def demand_fields(settings: Any, **allowed: Taken) -> None:
    """See that the fields of a frozen dataclass have values of their types, and numbers within limits.

    Whole numbers are stored as `int`, lists as tuples. A field whose type is known to type checkers alone is left out.

    Args:
        settings: the object, from its ``__post_init__``.
        allowed: limits of fields; see `Settings`.

    Raises:
        BadInput: naming the class and the field.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Box:
    ...     width: float = 1.0
    >>> demand_fields(Box(float("nan")))
    Traceback (most recent call last):
    supnorm.results.status.BadInput: Box: width must be a finite number from 0 to 1000000000000, got nan
    """
    cls: Any = type(settings)
    for name, kind in kinds_of(cls).items():
        value = getattr(settings, name)
        limits = _limits(cls, name, kind, allowed.get(name))
        if not _fits(value, kind, limits):
            got = one_line(repr(value), 60)
            raise BadInput(f"{cls.__name__}: {name} must be {_words(kind, limits)}, got {got}")
        plain = _plain(value, kind)
        if plain is not value:
            object.__setattr__(settings, name, plain)


@lru_cache(maxsize=256)
def kinds_of(cls: type) -> Mapping[str, Any]:
    """The types of the fields of a dataclass; `Any` where only type checkers know it."""
    return {f.name: _kind(cls, f.name) for f in dataclasses.fields(cls)}


def _kind(cls: type, name: str) -> Any:
    owner = next(c for c in cls.__mro__ if name in vars(c).get("__annotations__", ()))
    written = owner.__annotations__[name]
    if not isinstance(written, str):
        return written
    try:
        return eval(written, vars(sys.modules[owner.__module__]))  # an annotation of our own source
    except NameError:
        return Any


def _limits(cls: type, name: str, kind: Any, given: Taken | None) -> Taken | None:
    """What a field takes: as given, as its option says, or the usual numbers."""
    if given is not None:
        return given
    whole = _number(kind) is int
    if (known := options_of(cls).get(name)) is not None:
        reader = known.number
        if reader is None:
            return Allowed(low=0)
        if reader.allowed == Allowed(whole=whole):
            return None  # what has limits that no option can state checks them itself
        return reader.allowed
    return Allowed(low=int(whole and name != "seed"), high=MOST, whole=whole)


def least(cls: Any, name: str) -> float | None:
    """The smallest number that a field of a dataclass of settings takes; None if it takes no numbers, or nested lists.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Box(Settings):
    ...     sides: int = 4
    >>> least(Box, "sides")
    1
    """
    kind = kinds_of(cls)[name]
    limits = _limits(cls, name, kind, cls.LIMITS.get(name))
    number = _number(kind)
    nested = any(item is not None and _item(item) is not None for item in map(_item, _parts(kind)))
    if number is None or nested or not isinstance(limits, Allowed):
        return None
    smallest = limits.low if limits.above == -inf else limits.above + 1e-300 + 1e-15 * abs(limits.above)
    plain: float = number(max(smallest, -1.0))
    return plain


def _parts(kind: Any) -> tuple[Any, ...]:
    """The alternatives of a type."""
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _item(kind: Any) -> Any:
    """The type of what a list holds; None if the type is no list."""
    listed = get_origin(kind) in (tuple, Sequence)
    return get_args(kind)[0] if listed and get_args(kind) else None


def _number(kind: Any) -> Any:
    """The type of number in a type, also of those in its lists; None without one."""
    for part in _parts(kind):
        found = part if part in NUMBERS else _number(_item(part)) if _item(part) is not None else None
        if found is not None:
            return found
    return None


def _fits(value: Any, kind: Any, limits: Taken | None) -> bool:
    return any(_is(value, part, limits) for part in _parts(kind))


def _is(value: Any, kind: Any, limits: Taken | None) -> bool:
    """Whether a value is of one type, without alternatives, and within the limits."""
    item = _item(kind)
    if item is not None:
        listed = isinstance(value, list | tuple | range | np.ndarray)
        return listed and all(_fits(part, item, limits) for part in value)
    if kind in NUMBERS:
        return limits is None or not isinstance(limits, Allowed) or value in limits
    if kind is str:
        return isinstance(value, str) and (not isinstance(limits, tuple) or value in limits)
    if kind is bool:
        return isinstance(value, bool | np.bool_)
    if kind is None or kind is NoneType:
        return value is None
    if get_origin(kind) is Callable:
        return callable(value)
    if inspect.isclass(origin := get_origin(kind)):
        return isinstance(value, origin)
    if kind is Any or not inspect.isclass(kind):
        return True
    if getattr(kind, "_is_protocol", False):
        return not inspect.isclass(value) and all(
            callable(getattr(value, name, None)) for name in _methods(kind)
        )
    return isinstance(value, kind)


def _methods(protocol: type) -> list[str]:
    return [name for name, v in vars(protocol).items() if inspect.isfunction(v) and not name.startswith("_")]


def _words(kind: Any, limits: Taken | None) -> str:
    """What a field takes, for the message that refuses another value."""
    return " or ".join(dict.fromkeys(_word(part, limits) for part in _parts(kind)))


def _word(kind: Any, limits: Taken | None) -> str:
    if (item := _item(kind)) is not None:
        return "a list of " + _words(item, limits).replace("a list of ", "lists of ").replace(
            "a whole number", "whole numbers"
        ).replace("a finite number", "finite numbers")
    if kind in NUMBERS:
        return str(limits) if isinstance(limits, Allowed) else "a number"
    if kind is str:
        return f"one of {', '.join(limits)}" if isinstance(limits, tuple) else "text"
    if kind is None or kind is NoneType:
        return "None"
    if get_origin(kind) is Callable:
        return "a function"
    return "True or False" if kind is bool else f"a {getattr(kind, '__name__', kind)}"


def _plain(value: Any, kind: Any) -> Any:
    """Whole numbers as `int`, lists as tuples, and the numbers in lists as `float`; everything else as it is."""
    parts = _parts(kind)
    for item in filter(None, map(_item, parts)):
        if isinstance(value, list | tuple | range | np.ndarray):
            plain = tuple(float(v) if item is float else _plain(v, item) for v in value)
            same = isinstance(value, tuple) and all(a is b for a, b in zip(plain, value, strict=True))
            return value if same else plain
    if int in parts and float not in parts and value is not None and not isinstance(value, str):
        return value if type(value) is int else int(value)
    return value
