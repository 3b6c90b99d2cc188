"""Proves properties of a model over the whole box: signs and limits of its values, slopes, curvature, Lipschitz constants.

Each property is about extremes of quantities of the model (`extremes`), and each extreme is one part of a proof of several
parts. The smallest value of q is bounded as the error S - q with a constant S above it. Its margin to a threshold t (zero
for ``positive``) is proved within the ratio: S - upper >= t + (margin of the best point found) / ratio. A point beyond the
threshold refutes the property and ends the work on it.

Cost: that of `certify` for each part. Derivatives have two to four times the operations of the model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.certification.bracket import Bracket, BracketNarrowed, Goal
from supnorm.certification.checkpoint import Checkpoint
from supnorm.certification.extremes import SIDES
from supnorm.certification.file_leaves import MALFORMED
from supnorm.certification.finite import demand_values
from supnorm.certification.lower import search, values
from supnorm.certification.measured import Agreement, Measuring
from supnorm.certification.part import Part, PartNarrowed, PartProof, prove
from supnorm.certification.property import Property, read_properties
from supnorm.certification.property_result import PropertiesResult, result_of
from supnorm.certification.reading import read_side
from supnorm.certification.record_parts import disagreement
from supnorm.certification.residual import against_zero
from supnorm.certification.rounding import Array
from supnorm.certification.statement import Statement, held_parts_of
from supnorm.evaluation.executor import broken_workers_explained
from supnorm.evaluation.intact import demanded_intact
from supnorm.evaluation.limit import Limit
from supnorm.evaluation.threads import one_thread
from supnorm.problem import Domain, Function, Problem, as_function
from supnorm.program import Program, Unsupported
from supnorm.program.derived import derivative, difference, outputs, square_of_gradient
from supnorm.results import BadInput
from supnorm.results.door import reading_table
from supnorm.results.option import demand_budget

Observer = Callable[["PartNarrowed"], None]


@dataclass(frozen=True)
class Margins(Goal):
    """When the bound of S - q is small enough: the margin of q to each threshold is proved within the ratio.

    Attributes:
        rooms: S minus each threshold.
        within: the ratio of the margin of the best point to the proved one.
    """

    rooms: tuple[float, ...] = ()
    within: float = 1.1  # as the ratio of `certify`

    def target(self, lower: float) -> float:
        """The bound that is asked for; the threshold itself once the error of a point is above all of them."""
        open_ = [room for room in self.rooms if room > lower]
        assert self.tolerance is not None
        return min((room - (room - lower) / self.within for room in open_), default=self.tolerance)


@broken_workers_explained()
@one_thread()
@demanded_intact(proof=True)
def certify_properties(
    model: Function | Callable[..., Any],
    domain: Domain,
    properties: Sequence[str],
    *,
    ratio: float = 1.1,
    seconds: float | None = None,
    boxes: int = 1_000_000,
    executor: Executor | None = None,
    observer: Observer | None = None,
    resume: Path | str | None = None,
    seed: int = 0,
    checkpoint: Path | str | None = None,
) -> PropertiesResult:
    """Prove properties of a model over the whole box; no reference is needed.

    Args:
        model: must have a straight-line program, as for `certify`; for slopes without kinks, erf and GELU.
        domain: the box. Masks and constraints are left out: a property of the whole box holds on every part of it.
        properties: ``"positive"``, ``"bounded:0:1"``, ``"monotone:p"``, ``"monotone:-p"``, ``"convex:p"``, ``"concave:p"``,
            ``"lipschitz"``, ``"lipschitz:p"``; ``@NAME`` at the end names one output (`certification.property`).
        ratio: how much of the margin of the best point found is proved: the proved margin times the ratio is at least this.
        seconds, boxes: budget of all parts together, and of boxes for each.
        executor: runs batches of boxes in parallel.
        observer: gets a `PartNarrowed` after each batch.
        resume: a saved proof of the same properties; its boxes are kept, and their bounds proved again first.
        seed: of the search for points.
        checkpoint: a file into which the proof so far is written every ten seconds or more, for ``resume``.

    Raises:
        BadInput: naming the property or the operation that cannot be used.

    >>> from supnorm.problem import Domain
    >>> model = lambda x: x[:, 0] + 1.0 / (1.0 + x[:, 0])
    >>> result = certify_properties(model, Domain(x=(0.5, 1.0)), ["positive", "monotone:x"])
    >>> [answer.status for answer in result.answers], result.status.exit
    (['proved', 'proved'], <ExitCode.DONE: 0>)
    """
    boxes, seed = demand_budget(seconds, boxes, seed, ratio)
    limit = Limit.of(seconds, boxes)
    function = as_function(model, "model")
    problem = against_zero(function, domain)
    base, seen, observed = read_model(problem, seed)
    names = problem.output_names(base.m)
    asked = read_properties(properties, domain, names)
    wanted = list(dict.fromkeys(name for p in asked for name in p.parts))
    held, shifts = (
        ({}, {}) if resume is None else (held_parts_of(resume, "properties", wanted), _shifts(resume))
    )
    quantities = _quantities(base, asked, domain)
    work = _Parts(domain, base, quantities, asked, ratio, seed, shifts)
    parts = {name: work.part(name) for name in wanted}
    begun = {
        name: PartProof(part, replace(Bracket.start(part.error), seed=seed), "boxes")
        for name, (part, _) in parts.items()
    }
    data = {
        "properties": [one.entry | {"verdict": "undecided"} for one in asked],
        "shifts": {name: work.shifts[name].hex() for name in wanted if name in work.shifts},
    }
    about = {"model": function.name} if function.name else {}

    def so_far() -> Statement:
        return Statement("properties", domain, {"model": base}, data, dict(begun), about=about)

    keep = Checkpoint(None if checkpoint is None else Path(checkpoint), so_far)
    shares = limit.parts(len(wanted))
    for number, (name, (part, goal)) in enumerate(parts.items()):

        def tell(event: BracketNarrowed, proof: PartProof, name: str = name, number: int = number) -> None:
            begun[name] = proof
            keep(event)
            if observer is not None:
                observer(PartNarrowed(name, number + 1, len(wanted), event))

        begun[name] = prove(
            part,
            goal,
            next(shares).upto(boxes),
            seed=seed,
            executor=executor,
            observer=tell,
            held=held.get(name),
            path=resume or "",
        )
        if begun[name].end == "interrupted":
            break
    return result_of(function, names, asked, so_far(), seen, observed, limit.spent)


def read_model(problem: Problem, seed: int) -> tuple[Program, Agreement, Array]:
    """The program of the model, how well what runs agrees with it, and `Measuring.in_lower_precision`.

    Raises:
        BadInput: when it cannot be read, or what runs in float64 is not what was read.
    """
    measuring = Measuring(problem)
    program = read_side(problem.model, "model", measuring)
    if program is None:
        raise BadInput("a property needs a model that can be read; a declared bound is not enough")
    measuring.beside_kinks(np.random.default_rng(seed))
    seen = measuring.agreement()
    if seen.hidden:
        raise disagreement(seen, 0.0, problem.domain.names)
    return program, seen, measuring.in_lower_precision("model")


def _shifts(path: Path | str) -> dict[str, float]:
    """The constants of a saved proof; a part is gone on with only for the same one."""
    with suppress(BadInput, *MALFORMED), reading_table(Path(path)):
        data = json.loads(Path(path).read_text(encoding="utf-8"))["data"]["shifts"]
        return {str(name): float.fromhex(v) for name, v in data.items()}
    return {}


def _quantities(base: Program, asked: Sequence[Property], domain: Domain) -> dict[str, Program]:
    """The programs of all quantities that the properties are about, by name.

    Raises:
        BadInput: naming the operation that has no exact derivative, or where there is no value to derive.
    """
    made: dict[str, Program] = {}
    for one in asked:
        for name in one.parts:
            text = name.split(" ")[1]
            output, *by = text.split("/")
            if text in made:
                continue
            program = outputs(base, [int(output)])
            if by:
                demand_values(program, domain, "model")
            try:
                if by == ["*"]:
                    program = square_of_gradient(program)
                for axis in by if by != ["*"] else ():
                    program = derivative(program, int(axis))
            except Unsupported as error:
                raise BadInput(f"property {one.text}: {error}") from None
            made[text] = program
    return made


@dataclass
class _Parts:
    """Makes the parts: chooses the constant S of each from the smallest (largest) value that a search finds."""

    domain: Domain
    base: Program
    quantities: Mapping[str, Program]
    asked: Sequence[Property]
    ratio: float
    seed: int
    shifts: dict[str, float] = field(default_factory=dict)

    def part(self, name: str) -> tuple[Part, Goal]:
        """A part and its goal."""
        which, quantity = name.split(" ")
        program = self.quantities[quantity]
        if which == "size" or quantity.endswith("/*"):
            ratio = self.ratio if which == "size" else self.ratio**2  # the root of the squares is claimed
            return self._of(name, program, SIDES[which]), Goal(ratio, None)
        sign = 1.0 if which == "min" else -1.0  # the largest value is minus the smallest one of -q
        finite = [sign * one.threshold(name) for one in self.asked if name in one.parts]
        if name not in self.shifts:
            self.shifts[name] = sign * self._shift(sign, program, name, finite)
        shift = sign * self.shifts[name]
        part = self._of(name, difference(program, np.array([self.shifts[name]])), SIDES[which])
        rooms = tuple(shift - t for t in finite)
        return part, Margins(None, max(rooms), rooms=rooms, within=self.ratio)

    def _of(self, name: str, program: Program, side: str) -> Part:
        """A part; one about a derivative knows the output from which it is derived."""
        output, slash, _ = name.split(" ")[1].partition("/")
        return Part(name, program, self.domain, side, outputs(self.base, [int(output)]) if slash else None)

    def _shift(self, sign: float, program: Program, name: str, thresholds: list[float]) -> float:
        """S: as far above the smallest value found as this is above the next threshold, so that margins are no small part.

        Where the smallest value is below all thresholds, S only has to be above it.
        """
        size = Part(name, program, self.domain).error  # of the size: its search also visits the corners
        rng = np.random.default_rng(self.seed)
        sample = size.low + (size.high - size.low) * rng.random((1024, self.domain.d))
        seen = sign * size.values(0, sample)[:, 0]
        seen = seen[np.isfinite(seen)]
        if not len(seen):
            return 1.0
        width = float(seen.max() - seen.min())
        top = float(seen.max()) + max(width, 0.1 * abs(float(seen.max())), 1e-3)
        trial = self._of(name, difference(program, np.array([sign * top])), "under" if sign > 0 else "over")
        points, _ = search(trial.error, rng, lambda t: trial.admit(trial.error.to_x(t)))
        least = top - float(values(trial.error, points).max(initial=0.0))
        below = [t for t in thresholds if t < least]
        step = least - max(below) if below else 0.0
        if not step > 1e-6 * max(width, abs(least)):
            step = max(0.1 * width, 0.1 * abs(least), 1e-6)
        return least + step
