"""Proved brackets of norms of an error: its largest value, that of its derivatives (W^{1,inf}), its root mean square.

One run, one proof of several parts (`statement`): the largest error and that of each derivative are brackets as `certify`
proves them, the root mean square comes from polynomials on cells of its own (`mean_square`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from supnorm.certification.assumed import assumptions_in_words
from supnorm.certification.bracket import Bracket, BracketNarrowed, Goal
from supnorm.certification.checkpoint import Checkpoint
from supnorm.certification.exactly import Bracket as Ends
from supnorm.certification.exactly import fraction, root_down, root_up
from supnorm.certification.finite import demand_values
from supnorm.certification.mean_square import MOST_INPUTS, as_bracket, bound_mean_square
from supnorm.certification.measured import Agreement, Measuring
from supnorm.certification.obstacle import without_bound
from supnorm.certification.part import Part, PartNarrowed, PartProof, prove
from supnorm.certification.reading import read_side
from supnorm.certification.record_parts import disagreement, measured_words
from supnorm.certification.statement import Statement, held_parts_of
from supnorm.certification.statement_kinds import MEANS
from supnorm.certification.verdict import unit_of
from supnorm.evaluation.executor import broken_workers_explained
from supnorm.evaluation.intact import demanded_intact
from supnorm.evaluation.limit import Limit
from supnorm.evaluation.threads import one_thread
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Problem
from supnorm.program import Program, Unsupported
from supnorm.program.derived import derivative, difference
from supnorm.results import BadInput, ExitCode, Status, versions
from supnorm.results.norms import NormRecord, NormsRecord
from supnorm.results.numbers import num
from supnorm.results.option import demand_budget
from supnorm.results.record import Recorded
from supnorm.wording import fact
from supnorm.wording.certify import CERTIFY, narrator

# What users ask for, and the norms of the statement that each name means.
NAMES = {"sup": ("error",), "w1inf": ("error", "slope"), "rms": ("rms",)}
SAMPLE = 4096  # points of the estimate that tells which degree is worth trying


@dataclass(frozen=True, eq=False)
class NormsResult(Recorded):
    """Brackets of norms.

    Attributes:
        record: the result as plain data (`supnorm.results.norms`), as ``supnorm certify --norm --json`` writes it.
        statement: the proof, to be saved and checked.
        agreement: the measured difference between model and reference as they run and their programs.
    """

    record: NormsRecord
    statement: Statement
    agreement: Agreement

    def __repr__(self) -> str:
        """One line; the proof has thousands."""
        brackets = (f"{n.norm} in [{num(n.lower, 4)}, {num(n.upper, 4)}]" for n in self.norms)
        return f"NormsResult({', '.join(brackets)})"

    @property
    def status(self) -> Status:
        """Whether every bracket is as narrow as asked, advice, and the exit code."""
        return self.record.status

    @property
    def norms(self) -> tuple[NormRecord, ...]:
        """One for each norm."""
        return self.record.norms

    def save(self, path: Path | str) -> None:
        """Write the proof; `supnorm check` verifies it."""
        self.statement.save(path)


@broken_workers_explained()
@one_thread()
@demanded_intact(proof=True)
def certify_norms(
    problem: Problem,
    norms: Sequence[str] = ("w1inf", "rms"),
    *,
    ratio: float = 1.1,
    seconds: float | None = None,
    boxes: int = 1_000_000,
    executor: Executor | None = None,
    observer: Callable[[PartNarrowed], None] | None = None,
    resume: Path | str | None = None,
    seed: int = 0,
    checkpoint: Path | str | None = None,
) -> NormsResult:
    """Prove brackets of norms of the absolute error of a model against a reference.

    Args:
        problem: model and reference must have straight-line programs; the error must be absolute, without masks and
            constraints.
        norms: ``"sup"``; ``"w1inf"``: the error and its derivatives by every input, each the largest over all points and
            outputs; ``"rms"``: the root mean square of each output over the box (of logarithms on log axes).
        ratio: each bracket is narrowed until upper <= ratio * lower.
        seconds, boxes: budget of all norms together, and of boxes for each.
        executor: runs batches of boxes in parallel (not those of ``rms``).
        observer: gets a `PartNarrowed` after each batch.
        resume: a saved proof of the same norms; the boxes of the largest errors are kept, and proved again first.
        seed: of the search for points.
        checkpoint: a file into which the proof so far is written every ten seconds or more, for ``resume``.

    Raises:
        BadInput: naming what cannot be used.

    >>> import jax.numpy as jnp
    >>> from supnorm.problem import Domain
    >>> line = Problem(lambda x: x[:, 0] ** 2, lambda x: x[:, 0], Domain(x=(0.0, 1.0)))
    >>> result = certify_norms(line)
    >>> [(n.norm, round(n.upper / n.lower, 1)) for n in result.norms]
    [('sup', 1.0), ('slope', 1.0), ('rms', 1.0)]
    """
    boxes, seed = demand_budget(seconds, boxes, seed, ratio)
    limit = Limit.of(seconds, boxes)
    asked = _asked(norms)
    programs, seen = read_programs(problem, asked, seed)
    parts = _parts(problem, programs, asked)
    wanted = [*parts, *([MEANS] if "rms" in asked else [])]
    held = {} if resume is None else held_parts_of(resume, "norms", wanted)
    whole = Part(MEANS, difference(programs["model"], programs["reference"]), problem.domain)
    proofs = {
        name: PartProof(part, replace(Bracket.start(part.error), seed=seed))
        for name, part in (*parts.items(), *([(MEANS, whole)] if "rms" in asked else []))
    }
    unknown: dict[str, Ends] = {f"rms {k}": (0.0, math.inf) for k in range(whole.program.m)}
    integrals = unknown if "rms" in asked else {}

    def so_far() -> Statement:
        return Statement(
            "norms",
            problem.domain,
            programs,
            {"norms": asked},
            dict(proofs),
            integrals=dict(integrals),
            assumptions=assumptions_in_words(problem.domain, programs.values()),
            about={"model": problem.model.name, "reference": problem.reference.name},
        )

    keep = Checkpoint(None if checkpoint is None else Path(checkpoint), so_far)
    shares = limit.parts(len(wanted))
    for number, name in enumerate(wanted):

        def tell(event: BracketNarrowed, proof: PartProof, name: str = name, number: int = number) -> None:
            proofs[name] = proof
            keep(event)
            if observer is not None:
                observer(PartNarrowed(name, number + 1, len(wanted), event))

        work = next(shares).upto(boxes)
        if name == MEANS:
            far = None if observer is None else partial(_pass_on, observer, name, number + 1, len(wanted))
            proofs[name], integrals = _means(whole, ratio, work, far)
        else:
            proofs[name] = prove(
                parts[name],
                Goal(ratio, None),
                work,
                seed=seed,
                executor=executor,
                observer=tell,
                held=held.get(name),
                path=resume or "",
            )
        if stopped := proofs[name].end == "interrupted":
            break
    statement = so_far()
    return _result(problem, statement, seen, ratio, limit.spent, stopped)


def _asked(norms: Sequence[str]) -> list[str]:
    if isinstance(norms, str) or not norms or any(name not in NAMES for name in norms):
        raise BadInput(f"norms must be some of {', '.join(NAMES)}, got {norms!r}")
    every = {norm for name in norms for norm in NAMES[name]}
    return [norm for norm in ("error", "slope", "rms") if norm in every]


def read_programs(problem: Problem, asked: Sequence[str], seed: int) -> tuple[dict[str, Program], Agreement]:
    """The base programs, and how well what runs agrees with them.

    Raises:
        BadInput: when the problem has something that these norms have no proof of.
    """
    measure, domain = problem.error, problem.domain
    if problem.model is None:
        raise BadInput("norms of an error need a model beside the reference")
    if measure.kind != "absolute" or measure.side != "both" or measure.per_output:
        raise BadInput(
            "norms are proved of the absolute error: use kind = absolute, both sides, one tolerance"
        )
    if measure.mask is not None or domain.constraints or domain.cloud is not None:
        raise BadInput(
            "norms are proved on the whole box: leave masks and constraints out, or choose a smaller box"
        )
    if any(axis.values is not None for axis in domain.axes):
        raise BadInput(
            "norms are proved on a box: an input with a list of values has no derivative and no mean over an interval"
        )
    if "rms" in asked and (problem.law is None or not problem.law.even):
        raise BadInput("the proved root mean square is that of the uniform law of the box: leave the law out")
    if "rms" in asked and domain.d > MOST_INPUTS:
        raise BadInput(
            f"the root mean square is proved in up to {MOST_INPUTS} inputs, the problem has {domain.d}"
        )
    measuring, programs = Measuring(problem), {}
    for what, function in (("model", problem.model), ("reference", problem.reference)):
        program = read_side(function, what, measuring)
        if program is None:
            raise BadInput(f"norms need a {what} that can be read; a declared bound is not enough")
        programs[what] = program
    if programs["model"].m != programs["reference"].m:
        raise BadInput(
            f"the model has {programs['model'].m} outputs, the reference {programs['reference'].m}"
        )
    measuring.beside_kinks(np.random.default_rng(seed))
    seen = measuring.agreement()
    if seen.hidden:
        raise disagreement(seen, 0.0, domain.names)
    return programs, seen


def _parts(problem: Problem, programs: dict[str, Program], asked: list[str]) -> dict[str, Part]:
    error, domain = difference(programs["model"], programs["reference"]), problem.domain
    parts = {"error": Part("error", error, domain)} if "error" in asked else {}
    if "slope" in asked:
        demand_values(error, domain, "difference of model and reference")
    for j in range(domain.d if "slope" in asked else 0):
        try:
            parts[f"slope {j}"] = Part(f"slope {j}", derivative(error, j), domain, derived_from=error)
        except Unsupported as why:
            raise BadInput(f"w1inf: {why}") from None
    return parts


def _pass_on(
    observer: Callable[[PartNarrowed], None], name: str, number: int, parts: int, event: BracketNarrowed
) -> None:
    observer(PartNarrowed(name, number, parts, event))


def _means(
    part: Part, ratio: float, limit: Limit, observer: Callable[[BracketNarrowed], None] | None
) -> tuple[PartProof, dict[str, Ends]]:
    """The cells of the root mean square as a part, and its bracket for each output."""
    error = part.error
    points = error.low + (error.high - error.low) * np.random.default_rng(0).random((SAMPLE, error.d))
    values = error.values(0, points)
    guess = np.sqrt(np.mean(np.where(np.isfinite(values), values, 0.0) ** 2, axis=0))
    tell = observer or (lambda event: None)
    cells, end = bound_mean_square(error, ratio, limit, np.maximum(guess, 1e-300), tell)
    low, high = cells.mean_square()
    integrals = {
        f"rms {k}": (root_down(fraction(float(a))), root_up(fraction(float(b))))
        for k, (a, b) in enumerate(zip(low, high, strict=True))
    }
    bracket: Bracket = replace(as_bracket(error, cells), seed=0)
    return PartProof(part, bracket, end), integrals


def _result(
    problem: Problem, statement: Statement, seen: Agreement, ratio: float, seconds: float, stopped: bool
) -> NormsResult:
    domain, names = problem.domain, problem.output_names(statement.programs["model"].m)
    rows = []
    for name, (low, high) in statement.claims.items():
        kind, _, number = name.partition(" ")
        part = statement.parts[MEANS if kind == "rms" else name]
        witness = part.bracket.witness
        rows.append(
            NormRecord(
                norm="sup" if kind == "error" else kind,
                input=domain.names[int(number)] if kind == "slope" else None,
                output=names[int(number)] if kind == "rms" else None,
                lower=low,
                upper=high,
                x=None if witness is None else dict(zip(domain.names, witness.tolist(), strict=True)),
                boxes=len(part.bracket.leaves),
                tried=part.bracket.tried,
            )
        )
    good = all(row.upper <= ratio * row.lower for row in rows) and not statement.believed
    n = sum(row.upper > ratio * row.lower for row in rows)
    say = narrator(unit_of(problem)).text
    if good:
        proved = fact("norms-proved", n=len(rows), ratio=ratio)
        status = Status("proved", say(proved, *seen.below_float64), ExitCode.DONE)
    elif stopped:
        status = Status(
            "interrupted",
            CERTIFY.text(fact("properties-stopped", cause=INTERRUPTS.cause)),
            ExitCode.INTERRUPTED,
        )
    else:
        wide = fact("norms-undecided", n=n, ratio=ratio)
        why = [
            without_bound(problem, proof.part.error, proof.bracket.leaves)
            for proof in statement.parts.values()
            if not proof.bracket.upper < math.inf
        ]
        status = Status("undecided", say((why or [wide])[0], *seen.below_float64), ExitCode.UNDECIDED)
    record = NormsRecord(
        status=status,
        norms=tuple(rows),
        ratio=ratio,
        law="" if problem.law is None else problem.law.name,
        believed=statement.believed,
        seconds=seconds,
        certificate=None,
        assumptions=(*statement.assumptions, *measured_words(seen, domain.names)),
        versions=versions(),
    )
    return NormsResult(record, statement, seen)
