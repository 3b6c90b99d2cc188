"""Which strategy bounds an error: by the operations of its programs and, for formulas, by a trial of two.

No rule tells from a formula which of two enclosures needs fewer boxes: for two laws of pipe friction 65,535 by Chebyshev
certificates and 61 by composed ones, for the price of an option 5,351 by graded and 6,923 by composed ones, which cost more.
So two strategies prove a formula in turn, each going on with what it has, for the numbers of boxes in `ROUNDS`. The one that
ends first has done it; after the last round, or where it is clear before, the one that is forecast to end first goes on.
The strategy of networks begins, and its first round is enough for most. Boxes are counted and no clock is read, so that the
same problem gets the same proof again.

Where rounding of float64 is all that prevents a smaller bound, Chebyshev certificates go on with the boxes that are left, in
up to three inputs, and of formulas in four: they alone have nodes in higher precision (`fine_nodes`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from supnorm.certification.bracket import Bracket, BracketNarrowed, Goal, Work
from supnorm.certification.chebyshev_certificate import ChebyshevCertificate
from supnorm.certification.composed_certificate import MOST_INPUTS as COMPOSED
from supnorm.certification.composed_certificate import ComposedCertificate
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.graded_certificate import MOST_INPUTS as GRADED
from supnorm.certification.graded_certificate import GradedCertificate
from supnorm.certification.linear_bounds import LinearBounds
from supnorm.certification.narrowing import Strategy, narrow
from supnorm.certification.rounding import Array
from supnorm.evaluation.limit import Limit

ROUNDS = (256, 1024, 4096)  # a forecast from 256 boxes was wrong by more than ten times, for Wien's law
CLEAR = 30.0  # forecasts that differ by more are believed
# A box of composed certificates costs 2 to 4 times one of the others (.25 and .06 ms in two inputs, .5 and .25 in three).
BOX_COST = 3.0
# Inputs in which tensor nodes in higher precision are few enough. In four, the nodes of a network take too long; a sine of a
# quarter of the unit box to 1e-17 took 161 boxes and 13 s.
FINE, FINE_FORMULAS = 3, 4
MOST_FINE = 20_000  # boxes that are tried so; one takes up to 0.1 s
MOST_IN_FOUR = 2_000  # in four inputs
LAYER = 4  # features of one operation from which on a program is taken for a network
LINEAR = ("input", "constant", "affine", "take", "concat", "add", "sub", "neg")


def suited(error: ErrorProgram) -> Strategy:
    """Linear bounds for layers of at least four kinks and for many inputs; polynomials otherwise.

    In 1 and 2 inputs the polynomials are tensor products. From 3 inputs on they are graded ones, because tensor products
    need (n + 1)^d points a box. From nine inputs on there are no node rules of small degree.
    """
    kinks = [
        n for p in error.alternatives for n in p.nodes if n.op in ("relu", "leaky_relu") and n.width >= LAYER
    ]
    if (kinks or error.d > GRADED) and not error.declared:
        return LinearBounds()
    return GradedCertificate() if error.d >= 3 and not error.declared else ChebyshevCertificate()


def is_formula(error: ErrorProgram) -> bool:
    """Whether no operation of the error is a layer of a network, and composed certificates are possible."""
    if error.declared or error.d > COMPOSED:
        return False
    if has_tables(error):
        return True
    return all(n.op in LINEAR or n.width < LAYER for p in error.alternatives for n in p.nodes)


def has_tables(error: ErrorProgram) -> bool:
    """Whether an interpolation table of an input is in the error; its pieces are many features, but it is no network."""
    return any(p.cuts for p in error.alternatives)


@dataclass
class Choice:
    """The strategy with which work begins, and the one that is tried beside it.

    Attributes:
        first: bounds boxes from the beginning.
        second: tried beside it; None where none is.
        finer: goes on where rounding ends the work of the others; None where none can.
        best: the one that has proved most so far.
    """

    first: Strategy
    second: Strategy | None = None
    finer: Strategy | None = None
    best: Strategy = field(init=False)

    def __post_init__(self) -> None:
        self.best = self.first

    @classmethod
    def of(cls, error: ErrorProgram, beyond_rounding: bool = False) -> Choice:
        """What suits the programs; ``beyond_rounding`` if work shall go on where float64 ends."""
        if has_tables(error) and is_formula(error):
            # The others know kinks by their chords, and bounds on discs across none.
            return cls(ComposedCertificate())
        first = suited(error)
        fine = beyond_rounding and error.d <= (FINE_FORMULAS if is_formula(error) else FINE)
        fine = fine and not error.declared
        fine = fine and not isinstance(first, LinearBounds)
        return cls(
            first,
            ComposedCertificate() if is_formula(error) else None,
            ChebyshevCertificate(fine=True) if fine else None,
        )

    def narrow(
        self,
        work: Work,
        goal: Goal,
        offer: Callable[[Array], None],
        limit: Limit,
        executor: Executor | None,
        observer: Callable[[BracketNarrowed], None],
    ) -> str:
        """`narrow` by the better strategy, which is `best` afterwards; says how it ended.

        ``work`` holds a proved bracket at any time. Only the work that began first is observed.
        """
        end = self._by_the_better(work, goal, offer, limit, executor, observer)
        if end != "rounding" or self.finer is None or isinstance(self.best, ChebyshevCertificate):
            return end
        self.best = self.finer
        work.bracket = work.bracket.sorted_by(goal.aim(work.bracket))
        most_boxes = MOST_FINE if work.bracket.error.d <= FINE else MOST_IN_FOUR
        most = limit.upto(min(work.bracket.tried + most_boxes, limit.evaluations))
        end = narrow(work, self.finer, goal, offer, most, executor=executor, observer=observer)
        return "rounding" if end == "boxes" and most.evaluations < limit.evaluations else end

    def _by_the_better(
        self,
        work: Work,
        goal: Goal,
        offer: Callable[[Array], None],
        limit: Limit,
        executor: Executor | None,
        observer: Callable[[BracketNarrowed], None],
    ) -> str:
        start = work.bracket
        lanes = [_Lane(self.first, start, 1.0, observer)]
        if self.second is not None:
            lanes.append(_Lane(self.second, start, BOX_COST, lambda event: None))

        def go(lane: _Lane, most: int, tell: Callable[[BracketNarrowed], None]) -> None:
            work.bracket = _with_witness(lane.bracket, work.bracket)
            lane.end = narrow(
                work, lane.strategy, goal, offer, limit.upto(most), executor=executor, observer=tell
            )
            lane.bracket = work.bracket

        for count in ROUNDS if len(lanes) > 1 else ():
            most = start.tried + count
            if most >= limit.evaluations:
                break
            for lane in [one for one in lanes if one.end != "unbounded"]:
                go(lane, most, lane.observer)
                if lane.end not in ("boxes", "unbounded"):
                    return self._ended(work, lanes, lane)
            left = sorted(one.left for one in lanes)
            if len(lanes) == 2 and left[1] > CLEAR * left[0]:
                break
        best = min(lanes, key=lambda one: one.left)
        if best.end == "unbounded":
            work.bracket = _with_witness(best.bracket, work.bracket)
        else:
            go(best, limit.evaluations, observer)
        return self._ended(work, lanes, best)

    def _ended(self, work: Work, lanes: list[_Lane], last: _Lane) -> str:
        """How work ended; where it was cut short, with the lane whose bound is the smallest."""
        best = last
        if last.end in ("seconds", "boxes", "interrupted"):
            best = min(lanes, key=lambda one: (one.bracket.upper, one is not last))
            work.bracket = _with_witness(best.bracket, work.bracket)
        self.best = best.strategy
        return last.end


@dataclass(eq=False)
class _Lane:
    """One strategy's work on the problem: its bracket, and how it ended last."""

    strategy: Strategy
    bracket: Bracket
    cost: float
    observer: Callable[[BracketNarrowed], None]
    end: str = "boxes"

    @property
    def left(self) -> float:
        """What is still to be done, by forecast; infinite where a box has no bound."""
        if self.end == "unbounded":
            return math.inf
        return self.cost * self.bracket.remaining


def _with_witness(bracket: Bracket, other: Bracket) -> Bracket:
    """A bracket with the larger errors that another one of the same problem has seen."""
    best = max(bracket, other, key=lambda b: b.lower)
    elsewhere = max(bracket.elsewhere, other.elsewhere)
    return replace(bracket, lower=best.lower, witness=best.witness, elsewhere=elsewhere)
