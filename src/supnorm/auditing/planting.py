"""The stage that plants errors in the problem, to see what a search like this one misses (`power`)."""

from __future__ import annotations

from dataclasses import replace

from supnorm.auditing.power import Planted, PlantingTask
from supnorm.auditing.run import Run
from supnorm.wording import fact


def plant(run: Run) -> Run:
    """Plant the errors that were asked for, and search for each."""
    power, listed = run.asked.power, run.search.listed
    if power is None or run.table:
        return run
    if listed is not None:
        none = fact("plants-nowhere" if listed.exhaustive else "plants-among-others")
        return replace(run, planted=Planted(left_out=(none,)))
    if run.halted:
        return replace(run, planted=Planted(left_out=(fact("plants-stopped"),)))
    task = PlantingTask(
        evaluator=run.evaluator,
        rng=run.asked.rng,
        strategy=run.strategy,
        evaluations=run.evaluator.spent("statistics", "search"),
        search=run.search,
        worst_rows=run.recorder.worst_rows(),
        limit=run.clock_for("planted errors"),
        share=run.share_of("planted errors"),
    )
    return replace(run, planted=power.measure(task))
