"""The bracket [lower, upper] of the worst error: what is proved of all boxes at a moment, and when it is enough.

`narrowing` makes it smaller.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.forecast import Tree
from supnorm.certification.leaf import Leaves
from supnorm.certification.rounding import Array
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

    def gathered(self) -> Bracket:
        """The same with all boxes as one part of those that are done: then `leaves` copies nothing."""
        leaves = self.leaves
        return replace(self, pending=leaves.take(np.arange(0)), done=(leaves,))

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
