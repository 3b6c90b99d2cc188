"""A statement of several parts in the making: the proof of each part so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.certification.bracket import Bracket, BracketNarrowed, Goal
from supnorm.certification.checkpoint import Checkpoint
from supnorm.certification.exactly import Proved, fraction
from supnorm.certification.lower import proved_error
from supnorm.certification.measured import Measuring
from supnorm.certification.part import Part, PartProof, prove
from supnorm.certification.rounding import Array
from supnorm.certification.statement import Statement
from supnorm.evaluation.limit import Limit

Observer = Callable[[Any], None]
# How often the goal of a condition is doubled at most, where its size turns out to be larger than at points.
AGAIN = 8


@dataclass(frozen=True)
class Asked:
    """What is asked of a proof: the arguments of `certify`."""

    goal: Goal
    limit: Limit
    executor: Executor | None
    observer: Observer
    witness: Array | None
    resume: Path | str | None
    checkpoint: Path | str | None
    seed: int


class Running:
    """The proofs of all parts so far; those that are not begun have no bound.

    Attributes:
        parts, proofs: by their names.
    """

    def __init__(
        self, parts: Mapping[str, Part], asked: Asked, make: Callable[[Mapping[str, PartProof]], Statement]
    ) -> None:
        self.parts, self.asked, self._make = parts, asked, make
        self.proofs = {
            n: PartProof(p, replace(Bracket.start(p.error), seed=asked.seed)) for n, p in parts.items()
        }
        self.keep = Checkpoint(None if asked.checkpoint is None else Path(asked.checkpoint), self.statement)

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
                self.asked.observer(event)
            self.keep(event)

        self.proofs[name] = prove(
            self.parts[name],
            goal,
            limit,
            seed=self.asked.seed,
            executor=self.asked.executor,
            observer=observe,
            held=None if held is None else held.get(name),
            path=self.asked.resume or "",
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


def goal_of_part(goal: Goal, delta: float, relative: bool, size: float) -> Goal:
    """The goal of a part whose error is up to ``delta`` off; with it errors of ``size`` reach ``goal``, if one can."""
    shrink, grow = (1.0 - delta, 1.0 + delta) if relative else (1.0, 1.0)
    if goal.tolerance is not None:
        rest = (goal.tolerance * shrink - delta) * (1.0 - 1e-12)
        return Goal(None, rest) if rest > 0.0 else goal
    assert goal.ratio is not None
    least = 0.999 * size  # the search of the proof reaches what points show, up to rounding
    ratio = (goal.ratio * shrink * (least - delta) / grow - delta) / least if least > delta else 0.0
    ratio *= 1.0 - 1e-12
    return Goal(ratio, None) if ratio > 1.0 else goal


def as_proved(proof: PartProof) -> Proved:
    """What is proved of a part, as fractions."""
    return Proved(Fraction(proof.lower), fraction(proof.upper))
