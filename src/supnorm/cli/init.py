"""``supnorm init MODEL_OR_TABLE``: write a commented problem file to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from supnorm.cli.answer import say
from supnorm.results.printable import file_word
from supnorm.results.status import BadInput

SOURCE = Annotated[
    str,
    typer.Argument(
        metavar="MODEL_OR_TABLE", help="A .onnx, .pt2, .npz, .csv, .parquet or .nc file, or FILE.py:NAME."
    ),
]
OUT = Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write; it must not exist.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("init")(command)


def command(source: SOURCE, out: OUT = Path("problem.toml")) -> int:
    """Write a commented problem file for a model or a table, to start from."""
    from supnorm.results.writing import write_new
    from supnorm.sources.starter import starting_problem

    if out.exists() or out.is_symlink():
        raise BadInput(f"{out} exists and is not overwritten; give --out another name")
    text = starting_problem(source, out.parent)
    write_new(out, text)
    todo = text.count("TODO")
    left = f"; {todo} {'line is' if todo == 1 else 'lines are'} marked TODO" if todo else ""
    say(f"wrote {out}{left}; then run  supnorm audit {file_word(out)}")
    return 0
