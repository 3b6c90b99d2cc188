"""Options that several verbs share."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

STORE = "evaluations.sqlite"  # in the folder of a run
PROBLEM = Annotated[Path, typer.Argument(metavar="PROBLEM.toml", help="The problem file.")]
JSON = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
QUIET = Annotated[bool, typer.Option("--quiet", help="Print no progress and no summary.")]
SEED = Annotated[int | None, typer.Option("--seed", min=0, help="Same seed, same result. [default: 0]")]
DASK = Annotated[
    str | None, typer.Option("--dask", metavar="ADDRESS", help="Run expensive calls on a Dask scheduler.")
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


# Options whose values need not be numbers.
NAMED = ("--out", "--problem", "--output", "--learning-curve", "--dask", "--method")
WRITTEN = re.compile(r"[+-]?[\d_]+\.?[\d_]*(?:[eE][+-]?[\d_]+)?")


def demand_plain(arguments: Sequence[str]) -> None:
    """Check that the numbers on a command line are written as `supnorm.results.option.plain_number` reads them.

    Raises:
        BadInput: names the option.

    >>> demand_plain(["audit", "p.toml", "--evaluations", "1000", "--out", "1_000"])
    """
    from supnorm.results import BadInput

    pairs = [*itertools.pairwise(arguments), *(a.partition("=")[::2] for a in arguments if "=" in a)]
    for option, value in pairs:
        number = option.startswith("--") and option not in NAMED and WRITTEN.fullmatch(value)
        if number and ("_" in value or not value.isascii()):
            raise BadInput(f"{option} must be a number in plain digits, got {value!r}")


def default_folder(problem: Path) -> Path:
    """``seawater-run`` for ``seawater/problem.toml`` or ``seawater.toml``."""
    stem = problem.stem if problem.stem != "problem" else problem.resolve().parent.name
    return Path(f"{stem or 'problem'}-run")
