"""Statistics of a domain of which every point is evaluated: no point is evaluated for them a second time.

* Under the uniform law, and with no more than `MOST` points, the statistics are those of all points (`WholeSample`):
  RMS, quantiles and shares are then exact numbers of the law, but for rounding, and no estimates.
* Else independent points of the law are drawn, as for any domain, before their errors are known; each counts, as often
  as it was drawn, when the enumeration comes to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.statistics import NORMS, Moments, Sample
from supnorm.evaluation import Evaluations, PointStatus
from supnorm.problem import Problem
from supnorm.problem.finite import FinitePoints
from supnorm.results.audit import ExceedanceRecord

Array = NDArray[np.float64]
MOST = 100_000  # points whose errors are all kept: as many as an audit draws at most


@dataclass(frozen=True)
class WholeSample(Sample):
    """Errors at all points of a finite domain under its uniform law: what they say of the law is exact."""

    def quantile(self, q: float) -> float:
        """The smallest error that at least a share ``q`` of the points does not exceed."""
        return float(np.quantile(self.errors, q, method="inverted_cdf")) if self.n else math.nan

    def exceedance(self, level: float, confidence: float = 1.0) -> ExceedanceRecord:
        """The share of the points with an error above ``level``, of those that have one: no limit is needed.

        >>> WholeSample(np.array([1.0, 2.0, 3.0, 4.0]), "uniform", 4).exceedance(3.5).fraction_at_most
        0.25
        """
        row = super().exceedance(level)
        return row.changed(fraction_at_most=row.fraction, confidence=1.0)


class Tally:
    """Takes the batches of an enumeration in.

    Args:
        problem: whose domain is finite.
        finite: its points.
        points: how many of them exist.
        n: independent points of the law, where they are drawn.
        norms: powers of the sample norms.
    """

    def __init__(
        self,
        problem: Problem,
        finite: FinitePoints,
        points: int,
        n: int,
        rng: np.random.Generator,
        norms: Sequence[float] = NORMS,
    ) -> None:
        assert problem.law is not None
        self.problem, self.law = problem, problem.law
        self.whole = self.law.even and points <= MOST
        self._drawn: NDArray[np.int64] | None = None
        if not self.whole:
            self._drawn = np.sort(finite.numbers(self.law.draw(n, rng)))
        self._n = points if self._drawn is None else len(self._drawn)
        self._errors: list[Array] = [np.empty(0)]
        self._moments = Moments(norms)
        self._failed = {"model": 0, "reference": 0}

    def take(self, number: NDArray[np.int64], done: Evaluations) -> None:
        """Values of a batch of points with these numbers; no point comes twice."""
        rows = np.arange(len(done))
        if self._drawn is not None:
            first, last = (np.searchsorted(self._drawn, number, side) for side in ("left", "right"))
            rows = np.repeat(rows, last - first)
        status = done.status[rows]
        ok = rows[status == PointStatus.OK]
        if len(ok):
            self._errors.append(done.error[ok])
            units = self.problem.error.in_units(done.model[ok], done.reference[ok], done.x[ok])
            self._moments.add(units)
        # What has an infinite error because the model has no value has none all the same.
        infinite = ok[done.error[ok] == np.inf]
        lost = (np.isfinite(done.reference[infinite]) & ~np.isfinite(done.model[infinite])).any(axis=1)
        self._failed["model"] += int(lost.sum())
        failed = rows[status == PointStatus.FAILED]
        # Where both sides have none it is the reference that is missed, as for values that are not finite.
        model = ~np.isfinite(done.model[failed]).any(axis=1) & np.isfinite(done.reference[failed]).any(axis=1)
        self._failed["model"] += int(model.sum())
        self._failed["reference"] += int((~model).sum())

    def sample(self) -> Sample:
        """The statistics, after the last batch."""
        kind = WholeSample if self.whole else Sample
        return kind(np.concatenate(self._errors), self.law.name, self._n, self._moments, dict(self._failed))
