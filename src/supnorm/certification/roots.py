"""`certify` where the reference is the root of an equation (`sn.root`): a proof of several parts.

`root_claims` has the theorem, `root_plan` chooses the correction, `root_parts` makes the programs. What is proved is about
the exact root y(x) of g(x, y) = 0 between the ends: that there is exactly one, and how far the model is from it. The values
of the reference as they run come from Newton's method in float64; they are compared with one more step from F.
"""

from __future__ import annotations

from collections.abc import Callable
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
from supnorm.certification.obstacle import box_in_words
from supnorm.certification.part import PartProof, prove
from supnorm.certification.reading import read_side
from supnorm.certification.root_claims import CONDITIONS, converged
from supnorm.certification.root_parts import Base, RootMeasure, parts
from supnorm.certification.root_plan import Plan, as_computed, given, newton, plan
from supnorm.certification.root_tie import assumptions, measure_of, read
from supnorm.certification.rounding import Array
from supnorm.certification.statement import Statement, held_parts, held_programs
from supnorm.evaluation.limit import Limit
from supnorm.problem import Problem
from supnorm.program import Program, Unsupported
from supnorm.results import BadInput
from supnorm.sources.root import Equation
from supnorm.wording import Fact, fact

Observer = Callable[[Any], None]
# Of the time that is left when a condition begins. What one does not use is left for the next ones and for the correction.
SHARES = {"slope": 0.4, "defect": 0.3, "inside": 0.3, "measured": 0.5}
# How often the goal of a condition is doubled at most, where its size turns out to be larger than at points.
AGAIN = 8
# The sentence of each condition.
UNPROVED = {
    "slope": "root-slope",
    "defect": "root-defect",
    "inside": "root-inside",
    "measured": "root-measured",
}


@dataclass(frozen=True)
class Work:
    """How a proof is worked on; the arguments of `certify`."""

    goal: Goal
    limit: Limit
    executor: Executor | None
    observer: Observer
    witness: Array | None
    resume: Path | str | None
    checkpoint: Path | str | None
    seed: int


@dataclass(frozen=True, eq=False)
class RootProof:
    """What was proved, and how the work ended.

    Attributes:
        statement: the proof.
        measuring: the comparison of what runs with what was read.
        end: a word of `narrow`.
        obstacle: the condition that is not proved, if one is not.
    """

    statement: Statement
    measuring: Measuring
    end: str
    obstacle: Fact | None


def _start(problem: Problem, equation: Equation, read: Program, model: Program) -> Program:
    """Where the root's own Newton's method begins.

    Raises:
        BadInput: where it cannot be read, g has no derivative, or the model has several outputs.
    """
    if model.m != 1:
        raise BadInput(f"the model has {model.m} outputs, the root {equation.name} has one")
    d = problem.domain.d
    try:
        newton(read, model)
        return equation.middle(d) if equation.start is None else equation.end(equation.start, d)
    except Unsupported as error:
        raise BadInput(f"certify cannot read the equation of {equation.name}: {error}") from None


def prove_root(problem: Problem, equation: Equation, work: Work) -> RootProof:
    """Prove a bracket of the worst error of the model against the root.

    Raises:
        BadInput: when something cannot be read, or values at points show that there is not one root.
    """
    measure, measuring = measure_of(problem.error), Measuring(problem)
    model = read_side(problem.model, "model", measuring)
    if model is None:
        raise BadInput("certify needs a program of the model beside a root of an equation")
    g, low, high = read(equation, problem.domain.d)
    start = _start(problem, equation, g, model)
    held = None if work.resume is None else held_parts(work.resume, "root")
    if work.resume is None:
        chosen = plan(g, (low, high), start, model, measure, problem.domain, work.goal, equation.name)
    else:  # the correction of a saved proof, whatever another goal would choose
        correction = held_programs(work.resume)["correction"]
        chosen = given(Base(model, g, low, high, correction), measure, problem.domain, work.goal)
    so_far = _SoFar(problem, chosen, measure, work)
    so_far.conditions(held)
    delta = converged({n: _proved(so_far.proofs[n]) for n in CONDITIONS})
    obstacle = None if delta is not None else _obstacle(so_far.proofs)
    end = so_far.end
    if delta is not None:  # where a root is not proved there is nothing to compare with
        measuring.enter(problem.reference, as_computed(chosen.base, problem.domain), "reference")
    if delta is None or end == "interrupted":
        end = end if end in ("interrupted", "seconds", "boxes") else "unbounded"
    else:
        goal = _goal(work.goal, delta, measure.relative, chosen.sizes["correction"])
        end = so_far.prove("correction", goal, work.limit, held)
    so_far.proofs["correction"] = _raised(so_far.proofs["correction"], work.witness, measuring)
    return RootProof(so_far.statement(), measuring, end, obstacle)


class _SoFar:
    """The proofs of all parts so far; those that are not begun have no bound.

    Attributes:
        proofs: by the names of the parts.
    """

    def __init__(self, problem: Problem, chosen: Plan, measure: RootMeasure, work: Work) -> None:
        self.problem, self.chosen, self.measure, self.work = problem, chosen, measure, work
        self.parts = parts(chosen.base, measure, problem.domain)
        self.proofs = {
            name: PartProof(part, replace(Bracket.start(part.error), seed=work.seed))
            for name, part in self.parts.items()
        }
        path = None if work.checkpoint is None else Path(work.checkpoint)
        self.keep = Checkpoint(path, self.statement)

    def statement(self) -> Statement:
        """What is proved."""
        base, problem = self.chosen.base, self.problem
        names = {"model": problem.model.name, "reference": problem.reference.name}
        return Statement(
            kind="root",
            domain=problem.domain,
            programs=base.programs,
            data=self.measure.data(base.along),
            parts=self.proofs,
            assumptions=assumptions(base.programs, problem.domain),
            about={k: v for k, v in names.items() if v},
        )

    @property
    def end(self) -> str:
        """How the first condition ended that did not reach its goal."""
        ends = [self.proofs[n].end for n in CONDITIONS if self.proofs[n].end != "proved"]
        return ends[0] if ends else "proved"

    def prove(self, name: str, goal: Goal, limit: Limit, held: dict[str, Any] | None) -> str:
        """Prove a part; returns how the work ended."""

        def observe(event: BracketNarrowed, proof: PartProof) -> None:
            self.proofs[name] = proof
            if name == "correction":  # the error itself, as a bar shows it
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

    def conditions(self, held: dict[str, Any] | None) -> None:
        """Prove all parts but the correction, each as well as the goal needs, until one of them prevents the others."""
        for name in CONDITIONS:
            limit = self.work.limit.within(SHARES[name])
            bound = self._bound(name)
            if not 0.0 < bound < np.inf:
                return
            for _ in range(AGAIN):
                end = self.prove(name, Goal(None, bound), limit, held)
                if end == "interrupted":
                    return
                if end != "exceeded":
                    break
                bound = 2.0 * self.proofs[name].lower

    def _bound(self, name: str) -> float:
        """How small the bound of a condition has to be, from those proved before it; infinite where one has none."""
        upper = {n: self.proofs[n].upper for n in CONDITIONS[: CONDITIONS.index(name)]}
        if not all(map(np.isfinite, upper.values())):
            return np.inf
        if name == "slope":
            return self.chosen.goal_of_slope()
        if name == "defect":
            return self.chosen.goal_of_defect(upper["slope"])
        if name == "inside":
            return 1.0 - upper["defect"] * upper["slope"]
        return self.chosen.goal_of_measured(upper["slope"])


def _proved(proof: PartProof) -> Proved:
    return Proved(Fraction(proof.lower), fraction(proof.upper))


def _goal(goal: Goal, delta: Fraction, relative: bool, size: float) -> Goal:
    """The goal of the correction, so that the claim reaches the goal for errors of at least ``size``, if one does."""
    off = float(delta) * (1.0 + 1e-12)
    shrink, grow = (1.0 - off, 1.0 + off) if relative else (1.0, 1.0)
    if goal.tolerance is not None:
        rest = (goal.tolerance * shrink - off) * (1.0 - 1e-12)
        return Goal(None, rest) if rest > 0.0 else goal
    assert goal.ratio is not None
    least = 0.999 * size  # the search of the proof reaches what points show, up to rounding
    ratio = (goal.ratio * shrink * (least - off) / grow - off) / least if least > off else 0.0
    ratio *= 1.0 - 1e-12
    return Goal(ratio, None) if ratio > 1.0 else goal


def _raised(proof: PartProof, witness: Array | None, measuring: Measuring) -> PartProof:
    """The proof with the best of further points as witness; what runs is compared there and at the witness."""
    bracket = proof.bracket
    if witness is not None:
        points = np.atleast_2d(np.asarray(witness, dtype=float))
        bracket = bracket.raised(points[proof.part.admit(points)], proof.part.admit, proved_error)
        if len(points):
            measuring.at(points, "given")
    if bracket.witness is not None:
        measuring.at(bracket.witness[None], "worst")
    return replace(proof, bracket=bracket)


def _obstacle(proofs: dict[str, PartProof]) -> Fact:
    """The condition that is not proved, and the box where it is worst."""
    open_ = [n for n in CONDITIONS if not np.isfinite(proofs[n].upper)]
    name = open_[0] if open_ else "inside"
    proof = proofs[name]
    boxes, error, x = proof.bracket.leaves.boxes, proof.part.error, proof.bracket.witness
    if proof.end == "exceeded" and x is not None:  # it grows from point to point, as near a pole
        where = box_in_words(proof.part.domain, x, x)
        return fact("root-not-proved", condition=(fact(UNPROVED[name]),), where=where)
    worst = boxes.upper == boxes.upper.max()
    boxes = boxes.take(np.flatnonzero(worst))
    deepest = boxes.take(np.argsort(-boxes.level.sum(1), kind="stable")[:1])
    t, half = (part[0] for part in deepest.centre_and_half(error.low, error.high))
    where = box_in_words(proof.part.domain, error.to_x(t - half), error.to_x(t + half))
    return fact("root-not-proved", condition=(fact(UNPROVED[name]),), where=where)
