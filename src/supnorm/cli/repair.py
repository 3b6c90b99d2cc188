"""``supnorm repair PROBLEM.toml``: mend a model where an audit found it wrong."""

from __future__ import annotations

import os
import shlex
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.audit_first import after_audit, audit_settings
from supnorm.cli.fields import made, with_options_of, written
from supnorm.cli.options import PROBLEM, TRUST, default_folder
from supnorm.cli.run import RunContext, with_run
from supnorm.evaluation.calls import Calls
from supnorm.results.option import LEAST_SECONDS, option

if TYPE_CHECKING:
    from supnorm.mending import RepairResult
    from supnorm.problem import Problem

AUDIT_TIME = 0.25  # of --seconds, for the audit that the repair starts from
# Files of a repair that another one in its folder may not leave beside its own result.
MADE = (
    *("certificate.json", "change.json", "outside-*.json", "problem.toml"),
    *("model.npz", "model.onnx", "model.pt2", "state_dict.pt", "patch-*.npz", "residual-*.npz"),
)
METHODS = ("auto", "exchange", "patch", "residual")
# The options of the command that repeats a repair, in this order.
WORDS = (
    "out",
    "report",
    "method",
    "evaluations",
    "seconds",
    "certify",
    "bound-change",
    "seed",
    "cost",
    "workers",
    "dask",
    "trust",
)


@dataclass(frozen=True, kw_only=True)
class RepairOptions:
    """Arguments of `repair` that are options."""

    method: str = option(
        "--method",
        "auto, exchange (train further), patch (change nothing elsewhere) or residual (add a small network)",
        default="auto",
    )
    evaluations: int | None = option(
        "--evaluations",
        "Calls of the reference in all rounds. [default: 10,000]",
        default=None,
        kind=int,
        low=500,
    )
    seconds: float | None = option("--seconds", "Time limit.", default=None, kind=float, low=0.1)
    seed: int = option("--seed", "Same seed, same result. [default: 0]", default=0, kind=int, low=0)


def _folder(problem: Path) -> Path:
    return Path(default_folder(problem).name.removesuffix("-run") + "-repair")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("repair")(command)


@with_run(_folder, "Folder of the run. [default: NAME-repair]")
@with_options_of(RepairOptions, Calls)
def command(
    problem: PROBLEM,
    run: RunContext,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Folder of an audit of this model. [default: audit it]"),
    ] = None,
    certify: Annotated[
        bool, typer.Option("--certify", help="Prove the tolerance for the mended model.")
    ] = False,
    bound_change: Annotated[
        bool, typer.Option("--bound-change", help="Prove how far the mended model differs from the old one.")
    ] = False,
    trust: TRUST = False,
    **given: Any,
) -> int:
    """Mend the model where it is wrong; the old one stays unless an audit and a search for harm favour the mended one."""
    from supnorm.cli.repeat import repeated
    from supnorm.evaluation.cost_word import repeat_word
    from supnorm.mending import repair
    from supnorm.mending.repair import demand_repair
    from supnorm.results import BadInput
    from supnorm.sources import open_problem

    opened, options = open_problem(problem, trust=trust), made(RepairOptions, given)
    if options.method not in METHODS:
        raise BadInput(f"--method must be {', '.join(METHODS[:-1])} or {METHODS[-1]}, got {options.method!r}")
    demand_repair(opened, certify=certify, **vars(options))  # before the audit is paid for
    asked = {"seed": options.seed, "evaluations": options.evaluations, "seconds": options.seconds}
    resumable = f"calls of an expensive reference are in {run.directory}: run the same command with --resume"
    seconds = None if options.seconds is None else AUDIT_TIME * options.seconds
    search, begin = audit_settings(options.seed, seconds, trust, written(Calls, given)), time.perf_counter()
    with after_audit(run, problem, opened, report, search, asked, "repair.json") as (before, store):
        with run.interruptible(f"; {resumable}"):
            left = None
            if options.seconds is not None:  # the audit has had its part of them
                left = max(options.seconds - (time.perf_counter() - begin), LEAST_SECONDS)
            result = repair(
                opened,
                before,
                method=options.method,
                evaluations=options.evaluations,
                seconds=left,
                seed=options.seed,
                certify=certify,
                bound_change=bound_change,
                calls=made(Calls, given, store=store),
                observer=run.observer(),
            )
        store.look(last=True)
        words: dict[str, Any] = {"out": run.folder if run.named else None, "report": report, "trust": trust}
        words |= {"certify": certify, "bound-change": bound_change, **vars(options)}
        words |= {
            "cost": repeat_word(result.cost.to_dict()),
            "workers": given["workers"],
            "dask": given["dask"],
        }
        result = replace(result, command=repeated("repair", problem, {name: words[name] for name in WORDS}))
        with run.writing(lambda: run.tell(result.to_json, lambda: _summary(result))):
            result = save(result, run.directory, opened)
    end = [f"saved in {run.directory}; open {run.directory / 'repair.html'}"]
    if result.accepted and (mended := run.directory / "problem.toml").exists():
        end += [f"{mended} names the mended model; next: supnorm guard {shlex.quote(str(mended))}"]
    if result.status.code == "not-improved":
        end += [f"next: supnorm guard {shlex.quote(str(problem))} says where the old model cannot be trusted"]
    run.tell(result.to_json, lambda: [*_summary(result), *end])
    return int(result.status.exit)


def save(result: RepairResult, folder: Path, opened: Problem) -> RepairResult:
    """Write the mended model, the numbers, the pages, and a problem file to audit or certify the mended model."""
    from supnorm.cli.folder import set_aside
    from supnorm.pages import write_page, write_repair_page
    from supnorm.problem.save import save_problem

    # Proofs of another model, which may have taken hours, and the model that an earlier run has mended.
    for pattern in MADE:
        for path in sorted(folder.glob(pattern)):
            set_aside(path)
    saved = result.save(folder)
    if not (folder / "before" / "report.html").exists():
        result.before.save(folder / "before")
        write_page(result.before, folder / "before" / "report.html")
    if result.after is not None:
        write_page(result.after, folder / "after" / "report.html")
    write_repair_page(saved, folder / "repair.html")
    origin = _origin(saved, folder, opened)
    if origin is not None:
        save_problem(replace(opened, model=replace(result.model, origin=origin)), folder / "problem.toml")
    return saved


def _origin(result: RepairResult, folder: Path, opened: Problem) -> dict[str, Any] | None:
    """The table of the mended model in a problem file; None if it is none that a problem file can name."""
    if not result.files or opened.source is None or opened.model.origin is None:
        return None
    paths = [
        os.path.relpath((folder / name).resolve(), opened.source.parent.resolve()) for name in result.files
    ]
    added = {"patch": "patches", "residual": "residuals"}.get(result.method)
    if added:
        new = [path for path in paths if path.endswith(".npz")]
        return {**opened.model.origin, added: [*opened.model.origin.get(added, ()), *new]}
    carried = ("outputs", "output_units", "inputs", "name", "batch", "device", "precision", "timeout")
    names = {k: v for k, v in opened.model.origin.items() if k in carried}
    readable = [path for path in paths if path.endswith((".npz", ".pt2", ".onnx"))]
    if readable and readable[0].endswith(".npz"):
        names = {k: v for k, v in names.items() if k in carried[:4]}
    return {"file": readable[0], **names} if readable else None


def _summary(result: RepairResult) -> list[str]:
    from supnorm.pages import repair_summary

    return [*repair_summary(result.record), *result.notes]
