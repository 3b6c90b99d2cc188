"""``supnorm fit PROBLEM.toml``: the best approximator that reaches a tolerance, network or not."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.answer import answer, say, told_if_lost
from supnorm.cli.certify import Progress as ProofProgress
from supnorm.cli.options import (
    FIT_COST,
    JSON,
    PROBLEM,
    QUIET,
    RESUME,
    SEED,
    TRUST,
    WORKERS,
    default_folder,
)
from supnorm.interrupts import INTERRUPTS
from supnorm.strategies import STRATEGIES, named

if TYPE_CHECKING:
    from supnorm.problem import Problem
    from supnorm.training import FitResult


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("fit")(command)


def command(
    problem: PROBLEM,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder of the run. [default: NAME-fit]")
    ] = None,
    tolerance: Annotated[float | None, typer.Option("--tolerance", help="Largest error allowed.")] = None,
    norm: Annotated[str, typer.Option("--norm", help="sup: the largest error; l2: the RMS.")] = "sup",
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.1, help="Time limit.")] = None,
    max_evaluations: Annotated[
        int | None, typer.Option("--max-evaluations", min=50, help="Calls of the reference for fitting.")
    ] = None,
    method: Annotated[str, typer.Option("--method", help="auto, or " + ", ".join(STRATEGIES))] = "auto",
    certify: Annotated[bool, typer.Option("--certify", help="Go on until a proof says so.")] = False,
    seed: SEED = None,
    cost: FIT_COST = None,
    workers: WORKERS = None,
    resume: RESUME = False,
    as_json: JSON = False,
    quiet: QUIET = False,
    trust: TRUST = False,
) -> int:
    """Fit the reference until the audited error meets the tolerance; [model] is not needed."""
    from supnorm.cli.folder import run_folder, same_run, undisturbed
    from supnorm.cli.repeat import repeated
    from supnorm.evaluation.cost_word import repeat_word
    from supnorm.results import Interrupted
    from supnorm.sources import open_problem
    from supnorm.training import FitCalls, fit

    opened = open_problem(problem, trust=trust)
    if method != "auto":
        named(method, "--method", ("auto",))
    folder = out or Path(default_folder(problem).name.removesuffix("-run") + "-fit")
    with run_folder(folder, opened, resume, named=out is not None) as store:
        same_run(store, {"seed": seed or 0, "max-evaluations": max_evaluations, "seconds": seconds}, folder)
        try:
            result = fit(
                opened,
                tolerance=tolerance,
                norm=norm,
                seconds=seconds,
                max_evaluations=max_evaluations,
                method=method,
                certify=certify,
                seed=seed or 0,
                calls=FitCalls(cost=cost, workers=workers or 1, store=store),
                observer=_silent if quiet or as_json else Progress(limited=seconds is not None),
            )
        except KeyboardInterrupt:
            INTERRUPTS.taken()
            raise Interrupted(
                f"interrupted; calls of an expensive reference are kept in {folder}: run the same command with --resume"
            ) from None

        options = {
            "out": out,
            "tolerance": tolerance,
            "norm": norm,
            "seconds": seconds,
            "max-evaluations": max_evaluations,
            "method": method,
            "certify": certify,
            "seed": seed or 0,
            "cost": result.cost and repeat_word(result.cost),
            "workers": workers,
            "trust": trust,
        }
        result = replace(result, command=repeated("fit", problem, options))

        def tell() -> None:
            if as_json:
                answer(result.to_json())
            for line in () if quiet or as_json else summary(result):
                say(line)

        with undisturbed(), told_if_lost(tell):
            save(result, folder, opened)
    tell()
    if not as_json and not quiet:
        say(f"saved in {folder}; open {folder / 'fit.html'}")
        if result.certificate is not None:
            files = (shlex.quote(str(folder / name)) for name in ("certificate.json", "problem.toml"))
            checked = " --problem ".join(files)
            say(f"verify the proof with  supnorm check {checked}")
    return int(result.status.exit)


def save(result: FitResult, folder: Path, opened: Problem) -> None:
    """Model and numbers, pages, and a problem file that audits, checks or certifies the fitted model."""
    from supnorm.cli.folder import set_aside
    from supnorm.pages import write_fit_page, write_page
    from supnorm.sources import save_problem

    set_aside(
        folder / "certificate.json"
    )  # of another fit, or of the model that was audited here: it may have taken hours
    result.save(folder)
    audit_page = ""
    if result.audit is not None:
        audit_page = "audit/report.html"
        write_page(result.audit, folder / audit_page)
    write_fit_page(result, folder / "fit.html", audit_page)
    assert opened.source is not None
    model = os.path.relpath((folder / "model.npz").resolve(), opened.source.parent.resolve())
    fitted = replace(
        opened,
        model=replace(result.model, origin={"file": model}),
        # Several tolerances come from the file alone; the result's is then 1, of errors that are multiples of them.
        tolerance=opened.tolerance
        if result.tolerance is None or result.measure["per_output"]
        else result.tolerance,
    )
    save_problem(fitted, folder / "problem.toml")


def summary(result: FitResult) -> list[str]:
    """The table of candidates; errors of the audited ones are lower bounds from a fresh-seed audit."""
    from supnorm.pages import errors_are

    record = result.record
    rows = [f"{record.status.code}: {record.status.advice}"]
    head = f"  {'method':28} {'RMS':>10} {'worst found':>12} {'parameters':>11} {'samples':>8} "
    rows.append(head + f"{'s':>7} {'bytes':>9} {'us/point':>9}")
    for c in record.candidates:
        rows.append(
            f"  {c.method[:28]:28} {c.rms:>10.3g} {c.sup.lower:>12.3g} {c.parameters:>11,} {c.samples:>8,} "
            f"{c.seconds:>7.2f} {c.bytes:>9,} {1e6 * c.seconds_per_point:>9.2f}"
        )
    what = errors_are(record.measure)
    return [*rows, *([f"  {what}"] if what else []), *(f"  {note}" for note in record.notes)]


def _silent(event: Any) -> None:
    pass


class Progress:
    """Lines on stderr: each candidate, what takes long before it begins, and how far a proof is."""

    def __init__(self, limited: bool) -> None:
        self.hint = "" if limited else "; --seconds limits the time"
        self.proof = ProofProgress()

    def __call__(self, event: Any) -> None:
        """Say it."""
        from supnorm.certification import BracketNarrowed
        from supnorm.training import Training, Tried

        if isinstance(event, Tried):
            say(f"  tried {event.method}: RMS {event.rms:.3g}, worst {event.worst:.3g}", err=True)
        elif isinstance(event, Training):
            what = f"a network of {event.weights:,} weights on {event.samples:,} samples"
            say(f"  training {what}{self.hint}", err=True)
            self.hint = ""
        elif isinstance(event, BracketNarrowed):
            self.proof(event)
