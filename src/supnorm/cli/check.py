"""``supnorm check CERT``: verify a certificate without trusting who made it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from supnorm.cli.options import JSON, QUIET, TRUST

if TYPE_CHECKING:
    from supnorm.checker import CheckResult
    from supnorm.problem import Domain, Function, Problem

CERT = Annotated[Path, typer.Argument(metavar="CERT", help="The certificate file.")]
TIED = Annotated[
    Path | None,
    typer.Option("--problem", metavar="PROBLEM.toml", help="Also verify that it speaks of this problem."),
]
PROCESSES = Annotated[int, typer.Option("--workers", min=1, help="Processes that share the leaves.")]
POINTS = 64  # random points where the certificate's programs are compared with the problem


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("check")(command)


def command(
    certificate: CERT,
    problem: TIED = None,
    workers: PROCESSES = 1,
    as_json: JSON = False,
    quiet: QUIET = False,
    trust: TRUST = False,
) -> int:
    """Verify a certificate: tiling, bounds and witness again in ball arithmetic."""
    from dataclasses import asdict, replace

    from supnorm.certification.certificate import points_of_problem
    from supnorm.checker import check
    from supnorm.evaluation.executor import broken_workers_explained
    from supnorm.results import BadInput, ExitCode, Interrupted, rounded_down, rounded_up
    from supnorm.results.encoding import dumps
    from supnorm.sources import open_problem

    if not certificate.is_file():
        raise BadInput(f"{certificate}: no such file; give the certificate that certify wrote")
    opened = None if problem is None else open_problem(problem, trust=trust)
    points = None if opened is None else points_of_problem(opened, POINTS)[1]
    try:
        with broken_workers_explained():
            result = check(
                certificate,
                points,
                None if quiet or as_json else progress(),
                functions=None if opened is None else functions_of(opened),
                workers=workers,
            )
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted: {certificate} is neither accepted nor rejected; the same command checks it from the start"
        ) from None
    except ImportError:
        raise BadInput("check needs the extra: pip install 'supnorm[checker]'") from None
    if opened is not None and result.accepted and not same_axes(certificate, opened.domain):
        result = replace(result, accepted=False, reason="its domain is not the problem's domain")
    if as_json:
        typer.echo(dumps({"schema": "supnorm.check/1", **asdict(result)}))
    elif not quiet:
        typer.echo(_verdict(result) + f": {result.reason}")
        if result.leaf is not None:
            typer.echo(f"  leaf {result.leaf} of {result.leaves}")
        for assumption in result.conditional:
            typer.echo(f"  conditional on: {assumption}")
        lower, upper = rounded_down(result.lower, 6), rounded_up(result.upper, 6)
        typer.echo(f"  claims: worst error between {lower:.6g} and {upper:.6g}")
        if not result.problem_checked:
            typer.echo("  not verified: that the file speaks of your model; give --problem PROBLEM.toml")
    return int(ExitCode.DONE if result.accepted else ExitCode.EXCEEDED)


def progress(every: float = 5.0) -> Callable[[int, int], None]:
    """Lines on stderr with the leaves done and the time left, no more often than ``every`` seconds."""
    first: float | None = (
        None  # when the first leaf was done: before it, rules are proved that all leaves share
    )
    shown = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal first, shown
        now = time.monotonic()
        if first is None:
            first = shown = now
        elif done < total and now - shown >= every:
            shown = now
            left = (now - first) / (done - 1) * (total - done)
            print(f"  {done:,} of {total:,} leaves proved again, about {left:.0f} s left", file=sys.stderr)

    return tell


def _verdict(result: CheckResult) -> str:
    if not result.accepted:
        return "REJECTED"
    return "ACCEPTED, CONDITIONAL" if result.conditional else "ACCEPTED"


def functions_of(problem: Problem) -> dict[str, Callable[[list[list[float]]], list[list[float]]]]:
    """Model and reference as functions of lists, which is what the checker calls."""
    import numpy as np

    def of(function: Function) -> Callable[[list[list[float]]], list[list[float]]]:
        return lambda points: function.value(np.asarray(points, dtype=float)).tolist()

    return {"model": of(problem.model), "reference": of(problem.reference)}


def same_axes(certificate: Path, domain: Domain) -> bool:
    """Whether the file speaks of exactly the problem's inputs and ranges."""
    import json

    held = json.loads(certificate.read_text(encoding="utf-8"))
    return bool(
        held["names"] == list(domain.names)
        and [float.fromhex(v) for v in held["axis_low"]] == [a.low for a in domain.axes]
        and [float.fromhex(v) for v in held["axis_high"]] == [a.high for a in domain.axes]
    )
