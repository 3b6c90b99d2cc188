"""Branch and bound: the bracket [lower, upper] of the worst error, at any time.

Boxes with the largest bound come first. A box is done when its bound is at most the target (ratio times the
witness, or the tolerance), or when rounding is all that is left; else it is halved. At every moment

    lower <= sup error <= max of the bounds of all boxes, done and pending (a half inherits the bound).

Cost: the strategy's, times boxes; about twice as many boxes are tried as are kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.boxes import DEEPEST, Boxes
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.leaf import Bounded
from supnorm.certification.rounding import Array


class Strategy(Protocol):
    """How one batch of boxes is bounded."""

    def bound(self, error: ErrorProgram, boxes: Boxes, target: float, lower: float) -> Bounded:
        """Bounds of the error on a batch of boxes."""


@dataclass(frozen=True)
class BracketNarrowed:
    """Progress of a certificate: the bracket so far, the volume proved at the target, boxes and seconds."""

    lower: float
    upper: float
    target: float
    proved_volume: float
    boxes: int
    pending: int
    seconds: float


@dataclass
class Bracket:
    """The state of a certificate: it can be stopped, kept and continued.

    Attributes:
        error: what is bounded.
        lower: proved error of the witness.
        witness: where, in units of the axes, shape ``(d,)``; None while the error is zero everywhere.
        pending: boxes to be worked on, with inherited bounds.
        done: finished boxes with how they were proved.
        tried: boxes bounded so far.
    """

    error: ErrorProgram
    lower: float = 0.0
    witness: Array | None = None
    pending: Boxes = field(default_factory=lambda: Boxes.root(1))
    done: list[tuple[Boxes, Bounded]] = field(default_factory=list)
    tried: int = 0

    @property
    def upper(self) -> float:
        """Proved upper bound of the error on the whole box."""
        bounds = [float(boxes.upper.max()) for boxes, _ in self.done if len(boxes)]
        return max([*bounds, float(self.pending.upper.max()) if len(self.pending) else 0.0])

    def proved_volume(self, target: float) -> float:
        """Fraction of the box where the bound is at most the target."""
        return float(sum(boxes.volume()[boxes.upper <= target].sum() for boxes, _ in self.done))

    def raise_lower(self, points: Array, admit: Callable[[Array], NDArray[np.bool_]], prove: _Prove) -> None:
        """Take the best admissible point as witness, if it beats the present one."""
        inside = points[admit(points)] if len(points) else points
        if not len(inside):
            return
        proved = prove(self.error, inside)
        best = int(np.argmax(proved))
        if proved[best] > self.lower:
            self.lower, self.witness = float(proved[best]), inside[best]


_Prove = Callable[[ErrorProgram, Array], Array]


@dataclass(frozen=True)
class Goal:
    """When to stop: ``ratio`` times the witness, or an absolute ``tolerance``."""

    ratio: float | None
    tolerance: float | None

    def target(self, lower: float) -> float:
        """Bound at which a box is done."""
        if self.ratio is not None:
            return self.ratio * lower
        assert self.tolerance is not None
        return self.tolerance


def narrow(
    bracket: Bracket, strategy: Strategy, goal: Goal, found: Callable[[Array], None],
    seconds: float | None, boxes: int, executor: Executor | None, observer: Callable[[BracketNarrowed], None],
) -> str:  # fmt: skip
    """Work until the goal is reached or the budget is spent; the bracket is changed in place.

    Returns:
        "proved", "exceeded" (the witness is above the tolerance), "rounding" (float64 stands in the way),
        "seconds", "boxes" or "interrupted".
    """
    start = time.monotonic()
    while len(bracket.pending):
        spent = time.monotonic() - start
        if goal.tolerance is not None and bracket.lower > goal.tolerance:
            return "exceeded"
        if seconds is not None and spent > seconds:
            return "seconds"
        if bracket.tried > boxes:
            return "boxes"
        try:
            _step(bracket, strategy, goal, found, executor)
        except KeyboardInterrupt:
            return "interrupted"
        target = goal.target(bracket.lower)
        observer(BracketNarrowed(
            bracket.lower, bracket.upper, target, bracket.proved_volume(target), bracket.tried,
            len(bracket.pending), time.monotonic() - start,
        ))  # fmt: skip
    return "proved" if bracket.upper <= goal.target(bracket.lower) else "rounding"


BATCH = 256


def _step(
    bracket: Bracket,
    strategy: Strategy,
    goal: Goal,
    found: Callable[[Array], None],
    executor: Executor | None,
) -> None:
    target = goal.target(bracket.lower)
    order = np.argsort(-bracket.pending.upper, kind="stable")
    count = BATCH if executor is None else 8 * BATCH
    batch = bracket.pending.take(order[:count])
    result = bound_all(bracket.error, strategy, batch, target, bracket.lower, executor)
    upper = np.minimum(batch.upper, result.upper)
    batch = Boxes(batch.level, batch.index, upper)
    finished = (result.upper <= target) | result.limited | (batch.level.max(1) >= DEEPEST)
    open_ = batch.take(~finished)
    done = batch.take(finished)
    bracket.done.append((Boxes(done.level, done.index, result.upper[finished]), _rows(result, finished)))
    halves = open_.split(result.axis[~finished])
    bracket.pending = bracket.pending.take(order[count:]).join(halves)
    bracket.tried += len(batch)
    found(result.points)


def bound_all(
    error: ErrorProgram, strategy: Strategy, boxes: Boxes, target: float, lower: float,
    executor: Executor | None = None,
) -> Bounded:  # fmt: skip
    """The strategy on many boxes, in batches, over the executor's workers."""
    work = partial(strategy.bound, error, target=target, lower=lower)
    run: Callable[..., Iterator[Bounded]] = map if executor is None else executor.map
    size = BATCH if executor is None else BATCH // 4
    parts = [boxes.take(np.arange(i, min(i + size, len(boxes)))) for i in range(0, len(boxes), size)]
    return Bounded.join(list(run(work, parts)))


def _rows(result: Bounded, rows: NDArray[np.bool_]) -> Bounded:
    fields = {n: getattr(result, n)[rows] for n in Bounded.__dataclass_fields__ if n != "points"}
    return Bounded(**fields, points=result.points[:0])


def settle(bracket: Bracket, strategy: Strategy, executor: Executor | None = None) -> None:
    """Give every pending box a proof of its own, so that the whole tiling can be written down.

    A pending box has only its parent's bound; it is bounded once more, to at least the worst of the inherited
    bounds where one is finite.
    """
    pending = bracket.pending
    if not len(pending):
        return
    worst = float(pending.upper.max())
    result = bound_all(bracket.error, strategy, pending, worst, 0.0, executor)
    everything = np.ones(len(pending), dtype=bool)
    bracket.done.append((Boxes(pending.level, pending.index, result.upper), _rows(result, everything)))
    bracket.pending = pending.take(~everything)
