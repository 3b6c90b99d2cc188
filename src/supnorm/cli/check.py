"""``supnorm check CERT``: verify a certificate without trusting who made it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from supnorm.cli.options import JSON, TRUST

CERT = Annotated[Path, typer.Argument(metavar="CERT", help="The certificate file.")]
TIED = Annotated[
    Path | None,
    typer.Option("--problem", metavar="PROBLEM.toml", help="Also verify that it speaks of this problem."),
]
POINTS = 64  # random points where the certificate's programs are compared with the problem


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("check")(command)


def command(certificate: CERT, problem: TIED = None, as_json: JSON = False, trust: TRUST = False) -> int:
    """Verify a certificate: tiling, bounds and witness again in ball arithmetic."""
    from dataclasses import asdict

    from supnorm.checker import check
    from supnorm.results import BadInput, ExitCode
    from supnorm.results.encoding import dumps

    if not certificate.is_file():
        raise BadInput(f"{certificate}: no such file; give the certificate that certify wrote")
    points = None if problem is None else problem_points(problem, trust)
    try:
        result = check(certificate, points)
    except ImportError:
        raise BadInput("check needs the extra: pip install 'supnorm[checker]'") from None
    if as_json:
        typer.echo(dumps({"schema": "supnorm.check/1", **asdict(result)}))
    else:
        typer.echo(("ACCEPTED" if result.accepted else "REJECTED") + f": {result.reason}")
        if result.leaf is not None:
            typer.echo(f"  leaf {result.leaf} of {result.leaves}")
        typer.echo(f"  claims: worst error between {result.lower:.6g} and {result.upper:.6g}")
        if not result.problem_checked:
            typer.echo("  not verified: that the file speaks of your model; give --problem PROBLEM.toml")
    return int(ExitCode.DONE if result.accepted else ExitCode.EXCEEDED)


def problem_points(path: Path, trust: bool) -> list[tuple[list[float], float, float]]:
    """Random points of the problem's domain with the error there and how much rounding may change it."""
    import numpy as np

    from supnorm.evaluation import Evaluator
    from supnorm.problem import draw_inside
    from supnorm.sources import open_problem

    problem = open_problem(path, trust=trust)
    x = draw_inside(problem.domain, POINTS, np.random.default_rng(0))
    evaluator = Evaluator(problem)
    done = evaluator.values_inside(x, "recheck")
    allowance = evaluator.rounding(done.reference)
    return [
        (row.tolist(), float(e), allowance)
        for row, e in zip(done.x, done.error, strict=True)
        if np.isfinite(e)
    ]
