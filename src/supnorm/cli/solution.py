"""``supnorm certify PROBLEM.toml`` of a problem with ``[equation]``: the error against the solution of the equation."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from supnorm.cli.run import RunContext

if TYPE_CHECKING:
    from supnorm.certification import SolutionResult
    from supnorm.problem import Problem
    from supnorm.results.about import AboutRecord


@dataclass(frozen=True)
class Asked:
    """What is to be proved; the options of the command line.

    Attributes:
        ratio, tolerance, seconds, seed: as for a bound of the error.
        executor: shares the boxes; None: this process bounds them alone.
    """

    ratio: float | None
    tolerance: float | None
    seconds: float | None
    seed: int
    executor: Executor | None

    @property
    def options(self) -> str:
        """The options that ask for it again."""
        goal = [] if self.ratio is None else [f"--ratio {self.ratio}"]
        return " ".join(goal if self.tolerance is None else [*goal, f"--tolerance {self.tolerance}"])


def in_folder(opened: Problem, problem: Path, run: RunContext, asked: Asked) -> int:
    """The work in a locked folder.

    Raises:
        BadInput: for a problem without a model, or an error that is not absolute.
    """
    from supnorm.cli.statement import prove_in_folder
    from supnorm.results import BadInput

    error = opened.error
    if opened.model is None:
        raise BadInput("certify of an [equation] needs a model: [model] of the problem file")
    if error.kind != "absolute" or error.side != "both" or error.mask is not None or error.per_output:
        raise BadInput(
            "certify of an [equation] bounds the absolute error on the whole box; leave kind, side and mask of [error] "
            "out, and give one tolerance"
        )

    def prove(resume: Path | None, checkpoint: Path | None) -> SolutionResult:
        return _named(opened, _proved(opened, run, asked, resume, checkpoint))

    return prove_in_folder(
        opened,
        problem,
        run,
        stem="solution",
        options=asked.options,
        prove=prove,
        about=lambda result: _about(opened, result),
        summary=summary,
    )


def _named(opened: Problem, result: SolutionResult) -> SolutionResult:
    """The result, which says what its tolerance is about where the problem has a reference too."""
    from supnorm.problem.unknown import is_unknown
    from supnorm.wording import fact
    from supnorm.wording.solution import SOLUTION

    if is_unknown(opened.reference):
        return result
    advice = f"{result.status.advice} {SOLUTION.text(fact('solution-beside'))}"
    return replace(result, record=result.record.changed(status=replace(result.status, advice=advice)))


def _about(opened: Problem, result: SolutionResult) -> AboutRecord:
    """In one input the model with the band of the solution, in two its distance from the function that is near it."""
    from supnorm.certification.about_page import about_of

    record, programs = result.record, result.statement.programs
    model, v = programs["model"], programs.get("reference")
    if opened.domain.d == 1 or v is None:
        return about_of(opened, record.unit, "", "model", lambda x: model.value(x)[:, 0], record.sup.upper)
    draw = lambda x: model.value(x)[:, 0] - v.value(x)[:, 0]  # noqa: E731
    return about_of(opened, record.unit, "", "difference", draw, record.reference_error)


def _proved(
    opened: Problem, run: RunContext, asked: Asked, resume: Path | None, checkpoint: Path | None
) -> SolutionResult:
    from supnorm.certification import solution_error
    from supnorm.certification.checkpoint import keeping

    tolerance = asked.tolerance
    if tolerance is None and asked.ratio is None:
        tolerance = opened.error.limit
    assert opened.equation is not None
    return solution_error(
        opened.model,
        opened.equation,
        opened.domain,
        ratio=asked.ratio,
        tolerance=tolerance,
        seconds=asked.seconds,
        executor=asked.executor,
        observer=keeping(checkpoint, run.observer()),
        resume=resume,
        seed=asked.seed,
    )


def summary(result: SolutionResult) -> list[str]:
    """The result in lines."""
    from supnorm.results.numbers import num
    from supnorm.wording import fact
    from supnorm.wording.certify import narrator

    record = result.record
    say = narrator(record.unit).text
    bounded = record.sup.upper_kind != "none"
    unseen = record.sup.lower == 0 and bounded
    where = {} if record.witness is None else {"at": record.witness}
    lower = fact("no-error-seen") if unseen else fact("lower", lower=record.sup.lower, **where)
    upper = fact("upper", upper=record.sup.upper, kind=record.sup.upper_kind, nowhere=unseen)
    lines = [
        record.status.line,
        f"  equation     {record.equation}",
        f"  lower bound  {say(lower)}",
        f"  upper bound  {say(upper if bounded else fact('no-upper'))}",
    ]
    if bounded and not unseen:
        lines.append(f"  ratio        {num(record.ratio, 4)}")
    lines.append(f"  constants    {record.barrier.words}")
    lines.append(f"  boxes        {say(fact('boxes', boxes=record.boxes, seconds=record.seconds))}")
    return lines + [f"  assuming     {assumption}" for assumption in record.assumptions]
