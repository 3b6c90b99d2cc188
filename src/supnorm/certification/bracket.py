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

import sys
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.boxes import DEEPEST, Boxes
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.forecast import Tree
from supnorm.certification.leaf import Bounded, Leaves
from supnorm.certification.rounding import Array
from supnorm.certification.sharing import on_workers
from supnorm.evaluation.limit import Limit
from supnorm.interrupts import INTERRUPTS
from supnorm.program.time_over import TimeOver, until
from supnorm.results import Contradiction
from supnorm.results.numbers import exact


class Strategy(Protocol):
    """How one batch of boxes is bounded."""

    def bound(self, error: ErrorProgram, boxes: Boxes, target: float, lower: float) -> Bounded:
        """Bounds of the error on a batch of boxes."""


@dataclass(frozen=True)
class BracketNarrowed:
    """Progress of a certificate: the bracket so far, the volume proved at the target, boxes and seconds.

    ``remaining`` estimates the seconds that are still needed (`forecast`); it is infinite while there is no estimate.
    ``limit`` is the time until the work is stopped; infinite without a limit.
    """

    lower: float
    upper: float
    target: float
    proved_volume: float
    boxes: int
    pending: int
    seconds: float
    remaining: float = np.inf
    limit: float = np.inf


@dataclass(frozen=True, eq=False)
class Bracket:
    """The state of a certificate: it can be stopped, saved and continued. It is frozen: each change makes a new one.

    Attributes:
        error: the programs of the error that is bounded.
        lower: proved error of the witness.
        witness: the point of that error, in units of the axes, shape ``(d,)``; None while no error above zero is known.
        elsewhere: largest proved error at a point that does not count (mask, constraint, between discrete values).
        pending: boxes that are still to be bounded, with inherited bounds.
        done: finished boxes.
        tried: boxes bounded so far.
        tree: counts of these, for the forecast.
        taken: what was taken from a file and not compared with the problem, in words.
        seed: of the run that began it; None where that is not known.
    """

    error: ErrorProgram
    pending: Leaves
    done: tuple[Leaves, ...] = ()
    lower: float = 0.0
    witness: Array | None = None
    elsewhere: float = 0.0
    tried: int = 0
    tree: Tree = field(default_factory=Tree)
    taken: tuple[str, ...] = ()
    seed: int | None = None

    @classmethod
    def start(cls, error: ErrorProgram) -> Bracket:
        """Nothing known."""
        return cls(error, Leaves.root(error.d, len(error.alternatives)))

    @property
    def leaves(self) -> Leaves:
        """All boxes, done and pending; their cells tile the domain."""
        return self.pending.join(*self.done)

    @property
    def upper(self) -> float:
        """Proved upper bound of the error on the whole box."""
        return max(float(part.boxes.upper.max(initial=0.0)) for part in (*self.done, self.pending))

    @property
    def believed(self) -> int:
        """How many bounds were taken from a file and are not proved again."""
        parts = (*self.done, self.pending)
        return sum(int((~p.proof.proved & np.isfinite(p.boxes.upper)).sum()) for p in parts)

    def sorted_by(self, target: float) -> Bracket:
        """With the boxes whose bound is above the target pending, and the others done."""
        leaves = self.leaves
        finished = leaves.boxes.upper <= target
        return replace(self, pending=leaves.take(~finished), done=(leaves.take(finished),))

    def proved_volume(self, target: float) -> float:
        """Fraction of the box where the bound is at most the target."""
        parts = (*self.done, self.pending)
        return float(sum(p.boxes.volume()[(p.boxes.upper <= target) & p.proof.proved].sum() for p in parts))

    def raised(self, points: Array, admit: Callable[[Array], NDArray[np.bool_]], prove: _Prove) -> Bracket:
        """The bracket with the best admissible one of these points as witness, if its error is above ``lower``."""
        bracket = self
        counts = admit(points) if len(points) else np.zeros(0, dtype=bool)
        if counts.any():
            inside = points[counts]
            proved = prove(self.error, inside)
            best = int(np.argmax(proved))
            if proved[best] > self.lower:
                bracket = replace(bracket, lower=float(proved[best]), witness=inside[best])
        if (
            not counts.all() and not self.error.declared
        ):  # a declared function is called only where points count
            elsewhere = max(self.elsewhere, float(prove(self.error, points[~counts]).max()))
            bracket = replace(bracket, elsewhere=elsewhere)
        return bracket

    def demand_consistent(self) -> None:
        """Check that no proved error is above the proved bound.

        Raises:
            BadInput: when one is and a function is declared; the message names the point that refutes the declaration.
            Contradiction: when one is and nothing is declared: then a rule of the proof is wrong.
        """
        if self.least <= self.upper:
            return
        x = self.witness if self.lower > self.upper else None
        if self.error.declared:
            raise self.error.refuted(x, self.least, self.upper)
        raise Contradiction(
            f"a proved error of {exact(self.least)}{'' if x is None else f' at {x.tolist()}'} is above the proved upper "
            f"bound {exact(self.upper)}"
        )

    @property
    def least(self) -> float:
        """The largest proved error at any point of the whole box; the upper bound cannot be smaller."""
        return max(self.lower, self.elsewhere)


@dataclass
class Work:
    """A bracket that is being narrowed. Each change is one assignment, so no interrupt meets a half-changed bracket."""

    bracket: Bracket


_Prove = Callable[[ErrorProgram, Array], Array]
NEAR = 1.1  # bounds stop this near above the error of a point that does not count and forbids the tolerance
# The room for underflow in a bound can add up to this, so an error of zero is proved to be below this number at best.
UNDERFLOW = 1e-280


@dataclass(frozen=True)
class Goal:
    """When to stop: ``ratio`` times the witness, or an absolute ``tolerance``.

    ``room`` is the distance that a claim needs above the proved bound, because the functions as they run were seen to
    differ from the programs. It is subtracted from a target unless it would use the target up.
    """

    ratio: float | None
    tolerance: float | None
    room: float = 0.0

    def aim(self, bracket: Bracket) -> float:
        """The bound at which a box is done: the target, or more if an error at points that do not count is above it."""
        target = self.target(bracket.lower)
        if bracket.elsewhere <= target:
            return target
        return NEAR * bracket.elsewhere if self.ratio is None else self.target(bracket.elsewhere)

    def target(self, lower: float) -> float:
        """The bound that is asked for: finite, and never below `UNDERFLOW`."""
        if self.ratio is not None:
            room = self.room if self.room < 0.5 * (self.ratio - 1.0) * lower else 0.0
            return min(max(self.ratio * lower - room, UNDERFLOW), sys.float_info.max)
        assert self.tolerance is not None
        return self.tolerance - self.room if self.room < self.tolerance else self.tolerance


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
# One batch for so many boxes above the target, and so many batches at most before the next boxes are chosen.
SHARE, MOST = 2 * BATCH, 32
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
        size = BATCH * int(max(1, min(high // SHARE, MOST, allowed)))
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
    return Bounded.join(done)


@dataclass(frozen=True)
class _Batch:
    """Boxes with what `Strategy.bound` is told of the proof so far."""

    boxes: Boxes
    target: float
    lower: float


def _bound(strategy: Strategy, error: ErrorProgram, batch: _Batch) -> Bounded:
    """Bound one batch with the strategy. Overflow makes a bound infinite; NumPy does not warn of it here or in workers."""
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
