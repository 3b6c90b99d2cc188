"""The error of a test function as a plain objective: the same values and counts as `Objective`, without its checks.

For functions that are the model themselves (the reference is zero, no constraints, no gradients) each value then costs a
peer little more than the function.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.search.objective import HUGE, Exhausted, Objective
from supnorm.problem import Problem

Array = NDArray[np.float64]


class Plain(Objective):
    """An `Objective` for problems whose error is the value of the model, on ordinary axes."""

    def __init__(self, problem: Problem, evaluations: int) -> None:
        super().__init__(problem, evaluations)
        ends = problem.domain.from_unit(np.array([[0.0] * self.d, [1.0] * self.d]))
        self._low, self._width = ends[0], ends[1] - ends[0]
        self._value = problem.model.value

    def batch(self, u: Array) -> Array:
        """Errors at ``u`` (n, d), shape ``(n,)``; a batch beyond the budget is cut, counted and then raises."""
        left = self.evaluations - self.spent
        if left <= 0 or self.late:
            raise Exhausted
        part = u if len(u) <= left else u[:left]
        # As np.clip, which costs more than the rest of it for one point.
        place = self._low + self._width * np.minimum(np.maximum(part, 0.0), 1.0)
        score = np.asarray(self._value(place), dtype=float).reshape(len(part))
        self.spent += len(part)
        if len(part) == 1:
            self.best = max(self.best, float(score[0]))
        else:
            self.best = max(self.best, float(score.max()))
        if len(part) < len(u):
            raise Exhausted
        return np.minimum(score, HUGE)
