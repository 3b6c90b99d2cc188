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
from decimal import Decimal
from math import inf, isfinite, nan
from numbers import Real
from typing import Any, TypeVar

from supnorm.results.printable import one_line
from supnorm.results.status import BadInput

Made = TypeVar("Made", bound=type)
EXACT = 2.0**53  # a whole number with an exponent stays below it, where floats are exact
LEAST_SECONDS = 0.1  # of an option that limits the time: starting the process takes longer


@dataclass(frozen=True, kw_only=True)
class Option:
    """How a field is given on the command line.

    Attributes:
        name: name with its dashes.
        help: meaning and unit.
        kind: type of the value on the command line: `str`, `int` or `float`.
        metavar: placeholder of the value in the help.
        low, high, above, infinite: the numbers that it takes; see `Allowed`.
        read: makes the value from the text and the name of the option; None if the text is the value.
    """

    name: str
    help: str
    kind: type = str
    metavar: str | None = None
    low: float | None = None
    high: float | None = None
    above: float | None = None
    infinite: bool = False
    read: Callable[[str, str], Any] | None = None

    @property
    def number(self) -> NumberText | None:
        """What reads the text of a number; None of an option that is none."""
        if self.kind not in (int, float):
            return None
        limits = {"low": self.low, "high": self.high, "above": self.above}
        allowed = Allowed(
            whole=self.kind is int,
            infinite=self.infinite,
            **{k: v for k, v in limits.items() if v is not None},
        )
        return NumberText(self.name, allowed)


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
    return float(plain_number_text(text))


def plain_number_text(text: str) -> str:
    """The text of a number, if it has no digits that only Python reads.

    Raises:
        ValueError: if it has.
    """
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return text


def whole_number(text: str) -> int:
    """A whole number as people write one, also as ``1e5``.

    Raises:
        ValueError: for anything else.

    >>> whole_number("100000"), whole_number("1e5"), whole_number("2.5e3")
    (100000, 100000, 2500)
    """
    plain = plain_number_text(text)
    try:
        return int(plain)
    except ValueError:
        number = Decimal(plain.strip()) if abs(float(plain)) < EXACT else Decimal("NaN")
        if not number.is_finite() or number != number.to_integral_value():
            raise ValueError(text) from None
        return int(number)


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """Which numbers an argument or an option takes, and the one sentence that refuses others.

    Attributes:
        low, high: the smallest and the largest one.
        above: all have to be larger than this.
        whole: only whole ones.
        infinite: an infinite one too.

    >>> str(Allowed(low=0.1)), str(Allowed(low=1, high=9, whole=True)), str(Allowed(above=0))
    ('a finite number of at least 0.1', 'a whole number from 1 to 9', 'a finite number above 0')
    """

    low: float = -inf
    high: float = inf
    above: float = -inf
    whole: bool = False
    infinite: bool = False

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, Real) or isinstance(value, bool):
            return False
        try:
            number = float(value)
        except OverflowError:  # a whole number that no float holds
            return False
        if not (self.low <= number <= self.high and (number > self.above or self.above == -inf)):
            return False
        return (isfinite(number) or self.infinite) and (not self.whole or number.is_integer())

    def __str__(self) -> str:
        what = "a whole number" if self.whole else "a number" if self.infinite else "a finite number"
        if self.above > -inf:
            return f"{what} above {self.above:.15g}"
        if self.low > -inf and self.high < inf:
            return f"{what} from {self.low:.15g} to {self.high:.15g}"
        return f"{what} of at least {self.low:.15g}" if self.low > -inf else what


class BadNumber(BadInput):
    """A number on the command line that an option does not take."""


@dataclass(frozen=True)
class NumberText:
    """Reads the text of a number on the command line: every verb reads every number of every option with it.

    Attributes:
        name: of the option.
        allowed: the numbers that it takes.

    >>> NumberText("--seconds", Allowed(low=0.1))("60")
    60.0
    """

    name: str
    allowed: Allowed

    def __call__(self, text: Any) -> float | int:
        """The number.

        Raises:
            BadNumber: for text that is no number in plain digits, or another number than those allowed.
        """
        try:
            value: float = whole_number(f"{text}") if self.allowed.whole else plain_number(f"{text}")
        except ValueError:
            value = nan
        if value not in self.allowed:
            raise BadNumber(f"{self.name} must be {self.allowed}, got {one_line(f'{text}', 60)!r}")
        return value


def demand_allowed(name: str, value: object, allowed: Allowed) -> None:
    """See that an argument is a number that is allowed.

    Raises:
        BadInput: when it is not.
    """
    if value not in allowed:
        raise BadInput(f"{name} must be {allowed}, got {one_line(repr(value), 60)}")


def demand_number(name: str, value: float | None, least: float, whole: bool = False) -> None:
    """See that a number that was given is one, not too small and, where that is asked for, whole.

    Raises:
        BadInput: when it is not.
    """
    if value is not None:
        demand_allowed(name, value, Allowed(low=least, whole=whole))


def demand_seed(seed: int) -> int:
    """The seed of random numbers, for every function that takes one.

    Raises:
        BadInput: when it is no whole number of at least 0.
    """
    demand_allowed("seed", seed, Allowed(low=0, whole=True))
    return int(seed)


def demand_budget(
    seconds: float | None, boxes: int, seed: int, ratio: float | None = None
) -> tuple[int, int]:
    """See that a proof can be asked for with these numbers; returns boxes and seed as integers.

    Raises:
        BadInput: naming the one that cannot be used.
    """
    if seconds is not None:
        demand_allowed("seconds", seconds, Allowed(above=0))
    demand_allowed("boxes", boxes, Allowed(low=0, whole=True))
    if ratio is not None:
        demand_allowed("ratio", ratio, Allowed(infinite=True))
        if not 1.0 < ratio < inf:
            raise BadInput(f"ratio must be above 1, such as 1.1, got {ratio}")
    return int(boxes), demand_seed(seed)


def demand_seconds(seconds: float | None) -> None:
    """See that a limit of time that was given is a positive and finite number, for every function that takes one.

    Raises:
        BadInput: when it is not.
    """
    if seconds is not None:
        demand_allowed("seconds", seconds, Allowed(above=0))


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
        counts = tuple(int(plain_number_text(part)) for part in text.replace(",", " ").split())
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
        return tuple((plain_number(first), plain_number(second)) for first, second in pairs)
    except ValueError:
        raise BadInput(f"{name} wants pairs such as 2:4,3:1, got {text!r}") from None
