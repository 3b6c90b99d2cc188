"""The error as a landscape over the unit box: what every search method climbs on.

With a clock a point that is asked for after its end is not evaluated: it counts as one that does not exist.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.clock import Clock
from supnorm.auditing.manifold import onto_tangent, pull_back
from supnorm.evaluation import Evaluations, Evaluator, PointStatus
from supnorm.evaluation.evaluator import GRADIENT_COST

Array = NDArray[np.float64]


@dataclass
class Landscape:
    """Scores of unit-box points, within a budget and, with a clock, within a time.

    Attributes:
        evaluator: the door.
        limit: evaluations that `purpose` may reach in total; methods ask `remaining`.
        purpose: what the evaluations are counted as.
        tangent: keep moves on the surface that the data of a `Domain.from_samples` suggest.
        clock: a limit in time beside ``limit``; None for none.
    """

    evaluator: Evaluator
    limit: int
    purpose: str = "search"
    tangent: bool = False
    clock: Clock | None = None
    d: int = field(init=False)

    def __post_init__(self) -> None:
        self.d = self.evaluator.problem.domain.d

    @property
    def remaining(self) -> int:
        """Evaluations left; with a clock no more than its time allows."""
        left = self.limit - self.spent
        return left if self.clock is None else min(left, self.clock.affords)

    @property
    def spent(self) -> int:
        """Evaluations so far for this purpose."""
        return self.evaluator.spent(self.purpose)

    @property
    def late(self) -> bool:
        """Whether the time is over, if it has an end."""
        return self.clock is not None and self.clock.late

    @property
    def differentiable(self) -> bool:
        """Whether `climb` can be used: model and reference both have derivatives."""
        return self.evaluator.gradients == "both"

    def score(self, u: Array) -> Array:
        """Errors at unit-box points ``(n, d)``, shape ``(n,)``; minus infinity where there is none."""
        if not len(u):
            return np.empty(0)
        if self.clock is not None:
            return self.look(u).score
        x, rows = self.evaluator.problem.domain.from_unit(u), self.evaluator.rows()
        parts = [self.evaluator.values(x[i : i + rows], self.purpose).score for i in range(0, len(x), rows)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def look(self, u: Array) -> Evaluations:
        """Both values and the error at unit-box points ``(n, d)``."""
        x = self.evaluator.problem.domain.from_unit(u)
        return self.values(x) if self.clock is None else self._in_time(self.clock, x, 1)[0]

    def values(self, x: Array) -> Evaluations:
        """The same at points of the domain ``(n, d)``, in one batch whatever the time."""
        before, start = self.spent, time.perf_counter()
        done = self.evaluator.values(x, self.purpose)
        if self.clock is not None:
            self.clock.pace.note(self.spent - before, time.perf_counter() - start)
        return done

    def slope(self, u: Array) -> tuple[Array, Array]:
        """Errors and gradients in the unit box, shapes ``(n,)`` and ``(n, d)``; costs 3 a point."""
        x = self.evaluator.problem.domain.from_unit(u)
        if self.clock is None:
            done, gradient = self.evaluator.gradient(x, self.purpose)
        else:
            done, gradient = self._in_time(self.clock, x, GRADIENT)
        return done.score, gradient

    def _in_time(self, clock: Clock, x: Array, cost: int) -> tuple[Evaluations, Array]:
        """Values, and gradients where ``cost`` is that of one, in parts no longer than the time left allows."""
        evaluator, rows = self.evaluator, self.evaluator.rows()
        parts, slopes, i = [], [np.zeros_like(x[:0])], 0
        while i < len(x) and (affords := clock.affords):
            part = x[i : i + max(1, min(rows, affords // cost))]
            i += len(part)
            if cost == 1:
                parts.append(self.values(part))
                continue
            before, start = self.spent, time.perf_counter()
            done, slope = evaluator.gradient(part, self.purpose)
            clock.pace.note(self.spent - before, time.perf_counter() - start)
            parts.append(done)
            slopes.append(slope)
        if i < len(x) or not parts:
            parts.append(self._unseen(x[i:]))
            slopes.append(np.zeros_like(x[i:]))
        return joined(parts), np.concatenate(slopes)

    def _unseen(self, x: Array) -> Evaluations:
        """Points that nothing was evaluated at."""
        none = np.full((len(x), self.evaluator.outputs), np.nan)
        status = np.full(len(x), PointStatus.OUTSIDE, dtype=np.int8)
        return Evaluations(x, none, none, np.full(len(x), np.nan), np.zeros(len(x), dtype=np.intp), status)

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
        return max(0, min(self.remaining, self.remaining if budget is None else budget) // cost)


def joined(parts: Sequence[Evaluations]) -> Evaluations:
    """Batches as one."""
    if len(parts) == 1:
        return parts[0]
    return Evaluations(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Evaluations)))


GRADIENT = GRADIENT_COST
