"""Points at which the old and the mended model are compared: each model is called once at each of them, within the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.limit import Limit
from supnorm.mending.task import Task
from supnorm.problem import Function

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Both:
    """Points ``x (n, d)``, values ``y (n, m)`` of the reference, errors ``(n,)`` of the old and of the mended model."""

    x: Array
    y: Array
    before: Array
    after: Array

    @classmethod
    def none(cls, d: int) -> Both:
        """No points."""
        return cls(np.empty((0, d)), np.empty((0, 1)), np.empty(0), np.empty(0))

    def __len__(self) -> int:
        """How many points there are."""
        return len(self.x)

    def joined(self, *others: Both) -> Both:
        """These points, and then the others."""
        parts = [part for part in (self, *others) if len(part)]
        if len(parts) < 2:
            return parts[0] if parts else self
        names = ("x", "y", "before", "after")
        return Both(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def rows(self, mask: Any) -> Both:
        """Some of the points, by a mask."""
        taken = np.asarray(mask, dtype=bool)
        return Both(self.x[taken], self.y[taken], self.before[taken], self.after[taken])

    @property
    def growth(self) -> Array:
        """By how much the error grew; minus infinity where one was infinite before, and where one is not known.

        >>> both = Both(*np.zeros((2, 3, 1)), np.array([1.0, np.inf, np.nan]), np.array([3.0, np.inf, 1.0]))
        >>> both.growth.tolist()
        [2.0, -inf, -inf]
        """
        with np.errstate(invalid="ignore"):
            growth = self.after - self.before
        return np.where(np.isnan(growth), -np.inf, growth)

    @property
    def worst(self) -> float:
        """The largest error of the mended model; 0 without points."""
        return float(np.nanmax(self.after, initial=0.0)) if len(self) else 0.0


def both_at(task: Task, mended: Function, x: Array, limit: Limit, y: Array | None = None) -> Both:
    """The errors of both models at as many of the first points as the time allows, and at a few at least.

    Args:
        limit: of the time; see `Task.part`.
        y: values of the reference; None: it is called. Points at which it has none are kept.
    """
    found = Both.none(task.problem.domain.d)
    for part in limit.portions(len(x)):
        at = x[part]
        f = task.truth.value(at) if y is None else y[part]
        before, after = task.errors(task.problem.model, at, f), task.errors(mended, at, f)
        found = found.joined(Both(at, f, before, after))
    return found
