"""`certify` where the reference is the root of an equation (`sn.root`): a proof of several parts.

`root_claims` has the theorem, `root_plan` chooses the correction, `root_parts` makes the programs. What is proved is about
the exact root y(x) of g(x, y) = 0 between the ends: that there is exactly one, and how far the model is from it. The values
of the reference as they run come from Newton's method in float64; they are compared with one more step from F.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from supnorm.certification.measured import Measuring
from supnorm.certification.obstacle import box_in_words
from supnorm.certification.part import PartProof
from supnorm.certification.reading import read_and_called, read_side
from supnorm.certification.root_claims import CONDITIONS, converged
from supnorm.certification.root_parts import Base, RootMeasure, parts
from supnorm.certification.root_plan import Plan, as_computed, given, newton, plan
from supnorm.certification.root_tie import assumptions, called, measure_of, read
from supnorm.certification.running import Asked, Running, as_proved, goal_of_part
from supnorm.certification.statement import Statement, held_parts, held_programs
from supnorm.problem import Problem
from supnorm.program import Program, Unsupported
from supnorm.results import BadInput
from supnorm.sources.root import Equation
from supnorm.wording import Fact, fact

# Of the time that is left when a condition begins. What one does not use is left for the next ones and for the correction.
SHARES = {"slope": 0.4, "defect": 0.3, "inside": 0.3, "measured": 0.5}
# The sentence of each condition.
UNPROVED = {
    "slope": "root-slope",
    "defect": "root-defect",
    "inside": "root-inside",
    "measured": "root-measured",
}


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


def prove_root(problem: Problem, equation: Equation, asked: Asked) -> RootProof:
    """Prove a bracket of the worst error of the model against the root.

    Raises:
        BadInput: when something cannot be read, or values at points show that there is not one root.
    """
    measure, measuring = measure_of(problem.error), Measuring(problem)
    model = read_side(problem.model, "model", measuring)
    if model is None:
        raise BadInput("certify needs a program of the model beside a root of an equation")
    reading = partial(read, equation, problem.domain.d)
    g, low, high = read_and_called(reading, partial(called, equation), problem.domain)
    start = _start(problem, equation, g, model)
    held = None if asked.resume is None else held_parts(asked.resume, "root")
    if asked.resume is None:
        chosen = plan(g, (low, high), start, model, measure, problem.domain, asked.goal, equation.name)
    else:  # the correction of a saved proof, whatever another goal would choose
        correction = held_programs(asked.resume)["correction"]
        chosen = given(Base(model, g, low, high, correction), measure, problem.domain, asked.goal)
    running = Running(
        parts(chosen.base, measure, problem.domain), asked, partial(_statement, problem, chosen, measure)
    )
    proofs = running.proofs
    _conditions(running, chosen, held)
    delta = converged({n: as_proved(proofs[n]) for n in CONDITIONS})
    obstacle = None if delta is not None else _obstacle(proofs)
    ends = [proofs[n].end for n in CONDITIONS if proofs[n].end != "proved"]
    end = ends[0] if ends else "proved"  # how the first condition ended that did not reach its goal
    if delta is not None:  # where a root is not proved there is nothing to compare with
        measuring.enter(problem.reference, as_computed(chosen.base, problem.domain), "reference")
    if delta is None or end == "interrupted":
        end = end if end in ("interrupted", "seconds", "boxes") else "unbounded"
    else:
        off, size = float(delta) * (1.0 + 1e-12), chosen.sizes["correction"]
        goal = goal_of_part(asked.goal, off, measure.relative, size)
        end = running.prove("correction", goal, asked.limit, held, shown=True)
    running.raise_by(("correction",), asked.witness, measuring)
    return RootProof(running.statement(), measuring, end, obstacle)


def _statement(
    problem: Problem, chosen: Plan, measure: RootMeasure, proofs: Mapping[str, PartProof]
) -> Statement:
    """What is proved."""
    base = chosen.base
    names = {"model": problem.model.name, "reference": problem.reference.name}
    return Statement(
        kind="root",
        domain=problem.domain,
        programs=base.programs,
        data=measure.data(base.along),
        parts=proofs,
        assumptions=assumptions(base.programs, problem.domain),
        about={k: v for k, v in names.items() if v},
    )


def _conditions(running: Running, chosen: Plan, held: Mapping[str, Any] | None) -> None:
    """Prove all parts but the correction, each as well as the goal needs, until one of them prevents the others."""
    for name in CONDITIONS:
        limit = running.asked.limit.within(SHARES[name])
        bound = _bound(name, running, chosen)
        if not 0.0 < bound < np.inf or running.condition(name, bound, limit, held) == "interrupted":
            return


def _bound(name: str, running: Running, chosen: Plan) -> float:
    """How small the bound of a condition has to be, from those proved before it; infinite where one has none."""
    upper = {n: running.proofs[n].upper for n in CONDITIONS[: CONDITIONS.index(name)]}
    if not all(map(np.isfinite, upper.values())):
        return np.inf
    if name == "slope":
        return chosen.goal_of_slope()
    if name == "defect":
        return chosen.goal_of_defect(upper["slope"])
    if name == "inside":
        return 1.0 - upper["defect"] * upper["slope"]
    return chosen.goal_of_measured(upper["slope"])


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
