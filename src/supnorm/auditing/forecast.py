"""How many evaluations an audit takes at most, planted errors and pictures included: said before it starts.

Search and statistics take their budget; the sizes of peaks, charts and thumbnails up to three times that, and no more than
`PICTURES_MOST`; each planted error a search of its own, but for those that are searched for in a stand-in, which calls
neither side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from supnorm.auditing.enumeration import finite_points
from supnorm.auditing.peak import PEAKS
from supnorm.auditing.power import Power
from supnorm.auditing.strategy import Strategy
from supnorm.evaluation import Evaluator, Planned
from supnorm.results.audit import PlannedRecord
from supnorm.wording import Narrator, fact
from supnorm.wording.result import AUDIT

STATISTICS = 0.2  # share of the evaluations that are independent points of the law
LEAST = 20  # of them, at least
PROBE = 8  # points of the probe
PICTURES_MOST = 130_000
CUT, LINE = 30, 101  # points of the smallest cut along an input, and of the smallest map of one input


@dataclass(frozen=True)
class Forecast:
    """What an audit takes at most.

    Attributes:
        purposes: evaluations by purpose; keys as those of ``evaluations`` in the document.
        each: seconds of an evaluation of expensive sides, with the workers there are; None for cheap ones.
        stand_in: whether planted errors are searched for in a stand-in, which takes no calls but time.
    """

    purposes: Mapping[str, int]
    each: float | None
    stand_in: bool = False

    @property
    def total(self) -> int:
        """Evaluations for all purposes."""
        return sum(self.purposes.values())

    @property
    def seconds(self) -> float | None:
        """About how long all of them take."""
        return None if self.each is None else self.total * self.each

    @property
    def record(self) -> PlannedRecord:
        """The part ``planned`` of an audit's record."""
        return PlannedRecord(**self.purposes, total=self.total, seconds=self.seconds)

    def event(self, evaluations: int, given: bool) -> Planned:
        """What an observer is told before the search; ``given``: the budget was asked for and not chosen.

        >>> print(Forecast({"search": 328, "statistics": 80, "pictures": 300}, 0.31).event(400, False).words)
        planned: at most 708 evaluations (408 of search and statistics, 300 for sizes of peaks and pictures); at \
0.31 s each about 3.7 min of calls; the search itself takes further time; no budget was given, and calls of more than 1 ms \
get 400 evaluations: --evaluations N changes it
        """
        values: dict[str, Any] = {**self.purposes, "total": self.total}
        values["search"] = self.purposes["search"] + self.purposes["statistics"]
        if self.each is not None:
            values |= {"each": self.each, "seconds": self.seconds, "stand_in": self.stand_in}
            values["chosen"] = 0 if given else evaluations
        return Planned(self.total, self.seconds, Narrator(AUDIT).text(fact("planned", **values)))


def forecast(
    evaluator: Evaluator,
    strategy: Strategy,
    evaluations: int,
    power: Power | None,
) -> Forecast:
    """Evaluations at most by purpose; those of pictures and of sizes of peaks are limits that are rarely reached."""
    problem = evaluator.problem
    d = problem.domain.d
    statistics = max(int(STATISTICS * evaluations), LEAST)
    searched = evaluations - statistics
    if strategy.traits.enumerates:
        points = finite_points(problem.domain)[1]
        searched, statistics = (points, 0) if points <= evaluations else (searched, statistics)
    share = 3 if evaluations >= 2000 else 0.75
    purposes = {
        "search": searched + PROBE + 2 * PEAKS,
        "statistics": statistics,
        "pictures": min(int(share * evaluations), PICTURES_MOST) + CUT * d + LINE,
        "power": 0 if power is None else power.planned(evaluator, strategy, evaluations),
        "recheck": 0 if problem.recheck is None else PEAKS * (1 + 2 * d) + 1,
    }
    calls = [side.cost for side in (evaluator.model, evaluator.reference) if side.expensive]
    workers = evaluator.workers if evaluator.executor is not None and evaluator.reference.expensive else 1
    stand_in = power is not None and not purposes["power"] and not strategy.traits.enumerates
    return Forecast(purposes, sum(calls) / workers if calls else None, stand_in)
