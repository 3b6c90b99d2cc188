"""What a call costs decides how an audit goes: declared, or measured once, and recorded with the result.

A call is *cheap* or, from 1 ms a point on, *expensive*. That picks the search (`choose_strategy`), the budget where none is
given, what is stored, and whether planted errors are searched for in the pair or in a stand-in. A clock decides it only
where nobody declared it; then result and repeat command say what was decided, so that a repeat gives the same result.
The same holds of how many rows a call of an expensive function has (`supnorm.evaluation.cost_word`).
"""

from __future__ import annotations

from supnorm.evaluation import Calls, Evaluator
from supnorm.evaluation.caller import ALONE, NEAR, Caller
from supnorm.evaluation.cost_word import SENT, cost_of_word
from supnorm.problem import Problem
from supnorm.results import BadInput
from supnorm.results.audit_cost import CostRecord
from supnorm.results.guard import LARGEST
from supnorm.results.numbers import count, num
from supnorm.wording import Fact, fact

# Whether a call of the model and one of the reference is expensive.
COSTS = {
    "cheap": (False, False),
    "expensive": (False, True),
    "expensive-model": (True, False),
    "expensive-both": (True, True),
}
# Of an audit without a budget. Where a call is expensive: seconds of a call, and the evaluations below that. So search and
# statistics take up to 7 minutes below 1 s a call and up to 13 minutes below 4 s. What it takes is told before it begins.
CHEAP_EVALUATIONS, EXPENSIVE_EVALUATIONS = 100_000, 400
FEWER = ((1.0, EXPENSIVE_EVALUATIONS), (4.0, 200))
FEWEST_EVALUATIONS = 100


def declare(evaluator: Evaluator, cost: str | float | None) -> None:
    """Decide before the first call what costs more than 1 ms a point, where the user says so.

    Raises:
        BadInput: for a word that is none of `COSTS`, with or without the rows of a call.
    """
    if cost is None:
        return
    name, rows, one_by_one, ahead = cost_of_word(cost, COSTS)
    for caller, expensive in zip((evaluator.model, evaluator.reference), COSTS[name], strict=True):
        caller.declare(expensive, rows if expensive else None, one_by_one, ahead)


def of_reference(cost: str | float | None) -> str | float | None:
    """The declared cost of the same reference beside a model that is cheap.

    >>> of_reference("expensive-both:4:in-rounds"), of_reference("expensive-model:16"), of_reference("expensive")
    ('expensive:4:in-rounds', 'cheap', 'expensive')
    """
    if not isinstance(cost, str):
        return cost
    name, _, how = cost.partition(":")
    if not COSTS.get(name, (False, True))[1]:
        return "cheap"
    return f"expensive:{how}" if how else "expensive"


def stand_in_evaluator(problem: Problem) -> Evaluator:
    """An evaluator of functions that the audit made itself (a Gaussian process, a stand-in for the pair, a planted error).

    They are cheap whatever a clock says: under load a call of one point may take more than 1 ms, would then be stored
    and cut otherwise, and the same seed would give another search.
    """
    evaluator = Evaluator(problem)
    declare(evaluator, "cheap")
    return evaluator


def rows_of(evaluator: Evaluator) -> int | None:
    """Rows of a call of an expensive side, the same for both; None where there is none."""
    return next((side.rows for side in (evaluator.model, evaluator.reference) if side.expensive), None)


def one_by_one_of(reference: Caller) -> bool | None:
    """Whether a search sends points to the workers one by one; None where none has calls of the reference."""
    return bool(reference.one_by_one) if reference.ahead and reference.expensive else None


def ahead_of(reference: Caller) -> int | None:
    """For how many workers a search chooses points one by one; None where it does not."""
    return reference.ahead if one_by_one_of(reference) else None


def word_of(evaluator: Evaluator) -> str:
    """Which side was decided to be expensive, as it is declared."""
    decided = (evaluator.model.expensive, evaluator.reference.expensive)
    return next(word for word, sides in COSTS.items() if sides == decided)


def default_evaluations(evaluator: Evaluator, calls: Calls) -> tuple[int, bool]:
    """The budget of an audit that was given none, and whether a clock has chosen it.

    A cost in seconds, as declared, decides like a measured one. With a cost declared as a word no clock decides anything.
    """
    cost = calls.cost
    sides = [side for side in (evaluator.model, evaluator.reference) if side.expensive]
    if not sides:
        return CHEAP_EVALUATIONS, False
    if isinstance(cost, int | float):
        return evaluations_at(float(cost)), False
    if evaluator.reference.declared or not calls.budget_by_cost:
        return EXPENSIVE_EVALUATIONS, False
    return evaluations_at(sum(side.cost for side in sides)), True


def evaluations_at(seconds: float) -> int:
    """The budget of an audit whose calls take so many seconds.

    >>> [evaluations_at(seconds) for seconds in (0.3, 1.0, 3.0, 60.0)]
    [400, 200, 200, 100]
    """
    return next((n for below, n in FEWER if seconds < below), FEWEST_EVALUATIONS)


def demand_room(evaluator: Evaluator, planned: int) -> None:
    """See that what an audit of ``planned`` calls stores is no more than ``--resume`` could read.

    Raises:
        BadInput: when it is.
    """
    sides = [side for side in (evaluator.model, evaluator.reference) if side.expensive and side.store]
    size = 8.0 * planned * evaluator.outputs * len(sides)
    if size > LARGEST["table"]:
        raise BadInput(
            f"the {sides[0].side} has {count(evaluator.outputs)} outputs: storing the {count(planned)} calls that are "
            f"planned takes {num(size / 1e9)} GB, more than the {num(LARGEST['table'] / 1e9)} GB that --resume reads; "
            "choose outputs = [...], fewer --evaluations, or --cost cheap, which stores none"
        )


def cost_record(evaluator: Evaluator) -> CostRecord:
    """What was decided, and by whom."""
    return CostRecord(
        class_=word_of(evaluator),
        rows=rows_of(evaluator),
        one_by_one=one_by_one_of(evaluator.reference),
        ahead=ahead_of(evaluator.reference),
        by="declared" if evaluator.reference.declared else "measured",
        model_ms=1e3 * evaluator.model.cost,
        reference_ms=1e3 * evaluator.reference.cost,
    )


def cost_notes(evaluator: Evaluator, modelled: bool) -> list[Fact]:
    """What a clock has decided that it may decide otherwise next time; ``modelled``: by a search not ``in_order``."""
    found = [*_near(evaluator), *_near_alone(evaluator.reference)]
    if modelled and evaluator.asynchronous:
        found.append(fact("asynchronous", seconds=evaluator.reference.cost, workers=evaluator.workers))
    return found


def _near_alone(reference: Caller) -> list[Fact]:
    """For a timing so near to 0.1 s that workers may get points otherwise next time."""
    near = reference.timed and ALONE / NEAR < reference.cost < ALONE * NEAR
    if not near or one_by_one_of(reference) is None:
        return []
    choices = " | ".join(f"expensive:ROWS:{word}" for word in SENT)
    sent, seconds = bool(reference.one_by_one), reference.cost
    return [fact("near-alone", one_by_one=sent, limit=ALONE, seconds=seconds, choices=choices)]


def _near(evaluator: Evaluator) -> list[Fact]:
    """For timings so near to 1 ms that they may come out otherwise next time."""
    near = tuple(
        fact("timing", side=side.side, ms=1e3 * side.cost, expensive=side.expensive)
        for side in (evaluator.model, evaluator.reference)
        if side.expensive_from / NEAR < side.cost < side.expensive_from * NEAR
    )
    if evaluator.reference.declared or not near:
        return []
    limit, choices = 1e3 * evaluator.reference.expensive_from, " | ".join(COSTS)
    return [fact("near-limit", limit=limit, near=near, choices=choices)]
