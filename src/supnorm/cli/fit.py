"""``supnorm fit PROBLEM.toml``: find the best approximator that meets a tolerance, a network or not."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.fields import made, with_options_of
from supnorm.cli.options import PROBLEM, TRUST, default_folder
from supnorm.cli.run import RunContext, with_run
from supnorm.evaluation.calls import Calls
from supnorm.results.option import LEAST_SECONDS, option
from supnorm.results.printable import file_word, one_line
from supnorm.results.status import BadInput
from supnorm.strategies import STRATEGIES, named

if TYPE_CHECKING:
    from supnorm.problem import Problem
    from supnorm.training import FitResult


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Arguments of `fit` that are options."""

    tolerance: float | None = option(
        "--tolerance", "Largest error allowed.", default=None, kind=float, above=0
    )
    norm: str = option("--norm", "sup: the largest error; l2: the RMS.", default="sup")
    seconds: float | None = option(
        "--seconds",
        "Time limit of the fit, its audits included.",
        default=None,
        kind=float,
        low=LEAST_SECONDS,
    )
    max_evaluations: int | None = option(
        "--max-evaluations", "Calls of the reference for fitting.", default=None, kind=int, low=50
    )
    method: str = option("--method", "auto, or " + ", ".join(STRATEGIES), default="auto")
    emit: str | None = option(
        "--emit", "Write what was fitted as source too: c, fortran, onnx, or several (c,onnx).", default=None
    )
    seed: int = option("--seed", "Same seed, same result. [default: 0]", default=0, kind=int, low=0)


# The columns of the table of candidates, as on the page.
HEAD = (
    "method",
    "RMS",
    "worst found",
    "proved bound",
    "parameters",
    "samples",
    "seconds",
    "bytes",
    "time a point",
)
# The options of the command that repeats a fit, in this order.
WORDS = (
    "out",
    "tolerance",
    "norm",
    "seconds",
    "max-evaluations",
    "method",
    "certify",
    "emit",
    "seed",
    "cost",
    "workers",
    "dask",
    "trust",
)


def _folder(problem: Path) -> Path:
    return Path(default_folder(problem).name.removesuffix("-run") + "-fit")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("fit")(command)


@with_run(_folder, "Folder of the run. [default: NAME-fit]")
@with_options_of(FitOptions, Calls)
def command(
    problem: PROBLEM,
    run: RunContext,
    certify: Annotated[
        bool, typer.Option("--certify", help="Go on until a certificate proves the tolerance.")
    ] = False,
    trust: TRUST = False,
    **given: Any,
) -> int:
    """Fit the reference until the audited error meets the tolerance; [model] is not needed."""
    from supnorm.cli.folder import demand_no_other_run
    from supnorm.cli.repeat import repeated
    from supnorm.evaluation.cost_word import repeat_word
    from supnorm.sources import open_problem
    from supnorm.training import fit
    from supnorm.training.emit import ENDINGS, emit

    opened, options = open_problem(problem, trust=trust), made(FitOptions, given)
    formats = _formats(options.emit, ENDINGS)
    if options.method != "auto":
        named(options.method, "--method", ("auto",))
    asked = {"seed": options.seed, "max-evaluations": options.max_evaluations, "seconds": options.seconds}
    resumable = (
        f"calls of an expensive reference are kept in {run.directory}: run the same command with --resume"
    )
    patience = "; --seconds limits the time" if options.seconds is None else ""
    demand_no_other_run(run.directory, "fit.json")
    with run.store(opened, asked) as store:
        with run.interruptible(f"; {resumable}"):
            result = fit(
                opened,
                tolerance=options.tolerance,
                norm=options.norm,
                seconds=options.seconds,
                max_evaluations=options.max_evaluations,
                method=options.method,
                certify=certify,
                seed=options.seed,
                calls=made(Calls, given, store=store),
                observer=run.observer(patience),
            )
        store.look(last=True)
        words: dict[str, Any] = {"out": run.folder if run.named else None, "certify": certify, "trust": trust}
        words |= {name.replace("_", "-"): value for name, value in vars(options).items()}
        words |= {
            "cost": result.cost and repeat_word(result.cost.to_dict()),
            "workers": given["workers"],
            "dask": given["dask"],
        }
        result = replace(result, command=repeated("fit", problem, {name: words[name] for name in WORDS}))
        with run.writing(lambda: run.tell(result.to_json, lambda: summary(result))):
            save(result, run.directory, opened)
            for format in formats:
                emit(result.model, opened.domain, run.directory / f"model{ENDINGS[format]}")
    run.tell(result.to_json, lambda: [*summary(result), *_next(result, run.directory)])
    return int(result.status.exit)


def _formats(text: str | None, known: Iterable[str]) -> list[str]:
    formats = [part.strip() for part in (text or "").split(",") if part.strip()]
    wrong = next((f for f in formats if f not in known), None)
    if wrong is not None:
        raise BadInput(
            f"--emit must be c, fortran, onnx or several of them (c,onnx), got {one_line(wrong, 40)!r}"
        )
    return formats


def _next(result: FitResult, folder: Path) -> list[str]:
    """Lines that tell where the result is and how to verify its proof."""
    lines = [f"saved in {folder}; open {folder / 'fit.html'}"]
    if result.certificate is not None:
        certificate, problem = (file_word(folder / n) for n in ("certificate.json", "problem.toml"))
        lines.append(f"verify the proof with  supnorm check {certificate} --problem {problem}")
    return lines


def save(result: FitResult, folder: Path, opened: Problem) -> None:
    """Write the model, the numbers, pages, and a problem file to audit, certify or check the fitted model."""
    from supnorm.cli.folder import set_aside
    from supnorm.pages import write_fit_page, write_page
    from supnorm.problem.save import save_problem
    from supnorm.results.fit import FitRecord

    for name in ("certificate.json", "certify.json"):  # proofs of another model, which may have taken hours
        set_aside(folder / name)
    result.save(folder)
    audit_page = ""
    if result.audit is not None:
        audit_page = "audit/report.html"
        write_page(result.audit, folder / audit_page)
    # From the file, which names the saved model.
    write_fit_page(FitRecord.read(folder / "fit.json"), folder / "fit.html", audit_page)
    assert opened.source is not None
    model = os.path.relpath((folder / "model.npz").resolve(), opened.source.parent.resolve())
    fitted = replace(
        opened,
        model=replace(result.model, origin={"file": model}),
        # Several tolerances come only from the file; the result's is then 1, because its errors are multiples of them.
        tolerance=opened.tolerance
        if result.tolerance is None or result.measure.per_output
        else result.tolerance,
    )
    save_problem(fitted, folder / "problem.toml")


def summary(result: FitResult) -> list[str]:
    """The table of candidates in lines; errors of audited candidates are lower bounds from an audit with a fresh seed."""
    from supnorm.pages import errors_are
    from supnorm.pages.fit_page import candidate_rows, ranked

    record = result.record
    table = [HEAD, *(row[1:] for row in candidate_rows(record))]
    widths = [max(len(row[k]) for row in table) for k in range(len(HEAD))]
    lines = [record.status.line]
    for row in table:
        cells = (f"{cell:>{widths[k]}}" if k else f"{cell:<{widths[k]}}" for k, cell in enumerate(row))
        lines.append("  " + "  ".join(cells))
    sentences = [text for text in (ranked(record), errors_are(record.measure), *record.notes) if text]
    return [*lines, *(f"  {text}" for text in sentences)]
