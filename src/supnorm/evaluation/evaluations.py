"""The results of a batch of evaluations."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class PointStatus(IntEnum):
    """What happened at a point."""

    OK = 0
    OUTSIDE = 1  # the point does not exist: nothing was evaluated
    FAILED = 2  # no finite reference, or a call that raised or timed out
    MASKED = 3  # evaluated, but the error does not count here


@dataclass(frozen=True)
class Evaluations:
    """Model and reference at ``n`` points.

    Attributes:
        x: shape ``(n, d)``.
        model, reference: shape ``(n, m)``; NaN where nothing was evaluated or the call failed.
        error: shape ``(n,)``; NaN where there is no error: see ``status``.
        output: which output has the error, shape ``(n,)``.
        status: `PointStatus` codes, shape ``(n,)``.
    """

    x: Array
    model: Array
    reference: Array
    error: Array
    output: NDArray[np.intp]
    status: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.x)

    @cached_property
    def score(self) -> Array:
        """The error as something to maximise: minus infinity where there is none."""
        none = np.isnan(self.error)
        return np.where(none, -np.inf, self.error) if none.any() else self.error
