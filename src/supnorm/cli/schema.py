"""``supnorm schema VERB``: the JSON Schema of the results that a verb writes with ``--json``."""

from __future__ import annotations

from typing import Annotated

import typer

from supnorm.cli.answer import answer
from supnorm.results.schemas import RECORDS

VERB = Annotated[str, typer.Argument(metavar="VERB", help=f"One of: {', '.join(RECORDS)}.")]
KEYS = Annotated[
    bool, typer.Option("--keys", help="Print a table of the keys and their meaning, in Markdown.")
]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("schema")(command)


def command(verb: VERB, keys: KEYS = False) -> int:
    """Print the JSON Schema of a verb's results (--json, and the files of a run)."""
    from supnorm.results.encoding import dumps
    from supnorm.results.schemas import json_schema, keys_table, record_of

    record = record_of(verb)
    answer(keys_table(record) if keys else dumps(json_schema(record)))
    return 0
