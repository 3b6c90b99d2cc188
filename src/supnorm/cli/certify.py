"""``supnorm certify PROBLEM.toml``: prove an upper bound, write the proof to a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from supnorm.cli.options import JSON, OUT, PROBLEM, QUIET, RESUME, SEED, TRUST, WORKERS, default_folder

if TYPE_CHECKING:
    from supnorm.certification import CertifyResult
    from supnorm.certification.bracket import BracketNarrowed

RATIO = Annotated[
    float | None,
    typer.Option("--ratio", min=1.000001, help="Stop at upper <= ratio * lower. [default: 1.1]"),
]
TOLERANCE = Annotated[
    float | None, typer.Option("--tolerance", help="Stop at upper <= tolerance, or at a witness above it.")
]
LIMIT = Annotated[float | None, typer.Option("--seconds", min=0.1, help="Stop after this time.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("certify")(command)


def command(
    problem: PROBLEM,
    out: OUT = None,
    ratio: RATIO = None,
    tolerance: TOLERANCE = None,
    seconds: LIMIT = None,
    seed: SEED = None,
    workers: WORKERS = None,
    resume: RESUME = False,
    as_json: JSON = False,
    quiet: QUIET = False,
    trust: TRUST = False,
) -> int:
    """Prove that the error is nowhere larger than a bound; the proof is a file that `check` verifies."""
    from supnorm.certification import certify
    from supnorm.cli.folder import held_fingerprint
    from supnorm.problem import fingerprint
    from supnorm.results import BadInput, Interrupted, write_whole
    from supnorm.results.encoding import dumps
    from supnorm.sources import open_problem, save_problem

    opened = open_problem(problem, trust=trust)
    folder = out or default_folder(problem)
    held = held_fingerprint(folder)
    if held is not None and held != fingerprint(opened):
        raise BadInput(f"--out {folder} holds a run of another problem; choose another --out")
    path = folder / "certificate.json"
    if resume and not path.exists():
        raise BadInput(f"--resume: {path} is not there; leave --resume out to start")
    if ratio is None and tolerance is None:
        tolerance = opened.error.limit
    try:
        result = certify(
            opened,
            ratio,
            tolerance,
            seconds=seconds,
            seed=seed or 0,
            executor=_processes(workers),
            observer=None if quiet or as_json else _progress,
            resume=path if resume else None,
        )
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted before a bracket was reached; use --seconds to keep what is proved"
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    save_problem(opened, folder / "problem.toml")
    result.certificate.save(path)
    write_whole(folder / "certify.json", dumps(result.to_json(str(path))))
    into_report(folder, fingerprint(opened), result)
    if as_json:
        typer.echo(dumps(result.to_json(str(path))))
    elif not quiet:
        for line in summary(result):
            typer.echo(line)
        typer.echo(f"certificate  {path}    verify  supnorm check {path} --problem {problem}")
    return int(result.status.exit)


def summary(result: CertifyResult) -> list[str]:
    """What was proved, in lines."""
    kind = result.upper_kind
    upper = "none" if kind == "none" else f"{result.upper:.6g} ({kind})"
    lines = [
        f"{result.status.code}: {result.status.advice}",
        f"  lower bound  {result.lower:.6g} at the witness",
        f"  upper bound  {upper}",
    ]
    if kind != "none":
        lines.append(f"  ratio        {result.ratio:.4g}")
    lines.append(f"  proved       {100 * result.proved_volume:.4g} % of the domain at {result.target:.6g}")
    lines.append(f"  boxes        {result.boxes:,} in {result.seconds:.1f} s")
    return lines + [f"  assuming     {a}" for a in result.assumptions]


def into_report(folder: Path, fingerprint: str, result: CertifyResult) -> None:
    """Fill the upper bound into an audit's report of the same problem in the same folder, if there is one."""
    from dataclasses import replace

    from supnorm.auditing import load_report
    from supnorm.pages import write_page

    if result.upper_kind == "none" or not (folder / "result.json").exists():
        return
    report = load_report(folder)
    found = float(report.document["sup"]["lower"])
    # The audit speaks of the deployed model, the certificate of exact arithmetic: only the proved sum compares.
    upper = result.deployed_upper
    if report.document["fingerprint"] != fingerprint or upper is None or upper < found:
        return
    kind = "conditional" if result.upper_kind == "conditional" else "certified"
    sup = {"lower": found, "upper": upper, "upper_kind": kind, "assumptions": list(result.assumptions)}
    report = replace(report, document={**report.document, "sup": sup})
    report.save(folder)
    write_page(report, folder / "report.html")


def _progress(event: BracketNarrowed) -> None:
    print(
        f"  [{event.lower:.4g}, {event.upper:.4g}]  {100 * event.proved_volume:.1f} % proved, "
        f"{event.boxes:,} boxes, {event.pending:,} to do, {event.seconds:.0f} s",
        file=sys.stderr,
    )


def _processes(workers: int | None):  # type: ignore[no-untyped-def]
    if workers is None or workers < 2:
        return None
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
