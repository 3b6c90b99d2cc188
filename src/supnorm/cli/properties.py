"""``supnorm certify PROBLEM.toml --property monotone:p`` and ``--norm rms``: what is asked, and its words."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from supnorm.cli.run import RunContext

if TYPE_CHECKING:
    from supnorm.certification import NormsResult, PropertiesResult
    from supnorm.problem import Problem
    from supnorm.results.about import AboutRecord


@dataclass(frozen=True)
class Asked:
    """What is to be proved.

    Attributes:
        properties, norms: texts of the command line; one of them is empty.
        ratio, seconds, seed: as for a bound of the error.
        executor: shares the boxes; None: this process bounds them alone.
    """

    properties: Sequence[str]
    norms: Sequence[str]
    ratio: float | None
    seconds: float | None
    seed: int
    executor: Executor | None

    @property
    def stem(self) -> str:
        """The beginning of the names of files."""
        return "properties" if self.properties else "norms"

    @property
    def options(self) -> str:
        """The options that ask for it again."""
        named = [("--property", text) for text in self.properties] + [("--norm", text) for text in self.norms]
        goal = [] if self.ratio is None else [f"--ratio {self.ratio}"]
        return " ".join([*(f"{option} {shlex.quote(text)}" for option, text in named), *goal])


def in_folder(opened: Problem, problem: Path, run: RunContext, asked: Asked) -> int:
    """The work in a locked folder."""
    from supnorm.cli.statement import prove_in_folder
    from supnorm.results import BadInput

    if opened.model is None:
        raise BadInput("--property and --norm need a model: [model] of the problem file")

    def prove(resume: Path | None, checkpoint: Path | None) -> PropertiesResult | NormsResult:
        return _proved(opened, run, asked, resume, checkpoint)

    return prove_in_folder(
        opened,
        problem,
        run,
        stem=asked.stem,
        options=asked.options,
        prove=prove,
        about=lambda result: _about(opened, result),
        summary=summary,
    )


def _about(opened: Problem, result: PropertiesResult | NormsResult) -> AboutRecord:
    """A picture of the error for norms, of the model for properties; of the first output."""
    from supnorm.certification import NormsResult
    from supnorm.certification.about_page import about_of
    from supnorm.problem.records import output_units

    programs = result.statement.programs
    model = programs["model"]
    units = set(output_units(opened, model.m))
    unit = units.pop() if len(units) == 1 else ""
    if isinstance(result, NormsResult):
        reference = programs["reference"]
        sup = [one.upper for one in result.norms if one.norm == "sup"]
        draw = lambda x: model.value(x)[:, 0] - reference.value(x)[:, 0]  # noqa: E731
        return about_of(opened, unit, opened.reference.name, "error", draw, sup[0] if sup else None)
    return about_of(opened, unit, "", "model", lambda x: model.value(x)[:, 0])


def _proved(
    opened: Problem, run: RunContext, asked: Asked, resume: Path | None, checkpoint: Path | None
) -> PropertiesResult | NormsResult:
    from supnorm.certification import certify_norms, certify_properties

    ratio, observer = asked.ratio or 1.1, run.observer()
    if asked.norms:
        return certify_norms(
            opened,
            asked.norms,
            ratio=ratio,
            seconds=asked.seconds,
            executor=asked.executor,
            observer=observer,
            resume=resume,
            seed=asked.seed,
            checkpoint=checkpoint,
        )
    model = opened.model
    if (
        not model.outputs and opened.reference is not None
    ):  # as every verb calls them: by the names of the reference
        model = replace(model, outputs=opened.reference.outputs)
    return certify_properties(
        model,
        opened.domain,
        asked.properties,
        ratio=ratio,
        seconds=asked.seconds,
        executor=asked.executor,
        observer=observer,
        resume=resume,
        seed=asked.seed,
        checkpoint=checkpoint,
    )


def summary(result: PropertiesResult | NormsResult) -> list[str]:
    """The result in lines."""
    from supnorm.certification import NormsResult
    from supnorm.wording import fact
    from supnorm.wording.certify import CERTIFY

    lines = [result.status.line]
    lines += _of_norms(result) if isinstance(result, NormsResult) else _of_properties(result)
    boxes = sum(len(part.bracket.leaves) for part in result.statement.parts.values())
    lines.append(f"  boxes      {CERTIFY.text(fact('boxes', boxes=boxes, seconds=result.record.seconds))}")
    if result.agreement.sides:
        lines.append(f"  agreement  {CERTIFY.text(result.agreement.fact)}")
    return lines + [f"  assuming   {assumption}" for assumption in result.record.assumptions]


def _of_properties(result: PropertiesResult) -> list[str]:
    """Each answer, and below it the extremes on which it rests."""
    from supnorm.wording import fact
    from supnorm.wording.certify import CERTIFY

    lines = []
    width = max(len(answer.property) for answer in result.answers)
    for answer in result.answers:
        lines.append(f"  {answer.property:<{width}}  {answer.status:<9}  {answer.text}")
        for one in answer.extremes:
            about = {"extreme": one.extreme, "quantity": one.quantity}
            known = one.lower > float("-inf") or one.upper < float("inf")
            bracket = fact("extreme", lower=one.lower, upper=one.upper, **about)
            text = CERTIFY.text(bracket if known else fact("no-bound-of-extreme", **about))
            lines.append(f"  {'':<{width}}             {text}")
    return lines


def _of_norms(result: NormsResult) -> list[str]:
    """Each norm with its bracket."""
    from supnorm.wording import fact
    from supnorm.wording.certify import CERTIFY

    names = [
        {"sup": "sup of the error", "slope": f"sup of d error/d {one.input}"}.get(
            one.norm, f"rms of {one.output}, {result.record.law}"
        )
        for one in result.norms
    ]
    width = max(map(len, names))
    lines = []
    for name, one in zip(names, result.norms, strict=True):
        at = {"at": one.x} if one.x else {}
        lines.append(
            f"  {name:<{width}}  {CERTIFY.text(fact('norm', lower=one.lower, upper=one.upper, **at))}"
        )
    return lines
