"""`certify` where the reference is the flow of an ordinary differential equation (`sn.flow`): a proof of several parts.

`flow_claims` has the theorem, `flow_plan` chooses slices and paths, `flow_parts` makes the programs. What is proved is
about the exact solution: that it exists on the whole box, and how far the model is from it. The values of the reference
as they run come from a Runge-Kutta method in float64; they are compared with the paths.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.certification.measured import Measuring
from supnorm.certification.part import PartProof
from supnorm.certification.reading import read_and_called, read_side
from supnorm.certification.rounding import Array
from supnorm.certification.running import Asked, Running, as_proved
from supnorm.certification.solved.flow_claims import off, tubes
from supnorm.certification.solved.flow_parts import FlowBase, parts
from supnorm.certification.solved.flow_plan import FlowPlan, Setting, given, plan
from supnorm.certification.solved.flow_tie import assumptions, called, measure_of, read
from supnorm.certification.solved.near import Near, enter
from supnorm.certification.solved.running import SolvedProof, largest_first
from supnorm.certification.statement import Statement, held_parts, held_programs
from supnorm.problem import Problem
from supnorm.results import BadInput
from supnorm.results.numbers import num
from supnorm.sources.flow import Dynamics
from supnorm.wording import Fact, fact

# The sentence of each condition.
UNPROVED = {
    "growth": "flow-growth",
    "jump": "flow-jump",
    "defect": "flow-defect",
    "inverse": "flow-inverse",
}
MOST = 32  # components: the programs of the growth have their square
CONDITIONS = ("growth", "jump", "defect")  # on each slice, in this order, and then "inverse"


def prove_flow(problem: Problem, dynamics: Dynamics, asked: Asked) -> SolvedProof:
    """Prove a bracket of the worst error of the model against a flow.

    Raises:
        BadInput: when something cannot be read, or the flow cannot be followed at points.
    """
    measure, measuring = measure_of(problem.error), Measuring(problem)
    setting = _setting(problem, dynamics, asked, measuring)
    held = None if asked.resume is None else held_parts(asked.resume, "flow")
    resumed = None if asked.resume is None else given(_held(setting, asked.resume), setting)
    chosen = resumed or plan(setting, asked.limit.within(0.5))
    base = chosen.base

    def statement(proofs: Mapping[str, PartProof]) -> Statement:
        names = {"model": problem.model.name, "reference": problem.reference.name}
        return Statement(
            kind="flow",
            domain=problem.domain,
            programs=base.programs,
            data=base.data(measure),
            parts=proofs,
            assumptions=assumptions(base.programs, problem.domain),
            about={k: v for k, v in names.items() if v},
        )

    running = Running(parts(base, measure, problem.domain), asked, statement)
    end, obstacle = _conditions(running, chosen, held)
    proved = {n: as_proved(p) for n, p in running.proofs.items()}
    distances = off(base.data(measure), proved)
    corrections = tuple(n for n in running.parts if n.startswith("correction"))
    far = {n: distances[int(n.rpartition(" ")[2])] for n in corrections}
    complete = all(v is not None and (not measure.relative or v < 1) for v in far.values())
    known = {n: float(v) if v is not None else np.inf for n, v in far.items()}
    if obstacle is None and not complete:
        obstacle = _open_tube(problem, base, len(tubes(base.data(measure), proved)))
    if complete and end != "interrupted":
        enter(measuring, _near(problem, base, tubes(base.data(measure), proved)))
        end = largest_first(
            running, list(corrections), known, asked.goal, measure.relative, chosen.sizes, held
        )
    elif end not in ("interrupted", "seconds", "boxes"):
        end = "unbounded"
    running.raise_by(corrections, asked.witness, measuring)
    finite = tuple(known[n] for n in corrections)
    return SolvedProof(running.statement(), measuring, end, obstacle, corrections, finite)


def _setting(problem: Problem, dynamics: Dynamics, asked: Asked, measuring: Measuring) -> Setting:
    """The programs of the problem.

    Raises:
        BadInput: where one cannot be read, or time and outputs are not those of the flow.
    """
    d, name = problem.domain.d, dynamics.name
    model = read_side(problem.model, "model", measuring)
    if model is None:
        raise BadInput("certify needs a program of the model beside a flow")
    field, initial = read_and_called(partial(read, dynamics, d), partial(called, dynamics), problem.domain)
    outputs = tuple(dynamics.outputs(field.m))
    if field.m > MOST:
        raise BadInput(f"certify proves flows of up to {MOST} components, {name} has {field.m}")
    if model.m != len(outputs):
        raise BadInput(f"the model has {model.m} outputs, the flow {name} has {len(outputs)}")
    time = problem.domain.axes[dynamics.time]
    if time.values is not None or time.low < dynamics.start:
        what = "has values" if time.values is not None else f"begins at {num(time.low)}"
        raise BadInput(
            f"certify needs a continuous axis of time that begins at the start of the flow {name} or later: "
            f"{problem.domain.names[dynamics.time]} {what}, the flow at {num(dynamics.start)}"
        )
    return Setting(
        model=model,
        field=field,
        initial=initial,
        time=dynamics.time,
        start=dynamics.start,
        outputs=outputs,
        measure=measure_of(problem.error),
        domain=problem.domain,
        goal=asked.goal,
        name=name,
    )


def _held(setting: Setting, path: Path | str) -> FlowBase:
    """The base of a saved proof, with the model, the equation and the start of the problem.

    Raises:
        BadInput: when its numbers are malformed.
    """
    programs = held_programs(path)
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))["data"]
        times = tuple(map(float.fromhex, data["times"]))
        return FlowBase(
            model=setting.model,
            field=setting.field,
            initial=setting.initial,
            paths=tuple(programs[f"path {i}"] for i in range(len(times) - 1)),
            time=setting.time,
            times=times,
            outputs=setting.outputs,
            scale=tuple(map(float.fromhex, data["scale"])),
            reach=tuple(tuple(map(float.fromhex, row)) for row in data["reach"]),
            growth=tuple(map(float.fromhex, data["growth"])),
        )
    except (AttributeError, LookupError, TypeError, ValueError):
        raise BadInput(f"{path}: not a whole statement of a flow; start without resume") from None


def _conditions(
    running: Running, chosen: FlowPlan, held: Mapping[str, Any] | None
) -> tuple[str, Fact | None]:
    """Prove all parts but the corrections, slice after slice, until one of them has no bound; how it ended and that one."""
    names = [n for n in running.parts if not n.startswith("correction")]
    names.sort(key=lambda n: (int(n.rpartition(" ")[2]), (*CONDITIONS, "inverse").index(n.partition(" ")[0])))
    ended = "proved"
    for i, name in enumerate(names):
        size, kind = chosen.sizes[name], name.partition(" ")[0]
        bound = 2.0 * size if kind == "inverse" else chosen.goal(name)
        if not np.isfinite(bound):
            return "unbounded", _obstacle(running, name)
        limit = running.asked.limit.within(min(1.0, 2.0 / (len(names) + 1 - i)))
        end = running.condition(name, bound, limit, held)
        if end == "interrupted" or not np.isfinite(running.proofs[name].upper):
            return end, _obstacle(running, name)
        ended = end if end != "proved" and ended == "proved" else ended
    return ended, None


def _obstacle(running: Running, name: str) -> Fact:
    """The condition that is not proved, and its slice of time."""
    domain = running.parts[name].domain
    ends = [
        (n, a.low, a.high)
        for n, a in zip(domain.names, domain.axes, strict=True)
        if not n.startswith("deviation")
    ]
    box = ", ".join(f"{n} in [{num(a, 4)}, {num(b, 4)}]" for n, a, b in ends)
    kind = name.partition(" ")[0]
    return fact("root-not-proved", condition=(fact(UNPROVED[kind]),), where=box)


def _open_tube(problem: Problem, base: FlowBase, closed: int) -> Fact:
    """The first slice on which the tube does not hold the flow; the last one if its distance is too large for an error."""
    i = min(closed, len(base.paths) - 1)
    name = problem.domain.names[base.time]
    where = f"{name} in [{num(base.times[i], 4)}, {num(base.times[i + 1], 4)}]"
    return fact("root-not-proved", condition=(fact("flow-tube"),), where=where)


def _near(problem: Problem, base: FlowBase, far: list[Fraction]) -> Near:
    """The paths as one function, and how far the flow may be from them."""
    time, out = base.time, list(base.outputs)

    def values(x: Array) -> Array:
        slot = np.clip(np.searchsorted(base.times, x[:, time], side="right") - 1, 0, len(base.paths) - 1)
        y = np.full((len(x), len(out)), np.nan)
        for i in np.unique(slot):
            y[slot == i] = base.paths[i].value(x[slot == i])[:, out]
        return y

    off = float(max(far)) / min(base.scale[j] for j in out)
    return Near(problem.reference, values, len(out), lambda read: np.full(read.shape, off))
