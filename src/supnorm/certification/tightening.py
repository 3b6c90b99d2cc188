"""Tightens what was cut short: coarse bounds of the boxes that are still pending, the worst ones first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from supnorm.certification.bracket import Bracket, Goal, Work
from supnorm.certification.far import Far, Run, all_waiting, merged, worst_first
from supnorm.certification.narrowing import BATCH, Strategy, bound_all
from supnorm.certification.shelf import BLOCK, Closed, Records, leaves_of
from supnorm.evaluation.limit import Limit
from supnorm.interrupts import INTERRUPTS
from supnorm.program.time_over import TimeOver
from supnorm.results import NotWritten

FIRST_SECONDS = 1.0  # time for a first bound, if there is none when the time is spent
FACTORS = (2.0, 8.0, 32.0, 128.0, np.inf)  # times the target


@dataclass(frozen=True)
class PendingBounded:
    """No box is halved any more: ``done`` of ``total`` pending boxes have been bounded once more, for one target.

    The bracket is now ``[lower, upper]``; ``limit`` is the time until the work is stopped, infinite without a limit.
    """

    lower: float
    upper: float
    done: int
    total: int
    limit: float


Tell = Callable[[PendingBounded], None]


def tighten_pending(
    work: Work,
    strategy: Strategy,
    goal: Goal,
    limit: Limit,
    executor: Executor | None = None,
    observer: Tell = lambda event: None,
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
            with suppress(TimeOver):
                _tighten_in_file(work, strategy, goal, limit, first, executor, observer)
            work.bracket = work.bracket.sorted_by(goal.aim(work.bracket))
        else:
            _tighten_in_memory(work, strategy, goal, limit, first, executor, observer)
    except (TimeOver, NotWritten):  # a full disk does not take what is proved
        pass
    except KeyboardInterrupt:
        INTERRUPTS.taken()
    finally:
        INTERRUPTS.spare(False)


def _tighten_in_memory(
    work: Work,
    strategy: Strategy,
    goal: Goal,
    limit: Limit,
    first: Limit,
    executor: Executor | None,
    tell: Tell,
) -> None:
    boxes = work.bracket.pending.boxes
    rank = np.argsort(worst_first(boxes.upper, boxes.level))  # equal bounds have this order
    for factor in FACTORS:
        bracket = work.bracket
        target = factor * max(goal.aim(bracket), 1e-300)
        rows = np.lexsort((rank, -bracket.pending.boxes.upper))
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
            tell(_event(bracket, min(i + BATCH, len(rows)), len(rows), limit))
            if not np.isfinite(tight.boxes.upper).all():
                return


def _tighten_in_file(
    work: Work,
    strategy: Strategy,
    goal: Goal,
    limit: Limit,
    first: Limit,
    executor: Executor | None,
    tell: Tell,
) -> None:
    """The same boxes, in the same batches, where some are in a file: their bounds become smaller in place.

    Meanwhile the bracket has them among the closed ones.
    """
    bracket = work.bracket
    shelf = bracket.shelf
    assert shelf is not None
    boxes = bracket.pending.boxes
    near = bracket.pending.take(worst_first(boxes.upper, boxes.level))
    run = merged(shelf, bracket.far.with_first(shelf, near).runs, ranked=True)
    closed, block = Closed.of(run), BATCH * max(BLOCK // BATCH, 1)

    def bounded_by(largest: float) -> Bracket:
        done = (*bracket.done, replace(closed, largest=largest))
        return replace(bracket, pending=near.take(np.arange(0)), far=Far(()), done=done)

    work.bracket = bounded_by(closed.largest)
    for factor in FACTORS:
        target = factor * max(goal.aim(bracket), 1e-300)
        waiting, known = _above(run, target)
        at = 0
        while at < len(waiting):
            over = np.isinf(work.bracket.upper)
            if limit.over and (first.over or not over):
                return
            # One batch at a time as long as one may end the work.
            records = waiting.read(
                at, at + (BATCH if np.isinf(waiting.read(at, at + 1)["upper"][0]) else block)
            )
            batch = leaves_of(records)
            longer = first if over and first.left > limit.left else limit
            result = bound_all(bracket.error, strategy, batch.boxes, target, 0.0, executor, longer)
            count = len(result.upper)
            tight = batch.take(np.arange(count)).tightened(result)
            _put_back(run, shelf.records(tight, records["number"][:count]))
            at, known = at + count, max(known, tight.largest)
            following = float(waiting.read(at, at + 1)["upper"].max(initial=0.0))
            work.bracket = bounded_by(max(known, following))
            tell(_event(work.bracket, at, len(waiting), limit))
            if not np.isfinite(tight.boxes.upper).all():
                return


def _event(bracket: Bracket, done: int, total: int, limit: Limit) -> PendingBounded:
    return PendingBounded(bracket.lower, bracket.upper, done, total, limit.left)


def _above(run: Run, target: float) -> tuple[Run, float]:
    """The boxes of the run whose bound is above the target, the worst first; the largest bound of the others."""
    known = [0.0]

    def above() -> Iterator[Records]:
        for records in run.blocks():
            high = records["upper"] > target
            known.append(float(records["upper"][~high].max(initial=0.0)))
            yield records[high]

    runs = all_waiting(run.shelf, above()).runs
    return runs[0] if runs else Run(run.shelf, run.start, run.start), max(known)


def _put_back(run: Run, records: Records) -> None:
    """Write each record to the position in the run that is its number."""
    records = records[np.argsort(records["number"])]
    at = records["number"]
    for part in np.split(records, np.flatnonzero(np.diff(at) != 1) + 1):
        run.shelf.write(run.start + int(part["number"][0]), part)
