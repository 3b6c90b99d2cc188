"""The part of the error that is only evaluated, on one batch of boxes: its tails, noise, values, and where to split."""

from __future__ import annotations

import numpy as np

from supnorm.certification import chebyshev
from supnorm.certification.black_box import BlackBox
from supnorm.certification.rounding import Array, U, outward


class Beyond:
    """Functions with declared bounds, on a batch of boxes; without such functions all results are zero.

    Args:
        parts: the functions with declared bounds.
        centre, half: the boxes, shapes ``(B, d)``.
    """

    def __init__(self, parts: tuple[BlackBox, ...], centre: Array, half: Array) -> None:
        self.parts, self.centre, self.half = parts, centre, half
        self.d = centre.shape[1]
        self.largest = 2

    def degrees(self, largest: int) -> list[int]:
        """Degrees to try: 2 to ``largest``, and the degrees for which derivatives are declared."""
        if not self.parts:
            return list(range(2, largest + 1))
        orders = {p.declared.order - 1 for p in self.parts if p.declared.order is not None}
        degrees = sorted({*range(2, largest + 1), *orders})
        # A function with declared derivatives alone has a tail for one degree only.
        only = [p.declared.order - 1 for p in self.parts if p.declared.bound is None and p.declared.order]
        degrees = sorted(set(only)) if only else degrees
        self.largest = degrees[-1]
        return degrees

    def tail(self, n: int) -> Array | float:
        """Weighted bound of interpolation errors of degree n, shape ``(B, m)``."""
        return sum((np.abs(p.weight) * p.tail(n, self.centre, self.half) for p in self.parts), start=0.0)

    def bend(self, bend: Array, allowance: float) -> Array:
        """Scores of the axes for splitting; where these functions have the larger tail, its summand for each axis."""
        if not self.parts:
            return bend
        by_axis = sum(
            (np.abs(p.weight) * p.tail_by_axis(self.largest, self.centre, self.half)).max(-1)
            for p in self.parts
        )
        worse = np.asarray(by_axis).sum(1) > 0.5 * allowance
        wide = np.isinf(by_axis).any(1)
        # No ellipse fits: split the axis that is widest relative to its disc.
        room = np.max(
            [self.half / p.rho(self.centre, self.half) / (p.high - p.low) for p in self.parts], axis=0
        )
        chosen = np.where(wide[:, None], room, by_axis)
        return np.where(worse[:, None], chosen, bend)

    def add(self, n: int, values: Array) -> tuple[Array, Array]:
        """Node values ``(B, N, m)`` of the other part plus those of these functions, and the noise of the interpolant."""
        noise = np.zeros((len(values), values.shape[-1]))
        total = values
        for part in self.parts:
            at_nodes = part.at_nodes(n, self.centre, self.half)
            largest = np.abs(at_nodes).max(1)
            tail = part.tail(n, self.centre, self.half)
            weighted = np.abs(part.weight) * largest
            noise = noise + np.abs(part.weight) * part.noise(n, self.half, largest, tail)
            noise = noise + 8.0 * U * (weighted + np.abs(total).max(1))
            total = total + part.weight * at_nodes
        largest = np.abs(total).max(1) + np.abs(values).max(1)
        loss = chebyshev.lebesgue(n, self.d) * noise + chebyshev.transform_rounding(n, self.d, largest)
        return total, outward(loss)
