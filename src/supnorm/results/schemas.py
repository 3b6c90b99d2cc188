"""The published schemas: one record for each verb, as JSON Schema and as the table of keys in docs/results.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, get_args, get_origin

from supnorm.results.printable import one_line
from supnorm.results.status import BadInput
from supnorm.results.suggestion import did_you_mean

if TYPE_CHECKING:  # its library takes time to import, which `supnorm --help` has not
    from supnorm.results.record import Record, Result

# Where the record of each verb is; it is imported when it is asked for.
RECORDS = {
    "audit": "supnorm.results.audit:AuditRecord",
    "budget": "supnorm.results.budget:BudgetRecord",
    "certify": "supnorm.results.certify:CertifyRecord",
    "check": "supnorm.results.check:CheckRecord",
    "claim": "supnorm.results.claim:ClaimRecord",
    "claims": "supnorm.results.claim:LedgerRecord",
    "compare": "supnorm.results.compare:CompareRecord",
    "compare-runs": "supnorm.results.compare_runs:CompareRunsRecord",
    "fields": "supnorm.results.fields:FieldsRecord",
    "fit": "supnorm.results.fit:FitRecord",
    "norms": "supnorm.results.norms:NormsRecord",
    "properties": "supnorm.results.properties:PropertiesRecord",
    "guard": "supnorm.results.guarding:GuardRecord",
    "repair": "supnorm.results.repair:RepairRecord",
    "reproduce": "supnorm.results.reproduce:ReproduceRecord",
    "rollout": "supnorm.results.rollout:RolloutRecord",
    "solution": "supnorm.results.solution:SolutionRecord",
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def record_of(verb: str) -> type[Result]:
    """The record that a verb answers with.

    Raises:
        BadInput: for a verb without one.

    >>> record_of("check").SCHEMA
    'supnorm.check/1'
    """
    if verb not in RECORDS:
        near = did_you_mean(verb, RECORDS)
        raise BadInput(
            f"there is no schema of {one_line(verb, 40)!r}{near}; give one of {', '.join(RECORDS)}"
        )
    module, _, name = RECORDS[verb].partition(":")
    record: type[Result] = getattr(import_module(module), name)
    return record


def json_schema(record: type[Result]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a record's JSON; keys that are not named in it are allowed.

    >>> json_schema(record_of("check"))["properties"]["schema"]
    {'const': 'supnorm.check/1'}
    """
    made = _untitled(record.model_json_schema(mode="serialization"))
    return {
        "$schema": DIALECT,
        "$id": record.SCHEMA,
        **{k: v for k, v in made.items() if k not in ("properties", "required")},
        "required": ["schema", *made.get("required", [])],
        "properties": {"schema": {"const": record.SCHEMA}, **made["properties"]},
    }


def _untitled(value: Any) -> Any:
    """The schema without the titles that pydantic makes from names; keys that are called "title" stay."""
    if isinstance(value, list):
        return [_untitled(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {k: _untitled(v) for k, v in value.items() if not (k == "title" and isinstance(v, str))}


def keys_table(record: type[Result]) -> str:
    """The keys of a record as a table in Markdown, each with what it means.

    Those inside follow with their path: ``sup.lower``, ``rows[].title`` for each of a list, ``x.*`` for each of a mapping.
    """
    texts: dict[str, str] = {}
    for path, text in _described(record, "", {}):
        texts.setdefault(path, text)  # a key of several kinds of rows stands once
    rows = [f"| `{path}` | {text} |" for path, text in texts.items()]
    return "\n".join(["| key | what |", "|---|---|", *rows])


def _described(record: type[Record], start: str, seen: dict[type[Record], str]) -> Iterator[tuple[str, str]]:
    """Paths of keys and their texts; a part that stands in several places is described where it is first."""
    from supnorm.results.parts import Fact

    for name, field in record.model_fields.items():
        path = start + (field.serialization_alias or name)
        # The facts among the values of a fact are as facts are.
        parts = [] if issubclass(record, Fact) and name == "values" else list(_parts(field.annotation, path))
        known = [f"`{seen[part]}`" for part, _ in parts if part in seen]
        yield path, (field.description or "") + (f"; keys as of {', '.join(known)}" if known else "")
        for part, inside in parts:
            if part not in seen:
                seen[part] = inside
                yield from _described(part, f"{inside}.", seen)


def _parts(annotation: Any, path: str) -> Iterator[tuple[type[Record], str]]:
    """The records that a type names, each with the path at which it stands."""
    from supnorm.results.record import Record

    if isinstance(annotation, type) and issubclass(annotation, Record):
        yield annotation, path
    origin = get_origin(annotation)
    inside = f"{path}[]" if origin is tuple else f"{path}.*" if origin is Mapping else path
    for part in get_args(annotation):
        yield from _parts(part, inside)
