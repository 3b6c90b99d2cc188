"""What a call costs decides how many of them a budget plans: declared, or measured once, and recorded with the result."""

from __future__ import annotations

from supnorm.evaluation.caller import Caller
from supnorm.planning.curves import TESTS, tests_for
from supnorm.planning.question import CHEAP
from supnorm.results.budget import CallCostRecord

NEAR = 4.0  # a timing within this factor of a threshold may come out on the other side next time


def cost_record(caller: Caller, calls: int, curve: bool) -> CallCostRecord:
    """What a call costs, and what that decides; ``curve``: whether trainings are to be tested."""
    return CallCostRecord(
        seconds=caller.cost,
        by="declared" if caller.declared else "measured",
        calls=calls,
        tests=tests_for(caller.cost) if curve else None,
    )


def cost_notes(caller: Caller, calls: int, fixed: bool, curve: bool) -> tuple[str, ...]:
    """What a clock has decided that it may decide otherwise next time; ``fixed``: not the number of ``calls``."""
    if caller.declared:
        return ()
    cost, notes = caller.cost, []
    repeatable = f"the repeat command keeps that, and --cost {cost:.2g} decides it beforehand"
    if not fixed and cost > CHEAP / NEAR:
        notes.append(
            f"up to {calls:,} evaluations were planned because one took {cost:.2g} s here; a faster or slower run plans "
            f"others, and may answer otherwise: {repeatable}, or --calls {calls}"
        )
    if curve and any(limit / NEAR < cost < limit * NEAR for limit in TESTS):
        notes.append(
            f"the trainings were tested on {tests_for(cost):,} points each, by a timing of {cost:.2g} s a call "
            f"near a threshold: {repeatable}"
        )
    return tuple(notes)
