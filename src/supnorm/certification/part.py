"""One part of a proof of several parts: a bracket of the size of one program on one box.

A part is proved like every error (`Choice`, `narrow`) and becomes an ordinary certificate. Its program is made from the base
programs of the statement (`supnorm.program.derived`), because the checker derives it again. The smallest value of a
quantity g is bounded as the error of g minus a constant above it, ``side`` under: S - g <= upper, so g >= S - upper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.bracket import Bracket, BracketNarrowed, Goal, Work
from supnorm.certification.branch_room import demand_none
from supnorm.certification.certificate import Certificate
from supnorm.certification.checkpoint import Saved
from supnorm.certification.choice import Choice
from supnorm.certification.coordinates import box_of, in_coordinates
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.finite import demand_finite
from supnorm.certification.lower import on_values, proved_error, search
from supnorm.certification.resume import bracket_of, go_on
from supnorm.certification.rounding import ULPS, Array
from supnorm.certification.tightening import tighten_pending
from supnorm.evaluation.limit import Limit
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Domain
from supnorm.program import Program, Unsupported
from supnorm.program.branches import demand_no_branches
from supnorm.results import BadInput, versions
from supnorm.wording import fact
from supnorm.wording.certify import CERTIFY

HALVING = 0.9  # of the time; the rest is for the pending boxes, as in `certify`


@dataclass(frozen=True, eq=False)
class Part:
    """What one part bounds.

    Attributes:
        name: of the part, by the kind of the statement.
        program: of x, in units of the axes; its size by ``side`` is the error, the largest output counts.
        domain: the box.
        side: "both", "over" or "under".
        derived_from: the program of which ``program`` is a derivative; None where it is none. No point at which that has no
            value is a witness.
    """

    name: str
    program: Program
    domain: Domain
    side: str = "both"
    derived_from: Program | None = None

    @cached_property
    def error(self) -> ErrorProgram:
        """The programs of the error.

        Raises:
            BadInput: where the code takes branches that the program does not have, or has a number that is not finite.
        """
        demand_finite(self.program, "code")
        try:
            demand_no_branches(self.program, "a proof of several parts")
        except Unsupported as error:
            raise BadInput(str(error)) from None
        demand_none(self.program, self.domain, "the code", "a proof of several parts has no room for it")
        ends, log = box_of(self.domain), tuple(axis.log for axis in self.domain.axes)
        value = self.program.value
        return ErrorProgram(
            alternatives=(in_coordinates(self.program, log),),
            at_points=(self.program,),
            model=value,
            reference=lambda x: np.zeros((len(x), self.program.m)),
            low=ends[:, 0],
            high=ends[:, 1],
            log=log,
            side=self.side,
            notes=self.program.remarks,
        )

    def admit(self, x: Array) -> NDArray[np.bool_]:
        """Which points may be a witness: those of the domain at which what is derived has a value."""
        inside = np.asarray(self.domain.contains(x))
        if self.derived_from is None:
            return inside
        with np.errstate(all="ignore"):
            return inside & np.isfinite(self.derived_from.value(x)).all(axis=1)


@dataclass(frozen=True)
class PartNarrowed:
    """Progress of one of several parts.

    Attributes:
        name, number, parts: of the part, and how many there are.
        narrowed: its bracket so far.
        so_far: makes the whole proof so far, to be saved (`checkpoint.keeping`); None where the work keeps it itself.
    """

    name: str
    number: int
    parts: int
    narrowed: BracketNarrowed
    so_far: Callable[[], Saved] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, eq=False)
class PartProof:
    """A proved part.

    Attributes:
        part: what is bounded.
        bracket: what is proved.
        end: why the work ended, a word of `narrow`, or "infinite" where the program has no finite value at a point.
    """

    part: Part
    bracket: Bracket
    end: str = "boxes"

    @property
    def lower(self) -> float:
        """The largest error is at least this."""
        return self.bracket.lower

    @property
    def upper(self) -> float:
        """The largest error is at most this."""
        return self.bracket.upper

    @property
    def certificate(self) -> Certificate:
        """The part as an ordinary certificate."""
        error = self.part.error
        assumptions = (CERTIFY.text(fact("arithmetic", units=ULPS)), *error.notes)
        return Certificate.of(self.bracket, self.part.domain, assumptions, versions(), {"error": "absolute"})


def prove(
    part: Part,
    goal: Goal,
    limit: Limit,
    *,
    seed: int = 0,
    executor: Executor | None = None,
    observer: Callable[[BracketNarrowed, PartProof], None] | None = None,
    held: Mapping[str, Any] | None = None,
    path: Path | str = "",
) -> PartProof:
    """Prove a part, as far as the limit allows.

    Args:
        part, goal: what is bounded, and when its bound is small enough.
        limit: of time, and of boxes as its evaluations.
        seed: of the search for the witness.
        executor: runs batches of boxes in parallel.
        observer: gets an event after each batch, and the part so far.
        held: the part of an earlier file, to go on with; its bounds are proved again first.
        path: of that file, for messages.

    Raises:
        BadInput: when what is held is damaged, false, or about something else.
    """
    error = part.error
    bracket = replace(Bracket.start(error), seed=seed)
    if held is not None:
        bracket = bracket_of(held, path, error, part.admit, seed)
    work, choice = Work(bracket), Choice.of(error)

    def tell(event: BracketNarrowed) -> None:
        if observer is not None:
            observer(event, PartProof(part, work.bracket))

    def offer(t: Array) -> None:
        x = error.to_x(t)
        ends = np.array([[axis.low, axis.high] for axis in part.domain.axes])
        x = on_values(part.domain, np.clip(x, ends[:, 0], ends[:, 1]))
        work.bracket = work.bracket.raised(x, part.admit, proved_error)

    try:
        if held is not None:
            go_on(work, path, goal, limit.within(HALVING), executor)
        promising, lost = search(
            error, np.random.default_rng(seed), lambda t: part.admit(on_values(part.domain, error.to_x(t)))
        )
        offer(promising)
        end = "infinite"
        if not len(lost):
            until = limit.within(HALVING).upto(limit.evaluations)
            end = choice.narrow(work, goal, offer, until, executor=executor, observer=tell)
    except KeyboardInterrupt:
        INTERRUPTS.taken()
        end = "interrupted"
    rest = {"seconds": limit, "boxes": limit, "interrupted": Limit.of(2.0)}.get(end)
    if rest is not None and limit.evaluations:
        tighten_pending(work, choice.best, goal, rest, executor)
    work.bracket.demand_consistent()
    # Bounds that only a file states prove nothing: an interruption before they were proved again stays one.
    if not work.bracket.believed and work.bracket.upper <= goal.target(work.bracket.lower) < np.inf:
        end = "proved"
    return PartProof(part, work.bracket, end)
