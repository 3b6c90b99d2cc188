"""The bracket [lower, upper] of the worst error: what is proved of all boxes at a moment, and when it is enough.

`narrowing` makes it smaller.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.far import Far, Run, divided, worst_first
from supnorm.certification.forecast import Tree
from supnorm.certification.leaf import Leaves
from supnorm.certification.rounding import Array
from supnorm.certification.shelf import Closed, Shelf, Stored
from supnorm.results import Contradiction
from supnorm.results.numbers import exact


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
        pending: boxes that are still to be bounded, with inherited bounds; those in memory.
        done: finished boxes; those in a file first.
        tried: boxes bounded so far.
        tree: counts of these, for the forecast.
        taken: what was taken from a file and not compared with the problem, in words.
        seed: of the run that began it; None where that is not known.
        shelf: a file for boxes that need not stay in memory (`shelved`); None where all stay.
        far: the pending boxes in this file; they come after those in memory.
    """

    error: ErrorProgram
    pending: Leaves
    done: tuple[Leaves | Closed, ...] = ()
    lower: float = 0.0
    witness: Array | None = None
    elsewhere: float = 0.0
    tried: int = 0
    tree: Tree = field(default_factory=Tree)
    taken: tuple[str, ...] = ()
    seed: int | None = None
    shelf: Shelf | None = None
    far: Far = Far(())

    @classmethod
    def start(cls, error: ErrorProgram) -> Bracket:
        """Nothing known."""
        return cls(error, Leaves.root(error.d, len(error.alternatives)))

    @property
    def leaves(self) -> Leaves | Stored:
        """All boxes, done and pending; their cells tile the domain."""
        done = [part for part in self.done if isinstance(part, Leaves)]
        if self.shelf is not None and (len(done) < len(self.done) or self.far):
            return Stored(self.shelf, (self.pending, *self.done, *self.far.runs))
        return self.pending.join(*done)

    @property
    def waiting(self) -> int:
        """How many boxes are pending."""
        return len(self.pending) + len(self.far)

    @property
    def remaining(self) -> float:
        """Forecast of how many boxes are still to be bounded, wherever the pending ones are."""
        depths = Counter(self.far.depths)
        depths.update(self.pending.boxes.level.sum(1).tolist())
        return self.tree.remaining(depths)

    def gathered(self) -> Bracket:
        """The same with all boxes as one part of those that are done, if all are in memory: then `leaves` copies nothing."""
        leaves = self.leaves
        if isinstance(leaves, Stored):
            return self
        return replace(self, pending=leaves.take(np.arange(0)), done=(leaves,))

    @property
    def upper(self) -> float:
        """Proved upper bound of the error on the whole box."""
        return max(part.largest for part in self._parts)

    @property
    def believed(self) -> int:
        """How many bounds were taken from a file and are not proved again."""
        return sum(part.believed for part in self._parts)

    def sorted_by(self, target: float) -> Bracket:
        """With the boxes whose bound is above the target pending, and the others done."""
        leaves = self.leaves
        if isinstance(leaves, Stored):
            done, far = divided(leaves, target)
            return replace(self, pending=self.pending.take(np.arange(0)), done=done, far=far)
        finished = leaves.boxes.upper <= target
        return replace(self, pending=leaves.take(~finished), done=(leaves.take(finished),))

    def shelved(self) -> Bracket:
        """With fewer boxes in memory, where there are more than the shelf wants: closed ones, and the best pending ones."""
        if (shelf := self.shelf) is None:
            return self
        bracket = self
        stored = tuple(part for part in self.done if isinstance(part, Closed))
        held = [part for part in self.done if isinstance(part, Leaves) and len(part)]
        if sum(map(len, held)) > shelf.most:
            closed = held[0].join(*held[1:])
            number = sum(map(len, stored)) + np.arange(len(closed))
            closed_there = Closed.of(shelf.put(shelf.records(closed, number)))
            bracket = replace(bracket, done=(*stored, closed_there))
        if len(self.pending) > shelf.most:
            order = worst_first(self.pending.boxes.upper, self.pending.boxes.level)
            near, rest = (self.pending.take(rows) for rows in np.split(order, [shelf.most // 2]))
            bracket = replace(bracket, pending=near, far=self.far.with_first(shelf, rest))
        return bracket

    def fetched(self, count: int) -> Bracket:
        """With at least so many of the worst pending boxes in memory, or all of them."""
        if self.shelf is None or not self.far or len(self.pending) >= count:
            return self
        more, far = self.far.without_worst(max(count, self.shelf.most // 2) - len(self.pending))
        return replace(self, pending=self.pending.join(more), far=far)

    def with_halves(self, rest: Leaves, halves: Leaves) -> Bracket:
        """With these pending boxes in memory, and new halves of those that are no longer pending."""
        behind = self.far.behind(halves)
        if self.shelf is None or not behind.any():
            return replace(self, pending=rest.join(halves))
        far = self.far.with_new(self.shelf, halves.take(behind))
        return replace(self, pending=rest.join(halves.take(~behind)), far=far)

    def proved_volume(self, target: float) -> float:
        """Fraction of the box where the bound is at most the target."""
        return float(sum(part.volume_below(target) for part in self._parts))

    @property
    def _parts(self) -> Iterator[Leaves | Closed | Run]:
        return chain(self.done, [self.pending], self.far.runs)

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
        # A declared function is called only where points count.
        if not counts.all() and not self.error.declared:
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
