"""The graded model of one feature: what is kept of it, and the sizes of its parts.

c + J.y + H(y) + sum_{k=2..13} q_k + rest, as `graded` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flint import arb, arb_mat, arb_poly

from supnorm.checker.functions import extremes
from supnorm.checker.graded_range import corners

Ball = Any
TOP = 13  # largest degree of a stored part: the format fixes it
CORNERS = 8  # inputs up to which quadratic forms are bounded in the corners of the cube


@dataclass(frozen=True)
class Graded:
    """The model of a feature; ``H`` holds H_11 .. H_dd, then H_12, H_13 ..; ``s`` is sum_k s_k t^k, ``rem`` None
    where there is no bound."""

    c: Ball
    J: tuple[Ball, ...]
    H: tuple[Ball, ...]
    s: Any
    rem: Ball | None

    @cached_property
    def slope(self) -> Ball:
        """Bound of |J.y|."""
        return sum((abs(j) for j in self.J), arb(0)).upper()

    @cached_property
    def curve(self) -> Ball:
        """Bound of |H|: of the squares by their sizes, of the mixed terms by their values in the corners."""
        d = len(self.J)
        if not 1 < d <= CORNERS:
            return sum((abs(z) for z in self.H), arb(0)).upper()
        values = corners(d) * arb_mat(len(self.H) - d, 1, list(self.H[d:]))
        return (sum((abs(z) for z in self.H[:d]), extremes([abs(z) for z in values.entries()])[1])).upper()

    @cached_property
    def parts(self) -> Any:
        """Norms of H and the q_k, as a polynomial in t."""
        return self.s + arb_poly([0, 0, self.curve])

    @cached_property
    def bent(self) -> Ball:
        """Bound of H and the sum of the q_k."""
        return (self.s(arb(1)) + self.curve).upper()

    def tail(self, D: int) -> Ball | None:
        """Distance from the polynomials of total degree D."""
        if self.rem is None:
            return None
        return (sum((self.parts[k] for k in range(D + 1, TOP + 1)), arb(0)) + self.rem).upper()
