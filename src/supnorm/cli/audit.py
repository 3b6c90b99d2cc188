"""``supnorm audit PROBLEM.toml``: find the worst error, write a page."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from supnorm.cli.answer import answer, say, show, told_if_lost
from supnorm.cli.options import (
    COST,
    DASK,
    EVALUATIONS,
    JSON,
    OUT,
    POWER,
    POWER_EVALUATIONS,
    POWER_HEIGHTS,
    POWER_RUNS,
    POWER_SHEETS,
    POWER_VOLUMES,
    PROBLEM,
    QUIET,
    RESUME,
    SECONDS,
    SEED,
    TRUST,
    WORKERS,
    default_folder,
    number_list,
)
from supnorm.interrupts import INTERRUPTS

if TYPE_CHECKING:
    from supnorm.auditing import AuditReport
    from supnorm.problem import Problem


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("audit")(command)


def command(
    problem: PROBLEM,
    out: OUT = None,
    as_json: JSON = False,
    evaluations: EVALUATIONS = None,
    seconds: SECONDS = None,
    seed: SEED = None,
    cost: COST = None,
    workers: WORKERS = None,
    dask: DASK = None,
    resume: RESUME = False,
    power: POWER = None,
    power_runs: POWER_RUNS = None,
    power_heights: POWER_HEIGHTS = None,
    power_volumes: POWER_VOLUMES = None,
    power_sheets: POWER_SHEETS = None,
    power_evaluations: POWER_EVALUATIONS = None,
    quiet: QUIET = False,
    trust: TRUST = False,
) -> int:
    """Find the worst error of a model against its reference, and where it is."""
    folder = out or default_folder(problem)
    planted = {
        "runs": power_runs,
        "heights": number_list(power_heights, "--power-heights"),
        "volumes": number_list(power_volumes, "--power-volumes"),
        "sheets": number_list(power_sheets, "--power-sheets"),
        "evaluations": power_evaluations,
    }
    report = run_audit(
        problem,
        folder,
        evaluations=evaluations,
        seconds=seconds,
        seed=seed,
        cost=cost,
        workers=workers,
        dask=dask,
        resume=resume,
        quiet=quiet or as_json,
        trust=trust,
        power=power,
        planted={k: v for k, v in planted.items() if v is not None},
        named=out is not None,
        tell=lambda done: _tell(done, folder, as_json, quiet),
    )
    _tell(report, folder, as_json, quiet)
    return int(report.status.exit)


def _tell(report: AuditReport, folder: Path, as_json: bool, quiet: bool) -> None:
    from supnorm.results.encoding import dumps

    if as_json:
        answer(dumps(report.document))
    elif not quiet:
        show(summary_text(report, folder))


def summary_text(report: AuditReport, folder: Path) -> str:
    """The terminal summary, as wide as the terminal, coloured only on one."""
    import shutil

    from supnorm.pages import summary

    width = shutil.get_terminal_size().columns
    colour = sys.stdout.isatty()
    return summary(report, width if colour else 100, colour, str(folder / "report.html"))


def run_audit(
    path: Path,
    folder: Path,
    *,
    evaluations: int | None = None,
    seconds: float | None = None,
    seed: int | None = None,
    cost: str | None = None,
    workers: int | None = None,
    dask: str | None = None,
    resume: bool = False,
    quiet: bool = False,
    trust: bool = False,
    power: bool | None = None,
    planted: Mapping[str, Any] | None = None,
    named: bool = True,
    tell: Callable[[AuditReport], None] = lambda report: None,
) -> AuditReport:
    """Audit a problem file into a folder: store, result, worst points, page.

    Args:
        planted: fields of `Power` that replace those of the file; they ask for it when ``power`` is None.
        named: whether the folder was chosen by ``--out``; see `run_folder`.
        tell: is given a report that cannot be written.
    """
    from supnorm.auditing import NORMS, Power, audit
    from supnorm.cli.folder import run_folder, same_run
    from supnorm.evaluation import Finished
    from supnorm.evaluation.cost_word import repeat_word
    from supnorm.pages import TerminalProgress
    from supnorm.problem.specification import read_specification
    from supnorm.results import Interrupted
    from supnorm.sources import open_problem, save_problem

    specification = read_specification(path)
    settings = specification.audit
    planted = planted or {}
    chosen = power if power is not None else settings.power or bool(planted)
    errors = Power(**specification.power.model_dump(exclude_none=True) | dict(planted)) if chosen else None
    problem = open_problem(path, trust=trust)
    if not settings.gradients:
        problem = replace(
            problem,
            model=replace(problem.model, vjp=None) if problem.model is not None else None,
            reference=replace(problem.reference, vjp=None),
        )
    chosen_seed = seed if seed is not None else settings.seed or 0
    command = f"supnorm audit {shlex.quote(str(path))} --seed {chosen_seed}"
    # The command line's budget replaces the file's: --seconds alone means no limit of evaluations.
    if evaluations is None and seconds is None:
        evaluations, seconds = settings.evaluations, settings.seconds
    if evaluations is not None:
        command += f" --evaluations {evaluations}"
    if seconds is not None:
        command += f" --seconds {seconds:.15g}"
    begun, command = command, _power_words(power, planted)
    command += f" --workers {workers}" if workers else ""
    command += f" --dask {shlex.quote(dask)}" if dask else ""
    command += " --trust" if trust else ""
    command += f" --out {shlex.quote(str(folder))}" if folder != default_folder(path) else ""
    observer = TerminalProgress(quiet=quiet)
    with run_folder(folder, problem, resume, named) as store:
        same_run(store, {"seed": chosen_seed, "evaluations": evaluations, "seconds": seconds}, folder)
        save_problem(problem, folder / "problem.toml")
        try:
            report = audit(
                problem,
                evaluations=evaluations,
                seconds=seconds,
                seed=chosen_seed,
                workers=workers or settings.workers or 1,
                executor=dask_executor(dask) if dask else None,
                power=errors,
                cost=cost or settings.cost,
                norms=settings.norms or NORMS,
                store=store,
                observer=observer,
            )
        except KeyboardInterrupt:
            INTERRUPTS.taken()
            raise Interrupted(
                f"interrupted before any point had an error; the expensive evaluations are kept in {folder}: "
                f"run the same command with --out {shlex.quote(str(folder))} --resume"
            ) from None
        finally:
            observer(Finished())  # an error or Ctrl-C must not leave the live display open
        document = dict(report.document)
        decided = document["cost"]  # a repeat must not be decided by another timing
        document["command"] = (
            begun + (f" --cost {repeat_word(decided)}" if decided is not None else "") + command
        )
        report = replace(report, document=document)
        _keep(report, folder, tell)
        if (folder / "certificate.json").exists():
            joined = _with_proof(report, problem, folder)
            if joined is not report:
                _keep(joined, folder, tell)
            report = joined
    if report.status.code == "interrupted":
        advice = report.status.advice  # by you, or by workers or a disk, which it names
        why = "interrupted" if advice.startswith("Stopped by you") else advice.partition("; ")[0]
        say(
            f"supnorm: {why}; the report of what was done and the expensive evaluations are kept in {folder}: "
            f"run the same command with --out {shlex.quote(str(folder))} --resume",
            err=True,
        )
    return report


def _keep(report: AuditReport, folder: Path, tell: Callable[[AuditReport], None]) -> None:
    """Write result, points and page; ``tell`` is given the report where they cannot be written."""
    from supnorm.cli.folder import undisturbed
    from supnorm.pages import write_page

    with undisturbed(), told_if_lost(lambda: tell(report)):
        report.save(folder)
        write_page(report, folder / "report.html")


def _with_proof(report: AuditReport, problem: Problem, folder: Path) -> AuditReport:
    """The report with what the certificate of the same problem in the folder says: its bound, and its worse witness.

    The report has been written already: whatever ends this loses nothing of it.
    """
    import numpy as np

    from supnorm.certification import certify, into_report
    from supnorm.results import BadInput, Contradiction

    path = folder / "certificate.json"
    points = np.array([peak.x for peak in report.peaks])
    try:
        bound = certify(problem, boxes=0, resume=path, witness=points if len(points) else None)
        return into_report(report, bound)
    except (BadInput, Contradiction) as why:  # the report of the audit is good without it
        why_not = str(why)
    except KeyboardInterrupt:
        INTERRUPTS.taken()
        why_not = "stopped by you before it was compared with this audit; certify --resume takes it in"
    say(f"supnorm: the upper bound of {path} is not in this report: {why_not}", err=True)
    return report


def _power_words(power: bool | None, planted: Mapping[str, Any]) -> str:
    """The options of planted errors, as they would be typed."""
    words = "" if power is None else " --power" if power else " --no-power"
    for name, value in planted.items():
        text = ",".join(f"{v:.15g}" for v in value) if isinstance(value, tuple) else str(value)
        words += f" --power-{name} {text or chr(34) * 2}"
    return words


def dask_executor(address: str) -> Any:
    """The executor of a running Dask scheduler.

    Raises:
        BadInput: without the package distributed, or when nothing answers at the address.
    """
    from supnorm.results import BadInput, install
    from supnorm.results.guard import cause

    try:
        from distributed import Client
    except ImportError:
        raise BadInput(f"--dask needs the package distributed: {install('dask')}") from None
    try:
        return Client(address, timeout="10s").get_executor()
    except Exception as error:  # addresses that are none raise types of many kinds
        raise BadInput(f"--dask {address}: no scheduler answers: {cause(error)}") from None
