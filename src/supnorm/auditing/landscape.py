"""The error as a landscape over the unit box: what every search method works on.

With a limit in time a point that is asked for after its end is not evaluated: it counts as one that does not exist.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.manifold import onto_tangent, pull_back
from supnorm.evaluation import Evaluations, Evaluator
from supnorm.evaluation.evaluations import joined
from supnorm.evaluation.evaluator import GRADIENT_COST
from supnorm.evaluation.limit import Limit
from supnorm.results import Witness

Array = NDArray[np.float64]
GRADIENT = GRADIENT_COST


class Lens(Protocol):
    """What a search sees instead of the values that were computed, such as a planted error beside them."""

    def values(self, done: Evaluations) -> Evaluations:
        """A batch as the search sees it."""

    def gradient(self, done: Evaluations, slope: Array) -> tuple[Evaluations, Array]:
        """The same with the gradients of its errors in the unit box, shape ``(n, d)``."""


@dataclass
class Landscape:
    """Scores of unit-box points, within a limit.

    Attributes:
        evaluator: the door.
        limit: its evaluations are what `purpose` may reach in total; methods ask `remaining` and `late`.
        purpose: what the evaluations are counted as.
        tangent: keep moves on the surface that the data of a `Domain.from_samples` suggest.
        informative: whether derivatives can be followed, where there are any.
        lens: what the search sees of the values; None for the values themselves.
    """

    evaluator: Evaluator
    limit: Limit
    purpose: str = "search"
    tangent: bool = False
    informative: bool = True
    lens: Lens | None = None
    d: int = field(init=False)

    def __post_init__(self) -> None:
        self.d = self.evaluator.problem.domain.d

    @property
    def remaining(self) -> int:
        """Evaluations left, no more than the time allows."""
        return min(self.limit.evaluations - self.spent, self.limit.affords)

    @property
    def spent(self) -> int:
        """Evaluations so far for this purpose."""
        return self.evaluator.spent(self.purpose)

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return self.limit.over

    @property
    def ahead(self) -> int:
        """For how many workers points are chosen one by one; 0 where they are not."""
        evaluator = self.evaluator
        return evaluator.reference.ahead or 0 if evaluator.asynchronous else 0

    @property
    def differentiable(self) -> bool:
        """Whether gradients can be followed: both sides have derivatives, and these do not vanish."""
        return self.informative and self.evaluator.gradients == "both"

    def score(self, u: Array) -> Array:
        """Errors at unit-box points ``(n, d)``, shape ``(n,)``; minus infinity where there is none."""
        if not len(u):
            return np.empty(0)
        if not self.limit.endless:
            return self.look(u).score
        x, rows = self.evaluator.problem.domain.from_unit(u), self.evaluator.rows()
        parts = [self._values(x[i : i + rows]).score for i in range(0, len(x), rows)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def look(self, u: Array) -> Evaluations:
        """Both values and the error at unit-box points ``(n, d)``."""
        return self.at(self.evaluator.problem.domain.from_unit(u))

    def at(self, x: Array) -> Evaluations:
        """The same at points of the domain ``(n, d)``."""
        if self.limit.endless:
            return self._values(x)
        parts = [self.values(x[rows]) for rows in self._in_time(len(x), 1)]
        return self._whole(parts, x)

    def values(self, x: Array) -> Evaluations:
        """The same at points of the domain ``(n, d)``, in one batch whatever the time."""
        before, start = self.spent, time.perf_counter()
        done = self._values(x)
        self.limit.pace.note(self.spent - before, time.perf_counter() - start)
        return done

    def recompute(self, x: Array, seen: float) -> Witness:
        """Both values at a point ``x`` (d,), called alone (`Evaluator.recompute`); once the time is over long calls are not
        repeated, and their stored values stand for them."""
        if self.limit.over:
            self.evaluator.hurry()
        return self.evaluator.recompute(x, seen)

    def slope(self, u: Array) -> tuple[Array, Array]:
        """Errors and gradients in the unit box, shapes ``(n,)`` and ``(n, d)``; costs 3 a point."""
        x = self.evaluator.problem.domain.from_unit(u)
        if self.limit.endless:
            done, slopes = self._gradient(x)
            return done.score, slopes
        parts, slopes = [], np.zeros_like(x)
        for rows in self._in_time(len(x), GRADIENT):
            before, start = self.spent, time.perf_counter()
            done, slopes[rows] = self._gradient(x[rows])
            self.limit.pace.note(self.spent - before, time.perf_counter() - start)
            parts.append(done)
        return self._whole(parts, x).score, slopes

    def _values(self, x: Array) -> Evaluations:
        done = self.evaluator.values(x, self.purpose)
        return done if self.lens is None else self.lens.values(done)

    def _gradient(self, x: Array) -> tuple[Evaluations, Array]:
        done, slope = self.evaluator.gradient(x, self.purpose)
        return (done, slope) if self.lens is None else self.lens.gradient(done, slope)

    def _in_time(self, n: int, cost: int) -> Iterator[slice]:
        """Parts of ``n`` points of this cost, no longer than the time left allows; they end when the time does."""
        rows, i = self.evaluator.rows(), 0
        while i < n and (affords := self.limit.at_once):
            j = min(n, i + max(1, min(rows, affords // cost)))
            yield slice(i, j)
            i = j

    def _whole(self, parts: list[Evaluations], x: Array) -> Evaluations:
        """The parts, and the points (n, d) that there was no time for as points that do not exist."""
        seen = sum(map(len, parts))
        unseen = Evaluations.absent(x[seen:], self.evaluator.outputs)
        return joined([*parts, unseen] if len(unseen) or not parts else parts)

    def inside(self, u: Array) -> Array:
        """Points moved into the unit box, and into the balls round the data where those are the domain."""
        u = np.minimum(np.maximum(u, 0.0), 1.0)
        cloud = self.evaluator.problem.domain.cloud
        return u if cloud is None else pull_back(cloud, u)

    def along(self, u: Array, v: Array) -> Array:
        """Directions without what leads off the data's surface, when `tangent` is set."""
        cloud = self.evaluator.problem.domain.cloud
        return onto_tangent(cloud, u, v) if self.tangent and cloud is not None else v

    def affordable(self, cost: int = 1, budget: int | None = None) -> int:
        """How many points of this cost the remaining budget (or the smaller ``budget``) allows."""
        left = self.remaining
        return max(0, min(left, left if budget is None else budget) // cost)
