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
from supnorm.certification.error_program import PROVED, program_of_side
from supnorm.certification.exactly import Proved, fraction
from supnorm.certification.lower import proved_error
from supnorm.certification.measured import Measuring
from supnorm.certification.obstacle import box_in_words
from supnorm.certification.part import Part, PartProof, prove
from supnorm.certification.root_claims import CONDITIONS, converged
from supnorm.certification.root_parts import Base, RootMeasure, parts
from supnorm.certification.root_plan import Plan, given, newton, plan
from supnorm.certification.rounding import ULPS, Array
from supnorm.certification.statement import Statement, held_parts, held_programs
from supnorm.evaluation.limit import Limit
from supnorm.problem import Problem
from supnorm.program import Program, Unsupported
from supnorm.program.derived import difference
from supnorm.results import BadInput
from supnorm.sources.root import Equation
from supnorm.wording import Fact, fact
from supnorm.wording.certify import CERTIFY

Observer = Callable[[Any], None]
SLOPE_SECONDS, OTHER_SECONDS = 0.4, 0.2  # of the time that is left, for the slope and for each other condition
AGAIN = 3  # times that the goal of a condition is doubled where its size turned out to be larger than at points
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


def measure_of(problem: Problem) -> RootMeasure:
    """What the error of a problem is divided by.

    Raises:
        BadInput: for kinds and options that this proof does not have.
    """
    measure = problem.error
    if measure.kind not in PROVED or measure.per_output or measure.mask is not None:
        what = f"kind {measure.kind!r}" if measure.kind not in PROVED else "tolerances of outputs" * measure.per_output
        raise BadInput(
            f"certify has no proof for {what or 'a mask'} beside a root of an equation; use an absolute, relative or scaled "
            "error with one tolerance and without a mask"
        )
    scale = measure.scale if measure.kind == "scaled" and measure.scale is not None else 1.0
    unit = float(np.atleast_1d(np.asarray(scale, dtype=float))[0])
    relative = measure.kind == "relative"
    return RootMeasure(relative, float(measure.floor or 0.0) if relative else 0.0, unit, measure.side)


def base_of(problem: Problem, equation: Equation, model: Program) -> tuple[Program, Program, Program, Program]:
    """The programs of g, of both ends and of the start.

    Raises:
        BadInput: naming what cannot be read, or has no derivative.
    """
    d = problem.domain.d
    if model.m != 1:
        raise BadInput(f"the model has {model.m} outputs, the root {equation.name} has one")
    try:
        read = equation.program(d)
        newton(read, model)
        low, high = equation.end(equation.low, d), equation.end(equation.high, d)
        start = equation.middle(d) if equation.start is None else equation.end(equation.start, d)
    except Unsupported as error:
        raise BadInput(f"certify cannot read the equation of {equation.name}: {error}") from None
    return read, low, high, start


def prove_root(problem: Problem, equation: Equation, work: Work) -> RootProof:
    """Prove a bracket of the worst error of the model against the root.

    Raises:
        BadInput: when something cannot be read, or values at points show that there is not one root.
    """
    measure, measuring = measure_of(problem), Measuring(problem)
    model = program_of_side(problem.model, "model", measuring)
    if model is None:
        raise BadInput("certify needs a program of the model beside a root of an equation")
    read, low, high, start = base_of(problem, equation, model)
    held = None if work.resume is None else held_parts(work.resume, "root")
    if work.resume is None:
        chosen = plan(read, (low, high), start, model, measure, problem.domain, work.goal, equation.name)
    else:  # the correction of a saved proof, whatever another goal would choose
        correction = held_programs(work.resume)["correction"]
        chosen = given(Base(model, read, low, high, correction), measure, problem.domain, work.goal)
    near = chosen.base.near
    measuring.enter(problem.reference, difference(near, newton(read, near)), "reference")
    made = parts(chosen.base, measure, problem.domain)
    proofs, end = _conditions(made, chosen, work, held)
    delta = converged({n: _proved(p) for n, p in proofs.items()})
    obstacle = None if delta is not None else _obstacle(proofs)
    goal = _goal(work.goal, delta, measure.relative, chosen.sizes["correction"])
    if goal is None or end == "interrupted":
        last = prove(made["correction"], work.goal, NOTHING, seed=work.seed)
        end = end if end in ("interrupted", "seconds", "boxes") else "unbounded" if obstacle else "rounding"
    else:
        last = _prove(made["correction"], goal, work.limit, work, held)
        end = last.end
    last = _raised(last, work.witness, measuring)
    statement = Statement(
        kind="root",
        domain=problem.domain,
        programs=chosen.base.programs,
        data=measure.data(chosen.base.along),
        parts=proofs | {"correction": last},
        assumptions=assumptions(chosen.base),
        about=_about(problem),
    )
    return RootProof(statement, chosen, measuring, end, obstacle)


def assumptions(base: Base) -> tuple[str, ...]:
    """What the proof rests on, in words."""
    remarks = dict.fromkeys(r for program in base.programs.values() for r in program.remarks)
    facts = (fact("arithmetic", units=ULPS), fact("exact-arithmetic"), fact("exact-root"))
    return (*map(CERTIFY.text, facts), *remarks)


def _conditions(
    made: dict[str, Part], chosen: Plan, work: Work, held: dict[str, Any] | None
) -> tuple[dict[str, PartProof], str]:
    """The proofs of all parts but the correction, each as good as the goal needs; and how the last one ended."""
    proofs: dict[str, PartProof] = {}
    for name in ("slope", "defect", "inside", "measured"):
        stopped = any(p.end == "interrupted" for p in proofs.values())
        slope = proofs["slope"].upper if "slope" in proofs else 1.0
        goals: dict[str, Callable[[], float]] = {
            "slope": chosen.goal_of_slope,
            "defect": lambda: chosen.goal_of_defect(slope),
            "inside": lambda: 1.0 - proofs["defect"].upper * slope,
            "measured": lambda: chosen.goal_of_measured(slope),
        }
        limit = work.limit.within(SLOPE_SECONDS if name == "slope" else OTHER_SECONDS)
        bound = goals[name]() if np.isfinite(slope) else np.nan
        if stopped or not (0.0 < bound < np.inf):
            proofs[name] = prove(made[name], Goal(None, 1.0), NOTHING, seed=work.seed)
            continue
        for _ in range(AGAIN):
            proofs[name] = _prove(made[name], Goal(None, bound), limit, work, held)
            if proofs[name].end != "exceeded":
                break
            bound = 2.0 * proofs[name].lower
    ends = [p.end for p in proofs.values() if p.end != "proved"]
    return proofs, ends[0] if ends else "proved"


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


def _goal(goal: Goal, delta: Fraction | None, relative: bool, size: float) -> Goal | None:
    """The goal of the correction, so that the claim reaches the goal for errors of at least ``size``; None if none does."""
    if delta is None:
        return None
    off = float(delta) * (1.0 + 1e-12)
    shrink, grow = (1.0 - off, 1.0 + off) if relative else (1.0, 1.0)
    if goal.tolerance is not None:
        rest = goal.tolerance * shrink - off
        return Goal(None, rest * (1.0 - 1e-12)) if rest > 0.0 else None
    assert goal.ratio is not None
    least = 0.999 * size  # the search of the proof reaches what points show, up to rounding
    ratio = (goal.ratio * shrink * (least - off) / grow - off) / least if least > off else 0.0
    return Goal(ratio * (1.0 - 1e-12), None) if ratio > 1.0 else None


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
    boxes, error = proof.bracket.leaves.boxes, proof.part.error
    worst = boxes.upper == boxes.upper.max()
    boxes = boxes.take(np.flatnonzero(worst))
    deepest = boxes.take(np.argsort(-boxes.level.sum(1), kind="stable")[:1])
    t, half = (part[0] for part in deepest.centre_and_half(error.low, error.high))
    where = box_in_words(proof.part.domain, error.to_x(t - half), error.to_x(t + half))
    return fact("root-not-proved", condition=(fact(f"root-{name}"),), where=where)


def _about(problem: Problem) -> dict[str, str]:
    names = {"model": problem.model.name, "reference": problem.reference.name}
    return {k: v for k, v in names.items() if v}
