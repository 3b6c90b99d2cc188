"""``supnorm schema VERB``: the published schema of a verb's results."""

from __future__ import annotations

import json

import pytest
from tests.cli.conftest import Shell
from tests.schema import faults

from supnorm.results.schemas import RECORDS


@pytest.mark.parametrize("verb", RECORDS)
def test_the_schema_of_a_verb_is_printed(shell: Shell, verb: str) -> None:
    given = shell.run("schema", verb)
    assert given.code == 0
    schema = json.loads(given.out)
    assert schema["$id"] == f"supnorm.{verb}/1"
    assert "status" in schema["properties"] or verb == "compare"
    assert list(faults({"schema": "another"}, schema, schema)), "an empty result is refused"


def test_the_keys_are_printed_as_a_table(shell: Shell) -> None:
    given = shell.run("schema", "check", "--keys")
    assert given.out.startswith("| key | what |")
    assert "| `cost.operations` |" in given.out


@pytest.mark.slow
def test_a_verb_without_a_schema_is_named(shell: Shell) -> None:
    given = shell.run("schema", "draw")
    assert given.code == 2
    assert given.line == f"supnorm: there is no schema of 'draw'; give one of {', '.join(RECORDS)}"
