"""The error as a landscape over the unit box: what every search method climbs on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.manifold import onto_tangent, pull_back
from supnorm.evaluation import Evaluations, Evaluator
from supnorm.evaluation.evaluator import GRADIENT_COST

Array = NDArray[np.float64]


@dataclass
class Landscape:
    """Scores of unit-box points, within a budget.

    Attributes:
        evaluator: the door.
        limit: evaluations that `purpose` may reach in total; methods ask `remaining`.
        purpose: what the evaluations are counted as.
        tangent: keep moves on the surface that the data of a `Domain.from_samples` suggest.
    """

    evaluator: Evaluator
    limit: int
    purpose: str = "search"
    tangent: bool = False
    d: int = field(init=False)

    def __post_init__(self) -> None:
        self.d = self.evaluator.problem.domain.d

    @property
    def remaining(self) -> int:
        """Evaluations left."""
        return self.limit - self.evaluator.spent(self.purpose)

    @property
    def differentiable(self) -> bool:
        """Whether `climb` can be used: model and reference both have derivatives."""
        return self.evaluator.gradients == "both"

    def score(self, u: Array) -> Array:
        """Errors at unit-box points ``(n, d)``, shape ``(n,)``; minus infinity where there is none."""
        if not len(u):
            return np.empty(0)
        x, rows = self.evaluator.problem.domain.from_unit(u), self.evaluator.rows()
        parts = [self.evaluator.values(x[i : i + rows], self.purpose).score for i in range(0, len(x), rows)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def look(self, u: Array) -> Evaluations:
        """Both values and the error at unit-box points ``(n, d)``."""
        return self.evaluator.values(self.evaluator.problem.domain.from_unit(u), self.purpose)

    def slope(self, u: Array) -> tuple[Array, Array]:
        """Errors and gradients in the unit box, shapes ``(n,)`` and ``(n, d)``; costs 3 a point."""
        done, gradient = self.evaluator.gradient(self.evaluator.problem.domain.from_unit(u), self.purpose)
        return done.score, gradient

    def inside(self, u: Array) -> Array:
        """Points moved into the unit box, and into the balls round the data where those are the domain."""
        u = np.maximum(u, 0.0)
        np.minimum(u, 1.0, out=u)
        cloud = self.evaluator.problem.domain.cloud
        return u if cloud is None else pull_back(cloud, u)

    def along(self, u: Array, v: Array) -> Array:
        """Directions without what leads off the data's surface, when `tangent` is set."""
        cloud = self.evaluator.problem.domain.cloud
        return onto_tangent(cloud, u, v) if self.tangent and cloud is not None else v

    def affordable(self, cost: int = 1, budget: int | None = None) -> int:
        """How many points of this cost the remaining budget (or the smaller ``budget``) allows."""
        return max(0, min(self.remaining, self.remaining if budget is None else budget) // cost)


GRADIENT = GRADIENT_COST
