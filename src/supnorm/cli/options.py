"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from supnorm.cli.fields import number_option

STORE = "evaluations.sqlite"  # in the folder of a run
PROBLEM = Annotated[Path, typer.Argument(metavar="PROBLEM.toml", help="The problem file.")]
JSON = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
QUIET = Annotated[bool, typer.Option("--quiet", help="Print no progress and no summary.")]
SEED = Annotated[int | None, number_option("--seed", "Same seed, same result. [default: 0]", int, low=0)]
DASK = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS",
        help="Share the work among the workers of a Dask scheduler.",
    ),
]
POWER = Annotated[
    bool | None,
    typer.Option(
        "--power/--no-power", help="Plant errors to measure what the search misses. [default: power]"
    ),
]
TRUST = Annotated[
    bool,
    typer.Option("--trust", help="Open model files that can run any code (pickles, TorchScript)."),
]


def default_folder(problem: Path) -> Path:
    """``seawater-run`` for ``seawater/problem.toml`` or ``seawater.toml``."""
    stem = problem.stem if problem.stem != "problem" else problem.resolve().parent.name
    return Path(f"{stem or 'problem'}-run")


def guard_folder(problem: Path) -> Path:
    """``seawater-guard`` for ``seawater/problem.toml`` or ``seawater.toml``."""
    return Path(default_folder(problem).name.removesuffix("-run") + "-guard")
