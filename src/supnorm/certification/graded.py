"""The stored parts of a graded model. `graded_model` defines them and proves what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from supnorm.certification.graded_forms import corners
from supnorm.certification.rounding import Array, gamma, one_norm, outward

TOP = 13  # K: largest degree of a stored part; K and CORNERS are fixed by the file format
# Up to this many inputs, forms are bounded in the corners of the cube: 2^(d - 1) of them, up to sign.
CORNERS = 8


@dataclass(frozen=True, eq=False)
class Graded:
    """Models of ``w`` features on ``B`` boxes.

    Attributes:
        c: constants, shape ``(B, w)``.
        J: linear parts in y, shape ``(B, w, d)``.
        H: quadratic parts in the order of `pairs`, shape ``(d (d + 1)/2, B, w)``.
        s: norms of the other parts of degree 2..K, shape ``(K + 1, B, w)``, the first two zero.
        rem: remainders, shape ``(B, w)``.
    """

    c: Array
    J: Array
    H: Array
    s: Array
    rem: Array

    @property
    def slope(self) -> Array:
        """sum_j |J_j|, shape ``(B, w)``."""
        return outward(one_norm(self.J), self.J.shape[-1])

    @cached_property
    def curve(self) -> Array:
        """Bound of |H|, shape ``(B, w)``; the sum of the mixed terms is largest in a corner of the cube."""
        d = self.J.shape[-1]
        if not 1 < d <= CORNERS:
            return outward(np.abs(self.H).sum(0), len(self.H))
        mixed = self.H[d:].reshape(len(self.H) - d, -1)
        lost = gamma(len(mixed) + 2) * np.abs(mixed).sum(0)
        largest = np.abs(corners(d) @ mixed).max(0) + lost
        return outward(np.abs(self.H[:d]).sum(0) + largest.reshape(self.c.shape), d + 4)

    @property
    def entry_sum(self) -> Array:
        """sum |H_ij|, shape ``(B, w)``; the rounding of H is proportional to it."""
        return np.asarray(np.abs(self.H).sum(0))

    @property
    def parts(self) -> Array:
        """S: norms of all parts of degree 2..K, shape ``(K + 1, B, w)``."""
        parts = self.s.copy()
        parts[2] = outward(parts[2] + self.curve)
        return parts

    @property
    def bent(self) -> Array:
        """Bound of H and the sum of the q_k, shape ``(B, w)``."""
        return outward(self.s.sum(0) + self.curve, len(self.s))

    @property
    def flat(self) -> bool:
        """Whether all features are affine up to their remainders."""
        return not (self.s.any() or self.H.any())

    def tail(self, degree: int) -> Array:
        """Distance from the polynomials of total degree ``degree``, shape ``(B, w)``."""
        return outward(self.parts[degree + 1 :].sum(0) + self.rem, len(self.s))
