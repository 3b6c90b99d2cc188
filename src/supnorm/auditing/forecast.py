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
from supnorm.auditing.pictures import Pictures
from supnorm.auditing.power import Power, search_seconds
from supnorm.auditing.strategy import Strategy
from supnorm.evaluation import Evaluator, Planned
from supnorm.results.audit_cost import PlannedRecord
from supnorm.wording import Narrator, fact
from supnorm.wording.result import AUDIT

# Share of the evaluations that are independent points of the law. A choice: standard errors of averages are sqrt(5) times
# what they would be if all were, and the search has four fifths of the calls.
STATISTICS = 0.2
LEAST = 20  # of them, at least: of fewer, no 95 % quantile lies within the sample
PROBE = 8  # points of the probe
# Calls of a side that time and compare those of the probe (evaluation/probe.py): of an expensive side two of one point, the
# batch and two of one point; of a cheap one the batch two times more, and a point alone.
CHECKS, CHEAP_CHECKS = 12, 27
PICTURES_MOST = 130_000
LONG = 5.0  # seconds of calls from which it is worth a search to say how long planted errors will take
CUT, LINE = 30, 101  # points of the smallest cut along an input, and of the smallest map of one input


@dataclass(frozen=True)
class Forecast:
    """What an audit takes at most.

    Attributes:
        purposes: evaluations by purpose; keys as those of ``evaluations`` in the document.
        call: seconds of an evaluation of expensive sides; None for cheap ones.
        workers: that share them.
        searches: for planted errors in a stand-in, which take no calls but time; 0 where the pair itself is searched.
        each: seconds of such a search, about; 0 where that is not known.
        expensive: the expensive sides, whose calls are counted; a cheap side beside them is called more often.
    """

    purposes: Mapping[str, int]
    call: float | None
    workers: int = 1
    searches: int = 0
    each: float = 0.0
    expensive: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Evaluations for all purposes."""
        return sum(self.purposes.values())

    @property
    def seconds(self) -> float | None:
        """About how long all of them take."""
        return self._seconds(self.total)

    def _seconds(self, evaluations: int) -> float | None:
        return None if self.call is None else evaluations * self.call / self.workers

    def at_most(self, stage: str) -> int | None:
        """Evaluations of a stage of an audit (`supnorm.auditing.run`) at most; None where it evaluates a stand-in."""
        if stage == "search":
            return self.purposes["search"] + self.purposes["statistics"]
        if stage == "planted errors" and self.searches:
            return None
        names = {"planted errors": "power", "second reference": "recheck"}
        return self.purposes[names.get(stage, "pictures")]

    @property
    def record(self) -> PlannedRecord:
        """The part ``planned`` of an audit's record."""
        return PlannedRecord(**self.purposes, total=self.total, seconds=self.seconds)

    def event(self, chosen: int = 0) -> Planned:
        """What an observer is told before the search; ``chosen``: the budget, if the cost of a call has chosen it.

        >>> sides = {"searches": 70, "each": 2.0, "expensive": ("reference",)}
        >>> print(Forecast({"search": 330, "statistics": 80, "pictures": 300}, 0.31, **sides).event(400).words)
        a call takes 0.31 s: 400 evaluations were chosen, about 2.1 min; --evaluations N changes that
        planned: at most 710 calls of the reference in about 3.7 min: 410 of search and statistics (2.1 min), 300 for \
sizes of peaks and pictures (1.6 min); the search itself takes further time; planted errors take 70 searches, about \
2.3 min, in which the reference is not called (--no-power leaves them out); the model is cheap and is called more often
        """
        values: dict[str, Any] = {**self.purposes, "total": self.total, "seconds": self.seconds}
        values["search"] = self.purposes["search"] + self.purposes["statistics"]
        values |= {"call": self.call, "workers": self.workers if self.workers > 1 else 0}
        say = Narrator(AUDIT).text
        if self.call is not None:
            names = ("search", "pictures", "recheck")
            values |= {f"{name}_seconds": self._seconds(values.get(name, 0)) or 0.0 for name in names}
            values |= {"searches": self.searches, "searching": self.searches * self.each or None}
            values |= {side: side in self.expensive for side in ("model", "reference")}
            values["both"] = len(self.expensive) == 2
        chosen_seconds = self._seconds(chosen)
        first = [say(fact("chosen", **values, n=chosen, n_seconds=chosen_seconds))] if chosen else []
        return Planned(self.total, self.seconds, "\n".join([*first, say(fact("planned", **values))]))


def forecast(
    evaluator: Evaluator,
    strategy: Strategy,
    evaluations: int,
    power: Power | None,
    pictures: Pictures,
) -> Forecast:
    """Evaluations at most by purpose; those of pictures and of sizes of peaks are limits that are rarely reached."""
    problem = evaluator.problem
    d = problem.domain.d
    statistics = max(int(STATISTICS * evaluations), LEAST)
    searched = evaluations - statistics
    if strategy.traits.enumerates:
        points = finite_points(problem.domain)[1]
        searched, statistics = (points, 0) if points <= evaluations else (searched, statistics)
    expensive = [side for side in (evaluator.model, evaluator.reference) if side.expensive]
    share = 3 if evaluations >= 2000 else 0.75
    most = PICTURES_MOST if pictures.evaluations is None else min(pictures.evaluations, PICTURES_MOST)
    purposes = {
        "search": searched + PROBE + (CHECKS if expensive else CHEAP_CHECKS) + 2 * PEAKS,
        "statistics": statistics,
        "pictures": min(int(share * evaluations), most) + CUT * d + LINE * (d == 1),
        "power": 0 if power is None else power.planned(evaluator, strategy, evaluations),
        "recheck": 0 if problem.recheck is None else PEAKS * (1 + 2 * d) + 1,
    }
    workers = evaluator.workers if evaluator.executor is not None and evaluator.reference.expensive else 1
    call = sum(side.cost for side in expensive) if expensive else None
    searches, each = 0, 0.0
    if power is not None and not purposes["power"] and not strategy.traits.enumerates:
        searches = power.searches(problem, strategy)
        if searches and call is not None and call * sum(purposes.values()) > LONG:
            each = search_seconds(power, problem.domain, strategy, evaluations)
    return Forecast(purposes, call, workers, searches, each, tuple(side.side for side in expensive))
