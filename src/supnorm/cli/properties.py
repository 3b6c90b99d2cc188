"""``supnorm certify PROBLEM.toml --property monotone:p``: prove properties of the model, and write the proof to a file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from supnorm.cli.answer import say
from supnorm.cli.executors import processes
from supnorm.cli.run import RunContext

if TYPE_CHECKING:
    from supnorm.certification.property_result import PropertiesResult
    from supnorm.problem import Problem

PROOF, RECORD, CHECKPOINT = "properties-certificate.json", "properties.json", "properties-checkpoint.json"


def in_folder(
    opened: Problem,
    problem: Path,
    run: RunContext,
    texts: list[str],
    ratio: float | None,
    seconds: float | None,
    seed: int,
    workers: int | None,
) -> int:
    """The work in a locked folder."""
    from supnorm.certification import certify_properties
    from supnorm.cli.folder import demand_no_other_run, relocation_for, set_aside
    from supnorm.results import BadInput, write_whole
    from supnorm.sources import save_problem

    folder = run.directory
    if opened.model is None:
        raise BadInput("--property needs a model: [model] of the problem file")
    demand_no_other_run(folder, "result.json")
    other = relocation_for(folder, opened, run.resume, run.named)
    path, checkpoint = folder / PROOF, folder / CHECKPOINT
    begun = checkpoint if checkpoint.exists() and not other else path
    if run.resume and not begun.exists():
        raise BadInput(f"--resume: there is no {path}; leave --resume out to start")
    with processes(workers) as executor:
        result = certify_properties(
            opened.model,
            opened.domain,
            texts,
            ratio=ratio or 1.1,
            seconds=seconds,
            executor=executor,
            observer=run.observer(),
            resume=begun if run.resume else None,
            seed=seed,
            checkpoint=None if other else checkpoint,
        )
    record = result.record.changed(certificate=str(path))
    with run.writing(lambda: run.tell(record.to_json, lambda: summary(result))):
        if other is not None:
            other.clear()
            say(f"supnorm: {other.why}: it is now {other.aside}", err=True)
        folder.mkdir(parents=True, exist_ok=True)
        save_problem(opened, folder / "problem.toml")
        if not run.resume:
            set_aside(path)  # an older proof may have taken hours
        result.save(path)
        write_whole(folder / RECORD, record.to_json())
        checkpoint.unlink(missing_ok=True)
    run.tell(record.to_json, lambda: [*summary(result), *_next(problem, folder, result, texts)])
    return int(result.status.exit)


def summary(result: PropertiesResult) -> list[str]:
    """The result in lines."""
    from supnorm.wording import fact
    from supnorm.wording.certify import CERTIFY

    lines = [f"{result.status.code}: {result.status.advice}"]
    width = max(len(answer.property) for answer in result.answers)
    for answer in result.answers:
        lines.append(f"  {answer.property:<{width}}  {answer.status:<9}  {answer.text}")
        for one in answer.extremes:
            about = {"extreme": one.extreme, "quantity": one.quantity}
            known = one.lower > float("-inf") or one.upper < float("inf")
            bracket = fact("extreme", lower=one.lower, upper=one.upper, **about)
            lines.append(
                f"  {'':<{width}}  {CERTIFY.text(bracket if known else fact('no-bound-of-extreme', **about))}"
            )
    boxes = sum(len(part.bracket.leaves) for part in result.statement.parts.values())
    lines.append(f"  boxes  {CERTIFY.text(fact('boxes', boxes=boxes, seconds=result.record.seconds))}")
    if result.agreement.sides:
        lines.append(f"  agreement  {CERTIFY.text(result.agreement.fact)}")
    return lines + [f"  assuming   {assumption}" for assumption in result.record.assumptions]


def _next(problem: Path, folder: Path, result: PropertiesResult, texts: list[str]) -> list[str]:
    """The commands that verify the file, and that go on with it."""
    file, path = shlex.quote(str(problem)), shlex.quote(str(folder / PROOF))
    lines = [f"certificate  {folder / PROOF}    verify  supnorm check {path} --problem {file}"]
    if result.status.code in ("interrupted", "undecided"):
        asked = " ".join(f"--property {shlex.quote(text)}" for text in texts)
        lines.append(f"go on with   supnorm certify {file} {asked} --out {shlex.quote(str(folder))} --resume")
    return lines
