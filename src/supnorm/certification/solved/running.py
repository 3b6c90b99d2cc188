"""A statement of several parts in the making: the proof of each part so far, and what they say together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.certification.bracket import Bracket, BracketNarrowed, Goal
from supnorm.certification.certificate import Certificate
from supnorm.certification.checkpoint import Checkpoint
from supnorm.certification.lower import proved_error
from supnorm.certification.measured import Measuring
from supnorm.certification.part import Part, PartProof, prove
from supnorm.certification.roots import Work
from supnorm.certification.rounding import Array
from supnorm.certification.statement import Statement
from supnorm.evaluation.limit import Limit
from supnorm.wording import Fact

# How often the goal of a condition is doubled at most, where its size turns out to be larger than at points.
AGAIN = 8


@dataclass(frozen=True, eq=False)
class SolvedProof:
    """What was proved of a reference that is solved, and how the work ended.

    Attributes:
        statement: the proof.
        measuring: the comparison of what runs with what was read.
        end: a word of `narrow`.
        obstacle: the condition that is not proved, if one is not.
        corrections: the names of the parts whose error is the model's, up to ``off`` of each.
        off: how far the error may be from that of each of them, in the unit of the error.
    """

    statement: Statement
    measuring: Measuring
    end: str
    obstacle: Fact | None
    corrections: tuple[str, ...]
    off: tuple[float, ...]

    @property
    def witness(self) -> Array | None:
        """The point of the largest proved error."""
        proofs = [self.statement.parts[name] for name in self.corrections]
        best = max(proofs, key=lambda p: p.lower, default=None)
        return None if best is None else best.bracket.witness

    @property
    def by_box(self) -> tuple[Certificate, ...]:
        """The parts whose boxes bound the error, with bounds of the error against the exact reference."""
        made = []
        for name, off in zip(self.corrections, self.off, strict=True):
            proof = self.statement.parts[name].certificate
            upper = np.nextafter(proof.leaves.boxes.upper + off, np.inf)
            made.append(
                replace(proof, leaves=replace(proof.leaves, boxes=replace(proof.leaves.boxes, upper=upper)))
            )
        return tuple(made)


class Running:
    """The proofs of all parts so far; those that are not begun have no bound.

    Attributes:
        parts, proofs: by their names.
    """

    def __init__(
        self, parts: Mapping[str, Part], work: Work, make: Callable[[Mapping[str, PartProof]], Statement]
    ) -> None:
        self.parts, self.work, self._make = parts, work, make
        self.proofs = {
            n: PartProof(p, replace(Bracket.start(p.error), seed=work.seed)) for n, p in parts.items()
        }
        self.keep = Checkpoint(None if work.checkpoint is None else Path(work.checkpoint), self.statement)

    def statement(self) -> Statement:
        """What is proved."""
        return self._make(self.proofs)

    def prove(
        self, name: str, goal: Goal, limit: Limit, held: Mapping[str, Any] | None, shown: bool = False
    ) -> str:
        """Prove a part; returns how the work ended. Observers see parts that are ``shown``."""

        def observe(event: BracketNarrowed, proof: PartProof) -> None:
            self.proofs[name] = proof
            if shown:
                self.work.observer(event)
            self.keep(event)

        self.proofs[name] = prove(
            self.parts[name],
            goal,
            limit,
            seed=self.work.seed,
            executor=self.work.executor,
            observer=observe,
            held=None if held is None else held.get(name),
            path=self.work.resume or "",
        )
        return self.proofs[name].end

    def condition(self, name: str, bound: float, limit: Limit, held: Mapping[str, Any] | None) -> str:
        """Prove that a part is below a bound, or below a larger one where it is larger somewhere."""
        end = ""
        for _ in range(AGAIN):
            end = self.prove(name, Goal(None, bound), limit, held)
            if end != "exceeded":
                break
            bound = 2.0 * self.proofs[name].lower
        return end

    def raise_by(self, names: tuple[str, ...], witness: Array | None, measuring: Measuring) -> None:
        """Take the best of further points as witness of a part; what runs is compared there and at the witness."""
        points = None if witness is None else np.atleast_2d(np.asarray(witness, dtype=float))
        for name in names:
            proof = self.proofs[name]
            if points is not None:
                inside = points[proof.part.admit(points)]
                bracket = proof.bracket.raised(inside, proof.part.admit, proved_error)
                self.proofs[name] = replace(proof, bracket=bracket)
        if points is not None and len(points):
            measuring.at(points, "given")
        best = max((self.proofs[n] for n in names), key=lambda p: p.lower, default=None)
        if best is not None and best.bracket.witness is not None:
            measuring.at(best.bracket.witness[None], "worst")


def largest_first(
    running: Running,
    names: list[str],
    off: Mapping[str, float],
    goal: Goal,
    relative: bool,
    sizes: Mapping[str, float],
    held: Mapping[str, Any] | None,
) -> str:
    """Prove the model's error on all slices: the largest one as well as the goal needs, the others below it."""
    order = sorted(names, key=lambda n: -sizes[n])
    least, ends = 0.0, []
    for i, name in enumerate(order):
        limit = running.work.limit.within(1.0 / (len(order) - i))
        delta = off[name] * (1.0 + 1e-12)
        alone = _alone(goal, delta, relative, sizes[name])
        aim = alone
        if goal.ratio is not None and i:
            shrink = 1.0 - delta if relative else 1.0
            rest = (goal.ratio * least * shrink - delta) * (1.0 - 1e-12)
            aim = Goal(None, rest) if rest > 0.0 else alone
        end = running.prove(name, aim, limit, held, shown=True)
        if (
            end == "exceeded" and aim is not alone and goal.ratio is not None
        ):  # its error is the largest after all
            end = running.prove(name, alone, limit, held, shown=True)
        grow = 1.0 + delta if relative else 1.0
        least = max(least, (running.proofs[name].lower - delta) / grow)
        ends.append(end)
        if end == "interrupted" or (end == "exceeded" and goal.tolerance is not None):
            return end
    left = [e for e in ends if e != "proved"]
    return left[0] if left else "proved"


def _alone(goal: Goal, delta: float, relative: bool, size: float) -> Goal:
    """The goal of one part, so that the claim reaches the goal for errors of at least ``size``, if one does."""
    shrink, grow = (1.0 - delta, 1.0 + delta) if relative else (1.0, 1.0)
    if goal.tolerance is not None:
        rest = (goal.tolerance * shrink - delta) * (1.0 - 1e-12)
        return Goal(None, rest) if rest > 0.0 else goal
    assert goal.ratio is not None
    least = 0.999 * size  # the search of the proof reaches what points show, up to rounding
    ratio = (goal.ratio * shrink * (least - delta) / grow - delta) / least if least > delta else 0.0
    ratio *= 1.0 - 1e-12
    return Goal(ratio, None) if ratio > 1.0 else goal
