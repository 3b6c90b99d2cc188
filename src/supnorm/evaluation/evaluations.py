"""The results of a batch of evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from functools import cached_property
from typing import Any

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
        x: points, shape ``(n, d)``.
        model, reference: values, shape ``(n, m)``; NaN where nothing was evaluated or the call failed.
        error: errors, shape ``(n,)``; NaN where there is no error, see ``status``.
        output: the output that has the error, shape ``(n,)``.
        status: `PointStatus` codes, shape ``(n,)``.
        finite: whether every point is known to have a finite error.
    """

    x: Array
    model: Array
    reference: Array
    error: Array
    output: NDArray[np.intp]
    status: NDArray[np.int8]
    finite: bool = False

    @classmethod
    def absent(cls, x: Array, outputs: int) -> Evaluations:
        """Points that do not exist or were not evaluated, shape ``(n, d)``."""
        none = np.full((len(x), outputs), np.nan)
        status = np.full(len(x), PointStatus.OUTSIDE, dtype=np.int8)
        return cls(x, none, none, np.full(len(x), np.nan), np.zeros(len(x), dtype=np.intp), status)

    def among(self, x: Array, rows: NDArray[np.bool_]) -> Evaluations:
        """These points as ``rows`` of points ``x`` (n, d), of which the others do not exist."""
        whole = Evaluations.absent(x, self.model.shape[1])
        whole = replace(whole, reference=whole.reference.copy())
        for name in ARRAYS[1:]:
            getattr(whole, name)[rows] = getattr(self, name)
        return whole

    def __len__(self) -> int:
        return len(self.x)

    @cached_property
    def score(self) -> Array:
        """The error for maximisation: minus infinity where there is no error."""
        if self.finite:
            return self.error
        none = np.isnan(self.error)
        return np.where(none, -np.inf, self.error) if none.any() else self.error


def joined(parts: Sequence[Evaluations]) -> Evaluations:
    """Batches as one."""
    if len(parts) == 1:
        return parts[0]
    arrays: dict[str, Any] = {name: np.concatenate([getattr(p, name) for p in parts]) for name in ARRAYS}
    return Evaluations(**arrays)


ARRAYS = tuple(f.name for f in fields(Evaluations) if f.name != "finite")
