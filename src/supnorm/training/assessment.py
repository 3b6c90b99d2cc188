"""Measures how accurate a candidate is: at fixed points inside the loop, by an audit with a fresh seed for the report.

The loop uses independent points of the law and the corners of the box. Reported errors never come from these points
alone: `audit_model` searches with a seed that no part of the fit has used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import AuditReport, Pictures, audit
from supnorm.evaluation import Calls
from supnorm.evaluation.caller import Caller
from supnorm.problem import Function, Problem
from supnorm.results import BadInput
from supnorm.results.powers import mean_and_deviation, rms
from supnorm.training.calls import in_audits
from supnorm.training.reference_points import ReferencePoints

Array = NDArray[np.float64]
AT_ONCE = 50_000  # points of one call; if each takes a thousand numbers on the way, they take 400 MB
VALIDATED = 0.25  # of the time left: points that judge candidates
FRESH = 1_000_003  # added to the user's seed; it is larger than any number that fitting adds


@dataclass(frozen=True)
class Errors:
    """Errors in the problem's measure at some points: root mean square, maximum, and the point of the maximum."""

    rms: float
    worst: float
    x: tuple[float, ...] = ()

    def by(self, norm: str) -> float:
        """The number that ``norm`` compares with the tolerance."""
        return self.rms if norm == "l2" else self.worst


@dataclass(frozen=True, eq=False)
class Validation:
    """Points with reference values that judge candidates.

    Attributes:
        corners: how many of the last points are corners of the box. They count for the maximum and not for the root
            mean square, which is an average over the law.
    """

    problem: Problem
    x: Array
    y: Array
    corners: int = 0

    @classmethod
    def draw(cls, points: ReferencePoints, n: int, rng: np.random.Generator) -> Validation:
        """``n`` points of the law, and the corners of the box for up to 8 inputs."""
        problem = points.problem
        assert problem.law is not None
        x = problem.law.draw(n, rng)
        corners = np.empty((0, problem.domain.d))
        if problem.domain.d <= 8 and 2**problem.domain.d <= n:
            bits = np.indices((2,) * problem.domain.d).reshape(problem.domain.d, -1).T.astype(float)
            corners = problem.domain.from_unit(bits)
            corners = corners[problem.domain.contains(corners)]
        x = np.concatenate([x, corners])
        y = points.some(x, VALIDATED)
        x = x[: len(y)]
        finite = np.flatnonzero(np.isfinite(y).all(axis=1))
        return cls(problem, x[finite], y[finite], int(np.sum(finite >= n)))

    @property
    def counting(self) -> int:
        """The number of points of the law at which the error counts."""
        n = len(self.x) - self.corners
        return int(np.count_nonzero(self.problem.error.counts(self.x[:n], self.y[:n])))

    def demand(self, what: str) -> None:
        """Check that the error counts at some point of the law; ``what`` names the points in the message.

        Raises:
            BadInput: when the mask leaves out all points.
        """
        if not self.counting:
            raise BadInput(
                f"the mask leaves out all of {len(self.x) - self.corners} {what}; narrow the axes to where the error "
                "counts"
            )

    @property
    def error_of_mean(self) -> float:
        """Root mean square error of a model that always returns the mean, in the problem's measure and over its law.

        For the absolute error of one output this is the standard deviation of the reference.
        """
        y = self.y[: len(self.y) - self.corners]
        if not len(y):
            return 0.0
        with np.errstate(all="ignore"):
            error, _ = self.problem.error(
                np.broadcast_to(mean_and_deviation(y)[0], y.shape), y, self.x[: len(y)]
            )
        error = error[~np.isnan(error)]
        return float(rms(error)) if len(error) else 0.0

    def errors(self, function: Function) -> Errors:
        """Errors of ``function`` at these points; infinite where it has no value."""
        with np.errstate(all="ignore"):
            parts = [function.value(self.x[i : i + AT_ONCE]) for i in range(0, max(len(self.x), 1), AT_ONCE)]
            error, _ = self.problem.error(np.concatenate(parts), self.y, self.x)
        law = error[: len(error) - self.corners]
        law = law[~np.isnan(law)]
        if not len(law):
            return Errors(np.nan, np.nan)
        k = int(np.nanargmax(error))
        return Errors(float(rms(law)), float(error[k]), tuple(self.x[k].tolist()))


def audit_model(
    problem: Problem,
    function: Function,
    evaluations: int,
    seed: int,
    seconds: float | None = None,
    caller: Caller | None = None,
    pictured: int | None = None,
    calls: Calls | None = None,
) -> AuditReport:
    """Search for the worst error of ``function``, with few pictures.

    ``seconds`` limits all of it. ``caller`` is the one of the reference: the audit calls the reference in the same way; or
    ``calls`` says how. ``pictured``: evaluations for sizes of peaks and pictures, as of `Pictures`.
    """
    pictures = Pictures(even=61, near=15, line=501, grid=40, thumbnail=11, evaluations=pictured)
    judged = replace(problem, model=function)
    calls = in_audits(caller) if caller else calls
    return audit(judged, evaluations=evaluations, seconds=seconds, seed=seed, pictures=pictures, calls=calls)
