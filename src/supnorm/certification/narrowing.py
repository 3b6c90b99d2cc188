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

from collections.abc import Callable, Sequence
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
from supnorm.certification.far import Far, worst_first
from supnorm.certification.leaf import Bounded, Leaves
from supnorm.certification.proved_again import CannotProve, prove_again
from supnorm.certification.rounding import Array
from supnorm.certification.sharing import demand_fitting, on_workers
from supnorm.certification.shelf import Closed
from supnorm.evaluation.freed_memory import keep_freed_memory
from supnorm.evaluation.limit import Limit
from supnorm.interrupts import INTERRUPTS
from supnorm.program.time_over import TimeOver, until
from supnorm.results import BadInput, NotWritten


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
        while (bracket := work.bracket).waiting:
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
            if not np.isfinite(work.bracket.done[-1].largest):
                return "unbounded"
            work.bracket = work.bracket.shelved()
    except TimeOver:
        return "seconds"
    except KeyboardInterrupt:
        INTERRUPTS.taken()
        return "interrupted"
    except NotWritten as why:  # the disk takes no more boxes
        INTERRUPTS.because(str(why).partition("; ")[0])
        INTERRUPTS.taken(why)
        return "interrupted"
    bracket = work.bracket
    if bracket.upper <= goal.target(bracket.lower):
        return "proved"
    return "elsewhere" if bracket.upper <= goal.aim(bracket) else "rounding"


def _event(bracket: Bracket, goal: Goal, limit: Limit, tried: int, spent: float) -> BracketNarrowed:
    """What an observer is told; ``tried`` boxes were known and ``spent`` seconds had passed when the halving began."""
    target, tree, seconds = goal.target(bracket.lower), bracket.tree, limit.spent
    left = np.inf if tree.widening else bracket.remaining
    return BracketNarrowed(
        lower=bracket.lower,
        upper=bracket.upper,
        target=target,
        proved_volume=bracket.proved_volume(target),
        boxes=bracket.tried,
        pending=bracket.waiting,
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
AGAIN = 64  # batches of which this process proves a bound again at once: some 10 ms, for few as for many
THIN = 8  # in a box without any bound, an axis is halved at most this often more than the widest one
DEEP = 10  # after this many halvings of each axis a box without any bound is suspected of a pole: batches are small then


def _step(
    bracket: Bracket, strategy: Strategy, goal: Goal, limit: Limit, executor: Executor | None
) -> tuple[Bracket, Array | None]:
    """The bracket after some batches of boxes, and points that may become the witness; None without a batch.

    Which boxes they have does not depend on the executor, so that the proof is the same on any number of workers.
    """
    target = goal.aim(bracket)
    high = int((bracket.pending.boxes.upper > target).sum()) + bracket.far.above(target)
    if not high:  # a better witness has raised the target above all pending bounds
        done = (*bracket.done, bracket.pending, *map(Closed.of, bracket.far.runs))
        return replace(bracket, done=done, pending=bracket.pending.take(np.arange(0)), far=Far(())), None
    allowed = (limit.evaluations - bracket.tried) // BATCH + 1
    size = BATCH * int(max(1, min(high // SHARE, _most(bracket.error), allowed)))
    bracket = bracket.fetched(size)
    pending = bracket.pending.boxes
    order = worst_first(pending.upper, pending.level)
    if (pending.level.sum(1)[np.isinf(pending.upper)] > DEEP * bracket.error.d).any():
        size = BATCH // 4
    batch = bracket.pending.take(order[: min(size, high)])
    result = bound_all(bracket.error, strategy, batch.boxes, target, bracket.least, executor, limit)
    count = len(result.upper)
    batch = batch.take(np.arange(count))
    tight = batch.tightened(result)
    finished = (tight.boxes.upper <= target) | result.limited | (batch.boxes.level.max(1) >= DEEPEST)
    halves = tight.take(~finished).split(*(axes[~finished] for axes in axes_to_halve(tight.boxes, result)))
    after = replace(
        bracket.with_halves(bracket.pending.take(order[count:]), halves),
        done=(*bracket.done, tight.take(finished)),
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
    done: list[Bounded] = []
    elsewhere, again = executor is not None and len(parts) > 1, 0
    try:
        with nullcontext() if limit is None else until(lambda: limit.over):
            for bounded in on_workers(executor, partial(_bound, strategy, error), parts):
                if elsewhere:
                    demand_fitting(bounded, len(parts[len(done)].boxes), len(error.alternatives), error.d)
                done.append(bounded)
                if elsewhere and len(done) - again == AGAIN:  # meanwhile the workers go on
                    _demand_same(error, parts[again:], done[again:])
                    again = len(done)
                if limit is not None and limit.over:
                    break
    except TimeOver:
        if not done:
            raise
    if elsewhere and done[again:]:
        _demand_same(error, parts[again:], done[again:])
    return Bounded.join(done)


def _demand_same(error: ErrorProgram, batches: Sequence[_Batch], done: Sequence[Bounded]) -> None:
    """Prove one bound of each batch again in this process: a worker may have another supnorm, with other rules.

    Args:
        batches: the first of them are those that are done.

    Raises:
        BadInput: for a bound that does not follow from its proof.
    """
    boxes, bounded = Boxes.join(*(batch.boxes for batch in batches[: len(done)])), Bounded.join(list(done))
    rng = np.random.default_rng()
    # The kind of proof of a box that is drawn comes first where a batch has it: a kind takes some 10 ms, however few boxes
    # it has. In a proof of 77,000 boxes 22 times with one or two kinds took 0.25 s, with five or six 0.95 s.
    drawn = bounded.like(int(rng.integers(len(boxes))))
    first = np.where(np.isfinite(bounded.upper), rng.random(len(boxes)) + drawn, -1.0)
    rows = np.array([i + int(first[i : i + BATCH].argmax()) for i in range(0, len(boxes), BATCH)])
    rows = rows[first[rows] >= 0.0]
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
