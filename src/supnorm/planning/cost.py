"""What a call costs decides how many of them a budget plans: declared, or measured once, and recorded with the result."""

from __future__ import annotations

from supnorm.evaluation.caller import Caller
from supnorm.planning.curves import TESTS, tests_for
from supnorm.planning.question import CHEAP
from supnorm.results.budget import CallCostRecord
from supnorm.wording import Fact, fact

NEAR = 4.0  # a timing within this factor of a threshold may come out on the other side next time


def cost_record(caller: Caller, calls: int, curve: bool) -> CallCostRecord:
    """What a call costs, and what that decides; ``curve``: whether trainings are to be tested."""
    return CallCostRecord(
        seconds=caller.cost,
        by="declared" if caller.declared else "measured",
        calls=calls,
        tests=tests_for(caller.cost) if curve else None,
    )


def cost_notes(caller: Caller, calls: int, fixed: bool, curve: bool) -> tuple[Fact, ...]:
    """What a clock has decided that it may decide otherwise next time; ``fixed``: not the number of ``calls``."""
    if caller.declared:
        return ()
    cost, notes = caller.cost, list[Fact]()
    if not fixed and cost > CHEAP / NEAR:
        notes.append(fact("calls-by-time", calls=calls, seconds=cost))
    if curve and any(limit / NEAR < cost < limit * NEAR for limit in TESTS):
        notes.append(fact("tests-by-time", tests=tests_for(cost), seconds=cost))
    return tuple(notes)
