"""Tightens what was cut short: coarse bounds of the boxes that are still pending, the worst ones first."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from supnorm.certification.bracket import Bracket, Goal, Work
from supnorm.certification.far import Far, merged, worst_first
from supnorm.certification.narrowing import BATCH, Strategy, bound_all
from supnorm.certification.shelf import BLOCK, Closed, leaves_of
from supnorm.evaluation.limit import Limit
from supnorm.interrupts import INTERRUPTS
from supnorm.program.time_over import TimeOver

FIRST_SECONDS = 1.0  # time for a first bound, if there is none when the time is spent
FACTORS = (2.0, 8.0, 32.0, 128.0, np.inf)  # times the target


def tighten_pending(
    work: Work, strategy: Strategy, goal: Goal, limit: Limit, executor: Executor | None = None
) -> None:
    """Tighten the bracket of work that was cut short: coarse bounds of the pending boxes, worst first.

    A pending box has only the bound of its whole. It is bounded once more for 2, 8, .. times the target that was
    asked for. Another Ctrl-C, or the limit of time, ends this work too. While the domain has no bound at all, the
    work may take `FIRST_SECONDS`; it ends when a box has no bound of its own, because only halving could help then.
    """
    first = Limit.of(FIRST_SECONDS)
    INTERRUPTS.spare()
    try:
        if work.bracket.far:
            _tighten_in_file(work, strategy, goal, limit, first, executor)
            work.bracket = work.bracket.sorted_by(goal.aim(work.bracket))
            return
        for factor in FACTORS:
            bracket = work.bracket
            target = factor * max(goal.aim(bracket), 1e-300)
            rows = np.argsort(-bracket.pending.boxes.upper, kind="stable")
            rows = rows[bracket.pending.boxes.upper[rows] > target]
            for i in range(0, len(rows), BATCH):
                if limit.over and (first.over or np.isfinite(bracket.upper)):
                    return
                batch = bracket.pending.take(rows[i : i + BATCH])
                longer = first if np.isinf(bracket.upper) and first.left > limit.left else limit
                tight = batch.tightened(
                    bound_all(bracket.error, strategy, batch.boxes, target, 0.0, executor, longer)
                )
                rest = np.setdiff1d(np.arange(len(bracket.pending)), rows[i : i + BATCH])
                # The boxes return to their old order, because rows are positions in it.
                order = np.argsort(np.concatenate([rows[i : i + BATCH], rest]), kind="stable")
                bracket = replace(bracket, pending=tight.join(bracket.pending.take(rest)).take(order))
                work.bracket = bracket
                if not np.isfinite(tight.boxes.upper).all():
                    return
    except TimeOver:
        pass
    except KeyboardInterrupt:
        INTERRUPTS.taken()
    finally:
        INTERRUPTS.spare(False)


def _tighten_in_file(
    work: Work, strategy: Strategy, goal: Goal, limit: Limit, first: Limit, executor: Executor | None
) -> None:
    """The same where some are in a file: all are put there in one order, and their bounds become smaller in place.

    Meanwhile the bracket has them among the closed ones.
    """
    bracket = work.bracket
    shelf = bracket.shelf
    assert shelf is not None
    boxes = bracket.pending.boxes
    near = bracket.pending.take(worst_first(boxes.upper, boxes.level))
    run = merged(shelf, bracket.far.with_first(shelf, near).runs)
    done, closed = bracket.done, Closed.of(run)
    largest = [float(records["upper"].max()) for records in run.blocks()]  # of each block

    def now() -> Bracket:
        held = replace(closed, largest=max(largest))
        return replace(bracket, pending=near.take(np.arange(0)), far=Far(), done=(*done, held))

    work.bracket = now()
    for factor in FACTORS:
        target = factor * max(goal.aim(bracket), 1e-300)
        for number in [k for k, most in enumerate(largest) if most > target]:
            over = np.isinf(work.bracket.upper)
            if limit.over and (first.over or not over):
                return
            records = run.read(number * BLOCK, (number + 1) * BLOCK).copy()
            rows = np.flatnonzero(records["upper"] > target)
            batch = leaves_of(records[rows])
            longer = first if over and first.left > limit.left else limit
            result = bound_all(bracket.error, strategy, batch.boxes, target, 0.0, executor, longer)
            count = len(result.upper)
            tight = batch.take(np.arange(count)).tightened(result)
            records[rows[:count]] = shelf.records(tight, records["number"][rows[:count]])
            shelf.write(run.start + number * BLOCK, records)
            largest[number] = float(records["upper"].max())
            work.bracket = now()
            if not np.isfinite(tight.boxes.upper).all():
                return
    closed = Closed.of(run)  # more bounds are proved than before
    work.bracket = now()
