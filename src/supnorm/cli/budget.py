"""``supnorm budget``: how many weights and samples, and is a network the right tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from supnorm.cli.options import JSON, QUIET, SEED, TRUST, WORKERS

PROBLEM = Annotated[
    Path | None, typer.Argument(metavar="[PROBLEM.toml]", help="The problem file; none for numbers alone.")
]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("budget")(command)


def command(
    problem: PROBLEM = None,
    inputs: Annotated[int | None, typer.Option("--inputs", min=1, help="Number of inputs.")] = None,
    smoothness: Annotated[
        float | None, typer.Option("--smoothness", help="Derivatives that exist and are bounded.")
    ] = None,
    tolerance: Annotated[float | None, typer.Option("--tolerance", help="Largest error allowed.")] = None,
    norm: Annotated[str, typer.Option("--norm", help="sup, l1, l2 or a number p.")] = "sup",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write JSON and page here.")
    ] = None,
    as_json: JSON = False,
    seed: SEED = None,
    workers: WORKERS = None,
    quiet: QUIET = False,
    trust: TRUST = False,
) -> int:
    """Say what a tolerance costs in samples and weights, which exceptions apply, and which tool to use."""
    from supnorm.pages import write_budget_page
    from supnorm.planning import budget
    from supnorm.results import BadInput
    from supnorm.results.encoding import dumps
    from supnorm.sources import open_problem

    if problem is None and inputs is None:
        raise BadInput("give a problem file, or numbers: --inputs 12 --smoothness 2 --tolerance 1e-3")
    opened = None if problem is None else open_problem(problem, trust=trust)
    result = budget(
        opened,
        tolerance=tolerance,
        norm=_norm(norm),
        inputs=inputs,
        smoothness=smoothness,
        data=None if opened is None else opened.data,
        seed=seed or 0,
        workers=workers or 1,
    )
    if out is not None:
        result.save(out / "budget.json")
        write_budget_page(result, out / "budget.html")
    if as_json:
        typer.echo(dumps(result.to_json()))
    elif not quiet:
        typer.echo(result.summary())
    return int(result.status.exit)


def _norm(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
