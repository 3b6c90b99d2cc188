"""A domain of finitely many points: evaluate every one of them, once.

Where all inputs are lists of values there is nothing to search for: the largest error of all points is the worst
error, of the two functions as they are computed in floating point. Cost: as many evaluations as there are points; of
them only the worst few are kept. Choose it (an audit does by itself) where the budget allows all points; it is no
search where it does not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.halt import HALTS, halted
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.search import SearchState
from supnorm.evaluation import Evaluations, Evaluator, PointStatus
from supnorm.evaluation.caller import rows_in
from supnorm.problem import Domain
from supnorm.problem.finite import FinitePoints
from supnorm.results import BadInput

Array = NDArray[np.float64]
Take = Callable[[NDArray[np.int64], Evaluations], None]
NAMED = 20  # points without an error that are kept
SHOWN = 3  # of them, in the sentence


@dataclass
class Listed:
    """What an enumeration went through.

    Attributes:
        points: how many points the domain has.
        evaluated: how many of them were evaluated.
        failed: at how many of these there is no error, by the side that failed.
        masked: at how many the error does not count, by the mask of the problem.
        partial: at how many of the others the reference has a value in some outputs only.
        without: the first `NAMED` points that failed.
    """

    points: int
    evaluated: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    masked: int = 0
    partial: int = 0
    without: list[Array] = field(default_factory=list)

    @property
    def exhaustive(self) -> bool:
        """Whether every point was evaluated."""
        return self.evaluated == self.points

    @property
    def complete(self) -> bool:
        """Whether the error of every output is known, and counts, at every point."""
        return self.exhaustive and not sum(self.failed.values()) + self.masked + self.partial

    def text(self, names: Sequence[str]) -> str:
        """What this means for the worst error, in a sentence or two; ``names`` are those of the inputs.

        >>> print(Listed(12, 12).text(("n", "k")))
        All 12 points of the domain were evaluated: the worst error is that of the point reported, as computed in \
floating point; no worse point exists.
        """
        if not self.exhaustive:
            return (
                f"{self.evaluated:,} of the {self.points:,} points of the domain were evaluated; a worse one may be "
                "among the others."
            )
        if self.points == 1:
            every = "The only point of the domain was evaluated"
        else:
            every = f"All {self.points:,} points of the domain were evaluated"
        left = self.points - sum(self.failed.values()) - self.masked
        if not left:
            return f"{every}: {self._exceptions(names)}."
        if self.complete:
            return (
                f"{every}: the worst error is that of the point reported, as computed in floating point; no worse "
                "point exists."
            )
        rest = " other" if left < self.points else ""
        kept = f"the one{rest} point" if left == 1 else f"the {left:,}{rest} points"
        return (
            f"{every}, but {self._exceptions(names)}. Of {kept} none has a worse error than the one reported, as "
            "computed in floating point."
        )

    def _exceptions(self, names: Sequence[str]) -> str:
        """At which points no error is known or counts, and why."""
        said, none = [], sum(self.failed.values())
        if none:
            where = [
                ", ".join(f"{name} = {v:.6g}" for name, v in zip(names, x, strict=True))
                for x in self.without[:SHOWN]
            ]
            more = "; ..." if none > SHOWN else ""
            said.append(
                f"at {none:,} of them no error is known, because a function failed or gave no finite value there "
                f"({'; '.join(where)}{more})"
            )
        if self.partial:
            said.append(f"at {self.partial:,} of them the reference has a value in some outputs only")
        if self.masked:
            said.append(f"at {self.masked:,} of them the error does not count, by the mask of the problem")
        return ", and ".join(said)

    def to_json(self, names: Sequence[str]) -> dict[str, Any]:
        """The key ``search`` of an audit's document."""
        return {
            "exhaustive": self.exhaustive,
            "complete": self.complete,
            "points": self.points,
            "evaluated": self.evaluated,
            "failed": dict(self.failed),
            "masked": self.masked,
            "partial": self.partial,
            "without_error": [dict(zip(names, map(float, x), strict=True)) for x in self.without],
            "text": self.text(names),
        }


def unlisted_json(domain: Domain) -> dict[str, Any]:
    """The same where nothing was enumerated; ``points`` where it is known that the domain has finitely many."""
    points = None if domain.finite is None or domain.constraints else domain.finite.size
    return {
        "exhaustive": False,
        "complete": False,
        "points": points,
        "evaluated": None,
        "failed": {},
        "masked": 0,
        "partial": 0,
        "without_error": [],
        "text": "",
    }


def _ignore(number: NDArray[np.int64], done: Evaluations) -> None:
    """Where nobody asks for the values."""


@dataclass(frozen=True)
class Enumeration:
    """Every point of a finite domain.

    Attributes:
        seconds: that a batch of expensive calls takes, about: progress is told and limits of time are kept between
            batches.
        first: expensive calls of the first batch.
        fewest: calls of such a batch for each of several workers, at least: at its end all but one may be idle.
    """

    seconds: float = 2.0
    fewest: int = 8
    first: int = 16

    def run(
        self,
        landscape: Landscape,
        state: SearchState,
        rng: np.random.Generator,
        stop: Callable[[], bool] = lambda: False,
        take: Take = _ignore,
    ) -> Listed:
        """Evaluate all points, as far as budget and time allow; the best of them go into ``state``.

        Args:
            rng: not used: the order of the points is fixed.
            stop: asked before each batch; true ends it.
            take: is given the numbers (`FinitePoints`) and values of each batch.

        Raises:
            BadInput: when the domain is not finite.
        """
        evaluator = landscape.evaluator
        domain = evaluator.problem.domain
        finite, points = self.points(domain)
        listed = Listed(points)
        before, masked = dict(evaluator.failures.failed), evaluator.failures.masked
        evaluator.budget = max(evaluator.budget or 0, evaluator.total + min(points, landscape.limit))
        for number, x in finite.batches(lambda: self._rows(landscape, listed.evaluated > 0)):
            left = landscape.limit - landscape.spent
            if left <= 0 or landscape.late or stop():
                break
            try:
                done = self._values(landscape, x[:left])
            except HALTS as why:
                state.halted = halted(why)
                break
            listed.evaluated += len(done)
            state.pool.add(domain.to_unit(done.x), done.score)
            known = done.status == PointStatus.OK
            listed.partial += int((~np.isfinite(done.reference[known])).any(axis=1).sum())
            failed = done.x[done.status == PointStatus.FAILED]
            listed.without += list(failed[: NAMED - len(listed.without)])
            take(number[:left], done)
        listed.failed = {side: n - before[side] for side, n in evaluator.failures.failed.items()}
        listed.masked = evaluator.failures.masked - masked
        return listed

    def points(self, domain: Domain) -> tuple[FinitePoints, int]:
        """The points of a domain, and how many exist.

        Raises:
            BadInput: when the domain is not finite.
        """
        points = None if domain.finite is None else domain.finite.count()
        if domain.finite is None or points is None:
            raise BadInput(
                "an Enumeration needs a domain whose inputs are all lists of values, such as Axis(values=[1, 2, 5]), "
                f"and not too many of them, got {domain!r}"
            )
        return domain.finite, points

    def _rows(self, landscape: Landscape, begun: bool) -> int:
        """Points of the next batch."""
        evaluator = landscape.evaluator
        rows = evaluator.rows()
        workers = evaluator.workers if evaluator.executor is not None else 1
        cost = sum(side.cost for side in (evaluator.model, evaluator.reference) if side.expensive)
        if cost > 0:
            # What is known of the size of values comes from the first batch: it must not depend on the machine.
            least = 1 if workers == 1 else self.fewest * workers
            rows = min(rows, max(least, rows_in(self.seconds * workers, cost)) if begun else self.first)
        return rows if landscape.clock is None else max(1, min(rows, landscape.clock.affords))

    def _values(self, landscape: Landscape, x: Array) -> Evaluations:
        evaluator, start = landscape.evaluator, time.perf_counter()
        done = evaluator.values_inside(x, landscape.purpose)
        if landscape.clock is not None:
            landscape.clock.pace.note(len(x), time.perf_counter() - start)
        _remember(evaluator, done)
        return done


def _remember(evaluator: Evaluator, done: Evaluations) -> None:
    """Values of an expensive side that no store keeps: sizes of places and pictures need no second call."""
    for side, values in ((evaluator.model, done.model), (evaluator.reference, done.reference)):
        if side.expensive and side.store is None:
            for i in np.flatnonzero(np.isfinite(values).all(axis=1)):
                side.known[done.x[i].tobytes()] = values[i].copy(), None
