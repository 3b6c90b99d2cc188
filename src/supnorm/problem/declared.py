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
from dataclasses import dataclass

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
        sizes = self.bound if isinstance(self.bound, tuple) else () if self.bound is None else (self.bound,)
        for name, value in [("bound", v) for v in sizes] + [
            ("derivatives", v) for v in self.derivatives or ()
        ]:
            if not 0.0 <= value < math.inf:
                raise BadInput(f"{name} must be finite and not negative, got {value}")
        if not 1.0 < self.stretch < 1e6:
            raise BadInput(f"stretch must be above 1, the box itself, got {self.stretch}")
        if self.order is not None and not 2 <= self.order <= 40:
            raise BadInput(f"order must be from 2 to 40, got {self.order}")
        if not 0.0 <= self.accuracy < math.inf:
            raise BadInput(f"accuracy must be finite and not negative, got {self.accuracy}")

    def sentences(self, name: str) -> tuple[str, ...]:
        """The declaration in words, for the list of assumptions."""
        sentences = []
        if self.bound is not None:
            sizes = self.bound if isinstance(self.bound, tuple) else (self.bound,)
            sentences.append(
                f"declared, not proved: {name} is analytic and at most {', '.join(f'{v:g}' for v in sizes)} in "
                f"size for complex inputs within {self.stretch:g} half-widths of the middle of their ranges"
            )
        if self.derivatives is not None:
            sizes = self.derivatives
            sentences.append(
                f"declared, not proved: derivatives of {name} of order {self.order} in each input are at most "
                f"{', '.join(f'{v:g}' for v in sizes)} in size on the box"
            )
        return (
            *sentences,
            f"declared, not proved: values of {name} are accurate to {self.accuracy:g} and rounding",
        )
