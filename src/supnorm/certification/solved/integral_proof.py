"""`certify` where the reference is an integral (`sn.integral`): a proof of several parts.

`integral_claims` has the theorem, `integral_plan` chooses pieces and nodes, `integral_parts` makes the programs. What is
proved is about the exact integral; the values of the reference as they run are compared with the rule of the proof.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from supnorm.certification.measured import Measuring
from supnorm.certification.part import PartProof
from supnorm.certification.reading import read_and_called, read_side
from supnorm.certification.root_parts import RootMeasure
from supnorm.certification.rounding import Array
from supnorm.certification.running import Asked, Running, as_proved
from supnorm.certification.solved.flow_tie import measure_of
from supnorm.certification.solved.integral_claims import off
from supnorm.certification.solved.integral_parts import IntegralBase, parts
from supnorm.certification.solved.integral_plan import given, plan
from supnorm.certification.solved.integral_tie import assumptions, called, read
from supnorm.certification.solved.near import Near, enter
from supnorm.certification.solved.running import SolvedProof, largest_first
from supnorm.certification.statement import Statement, held_parts, held_programs
from supnorm.problem import Problem
from supnorm.program import Program
from supnorm.results import BadInput
from supnorm.results.numbers import num
from supnorm.sources.integral import Integrand
from supnorm.wording import Fact, fact


def prove_integral(problem: Problem, integrand: Integrand, asked: Asked) -> SolvedProof:
    """Prove a bracket of the worst error of the model against an integral.

    Raises:
        BadInput: when something cannot be read, or f has no finite value at points.
    """
    measure, measuring, domain = measure_of(problem.error), Measuring(problem), problem.domain
    model = read_side(problem.model, "model", measuring)
    if model is None:
        raise BadInput("certify needs a program of the model beside an integral")
    if model.m != 1:
        raise BadInput(f"the model has {model.m} outputs, the integral {integrand.name} has one")
    f, low, high = read_and_called(partial(read, integrand, domain.d), partial(called, integrand), domain)
    held = None if asked.resume is None else held_parts(asked.resume, "integral")
    if asked.resume is None:
        chosen = plan(
            model, f, (low, high), measure, domain, asked.goal, integrand.name, asked.limit.within(0.5)
        )
    else:
        chosen = given(_held(model, (f, low, high), asked.resume), measure, domain, asked.goal)
    base = chosen.base

    def statement(proofs: Mapping[str, PartProof]) -> Statement:
        names = {"model": problem.model.name, "reference": problem.reference.name}
        return Statement(
            kind="integral",
            domain=domain,
            programs=base.programs,
            data=base.data(measure),
            parts=proofs,
            assumptions=assumptions(base.programs, domain),
            about={k: v for k, v in names.items() if v},
        )

    running = Running(parts(base, measure, domain), asked, statement)
    defects, end, obstacle = [n for n in running.parts if n != "correction"], "proved", None
    for i, name in enumerate(defects):
        limit = asked.limit.within(min(1.0, 1.5 / (len(defects) + 1 - i)))
        ended = running.condition(name, chosen.goal(name), limit, held)
        end = ended if end == "proved" else end
        if end == "interrupted" or not np.isfinite(running.proofs[name].upper):
            obstacle = _obstacle(running, name)
            break
    delta = off(base.data(measure), {n: as_proved(p) for n, p in running.proofs.items()})
    complete = delta is not None and (not measure.relative or delta < 1)
    known = float(delta) if delta is not None else np.inf
    if obstacle is None and not complete:
        obstacle = _obstacle(running, max(defects, key=lambda n: running.proofs[n].upper))
    if complete and end != "interrupted":
        size = chosen.sizes["correction"]
        enter(measuring, Near(problem.reference, base.near.value, 1, partial(_in_values, known, measure)))
        end = largest_first(
            running,
            ["correction"],
            {"correction": known},
            asked.goal,
            measure.relative,
            {"correction": size},
            held,
        )
    elif end not in ("interrupted", "seconds", "boxes"):
        end = "unbounded"
    running.raise_by(("correction",), asked.witness, measuring)
    return SolvedProof(running.statement(), measuring, end, obstacle, ("correction",), (known,))


def _in_values(delta: float, measure: RootMeasure, near: Array) -> Array:
    """How far the integral may be from values of F."""
    size = np.maximum(np.abs(near), measure.floor) if measure.relative else np.full(near.shape, measure.unit)
    return np.asarray(delta * size)


def _held(model: Program, read: tuple[Program, Program, Program], path: Path | str) -> IntegralBase:
    """The base of a saved proof, with the model, the integrand and the limits of the problem.

    Raises:
        BadInput: when its numbers are malformed.
    """
    programs = held_programs(path)
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))["data"]
        cuts = tuple(map(float.fromhex, data["cuts"]))
        count = range(len(cuts) - 1)
        values, basis = (tuple(programs[f"{name} {i}"] for i in count) for name in ("values", "basis"))
        return IntegralBase(model, *read, values, basis, cuts)
    except (AttributeError, LookupError, TypeError, ValueError):
        raise BadInput(f"{path}: not a whole statement of an integral; start without resume") from None


def _obstacle(running: Running, name: str) -> Fact:
    """The condition that is not proved."""
    domain = running.parts[name].domain
    box = ", ".join(
        f"{n} in [{num(a.low, 4)}, {num(a.high, 4)}]" for n, a in zip(domain.names, domain.axes, strict=True)
    )
    return fact("root-not-proved", condition=(fact("integral-defect"),), where=box)
