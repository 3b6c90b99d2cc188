"""``supnorm certify PROBLEM.toml``: prove an upper bound, write the proof to a file."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from supnorm.cli.answer import say
from supnorm.cli.executors import processes
from supnorm.cli.options import PROBLEM, SEED, TRUST, default_folder
from supnorm.cli.run import RunContext, with_run

if TYPE_CHECKING:
    from supnorm.auditing import AuditReport
    from supnorm.certification import CertifyResult
    from supnorm.problem import Problem
    from supnorm.problem.function import Array
    from supnorm.results.certify import CertifyRecord

RATIO = Annotated[
    float | None,
    typer.Option(
        "--ratio", min=1.000001, help="Stop at upper <= ratio * lower. [default: 1.1 without a tolerance]"
    ),
]
TOLERANCE = Annotated[
    float | None,
    typer.Option(
        "--tolerance",
        help="Stop at upper <= tolerance, or at a witness above it. [default: that of the problem]",
    ),
]
PROCESSES = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes that share the boxes. [default: 1]")
]
AUDITED = 200  # points of an audit at which what runs is compared with what was read
LIMIT = Annotated[float | None, typer.Option("--seconds", min=0.1, help="Stop after this time.")]


CHECKPOINT = "checkpoint.json"  # the certificate so far, while a run lasts


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("certify")(command)


@with_run(default_folder, "Folder of the run. [default: NAME-run]")
def command(
    problem: PROBLEM,
    run: RunContext,
    ratio: RATIO = None,
    tolerance: TOLERANCE = None,
    seconds: LIMIT = None,
    seed: SEED = None,
    workers: PROCESSES = None,
    trust: TRUST = False,
) -> int:
    """Prove that the error is nowhere larger than a bound; the proof is a file that `check` verifies."""
    from supnorm.cli.folder import demand_folder, work_in
    from supnorm.sources import open_problem

    opened = open_problem(problem, trust=trust)
    demand_folder(run.directory)
    with work_in(run.directory):
        return _in_folder(opened, problem, run, Question(ratio, tolerance, seed or 0), seconds, workers)


@dataclass(frozen=True)
class Question:
    """What is to be proved: up to which ratio, or below which tolerance, and the seed of the screen."""

    ratio: float | None
    tolerance: float | None
    seed: int


def _in_folder(
    opened: Problem,
    problem: Path,
    run: RunContext,
    asked: Question,
    seconds: float | None,
    workers: int | None,
) -> int:
    """The verb in a folder that is locked."""
    from supnorm.certification import certify
    from supnorm.cli.folder import demand_no_other_run, held_fingerprint, relocation_for
    from supnorm.results import BadInput

    folder = run.directory
    demand_no_other_run(folder, "result.json")
    other = relocation_for(folder, opened, run.resume, run.named)  # renamed when there is a result
    held = None if other else held_fingerprint(folder)
    path, checkpoint = folder / "certificate.json", folder / CHECKPOINT
    # The newer of the two: the end of a run takes its checkpoint away.
    begun = checkpoint if checkpoint.exists() and not other else path
    if run.resume and not begun.exists():
        raise BadInput(f"--resume: {path} is not there; leave --resume out to start")
    with processes(workers) as executor:
        result = certify(
            opened,
            asked.ratio,
            asked.tolerance,
            seconds=seconds,
            seed=asked.seed,
            executor=executor,
            observer=run.observer(),
            witness=_audited(folder, held),
            resume=begun if run.resume else None,
            checkpoint=None if other else checkpoint,
        )
        kept = None if run.resume else _tighter(opened, path, result, asked)
    result = kept or result
    record = result.record.changed(certificate=str(path))
    with run.writing(lambda: run.tell(record.to_json, lambda: summary(result))):
        if (other := relocation_for(folder, opened, run.resume, run.named)) is not None:
            other.clear()
            say(f"supnorm: {other.why}: it is now {other.aside}", err=True)
        _keep(opened, folder, result, record, run.resume or kept is not None)
        checkpoint.unlink(missing_ok=True)
    run.tell(record.to_json, lambda: [*summary(result), *_next(problem, folder, result, asked)])
    return int(result.status.exit)


def _tighter(opened: Problem, path: Path, result: CertifyResult, asked: Question) -> CertifyResult | None:
    """What the proof that is in the folder says to the same question, where it is the tighter one; else None.

    A looser proof never replaces it. It is proved again first; a proof that states no smaller bound need not be.
    """
    from dataclasses import replace

    from supnorm.certification import certify
    from supnorm.certification.resume import stated_upper
    from supnorm.results import BadInput, ExitCode

    if not (path.exists() and stated_upper(path) < result.upper):
        return None
    witness = None if result.witness is None else result.witness.x
    try:
        held = certify(
            opened, asked.ratio, asked.tolerance, boxes=0, witness=witness, resume=path, seed=asked.seed
        )
    except BadInput:  # of another problem, by another version, or damaged: it gives way, with another name
        return None
    if held.believed or not held.upper < result.upper:
        return None
    status = result.status if result.status.exit == ExitCode.INTERRUPTED else held.status
    said = f"{status.advice} That is the proof that was in {path}: this run's bound {result.upper:.6g} is looser, not kept."
    if result.upper_kind == "none":
        said = f"{status.advice} The proof that was in {path} is kept: this run has no bound."
    record = held.record.changed(
        status=replace(status, advice=said), seconds=result.seconds, tried=result.tried
    )
    return replace(held, record=record)


def _audited(folder: Path, fingerprint: str | None) -> Array | None:
    """The worst points of an audit of the same problem in the same folder, where there is one."""
    from supnorm.auditing import load_report
    from supnorm.results.door import DAMAGED, faults_of

    if fingerprint is None or not (folder / "result.json").exists():
        return None
    report = load_report(folder)
    with faults_of(f"{folder / 'result.json'}", DAMAGED):
        return _points_of(report)


def _points_of(report: AuditReport) -> Array | None:
    """The worst point of an audit, those of its peaks and of its table; None without any."""
    import numpy as np

    witness, columns = report.record.witness, list(report.points.columns)
    if witness is None:
        return None
    names = list(witness.x)
    found = [[peak.x[n] for n in names] for peak in (witness, *report.record.peaks)]
    if set(names) <= set(columns):
        rows = report.points.rows[:AUDITED]
        found += rows[:, [columns.index(n) for n in names]].tolist()
    return np.array(list(dict.fromkeys(map(tuple, found))))


def _keep(opened: Problem, folder: Path, result: CertifyResult, record: CertifyRecord, goes_on: bool) -> None:
    """Certificate, JSON and page into the folder of the run; one that does not go on sets an older certificate aside."""
    from supnorm.cli.folder import set_aside
    from supnorm.pages import write_page
    from supnorm.problem import fingerprint
    from supnorm.results import write_whole
    from supnorm.results.door import DAMAGED, faults_of
    from supnorm.sources import save_problem

    path = folder / "certificate.json"
    joined = _into_report(folder, fingerprint(opened), result)  # what an audit contradicts is not written
    folder.mkdir(parents=True, exist_ok=True)
    save_problem(opened, folder / "problem.toml")
    if not goes_on:
        set_aside(path)  # an older proof may have taken hours
    result.certificate.save(path)
    write_whole(folder / "certify.json", record.to_json())
    if joined is not None:
        with faults_of(
            f"{folder / 'result.json'}", DAMAGED
        ):  # the proof is written: it does not depend on that file
            joined.save(folder)
            write_page(joined, folder / "report.html")


def _next(problem: Path, folder: Path, result: CertifyResult, asked: Question) -> list[str]:
    """The commands that verify the file and go on with it, towards the same goal."""
    file, run = shlex.quote(str(problem)), shlex.quote(str(folder))
    path = folder / "certificate.json"
    lines = [f"certificate  {path}    verify  supnorm check {shlex.quote(str(path))} --problem {file}"]
    if result.status.code in ("interrupted", "undecided"):
        goal = "" if asked.ratio is None else f" --ratio {asked.ratio}"
        goal += "" if asked.tolerance is None else f" --tolerance {asked.tolerance}"
        lines.append(f"go on with   supnorm certify {file}{goal} --out {run} --resume")
    return lines


def summary(result: CertifyResult) -> list[str]:
    """What was proved, in lines."""
    from supnorm.results import rounded_down, rounded_up

    kind = result.upper_kind
    unit = f" {result.unit}" if result.unit else ""
    upper = "none" if kind == "none" else f"{rounded_up(result.upper, 6):.6g}{unit} ({kind})"
    unseen = (
        result.lower == 0 and kind != "none"
    )  # no ratio to a lower bound of 0, nor a target that comes from it
    lower = f"{rounded_down(result.lower, 6):.6g}{unit}{_where(result)}"
    lines = [
        f"{result.status.code}: {result.status.advice}",
        f"  lower bound  {'0: no error was seen' if unseen else lower}",
        f"  upper bound  {upper}{': the error is nowhere larger' if unseen else ''}",
    ]
    if kind != "none" and not unseen:
        lines.append(f"  ratio        {result.ratio:.4g}")
    if not unseen or result.proved_volume > 0:
        lines.append(
            f"  proved       {100 * result.proved_volume:.4g} % of the domain at {rounded_up(result.target, 6):.6g}{unit}"
        )
    lines.append(f"  boxes        {result.boxes:,} in {result.seconds:.1f} s")
    if result.agreement.sides:
        lines.append(f"  agreement    {result.agreement.sentence(unit)}")
    return lines + [f"  assuming     {a}" for a in result.assumptions]


def _where(result: CertifyResult) -> str:
    """Where the witness is, and in which of several outputs."""
    witness = result.record.witness
    if witness is None:
        return ""
    x = ", ".join(f"{n} = {v:.8g}" for n, v in witness.x.items())
    return f" at {x}" + (f", output {witness.output}" if len(witness.model) > 1 else "")


def _into_report(folder: Path, fingerprint: str, result: CertifyResult) -> AuditReport | None:
    """An audit's report of the same problem in the same folder with the bound, and with a larger error that was computed.

    None where there is no such report, or it stays what it is.

    Raises:
        BadInput: when the audit computed an error above the bound.
    """
    from supnorm.auditing import load_report
    from supnorm.certification import into_report
    from supnorm.results.door import DAMAGED, faults_of

    if not (folder / "result.json").exists():
        return None
    report = load_report(folder)
    with faults_of(f"{folder / 'result.json'}", DAMAGED):
        joined = into_report(report, result) if report.record.fingerprint == fingerprint else report
    return None if joined is report else joined
