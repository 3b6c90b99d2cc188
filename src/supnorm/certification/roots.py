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

from supnorm.certification.bracket import Goal
from supnorm.certification.error_program import read_side
from supnorm.certification.exactly import Proved, fraction
from supnorm.certification.lower import proved_error
from supnorm.certification.measured import Measuring
from supnorm.certification.obstacle import box_in_words
from supnorm.certification.part import Part, PartProof, prove
from supnorm.certification.root_claims import CONDITIONS, converged
from supnorm.certification.root_parts import Base, parts
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
# Of the time that is left, for the slope and for each other condition.
SLOPE_SECONDS, OTHER_SECONDS = 0.4, 0.2
# How often the goal of a condition is doubled at most, where its size turns out to be larger than at points.
AGAIN = 8
NOTHING = Limit.of(None, 0)


@dataclass(frozen=True)
class Work:
    """How a proof is worked on; the arguments of `certify`."""

    goal: Goal
    limit: Limit
    executor: Executor | None
    observer: Observer
    witness: Array | None
    resume: Path | str | None
    seed: int


@dataclass(frozen=True, eq=False)
class RootProof:
    """What was proved, and how the work ended.

    Attributes:
        statement: the proof.
        plan: the correction and its goals.
        measuring: the comparison of what runs with what was read.
        end: a word of `narrow`.
        obstacle: the condition that is not proved, if one is not.
    """

    statement: Statement
    plan: Plan
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
    made = parts(chosen.base, measure, problem.domain)
    proofs, end = _conditions(made, chosen, work, held)
    delta = converged({n: _proved(p) for n, p in proofs.items()})
    obstacle = None if delta is not None else _obstacle(proofs)
    if delta is not None:  # where a root is not proved there is nothing to compare with
        measuring.enter(problem.reference, as_computed(chosen.base, problem.domain), "reference")
    if delta is None or end == "interrupted":
        last = prove(made["correction"], work.goal, NOTHING, seed=work.seed)
        end = end if end in ("interrupted", "seconds", "boxes") else "unbounded"
    else:
        goal = _goal(work.goal, delta, measure.relative, chosen.sizes["correction"])
        last = _prove(made["correction"], goal, work.limit, work, held)
        end = last.end
    last = _raised(last, work.witness, measuring)
    statement = Statement(
        kind="root",
        domain=problem.domain,
        programs=chosen.base.programs,
        data=measure.data(chosen.base.along),
        parts=proofs | {"correction": last},
        assumptions=assumptions(chosen.base.programs, problem.domain),
        about=_about(problem),
    )
    return RootProof(statement, chosen, measuring, end, obstacle)


def _conditions(
    made: dict[str, Part], chosen: Plan, work: Work, held: dict[str, Any] | None
) -> tuple[dict[str, PartProof], str]:
    """The proofs of all parts but the correction, each as good as the goal needs; and how the last one ended."""
    proofs: dict[str, PartProof] = {}
    for name in CONDITIONS:
        limit = work.limit.within(SLOPE_SECONDS if name == "slope" else OTHER_SECONDS)
        bound = _bound(name, chosen, {n: p.upper for n, p in proofs.items()})
        if any(p.end == "interrupted" for p in proofs.values()) or not 0.0 < bound < np.inf:
            proofs[name] = prove(made[name], Goal(None, 1.0), NOTHING, seed=work.seed)
            continue
        for _ in range(AGAIN):
            proofs[name] = _prove(made[name], Goal(None, bound), limit, work, held)
            if proofs[name].end != "exceeded":
                break
            bound = 2.0 * proofs[name].lower
    ends = [p.end for p in proofs.values() if p.end != "proved"]
    return proofs, ends[0] if ends else "proved"


def _bound(name: str, chosen: Plan, upper: dict[str, float]) -> float:
    """How small the bound of a condition has to be, from those proved before it; infinite where one of these has none."""
    if not all(map(np.isfinite, upper.values())):
        return np.inf
    if name == "slope":
        return chosen.goal_of_slope()
    if name == "defect":
        return chosen.goal_of_defect(upper["slope"])
    if name == "inside":
        return 1.0 - upper["defect"] * upper["slope"]
    return chosen.goal_of_measured(upper["slope"])


def _prove(part: Part, goal: Goal, limit: Limit, work: Work, held: dict[str, Any] | None) -> PartProof:
    return prove(
        part,
        goal,
        limit,
        seed=work.seed,
        executor=work.executor,
        observer=work.observer if part.name == "correction" else None,
        held=None if held is None else held.get(part.name),
        path=work.resume or "",
    )


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
        return fact("root-not-proved", condition=(fact(f"root-{name}"),), where=where)
    worst = boxes.upper == boxes.upper.max()
    boxes = boxes.take(np.flatnonzero(worst))
    deepest = boxes.take(np.argsort(-boxes.level.sum(1), kind="stable")[:1])
    t, half = (part[0] for part in deepest.centre_and_half(error.low, error.high))
    where = box_in_words(proof.part.domain, error.to_x(t - half), error.to_x(t + half))
    return fact("root-not-proved", condition=(fact(f"root-{name}"),), where=where)


def _about(problem: Problem) -> dict[str, str]:
    names = {"model": problem.model.name, "reference": problem.reference.name}
    return {k: v for k, v in names.items() if v}
