"""The stage that plants errors in the problem, to see what a search like this one misses (`power`)."""

from __future__ import annotations

from dataclasses import replace

from supnorm.auditing.halt import NOT_PLANTED
from supnorm.auditing.power import POWER_TIME, Planted
from supnorm.auditing.run import Run

NONE_HIDDEN = "every point of the domain was evaluated, and there are no others where one could hide"
SOME_LEFT = "the points of the domain were evaluated one by one, and what those that were not hold is unknown"


def plant(run: Run) -> Run:
    """Plant the errors that were asked for, and search for each."""
    power, listed = run.asked.power, run.search.listed
    if power is None or run.table:
        return run
    if listed is not None:
        return replace(run, planted=Planted(left_out=NONE_HIDDEN if listed.exhaustive else SOME_LEFT))
    if run.halted:
        return replace(run, planted=Planted(left_out=NOT_PLANTED))
    spent = run.evaluator.spent("statistics", "search")
    clock, rows = run.clock_for(POWER_TIME), run.recorder.worst_rows()
    planted = power.measure(run.evaluator, run.strategy, spent, run.search, rows, run.asked.rng, clock)
    return replace(run, planted=planted)
