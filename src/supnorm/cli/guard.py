"""``supnorm guard PROBLEM.toml``: make a guard that says for each input whether the model can be trusted."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.answer import printed_if_lost
from supnorm.cli.audit_first import after_audit, audit_settings
from supnorm.cli.fields import made, with_options_of, written
from supnorm.cli.options import PROBLEM, TRUST, guard_folder
from supnorm.cli.run import RunContext, with_run
from supnorm.evaluation.calls import Calls
from supnorm.results.numbers import literal
from supnorm.results.option import option

if TYPE_CHECKING:
    from supnorm.guarding import Guard, Risk
    from supnorm.results.guarding import GuardRecord

# The options of the command that repeats it, in this order.
WORDS = (
    "out",
    "report",
    "reject",
    "level",
    "risk",
    "evaluations",
    "calibration",
    "confidence",
    "certify",
    "fuse",
    "seed",
    "cost",
    "workers",
    "dask",
    "trust",
)


@dataclass(frozen=True, kw_only=True)
class GuardOptions:
    """Arguments of `guard` that are options."""

    reject: float | None = option(
        "--reject",
        "Share of the inputs that is rejected. [default: 0.05]",
        default=None,
        kind=float,
        low=1e-6,
        high=0.999,
    )
    risk: float | None = option(
        "--risk",
        "Reject the least share with which at most this share of the accepted inputs exceeds --level, by --confidence.",
        default=None,
        kind=float,
        low=1e-9,
        high=0.999,
    )
    level: float | None = option(
        "--level", "Error that --risk is about. [default: the tolerance]", default=None, kind=float, above=0
    )
    evaluations: int | None = option(
        "--evaluations",
        "Calls of the reference from which the guard learns. [default: 8000, or those of the audit]",
        default=None,
        kind=int,
        low=500,
    )
    calibration: int = option(
        "--calibration", "Fresh points for the promise.", default=3000, kind=int, low=100
    )
    confidence: float = option(
        "--confidence", "Confidence of the promise.", default=0.95, kind=float, low=0.5, high=0.999999
    )
    seed: int = option("--seed", "Same seed, same result. [default: 0]", default=0, kind=int, low=0)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("guard")(command)


@with_run(guard_folder, "Folder of the run. [default: NAME-guard]")
@with_options_of(GuardOptions, Calls)
def command(
    problem: PROBLEM,
    run: RunContext,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Folder of an audit of this model. [default: audit it]"),
    ] = None,
    certify: Annotated[
        bool, typer.Option("--certify", help="Prove the tolerance in as much of the domain as possible.")
    ] = False,
    fuse: Annotated[
        Path | None,
        typer.Option("--fuse", metavar="OUT.onnx", help="Write model and guard as one ONNX graph, too."),
    ] = None,
    trust: TRUST = False,
    **given: Any,
) -> int:
    """Make a guard that says for each input whether the model can be trusted."""
    from supnorm.cli.repeat import repeated
    from supnorm.evaluation.cost_word import repeat_word
    from supnorm.guarding import fuse as write_graph
    from supnorm.guarding import guard
    from supnorm.guarding.export import demand_graph
    from supnorm.guarding.judging import PICTURED
    from supnorm.guarding.make import demand_guard
    from supnorm.problem import fingerprint
    from supnorm.sources import open_problem

    options = made(GuardOptions, given)
    reject = _rejection(options)
    _demand_name(fuse)
    opened = open_problem(problem, trust=trust)
    if fuse is not None:
        demand_graph(opened.model, opened.domain)
    wanted = {key: value for key, value in vars(options).items() if key not in ("reject", "risk", "level")}
    demand_guard(opened, reject=reject, prove=certify, **wanted)  # before the audit is paid for
    asked: dict[str, float | None] = {"seed": options.seed, "evaluations": options.evaluations}
    search = audit_settings(options.seed, None, trust, written(Calls, given), PICTURED)
    with after_audit(run, problem, opened, report, search, asked, "guard.json") as (before, store):
        with run.interruptible(f"; calls of an expensive reference are in {run.directory}"):
            result = guard(
                opened,
                before,
                reject=reject,
                evaluations=options.evaluations,
                calibration=options.calibration,
                confidence=options.confidence,
                seed=options.seed,
                prove=certify,
                calls=made(Calls, given, store=store),
                observer=run.observer(),
            )
        store.look(last=True)
        words: dict[str, Any] = {"out": run.folder if run.named else None, "report": report}
        words |= {"trust": trust, "certify": certify, "fuse": fuse}
        decided = result.record.cost  # a repeated run must not decide by another timing
        cost = None if decided is None else repeat_word(decided.to_dict())
        words |= {**vars(options), "cost": cost, "workers": given["workers"], "dask": given["dask"]}
        words["reject"] = reject if isinstance(reject, float) else None
        again = repeated("guard", problem, {name: words[name] for name in WORDS})
        record = result.record.changed(command=again, fingerprint=fingerprint(opened))
        result = replace(result, record=record)
        with run.writing(lambda: run.tell(result.record.to_json, lambda: _summary(result))):
            save(result, run.directory)
    if fuse is not None:
        with printed_if_lost(lambda: run.tell(result.record.to_json, lambda: _summary(result))):
            write_graph(result, fuse)
    end = [f"saved in {run.directory}; open {run.directory / 'guard.html'}"]
    if fuse is not None:
        end += [f"{fuse} holds model and guard as one graph"]
    end += _next(result.record, problem, run.directory / "model.guard", run.named)
    run.tell(result.record.to_json, lambda: [*_summary(result), *end])
    return int(result.record.status.exit)


def _next(record: GuardRecord, problem: Path, saved: Path, named: bool) -> list[str]:
    """The next command, as a line; none where the advice says what to change."""
    name = shlex.quote(str(problem))
    if record.status.code == "guarded":
        of = f" --guard {shlex.quote(str(saved))}" if named else ""
        return [f"next: supnorm serve {name}{of}"] if saved.exists() else []
    if record.tolerance is None or record.status.code == "risk-not-shown":
        return []
    # Of the shares in the table, those at which neither fresh points nor searches have an error above the tolerance.
    enough = [one.rejected for one in record.curve if max(one.fresh, one.searched) <= record.tolerance]
    verb, more = ("guard", f" --reject {literal(min(enough))}") if enough else ("repair", "")
    return [f"next: supnorm {verb} {name}{more}"]


def _demand_name(fuse: Path | None) -> None:
    """Refuse another name than one of a graph, and missing packages, before an hour of work is done for it.

    Raises:
        BadInput: for both.
    """
    from importlib.util import find_spec

    from supnorm.results import BadInput, install

    if fuse is None:
        return
    if fuse.suffix != ".onnx":
        raise BadInput(f"--fuse writes an ONNX graph: give a name that ends in .onnx, got {fuse}")
    if find_spec("onnx") is None or find_spec("onnxruntime") is None:
        raise BadInput(f"--fuse writes with onnx and tries in onnxruntime: {install('onnx')}")


def _rejection(options: GuardOptions) -> float | Risk:
    """The share to reject, or the risk that chooses it.

    Raises:
        BadInput: for both, or for a level without a risk.
    """
    from supnorm.guarding import Risk
    from supnorm.results import BadInput

    if options.risk is None:
        if options.level is not None:
            raise BadInput("--level is the error that --risk is about: give --risk too, such as --risk 0.001")
        return 0.05 if options.reject is None else options.reject
    if options.reject is not None:
        raise BadInput(
            "--risk chooses the rejected share, so --reject cannot be given with it: give one of both"
        )
    return Risk(risk=options.risk, level=options.level)


def save(result: Guard, folder: Path) -> None:
    """Write ``guard.json``, the page, and ``model.guard`` where a file can hold the guard."""
    from supnorm.cli.answer import say
    from supnorm.cli.folder import set_aside
    from supnorm.pages import write_guard_page
    from supnorm.results import BadInput
    from supnorm.results.writing import write_whole

    write_whole(folder / "guard.json", result.record.to_json())
    write_guard_page(result.record, folder / "guard.html")
    set_aside(folder / "cells.json")  # of another model, or of another tolerance
    if result.certificate is not None:
        result.certificate.save(folder / "cells.json")
    try:
        result.save(folder / "model.guard")
    except BadInput as why:
        set_aside(folder / "model.guard")
        say(f"supnorm: note: {why}", err=True)


def _summary(result: Guard) -> list[str]:
    from supnorm.pages import guard_summary

    return guard_summary(result.record)
