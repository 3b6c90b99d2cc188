"""The bound of one box: how a `Leaf` proves it, and what a batch of boxes reports back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.rounding import Array


@dataclass(frozen=True, eq=False)
class Bounded:
    """What was found on a batch of ``B`` boxes with ``a`` alternatives.

    Attributes:
        upper: proved bound of the error on each box, shape ``(B,)``; ``inf`` where nothing was proved.
        degree: per alternative: n of the interpolant, 0 for the affine bound, -1 for none, shape ``(B, a)``.
        rho: parameter of the ellipse for n > 0, shape ``(B, a)``.
        grid: K of the Ehlich-Zeller grid, 0 for the sum of coefficients, shape ``(B, a)``.
        axis: where to split, shape ``(B,)``.
        rounding: bound of the float64 evaluation error, shape ``(B,)``.
        limited: whether rounding stands in the way of a smaller bound, shape ``(B,)``.
        points: promising places in box coordinates, shape ``(k, d)``.
    """

    upper: Array
    degree: NDArray[np.int64]
    rho: Array
    grid: NDArray[np.int64]
    axis: NDArray[np.intp]
    rounding: Array
    limited: NDArray[np.bool_]
    points: Array

    @classmethod
    def join(cls, parts: list[Bounded]) -> Bounded:
        """Several batches as one."""
        names = cls.__dataclass_fields__
        return cls(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})
