"""Branch and bound: the bracket [lower, upper] of the worst error, at any time.

The box with the largest bound comes first. A box is done when its bound is at most the target (ratio times the error
of the witness, or the tolerance), or when rounding alone keeps it above; otherwise it is halved. Of the boxes without
any bound the deepest is halved first: if a box of the smallest size has no bound (a pole), the work ends. At every moment

    lower <= sup error <= max of the bounds of all boxes, done and pending,

and every bound is proved: a half inherits bound and proof of its whole. So the work can be stopped between
any two instructions (Ctrl-C), saved as it is, and continued.

Cost: that of the strategy for each box that is tried; about twice as many boxes are tried as the result has.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.boxes import DEEPEST, Boxes
from supnorm.certification.bracket import Bracket, BracketNarrowed, Goal, Work
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.leaf import Bounded, Leaves
from supnorm.certification.proved_again import CannotProve, prove_again
from supnorm.certification.rounding import Array
from supnorm.certification.sharing import on_workers
from supnorm.evaluation.freed_memory import keep_freed_memory
from supnorm.evaluation.limit import Limit
from supnorm.interrupts import INTERRUPTS
from supnorm.program.time_over import TimeOver, until
from supnorm.results import BadInput


class Strategy(Protocol):
    """How one batch of boxes is bounded."""

    def bound(self, error: ErrorProgram, boxes: Boxes, target: float, lower: float) -> Bounded:
        """Bounds of the error on a batch of boxes."""


def narrow(
    work: Work,
    strategy: Strategy,
    goal: Goal,
    offer: Callable[[Array], None],
    limit: Limit,
    executor: Executor | None,
    observer: Callable[[BracketNarrowed], None],
) -> str:
    """Halve and bound boxes until the goal is reached or the budget is spent.

    Args:
        work: holds the bracket as it is at any time.
        offer: gets points that may become the witness, after each batch of boxes.
        limit: its evaluations are boxes tried; with 0 nothing is.

    Returns:
        "proved"; "exceeded" (the witness is above the tolerance); "agreement" (the witness is so close to the
        tolerance that the difference between program and running function decides); "rounding" (float64 rounding
        prevents a smaller bound); "elsewhere" (errors at points that do not count prevent one); "unbounded" (a box
        that cannot be halved further has no bound); "seconds", "boxes" or "interrupted".
    """
    before = work.bracket.tree.tried, limit.spent
    try:
        while len((bracket := work.bracket).pending):
            if goal.tolerance is not None and bracket.lower > goal.target(bracket.lower):
                return "exceeded" if bracket.lower > goal.tolerance else "agreement"
            if limit.over:
                return "seconds"
            if bracket.tried > limit.evaluations or limit.evaluations == 0:
                return "boxes"
            work.bracket, promising = _step(bracket, strategy, goal, limit, executor)
            if promising is not None:
                offer(promising)
            work.bracket.demand_consistent()
            observer(_event(work.bracket, goal, limit, *before))
            if not np.isfinite(work.bracket.done[-1].boxes.upper).all():
                return "unbounded"
    except TimeOver:
        return "seconds"
    except KeyboardInterrupt:
        INTERRUPTS.taken()
        return "interrupted"
    bracket = work.bracket
    if bracket.upper <= goal.target(bracket.lower):
        return "proved"
    return "elsewhere" if bracket.upper <= goal.aim(bracket) else "rounding"


def _event(bracket: Bracket, goal: Goal, limit: Limit, tried: int, spent: float) -> BracketNarrowed:
    """What an observer is told; ``tried`` boxes were known and ``spent`` seconds had passed when the halving began."""
    target, tree, seconds = goal.target(bracket.lower), bracket.tree, limit.spent
    left = np.inf if tree.widening else tree.remaining(bracket.pending.boxes.level.sum(1))
    return BracketNarrowed(
        lower=bracket.lower,
        upper=bracket.upper,
        target=target,
        proved_volume=bracket.proved_volume(target),
        boxes=bracket.tried,
        pending=len(bracket.pending),
        seconds=seconds,
        remaining=left * (seconds - spent) / max(tree.tried - tried, 1),
        limit=limit.left,
    )


# Boxes of one batch. With 128 and with 512 three proofs of `benchmarks.certify` (tanh in 2-D and 3-D, ReLU in 2-D) tried the
# same number of boxes, and their times differed by less than a tenth.
BATCH = 256
# One batch for so many boxes above the target, and so many batches at most before the next boxes are chosen. With 256, two
# proofs of 18,000 and 540,000 boxes tried the same boxes as with 32, and the large one took two thirds of the time. What is
# bounded since the last choice is lost to a kill: seconds, so programs that combine more numbers than `LIGHT` have fewer.
SHARE, MOST, LEAST, LIGHT = 2 * BATCH, 256, 32, 512
THIN = 8  # in a box without any bound, an axis is halved at most this often more than the widest one
DEEP = 10  # after this many halvings of each axis a box without any bound is suspected of a pole: batches are small then


def _step(
    bracket: Bracket, strategy: Strategy, goal: Goal, limit: Limit, executor: Executor | None
) -> tuple[Bracket, Array | None]:
    """The bracket after some batches of boxes, and points that may become the witness; None without a batch.

    Which boxes they have does not depend on the executor, so that the proof is the same on any number of workers.
    """
    target = goal.aim(bracket)
    upper = bracket.pending.boxes.upper
    depth = np.where(np.isfinite(upper), 0, bracket.pending.boxes.level.sum(1))
    order = np.lexsort((-depth, -upper))
    high = int((upper > target).sum())
    if not high:  # a better witness has raised the target above all pending bounds
        done = (*bracket.done, bracket.pending)
        return replace(bracket, done=done, pending=bracket.pending.take(order[:0])), None
    size = BATCH // 4
    if depth.max() <= DEEP * bracket.error.d:
        allowed = (limit.evaluations - bracket.tried) // BATCH + 1
        size = BATCH * int(max(1, min(high // SHARE, _most(bracket.error), allowed)))
    batch = bracket.pending.take(order[: min(size, high)])
    result = bound_all(bracket.error, strategy, batch.boxes, target, bracket.least, executor, limit)
    count = len(result.upper)
    batch = batch.take(np.arange(count))
    tight = batch.tightened(result)
    finished = (tight.boxes.upper <= target) | result.limited | (batch.boxes.level.max(1) >= DEEPEST)
    halves = tight.take(~finished).split(*(axes[~finished] for axes in axes_to_halve(tight.boxes, result)))
    after = replace(
        bracket,
        done=(*bracket.done, tight.take(finished)),
        pending=bracket.pending.take(order[count:]).join(halves),
        tried=bracket.tried + len(batch),
        tree=bracket.tree.with_batch(batch.boxes.level.sum(1), ~finished),
    )
    return after, result.points


def _most(error: ErrorProgram) -> int:
    """Batches between two choices of boxes; a whole number that depends on the programs alone."""
    work = sum(program.work for program in error.alternatives)
    return max(LEAST, min(MOST, MOST * LIGHT // work))


def axes_to_halve(boxes: Boxes, bounded: Bounded) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The axes along which boxes are halved: those of the strategy, but a box without a bound is not made thin.

    No strategy knows for certain which axis prevents a bound, and supnorm says that no bound exists only when a box is
    small along every axis.
    """
    ahead = np.take_along_axis(boxes.level, bounded.axis[:, None], 1)[:, 0] - boxes.level.min(1)
    thin = ~np.isfinite(boxes.upper) & (ahead >= THIN)
    return np.where(thin, boxes.level.argmin(1), bounded.axis), np.where(thin, -1, bounded.second)


def bound_all(
    error: ErrorProgram,
    strategy: Strategy,
    boxes: Boxes,
    target: float,
    lower: float,
    executor: Executor | None = None,
    limit: Limit | None = None,
) -> Bounded:
    """Bound many boxes with the strategy, in batches, on the executor's workers; of the first ones, if time is over.

    Raises:
        TimeOver: when time is over and no batch is done.
    """
    parts = [
        _Batch(boxes.take(np.arange(i, min(i + BATCH, len(boxes)))), target, lower)
        for i in range(0, len(boxes), BATCH)
    ]
    done = []
    try:
        with nullcontext() if limit is None else until(lambda: limit.over):
            for bounded in on_workers(executor, partial(_bound, strategy, error), parts):
                done.append(bounded)
                if limit is not None and limit.over:
                    break
    except TimeOver:
        if not done:
            raise
    bounded = Bounded.join(done)
    if executor is not None and len(parts) > 1:
        _demand_same(error, boxes.take(np.arange(len(bounded.upper))), bounded)
    return bounded


def _demand_same(error: ErrorProgram, boxes: Boxes, bounded: Bounded) -> None:
    """Prove one bound of each batch again in this process: a worker may have another supnorm, with other rules.

    Raises:
        BadInput: for a bound that does not follow from its proof.
    """
    starts = np.arange(0, len(boxes), BATCH)
    rows = np.minimum(starts + np.random.default_rng().integers(BATCH, size=len(starts)), len(boxes) - 1)
    rows = rows[np.isfinite(bounded.upper[rows])]
    some = boxes.take(rows)
    try:
        if len(rows):
            prove_again(
                error, Leaves(replace(some, upper=bounded.upper[rows]), bounded.take(rows), some.level)
            )
    except CannotProve as why:
        raise BadInput(
            f"a worker proved something else than this process: {why}; its supnorm or its packages are others; "
            "supnorm doctor compares them"
        ) from None


@dataclass(frozen=True)
class _Batch:
    """Boxes with what `Strategy.bound` is told of the proof so far."""

    boxes: Boxes
    target: float
    lower: float


def _bound(strategy: Strategy, error: ErrorProgram, batch: _Batch) -> Bounded:
    """Bound one batch with the strategy. Overflow makes a bound infinite; NumPy does not warn of it here or in workers."""
    keep_freed_memory()
    with np.errstate(all="ignore"):
        return strategy.bound(error, batch.boxes, batch.target, batch.lower)


FIRST_SECONDS = 1.0  # time for a first bound, if there is none when the time is spent


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
        for factor in (2.0, 8.0, 32.0, 128.0, np.inf):
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
