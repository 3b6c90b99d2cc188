"""The one loop of all fits: strategies offer candidates one after the other and see how the last one was judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from supnorm.approximants import NotApplicable, PolynomialLeastSquares
from supnorm.evaluation.limit import Limit
from supnorm.problem import Domain, Problem
from supnorm.training.assessment import Validation
from supnorm.training.contest import Contest, Offer, Skipped, Step
from supnorm.training.events import Training, Tried

LINE = Domain(x=(0.0, 1.0))
X = np.linspace(0.0, 1.0, 50)[:, None]


@dataclass
class Shifts:
    """Offers the truth plus each shift in turn, and notes what the contest shows of the last one."""

    shifts: tuple[float, ...]
    seen: list[float]

    def offers(self, contest: Contest) -> Iterator[Step]:
        for shift in self.shifts:
            if np.isnan(shift):
                raise NotApplicable("no number")
            yield Training(1, len(X))
            yield Offer(PolynomialLeastSquares().from_samples(X, X + shift, LINE))
            self.seen.append(contest.attempts[-1].errors.worst)
        yield Skipped("the next one", "there is none")


@dataclass(eq=False, kw_only=True)
class Plain(Contest):
    """Accepts what meets the goal, but for the names that it is told to doubt."""

    doubts: int = 0

    def refuses(self, method: Any) -> str:
        return "not wanted" if method == "unwanted" else ""

    def candidates(self, method: Any) -> Iterator[Step]:
        yield from method.offers(self)

    def accepts(self, attempt: Any) -> bool:
        self.doubts -= 1
        return self.doubts < 0


def contest(tolerance: float | None, events: list[Any], **options: Any) -> Plain:
    problem = Problem(None, lambda x: x, LINE, tolerance=tolerance)
    return Plain(
        problem=problem,
        validation=Validation(problem, X, X),
        norm="sup",
        seed=0,
        limit=Limit(),
        observer=events.append,
        **options,
    )


def test_it_ends_with_the_candidate_that_is_accepted() -> None:
    events: list[Any] = []
    run, method = contest(0.05, events), Shifts((0.1, 0.01, 0.001), [])
    run.run([method, "never tried"])
    assert [round(a.errors.worst, 6) for a in run.attempts] == [0.1, 0.01]
    assert method.seen == [pytest.approx(0.1)]  # the strategy sees what came before, not what ended it
    assert [type(e) for e in events] == [Training, Tried] * 2
    assert run.skipped == []


def test_what_is_doubted_is_followed_by_the_next_one() -> None:
    run = contest(0.05, [], doubts=1)
    run.run([Shifts((0.01, 0.001), [])])
    assert len(run.attempts) == 2


def test_without_a_goal_all_are_tried_and_what_is_left_out_has_a_reason() -> None:
    run = contest(None, [])
    run.run(["unwanted", Shifts((0.1, 0.01), []), Shifts((0.2, np.nan, 0.3), [])])
    assert [round(a.errors.worst, 6) for a in run.attempts] == [0.1, 0.01, 0.2]
    assert run.skipped == [("str", "not wanted"), ("the next one", "there is none"), ("Shifts", "no number")]


def test_time_is_that_of_the_candidate_and_of_the_one_before_it() -> None:
    run = contest(None, [])
    found = PolynomialLeastSquares().from_samples(X, X, LINE)
    run.judge(Offer(found), 2.0)
    run.judge(Offer(found, run.attempts[0], ((2.0, 0.5),)), 3.0)
    assert [a.seconds for a in run.attempts] == [2.0, 5.0]
    assert run.attempts[1].trail == ((2.0, 0.5),)


def test_an_interruption_keeps_what_there_is_and_is_raised_where_there_is_nothing() -> None:
    def stop(event: Any) -> None:
        if isinstance(event, Tried) and event.worst < 0.05:
            raise KeyboardInterrupt

    run = contest(None, [])
    run.observer = stop
    run.run([Shifts((0.1, 0.01, 0.001), [])])
    assert run.interrupted
    assert len(run.attempts) == 2
    empty = contest(None, [])

    def at_once(event: Any) -> None:
        raise KeyboardInterrupt

    empty.observer = at_once
    with pytest.raises(KeyboardInterrupt):
        empty.run([Shifts((0.1,), [])])
