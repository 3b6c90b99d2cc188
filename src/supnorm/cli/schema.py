"""``supnorm schema VERB``: the JSON Schema of the results that a verb writes, or of the problem file."""

from __future__ import annotations

from typing import Annotated

import typer

from supnorm.cli.answer import answer
from supnorm.results.schemas import RECORDS
from supnorm.results.status import BadInput

FILE = "problem"
VERB = Annotated[
    str, typer.Argument(metavar="VERB", help=f"{FILE} (the problem file), or one of: {', '.join(RECORDS)}.")
]
KEYS = Annotated[
    bool, typer.Option("--keys", help="Print a table of the keys and their meaning, in Markdown.")
]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("schema")(command)


def command(verb: VERB, keys: KEYS = False) -> int:
    """Print the JSON Schema of a verb's results, or of the problem file (for editors)."""
    from supnorm.results.encoding import dumps
    from supnorm.results.schemas import json_schema, keys_table, record_of

    if verb == FILE:
        from supnorm.problem.file_schema import problem_schema

        if keys:
            raise BadInput("schema problem has no --keys; docs/problem.md has the table of its keys")
        answer(dumps(problem_schema()))
        return 0
    record = record_of(verb)
    answer(keys_table(record) if keys else dumps(json_schema(record)))
    return 0
