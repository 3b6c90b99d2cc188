"""A field of a dataclass that is also an option of the command line: default, help and unit stand in one place.

The command line makes its options from the fields; in Python the same help texts are the attributes of the class.

>>> @documented
... @dataclass(frozen=True)
... class Box:
...     '''A box.'''
...     width: float = option("--width", "Width in metres.", default=1.0, kind=float, low=0.0)
>>> print(Box.__doc__)
A box.
<BLANKLINE>
    Attributes:
        width: Width in metres.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, dataclass
from math import inf
from numbers import Real
from typing import Any, TypeVar

from supnorm.results.status import BadInput

Made = TypeVar("Made", bound=type)


@dataclass(frozen=True, kw_only=True)
class Option:
    """How a field is given on the command line.

    Attributes:
        name: name with its dashes.
        help: meaning and unit.
        kind: type of the value on the command line: `str`, `int` or `float`.
        metavar: placeholder of the value in the help.
        low, high: limits of a number.
        read: makes the value from the text and the name of the option; None if the text is the value.
    """

    name: str
    help: str
    kind: type = str
    metavar: str | None = None
    low: float | None = None
    high: float | None = None
    read: Callable[[str, str], Any] | None = None


def option(name: str, help: str, *, default: Any = MISSING, **more: Any) -> Any:
    """A field with an `Option`; without a default it must be given."""
    return dataclasses.field(default=default, metadata={"option": Option(name=name, help=help, **more)})


def options_of(cls: type) -> dict[str, Option]:
    """The options of a dataclass by the names of their fields."""
    return {f.name: f.metadata["option"] for f in dataclasses.fields(cls) if "option" in f.metadata}


def documented(cls: Made) -> Made:
    """Add the help texts to the docstring of a dataclass, as its attributes."""
    lines = [f"        {name}: {found.help}" for name, found in options_of(cls).items()]
    cls.__doc__ = "\n".join([(cls.__doc__ or "").rstrip(), "", "    Attributes:", *lines])
    return cls


def plain_number(text: str) -> float:
    """A number as people write one: Python also reads "1_000", and digits of other scripts.

    Raises:
        ValueError: for anything else.

    >>> plain_number(" 1e-3 ")
    0.001
    """
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return float(text)


def demand_number(name: str, value: float | None, least: float, whole: bool = False) -> None:
    """See that a number that was given is one, not too small and, where that is asked for, whole.

    Raises:
        BadInput: when it is not.
    """
    number = isinstance(value, Real) and not isinstance(value, bool)
    if value is not None and not (number and least <= value < inf and (not whole or value == int(value))):
        what = "a whole number" if whole else "a number"
        raise BadInput(f"{name} must be {what} of at least {least:g}, got {value!r}")


def number_list(text: str, name: str) -> tuple[float, ...]:
    """Numbers separated by commas.

    Raises:
        BadInput: when a part is not a number.
    """
    try:
        return tuple(plain_number(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise BadInput(f"{name} wants numbers separated by commas, got {text!r}") from None


def count_list(text: str, name: str) -> tuple[int, ...]:
    """Whole numbers of at least 1, separated by commas or spaces.

    Raises:
        BadInput: for anything else, or none.

    >>> count_list("32,64 128", "--sizes")
    (32, 64, 128)
    """
    try:
        counts = tuple(int(part) for part in text.replace(",", " ").split())
    except ValueError:
        counts = ()
    if not counts or min(counts) < 1:
        raise BadInput(f"{name} {text!r}: give whole numbers such as 32,64,128")
    return counts


def pair_list(text: str, name: str) -> tuple[tuple[float, float], ...]:
    """Pairs such as ``2:4,3:1``.

    Raises:
        BadInput: for anything else.
    """
    try:
        pairs = [part.split(":") for part in text.split(",") if part.strip()]
        return tuple((float(first), float(second)) for first, second in pairs)
    except ValueError:
        raise BadInput(f"{name} wants pairs such as 2:4,3:1, got {text!r}") from None
