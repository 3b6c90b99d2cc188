"""Options that several verbs share."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

MOST = 100_000_000_000  # evaluations: days of the fastest functions
PROBLEM = Annotated[Path, typer.Argument(metavar="PROBLEM.toml", help="The problem file.")]
OUT = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder of the run. [default: NAME-run]")
]
JSON = Annotated[bool, typer.Option("--json", help="Print the result as JSON, nothing else.")]
SEED = Annotated[int | None, typer.Option("--seed", min=0, help="Same seed, same result. [default: 0]")]
WORKERS = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes for an expensive reference. [default: 1]")
]
DASK = Annotated[
    str | None, typer.Option("--dask", metavar="ADDRESS", help="Run expensive calls on a Dask scheduler.")
]
RESUME = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")]
COST = Annotated[
    str | None,
    typer.Option(
        "--cost",
        metavar="WORD",
        help="Whether a call takes more than 1 ms a point: cheap, expensive (the reference), expensive-model or "
        "expensive-both; with :ROWS the rows of a call. [default: measured, and recorded]",
    ),
]
FIT_COST = Annotated[
    str | None,
    typer.Option(
        "--cost",
        metavar="WORD",
        help="Whether a call of the reference takes more than 1 ms a point: cheap, expensive or expensive:ROWS (of a call). "
        "[default: measured, and recorded]",
    ),
]
QUIET = Annotated[bool, typer.Option("--quiet", help="No progress and no summary.")]
EVALUATIONS = Annotated[
    int | None,
    typer.Option(
        "--evaluations",
        min=100,
        max=MOST,
        help="Budget of search and statistics; all points where inputs are lists of values and it allows them. "
        "[default: 100000; 400 for calls of more than 1 ms]",
    ),
]
SECONDS = Annotated[
    float | None,
    typer.Option(
        "--seconds",
        min=0.1,
        help="Stop the search after this time; what follows takes less than as long again.",
    ),
]
POWER = Annotated[
    bool | None,
    typer.Option("--power/--no-power", help="Plant errors to see what the search misses. [default: power]"),
]
POWER_RUNS = Annotated[
    int | None,
    typer.Option("--power-runs", min=1, max=10_000, help="Searches for each planted error. [default: 10]"),
]
POWER_EVALUATIONS = Annotated[
    int | None,
    typer.Option(
        "--power-evaluations", min=20, max=MOST, help="Of each such search. [default: a tenth of the audit's]"
    ),
]
POWER_HEIGHTS = Annotated[
    str | None,
    typer.Option(
        "--power-heights", metavar="H,H,...", help="In multiples of the worst error, above 1. [default: 1.2]"
    ),
]
POWER_VOLUMES = Annotated[
    str | None,
    typer.Option(
        "--power-volumes", metavar="V,V,...", help="Shares of the domain. [default: 0.01,0.001,0.0001]"
    ),
]
POWER_SHEETS = Annotated[
    str | None,
    typer.Option(
        "--power-sheets", metavar="T,T,...", help='Thicknesses of thin sheets, "" for none. [default: 1e-06]'
    ),
]
TRUST = Annotated[
    bool,
    typer.Option(
        "--trust", help="Run model files that need it (pickles, TorchScript): they can run any code."
    ),
]


NAMED = (
    "--out",
    "--problem",
    "--output",
    "--learning-curve",
    "--dask",
    "--method",
)  # options whose values are no numbers
WRITTEN = re.compile(r"[+-]?[\d_]+\.?[\d_]*(?:[eE][+-]?[\d_]+)?")


def demand_plain(arguments: Sequence[str]) -> None:
    """See that the numbers on a command line are written as `supnorm.results.option.plain_number` reads them.

    Raises:
        BadInput: naming the option.

    >>> demand_plain(["audit", "p.toml", "--evaluations", "1000", "--out", "1_000"])
    """
    from supnorm.results import BadInput

    pairs = [*itertools.pairwise(arguments), *(a.partition("=")[::2] for a in arguments if "=" in a)]
    for option, value in pairs:
        number = option.startswith("--") and option not in NAMED and WRITTEN.fullmatch(value)
        if number and ("_" in value or not value.isascii()):
            raise BadInput(f"{option} wants a number in plain digits, got {value!r}")


def number_list(text: str | None, option: str) -> tuple[float, ...] | None:
    """Numbers separated by commas; None for None.

    Raises:
        BadInput: when a part is no number.
    """
    from supnorm.results.option import number_list

    return None if text is None else number_list(text, option)


def default_folder(problem: Path) -> Path:
    """``seawater-run`` for ``seawater/problem.toml`` or ``seawater.toml``."""
    stem = problem.stem if problem.stem != "problem" else problem.resolve().parent.name
    return Path(f"{stem or 'problem'}-run")
