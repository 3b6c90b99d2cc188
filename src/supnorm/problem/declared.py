"""The declarations of a user about a function whose operations supnorm cannot read; conditional bounds assume them.

There are two kinds, in the coordinates of the box (the unit of the axis; log x on a logarithmic axis):

* a bound on complex arguments: f is analytic, and each output is at most ``bound`` in size, if each input lies in the
  disc around the middle of its range whose radius is ``stretch`` half-widths;
* bounds on real derivatives: on the box, the derivative of order ``order`` with respect to input j alone is at
  most ``derivatives[j]`` in size, for every output.

A declaration is never a proof. Every conclusion from it is called conditional.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np

from supnorm.results import BadInput


@dataclass(frozen=True)
class Declared:
    """A declaration about a function.

    Attributes:
        bound: bound of each output's size on complex arguments; one number, or one for each output; None if not declared.
        stretch: radius of the discs in half-widths of the box; above 1.
        order: order of the bounded real derivatives, 2 or more; None if not declared.
        derivatives: bounds of these derivatives, one for each input.
        accuracy: how far a returned value may be from the true one, in addition to 16 units in the last place of the
            largest value near it.
    """

    bound: float | tuple[float, ...] | None = None
    stretch: float = 1.25  # the bound is stated for it: whoever states it may choose
    order: int | None = None
    derivatives: tuple[float, ...] | None = None
    accuracy: float = 0.0

    def __post_init__(self) -> None:
        if self.bound is None and self.derivatives is None:
            raise BadInput("a declaration needs bound (on complex arguments), or order and derivatives")
        if (self.order is None) != (self.derivatives is None):
            raise BadInput("order and derivatives belong together; give both or neither")
        put = partial(object.__setattr__, self)
        if self.bound is not None:
            one = isinstance(self.bound, Real)
            put("bound", _size("bound", self.bound) if one else _sizes("bound", self.bound))
        if self.derivatives is not None:
            put("derivatives", _sizes("derivatives", self.derivatives))
        if not (isinstance(self.stretch, Real) and 1.0 < self.stretch < 1e6):
            raise BadInput(f"stretch must be a number above 1, the box itself, got {self.stretch!r}")
        if self.order is not None and not (isinstance(self.order, Integral) and 2 <= self.order <= 40):
            raise BadInput(f"order must be a whole number from 2 to 40, got {self.order!r}")
        put("accuracy", _size("accuracy", self.accuracy))

    def sentences(self, name: str, by_logarithm: Sequence[str] = ()) -> tuple[str, ...]:
        """The declaration in words, for the list of assumptions; about the logarithms of the inputs with these names."""
        sentences, how = [], ""
        if by_logarithm:
            how = f" ({', '.join(by_logarithm)} by {'its logarithm' if len(by_logarithm) == 1 else 'their logarithms'})"
        if self.bound is not None:
            sizes = self.bound if isinstance(self.bound, tuple) else (self.bound,)
            sentences.append(
                f"declared, not proved: {name} is analytic and at most {', '.join(map(_whole, sizes))} in "
                f"size for complex inputs{how} within {_whole(self.stretch)} half-widths of the middle of their ranges"
            )
        if self.derivatives is not None:
            sizes = self.derivatives
            sentences.append(
                f"declared, not proved: derivatives of {name} of order {self.order} in each input{how} are at most "
                f"{', '.join(map(_whole, sizes))} in size on the box"
            )
        return (
            *sentences,
            f"declared, not proved: values of {name} are accurate to {_whole(self.accuracy)} and rounding",
        )


def _size(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 <= float(value) < math.inf:
        raise BadInput(f"{name} must be a finite number that is not negative, got {value!r}")
    return float(value)


def _sizes(name: str, values: Any) -> tuple[float, ...]:
    if not isinstance(values, tuple | list | np.ndarray) or not len(values):
        raise BadInput(f"{name} must be a list of numbers, got {values!r}")
    return tuple(_size(name, value) for value in values)


def _whole(value: float) -> str:
    """A number in all of its digits: a proof is conditional on it and not on a rounded one.

    >>> _whole(1200.0), _whole(1.23456789)
    ('1200', '1.23456789')
    """
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))
