"""``supnorm certify PROBLEM.toml``: prove an upper bound and write the proof to a file."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.answer import say
from supnorm.cli.executors import Sharing, executor_of
from supnorm.cli.fields import made, number_option, with_options_of
from supnorm.cli.options import PROBLEM, SEED, TRUST, default_folder
from supnorm.cli.run import RunContext, with_run
from supnorm.results.option import LEAST_SECONDS
from supnorm.results.printable import file_word

if TYPE_CHECKING:
    from supnorm.auditing import AuditReport
    from supnorm.certification import CertifyResult
    from supnorm.cli.proof_elsewhere import Keeping
    from supnorm.problem import Problem
    from supnorm.results.certify import CertifyRecord
    from supnorm.results.parts import AxisRecord

RATIO = Annotated[
    float | None,
    number_option(
        "--ratio", "Stop at upper <= ratio * lower. [default: 1.1 without a tolerance]", low=1.000001
    ),
]
TOLERANCE = Annotated[
    float | None,
    number_option(
        "--tolerance",
        "Stop at upper <= tolerance, or at a witness above it. [default: that of the problem]",
        above=0,
    ),
]
PROPERTIES = Annotated[
    list[str] | None,
    typer.Option(
        "--property",
        metavar="PROPERTY",
        help="Prove a property of the model instead of a bound of its error: positive, bounded:LOW:HIGH, monotone:p, "
        "monotone:-p, convex:p, concave:p, lipschitz, lipschitz:p (p an input; @NAME at the end: one output). Several: give "
        "it again.",
    ),
]
NORMS = Annotated[
    list[str] | None,
    typer.Option(
        "--norm",
        metavar="NORM",
        help="Prove brackets of norms of the error: sup, w1inf (also of its derivatives), rms. Several: give it again.",
    ),
]
EXPORT = Annotated[
    str | None,
    typer.Option(
        "--export",
        metavar="coq",
        help="Also check the proof and write it for Coq, as certificate.v: a bound of an error, one or two inputs.",
    ),
]
LIMIT = Annotated[float | None, number_option("--seconds", "Stop after this time.", low=LEAST_SECONDS)]


CHECKPOINT = "checkpoint.json"  # the certificate so far, during a run


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("certify")(command)


@with_run(default_folder, "Folder of the run. [default: NAME-run]")
@with_options_of(Sharing)
def command(
    problem: PROBLEM,
    run: RunContext,
    ratio: RATIO = None,
    tolerance: TOLERANCE = None,
    seconds: LIMIT = None,
    seed: SEED = None,
    trust: TRUST = False,
    properties: PROPERTIES = None,
    norms: NORMS = None,
    export: EXPORT = None,
    **given: Any,
) -> int:
    """Prove that the error is nowhere larger than a bound; the proof is a file that `check` verifies."""
    from supnorm.cli.export import demand_export, export_after
    from supnorm.cli.folder import demand_folder, work_in
    from supnorm.cli.properties import Asked, in_folder
    from supnorm.results import BadInput
    from supnorm.sources import open_problem

    if (properties or norms) and tolerance is not None:
        raise BadInput(
            "--property and --norm take no --tolerance: limits stand in the property, bounded:LOW:HIGH"
        )
    if properties and norms:
        raise BadInput(
            "give --property or --norm, not both: they are two proofs, of the model and of the error"
        )
    opened = open_problem(problem, trust=trust)
    demand_export(export, opened, bool(properties or norms))
    demand_folder(run.directory)
    by = made(Sharing, given)
    with work_in(run.directory), executor_of(by.workers, by.dask, "supnorm.certification") as executor:
        if properties or norms:
            asked = Asked(properties or (), norms or (), ratio, seconds, seed or 0, executor)
            return in_folder(opened, problem, run, asked)
        if opened.equation is not None:
            from supnorm.cli import solution

            of_solution = solution.Asked(ratio, tolerance, seconds, seed or 0, executor)
            return solution.in_folder(opened, problem, run, of_solution)
        code = _in_folder(opened, problem, run, Question(ratio, tolerance, seed or 0), seconds, executor)
        if export is not None:
            export_after(run.directory, code, run.tell_more)
        return code


@dataclass(frozen=True)
class Question:
    """What is to be proved: the ratio or the tolerance, and the seed of the random search for the witness."""

    ratio: float | None
    tolerance: float | None
    seed: int


def _in_folder(
    opened: Problem,
    problem: Path,
    run: RunContext,
    asked: Question,
    seconds: float | None,
    executor: Executor | None,
) -> int:
    """The work of the verb in a locked folder."""
    from supnorm.certification import certify
    from supnorm.certification.about_page import about_of_error
    from supnorm.cli.audit_beside import audit_beside, audited, into_report_of
    from supnorm.cli.folder import demand_no_other_run, relocation_for
    from supnorm.cli.proof_elsewhere import Keeping
    from supnorm.results import BadInput

    folder = run.directory
    demand_no_other_run(folder, "result.json")
    other = relocation_for(folder, opened, run.resume, run.named)  # it is renamed once there is a result
    path, checkpoint = folder / "certificate.json", folder / CHECKPOINT
    # The checkpoint is newer than the certificate, because a run that ends removes its checkpoint.
    begun = checkpoint if checkpoint.exists() and not other else path
    if run.resume and not begun.exists():
        raise BadInput(f"--resume: there is no {path}; leave --resume out to start")
    result = certify(
        opened,
        asked.ratio,
        asked.tolerance,
        seconds=seconds,
        seed=asked.seed,
        executor=executor,
        observer=run.observer(),
        witness=None if other else audited(folder),
        resume=begun if run.resume else None,
        checkpoint=None if other else checkpoint,
    )
    folder = run.directory  # the calls may have changed the working folder
    # A run that was killed leaves its checkpoint beside an older certificate, which may be tighter.
    resumed = run.resume and begun == path
    tighter = None if resumed else _tighter(opened, path, result, asked)
    result = tighter or result
    record = result.record.changed(certificate=str(path))
    keeping = Keeping(result.certificate, path, checkpoint, goes_on=resumed or tighter is not None)

    def tell() -> None:
        shown = record.changed(certificate=str(keeping.elsewhere or path))
        run.tell(shown.to_json, lambda: summary(result))

    with run.writing(tell):
        if (other := relocation_for(folder, opened, run.resume, run.named)) is not None:
            other.clear()
            say(f"supnorm: {other.why}: it is now {other.aside}", err=True)
        report, damage = audit_beside(folder)
        joined = None
        if report is not None:  # first: what an audit contradicts is not written
            joined = into_report_of(report, folder, opened, result)
        with keeping.nothing_lost():
            _keep_proof(opened, folder, keeping)
            about = about_of_error(opened, result.unit, result.upper)
            record = record.changed(about=about)
            _keep_rest(folder, record, joined)
        checkpoint.unlink(missing_ok=True)
        if damage is not None:  # the proof is written and does not depend on the audit's file
            raise damage
    run.tell(
        record.to_json,
        lambda: [*summary(result, about.inputs), *_next(problem, folder, result, asked)],
    )
    return int(result.status.exit)


def _tighter(opened: Problem, path: Path, result: CertifyResult, asked: Question) -> CertifyResult | None:
    """The result of the older proof in the folder for the same question, if it is tighter; otherwise None.

    A looser proof never replaces it. The older proof is proved again first, unless it states no smaller bound.
    """
    from dataclasses import replace

    from supnorm.certification import certify
    from supnorm.certification.resume import stated_upper
    from supnorm.results import BadInput, ExitCode
    from supnorm.wording import fact
    from supnorm.wording.certify import narrator

    if not (path.exists() and stated_upper(path) < result.upper):
        return None
    witness = None if result.witness is None else result.witness.x
    try:
        held = certify(
            opened, asked.ratio, asked.tolerance, boxes=0, witness=witness, resume=path, seed=asked.seed
        )
    except BadInput:  # of another problem, by another version, or damaged: it is set aside under another name
        return None
    if held.believed or not held.upper < result.upper:
        return None
    status = result.status if result.status.exit == ExitCode.INTERRUPTED else held.status
    older = fact("older-proof", path=str(path), upper=result.upper, bounded=result.upper_kind != "none")
    advice = f"{status.advice} {narrator(result.unit, result.per_output).text(older)}"
    record = held.record.changed(
        status=replace(status, advice=advice), seconds=result.seconds, tried=result.tried
    )
    return replace(held, record=record)


def _keep_proof(opened: Problem, folder: Path, keeping: Keeping) -> None:
    """Write problem and certificate into the folder; a run that does not go on sets an older certificate aside.

    Raises:
        NotWritten: when the certificate is not in the folder then.
    """
    from supnorm.problem.save import save_problem
    from supnorm.results.writing import writing

    with writing(keeping.path):
        folder.mkdir(parents=True, exist_ok=True)
        keeping.make_room()
        save_problem(opened, folder / "problem.toml")
        keeping.save()


def _keep_rest(folder: Path, record: CertifyRecord, joined: AuditReport | None) -> None:
    """Write the JSON of the proof, and the report of an audit beside it with the bound."""
    from supnorm.pages import write_page
    from supnorm.results import write_whole
    from supnorm.results.door import DAMAGED, faults_of

    write_whole(folder / "certify.json", record.to_json())
    write_page(record, folder / "certify.html")
    if joined is not None:
        with faults_of(f"{folder / 'result.json'}", DAMAGED):
            joined.save(folder)
            write_page(joined, folder / "report.html")


def _next(problem: Path, folder: Path, result: CertifyResult, asked: Question) -> list[str]:
    """The commands that verify the file, and that go on with it towards the same goal."""
    file, run = file_word(problem), file_word(folder)
    path = folder / "certificate.json"
    lines = [f"certificate  {path}    verify  supnorm check {file_word(path)} --problem {file}"]
    lines.append(f"page         {folder / 'certify.html'}")
    if result.status.code in ("interrupted", "undecided"):
        goal = "" if asked.ratio is None else f" --ratio {asked.ratio}"
        goal += "" if asked.tolerance is None else f" --tolerance {asked.tolerance}"
        lines.append(f"go on with   supnorm certify {file}{goal} --out {run} --resume")
    return lines


def summary(result: CertifyResult, axes: Sequence[AxisRecord] = ()) -> list[str]:
    """The result in lines; ``axes``: the inputs with their units."""
    from supnorm.results.numbers import num
    from supnorm.wording import fact, units_of
    from supnorm.wording.certify import narrator

    record, say = result.record, narrator(result.unit, result.per_output, units_of(axes))
    bounded = record.sup.upper_kind != "none"
    # With a lower bound of 0 there is no ratio and no target that follows from it.
    unseen = record.sup.lower == 0 and bounded
    lower = fact("no-error-seen") if unseen else fact("lower", lower=record.sup.lower, **_where(record))
    upper = fact("upper", upper=record.sup.upper, kind=record.sup.upper_kind, nowhere=unseen)
    rows = [("lower bound", lower), ("upper bound", upper if bounded else fact("no-upper"))]
    lines = [record.status.line]
    lines += [f"  {name}  {say.text(value)}" for name, value in rows]
    if record.deployed is not None:
        runs = {"runtime": record.deployed.runtime, "precision": record.deployed.precision}
        lines.append(
            f"  as deployed  {say.text(fact('as-deployed', upper=record.sup.deployed_upper, **runs))}"
        )
    if bounded and not unseen:
        lines.append(f"  ratio        {num(record.ratio, 4)}")
    if not unseen or record.proved_volume > 0:
        # Once the whole domain is proved, the bound says more than a share.
        part = record.proved_volume > 0 and record.target < record.sup.upper
        share = fact("proved-share", share=record.proved_volume, target=record.target, any=part)
        lines.append(f"  proved       {say.text(share)}")
    lines.append(f"  boxes        {say.text(fact('boxes', boxes=record.boxes, seconds=record.seconds))}")
    if record.agreement.sides:
        lines.append(f"  agreement    {say.text(result.agreement.fact)}")
    return lines + [f"  assuming     {assumption}" for assumption in record.assumptions]


def _where(record: CertifyRecord) -> dict[str, Any]:
    """The point of the witness, and its output if there are several."""
    witness = record.witness
    if witness is None:
        return {}
    return {"at": witness.x, "output": witness.output if len(witness.model) > 1 else ""}
