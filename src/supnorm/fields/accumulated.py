"""What a scan of a pair of fields needs, adds to, and returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# What is summed with the area weight: of 1, prediction, truth, error, its square, and the squares of both gradients.
SUMS = (
    "weight",
    "prediction",
    "truth",
    "error",
    "square",
    "gradient_weight",
    "gradient_error",
    "gradient_truth",
)
# What is counted: points where both have a value; where only the prediction, or the truth, has none; values of the
# prediction outside of its bounds.
COUNTS = ("both", "prediction_missing", "truth_missing", "below", "above")


@dataclass(frozen=True)
class Setting:
    """What a scan needs to know besides the fields.

    Attributes:
        row_weights: area weight of each row, and the same as whole numbers, for the histogram.
        inverse: one over the distance of neighbours, in each row and between rows.
        low, high: bounds of the prediction; infinite where there is none.
    """

    row_weights: Array
    whole: NDArray[np.int64]
    inverse: tuple[Array, float]
    periodic: bool
    low: float
    high: float


@dataclass
class Accumulated:
    """Arrays that a scan adds to, all of one unit (a lead time, a level) but the maps, which are of a variable.

    Attributes:
        sums: as `SUMS`, float64.
        counts: as `COUNTS`, int64.
        histogram: weight of each bin of ``|error|``, shape ``(BINS,)``.
        largest: largest ``|error|`` at each point so far, float64, and ``when``: the number of its pair of fields.
        missing, outside: how often the prediction has no value, or one outside of its bounds, at each point.
    """

    sums: Array
    counts: NDArray[np.int64]
    histogram: NDArray[np.int64]
    largest: NDArray[np.float32]
    when: NDArray[np.int32]
    missing: NDArray[np.int32]
    outside: NDArray[np.int32]


@dataclass(frozen=True)
class Extremes:
    """What one pair of fields has at its extremes.

    Attributes:
        error, index: largest ``|error|`` and the first point that has it; -1 where no point has both values.
        first_missing: first point where only the prediction has no value; -1 for none.
        worst_outside, outside_index: the value furthest outside of the bounds; the index is -1 for none.
        indices, errors: points whose ``|error|`` is above the threshold, and their errors with sign.
    """

    error: float
    index: int
    first_missing: int
    worst_outside: float
    outside_index: int
    indices: NDArray[np.int64]
    errors: Array
