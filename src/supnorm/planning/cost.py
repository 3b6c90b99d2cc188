"""The cost of a call decides how many calls a budget plans. It is declared, or measured once, and the result records it."""

from __future__ import annotations

from supnorm.evaluation.caller import NEAR, Caller
from supnorm.planning.curves import TESTS, tests_for
from supnorm.planning.question import CHEAP
from supnorm.results.budget import CallCostRecord
from supnorm.wording import Fact, fact


def cost_record(caller: Caller, calls: int, curve: bool) -> CallCostRecord:
    """The cost of a call and what it decides; ``curve`` tells whether trainings will be tested."""
    return CallCostRecord(
        seconds=caller.cost,
        by="declared" if caller.declared else "measured",
        calls=calls,
        tests=tests_for(caller.cost) if curve else None,
    )


def cost_notes(caller: Caller, calls: int, fixed: bool, curve: bool) -> tuple[Fact, ...]:
    """Notes on decisions of a clock that another run may not repeat; ``fixed``: the number of ``calls`` was given."""
    if caller.declared:
        return ()
    cost, notes = caller.cost, list[Fact]()
    if not fixed and cost > CHEAP / NEAR:
        notes.append(fact("calls-by-time", calls=calls, seconds=cost))
    if curve and any(limit / NEAR < cost < limit * NEAR for limit in TESTS):
        notes.append(fact("tests-by-time", tests=tests_for(cost), seconds=cost))
    return tuple(notes)
