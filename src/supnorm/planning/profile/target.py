"""One output of a function on the unit cube, which every test of the profile calls.

Failed points and points outside the domain are NaN. Expensive functions run through `Caller` (store,
executor).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.caller import Caller
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Domain

Array = NDArray[np.float64]


class Target:
    """A scalar function on the unit cube that counts its calls.

    Args:
        caller: calls the function in the units of the domain's axes.
        domain: maps the unit cube to the axes; its constraints say which points exist.
        output: which output.

    Attributes:
        calls: points evaluated so far.
        largest: the largest |f| seen; `smallest` and `greatest` are the range seen.

    >>> from supnorm.problem import as_function
    >>> target = Target(Caller(as_function(lambda x: x[:, 0] ** 2, "f"), "f"), Domain(x=(0.0, 2.0)))
    >>> target(np.array([[0.5], [1.0]])), target.calls
    (array([1., 4.]), 2)
    """

    def __init__(self, caller: Caller, domain: Domain, output: int = 0) -> None:
        self.caller, self.domain, self.output = caller, domain, output
        self.d = domain.d
        self.calls = 0
        self.smallest, self.greatest = np.inf, -np.inf

    def __call__(self, u: Array) -> Array:
        """Values at points of the unit cube, shape ``(n, d)``; NaN where there is none; shape ``(n,)``."""
        values = np.full(len(u), np.nan)
        x = self.domain.from_unit(u)
        whole = not self.domain.constraints and self.domain.cloud is None
        inside = np.ones(len(u), dtype=bool) if whole else self.domain.contains(x)
        if inside.any():
            values[inside] = self.caller.values(x[inside], "profile")[0][:, self.output]
            self.calls += int(inside.sum())
        INTERRUPTS.poll()  # where the function itself has swallowed it
        finite = values[np.isfinite(values)]
        if len(finite):
            self.smallest = min(self.smallest, float(finite.min()))
            self.greatest = max(self.greatest, float(finite.max()))
        return values

    @property
    def half_range(self) -> float:
        """Half the range of the values seen: the scale of the function; 1 for a constant."""
        half = 0.5 * (self.greatest - self.smallest)
        return float(half) if np.isfinite(half) and half > 0 else 1.0

    @property
    def largest(self) -> float:
        """The largest |f| seen."""
        return float(max(abs(self.smallest), abs(self.greatest))) if np.isfinite(self.greatest) else 0.0
