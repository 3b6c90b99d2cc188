"""What a method of repair works with: the problem, the calls of the reference, and the points that are known to be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import AuditReport
from supnorm.auditing.find_worst import find_worst
from supnorm.evaluation.evaluator import PROBED
from supnorm.evaluation.guarded import values_of
from supnorm.evaluation.limit import Limit
from supnorm.mending.events import Mending
from supnorm.mending.regions import Ellipsoid
from supnorm.mending.tunable import Tunable
from supnorm.problem import Function, Problem
from supnorm.results.numbers import ErrorUnit
from supnorm.training.calls import in_audits
from supnorm.training.reference_points import ReferencePoints
from supnorm.training.refinement import thinned

Array = NDArray[np.float64]
LEAST = 100  # evaluations of a search
# Calls of a search besides its evaluations, at most: the probe, and the worst point alone and, if that differs, in a batch.
BESIDE = PROBED + 3
# Of a search, and of an audit: with the time up, one that was begun has some points all the same.
LEAST_SECONDS = 0.2


def at_least(limit: Limit, seconds: float) -> float | None:
    """The seconds that are left, but no fewer than so many; None without a limit.

    >>> at_least(Limit.of(0.0), 0.5), at_least(Limit(), 0.5)
    (0.5, None)
    """
    return None if limit.endless else max(limit.left, seconds)


@dataclass(frozen=True, eq=False)
class Wrong:
    """Points at which a model is wrong, the worst first: ``x (n, d)``, reference ``y (n, m)``, ``error (n,)``."""

    x: Array
    y: Array
    error: Array

    @classmethod
    def of_rows(cls, rows: Array, d: int) -> Wrong:
        """From the rows of an audit or a search: inputs, model, reference, error, and what follows.

        Rows without finite numbers are left out: nothing can be trained on them.
        """
        m = (rows.shape[1] - d - 1) // 2
        rows = rows[np.isfinite(rows[:, : d + 2 * m + 1]).all(axis=1)]
        return cls(rows[:, :d], rows[:, d + m : d + 2 * m], rows[:, d + 2 * m])

    @classmethod
    def of_report(cls, report: AuditReport, d: int) -> Wrong:
        """The worst points of an audit."""
        return cls.of_rows(report.points.rows, d) if report.points.rows.size else cls.none(d)

    @classmethod
    def none(cls, d: int) -> Wrong:
        """No points."""
        return cls(np.empty((0, d)), np.empty((0, 1)), np.empty(0))

    def __len__(self) -> int:
        """How many points there are."""
        return len(self.x)

    def joined(self, other: Wrong) -> Wrong:
        """The points of both."""
        if not len(self) or not len(other):
            return other if not len(self) else self
        return Wrong(*(np.concatenate([getattr(self, a), getattr(other, a)]) for a in ("x", "y", "error")))

    def taken(self, rows: list[int]) -> Wrong:
        """Some of the points."""
        return Wrong(self.x[rows], self.y[rows], self.error[rows])

    def apart(self, problem: Problem, distance: float, most: int) -> list[int]:
        """The worst points that are at least ``distance sqrt(d)`` of the unit box away from all worse ones."""
        if not len(self):
            return []
        order = np.argsort(-self.error, kind="stable")
        return thinned(problem.domain.to_unit(self.x), order, distance * np.sqrt(problem.domain.d), most)


@dataclass(frozen=True)
class Round:
    """One round: calls of the reference so far, the largest error that its search found, and the number of samples."""

    calls: int
    worst: float
    samples: int


@dataclass(frozen=True, eq=False)
class Candidate:
    """A mended model.

    Attributes:
        function: the model.
        model: what is saved: a network, a torch module, a patch.
        regions: round the peaks that were mended, in the unit box.
        confined: whether the model is unchanged, bit for bit, outside the regions.
        tunable: the model as it can be trained further; None for patches.
        samples: what it was trained on, ``x (n, d)`` and ``y (n, m)``; None for patches.
    """

    function: Function
    model: Any
    regions: tuple[Ellipsoid, ...]
    confined: bool = False
    tunable: Tunable | None = None
    samples: tuple[Array, Array] | None = None


@dataclass(eq=False)
class Task:
    """A repair in progress.

    Attributes:
        problem: its model is the one that is mended.
        truth: calls the reference, and counts the points of these calls.
        wrong: the worst points that are known.
        worst, rms: errors of the model before the repair, in the measure of the problem.
        data: samples that the model was trained on, ``x (n, d)``, ``y (n, m)``; None where they are not known.
        limit: of the reference's calls in all rounds, and of their time.
        whole: of the time of all.
        seed: of everything random.
        aim: the largest error at which rounds end; None without one.
        searched: the same of searches.
        searches: how many there were; each has a seed of its own.
        rounds: what each round did.
        peaks: points that are known to have been wrong at some time.
    """

    problem: Problem
    truth: ReferencePoints
    wrong: Wrong
    worst: float
    rms: float
    data: tuple[Array, Array] | None
    limit: Limit
    whole: Limit
    seed: int
    observer: Callable[[Any], None]
    aim: float | None = None
    searched: int = 0
    rounds: list[Round] = field(default_factory=list)
    peaks: Wrong = field(init=False)
    searches: int = 0

    def __post_init__(self) -> None:
        self.peaks = self.wrong
        self.aim = self.problem.error.limit if self.aim is None else self.aim

    @property
    def spent(self) -> int:
        """Calls of the reference so far."""
        return self.truth.spent + self.searched

    @property
    def left(self) -> int:
        """Calls of the reference that are left."""
        return max(self.limit.evaluations - self.spent, 0)

    @property
    def spare(self) -> int:
        """Calls of the reference that are left for samples: those of the search that ends the round are kept."""
        return max(self.left - LEAST - BESIDE, 0)

    @property
    def over(self) -> bool:
        """Whether the calls or the time are used up."""
        return self.left < LEAST + BESIDE or self.limit.over

    def part(self, share: float) -> Limit:
        """A share of the time that is left, for points at which the reference and models are called."""
        return self.limit.within(share).timed(max(self.truth.pace, 1e-9))

    @property
    def anywhere(self) -> bool:
        """Whether the reference can be called at any point."""
        return True

    def seen(self, function: Function) -> float:
        """The largest error at samples that the verdict does not look at."""
        return 0.0

    def errors(self, function: Function, x: Array, y: Array | None = None) -> Array:
        """Errors of ``function`` at points ``x (n, d)``, shape ``(n,)``; ``y``: values of the reference, called if None."""
        y = self.truth.value(x) if y is None else y
        with np.errstate(all="ignore"):
            return self.problem.error(values_of(function, x, y.shape[1]), y, x)[0]

    def counted(self, x: Array, y: Array) -> tuple[Array, Array]:
        """The points ``x (n, d)`` with values ``y (n, m)`` of the reference at which the error counts by the mask."""
        if self.problem.error.mask is None:
            return x, y
        counts = self.problem.error.counts(x, y)
        return x[counts], y[counts]

    def judged(self, function: Function) -> Problem:
        """The problem with another model."""
        return replace(self.problem, model=function)

    def search(self, function: Function, evaluations: int) -> Wrong:
        """The worst points of ``function`` by a search with a seed of its own; they are remembered in `peaks`."""
        evaluations = max(min(evaluations, self.left - BESIDE), LEAST)
        found = find_worst(
            self.judged(function),
            evaluations=evaluations,
            seconds=at_least(self.limit.within(0.5), LEAST_SECONDS),
            seed=self.seed + 7919 * (self.searches + 1),
            calls=in_audits(self.truth.caller),
        )
        self.searched += found.evaluations
        self.searches += 1
        wrong = Wrong.of_rows(found.rows, self.problem.domain.d)
        self.peaks = self.peaks.joined(wrong.taken(wrong.apart(self.problem, 0.05, 20)))
        return wrong

    def worst_of(self, function: Function) -> float:
        """The largest error at all points that are known to have been wrong at some time; no calls of the reference."""
        if not len(self.peaks):
            return 0.0
        return float(np.nanmax(self.errors(function, self.peaks.x, self.peaks.y), initial=0.0))

    def ended(self, round: Round, unit: ErrorUnit) -> None:
        """Record how a round ended, and tell the observer."""
        self.rounds.append(round)
        self.observer(Mending(round.calls, self.limit.evaluations, round.worst, self.worst, unit))
