"""``supnorm audit PROBLEM.toml``: find the worst error, write a page."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from supnorm.cli.options import (
    DASK,
    EVALUATIONS,
    JSON,
    OUT,
    POWER,
    PROBLEM,
    QUIET,
    RESUME,
    SECONDS,
    SEED,
    TRUST,
    WORKERS,
    default_folder,
)

if TYPE_CHECKING:
    from supnorm.auditing import AuditReport


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
    workers: WORKERS = None,
    dask: DASK = None,
    resume: RESUME = False,
    power: POWER = None,
    quiet: QUIET = False,
    trust: TRUST = False,
) -> int:
    """Find the worst error of a model against its reference, and where it is."""
    folder = out or default_folder(problem)
    report = run_audit(
        problem, folder, evaluations, seconds, seed, workers, dask, resume, quiet or as_json, trust, power
    )
    if as_json:
        from supnorm.results.encoding import dumps

        typer.echo(dumps(report.document))
    elif not quiet:
        typer.echo(summary_text(report, folder))
    return int(report.status.exit)


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
    evaluations: int | None = None,
    seconds: float | None = None,
    seed: int | None = None,
    workers: int | None = None,
    dask: str | None = None,
    resume: bool = False,
    quiet: bool = False,
    trust: bool = False,
    power: bool | None = None,
) -> AuditReport:
    """Audit a problem file into a folder: store, result, worst points, page."""
    from supnorm.auditing import Power, audit
    from supnorm.cli.folder import open_folder
    from supnorm.evaluation import Finished
    from supnorm.pages import TerminalProgress, write_page
    from supnorm.problem import fingerprint
    from supnorm.problem.specification import read_specification
    from supnorm.results import Interrupted
    from supnorm.sources import open_problem, save_problem

    settings = read_specification(path).audit
    problem = open_problem(path, trust=trust)
    if not settings.gradients:
        problem = replace(
            problem,
            model=replace(problem.model, vjp=None) if problem.model is not None else None,
            reference=replace(problem.reference, vjp=None),
        )
    store = open_folder(folder, fingerprint(problem), resume)
    chosen_seed = seed if seed is not None else settings.seed or 0
    save_problem(problem, folder / "problem.toml")
    executor = dask_executor(dask) if dask else None
    command = f"supnorm audit {path} --seed {chosen_seed}"
    # The command line's budget replaces the file's: --seconds alone means no limit of evaluations.
    if evaluations is None and seconds is None:
        evaluations, seconds = settings.evaluations, settings.seconds
    if evaluations is not None:
        command += f" --evaluations {evaluations}"
    if seconds is not None:
        command += f" --seconds {seconds:g}"
    observer = TerminalProgress(quiet=quiet)
    try:
        report = audit(
            problem,
            evaluations=evaluations,
            seconds=seconds,
            seed=chosen_seed,
            workers=workers or settings.workers or 1,
            executor=executor,
            power=Power() if (settings.power if power is None else power) else None,
            store=store,
            observer=observer,
        )
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted; the expensive evaluations are kept in {folder}: "
            f"run the same command with --out {folder} --resume"
        ) from None
    finally:
        observer(Finished())  # an error or Ctrl-C must not leave the live display open
        store.close()
    document = dict(report.document)
    document["command"] = command
    report = replace(report, document=document)
    report.save(folder)
    write_page(report, folder / "report.html")
    return report


def dask_executor(address: str):  # type: ignore[no-untyped-def]
    """The executor of a running Dask scheduler.

    Raises:
        BadInput: without the extra, or when nothing answers at the address.
    """
    from supnorm.results import BadInput

    try:
        from distributed import Client  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise BadInput("--dask needs the extra: pip install supnorm[dask]") from None
    try:
        return Client(address, timeout="10s").get_executor()
    except OSError as error:
        raise BadInput(f"--dask {address}: no scheduler answers: {error}") from None
