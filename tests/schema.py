"""A validator of JSON Schema, as far as the published schemas use it, and stricter: keys that none names are faults."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from supnorm.results.schemas import RECORDS, json_schema, record_of

KINDS = {
    "string": str,
    "object": dict,
    "array": list,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


@cache
def schema_of(verb: str) -> Mapping[str, Any]:
    """The published schema of a verb."""
    return json_schema(record_of(verb))


def demand_as_published(text: str) -> None:
    """See that a JSON text that claims to be of a published schema is.

    Raises:
        AssertionError: naming what is not.
    """
    data = json.loads(text)
    named = data.get("schema") if isinstance(data, dict) else None
    verb = named.removeprefix("supnorm.").removesuffix("/1") if isinstance(named, str) else ""
    if verb in RECORDS:
        schema = schema_of(verb)
        assert list(faults(data, schema, schema)) == [], f"{named} is not what its schema says"


def faults(data: Any, schema: Mapping[str, Any], root: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """What in ``data`` is not as a schema says, each with its place."""
    if "$ref" in schema:
        yield from faults(data, root["$defs"][schema["$ref"].rpartition("/")[2]], root, at)
    if "anyOf" in schema:
        tried = [list(faults(data, one, root, at)) for one in schema["anyOf"]]
        if all(tried):
            yield min(tried, key=len)[0]
    if "const" in schema and data != schema["const"]:
        yield f"{at}: {data!r} is not {schema['const']!r}"
    if "enum" in schema and data not in schema["enum"]:
        yield f"{at}: {data!r} is none of {schema['enum']}"
    kind = schema.get("type")
    if kind and (not isinstance(data, KINDS[kind]) or (isinstance(data, bool) and kind != "boolean")):
        yield f"{at}: {data!r} is no {kind}"
    elif isinstance(data, dict):
        yield from _faults_of_object(data, schema, root, at)
    elif isinstance(data, list):
        first = schema.get("prefixItems", [])
        if first and len(first) != len(data):
            yield f"{at}: {len(data)} items, not {len(first)}"
        if not first and all_numbers(data, schema.get("items")):
            return
        for i, item in enumerate(data):
            part = first[i] if i < len(first) else schema.get("items", {})
            yield from faults(item, part if isinstance(part, dict) else {}, root, f"{at}[{i}]")


NUMBER = ({"type": "number"}, {"anyOf": [{"type": "number"}, {"enum": ["inf", "-inf", None]}]})


def all_numbers(data: list[Any], items: Any) -> bool:
    """Whether a list whose items are numbers by the schema has nothing else: most of a result is such lists.

    False says nothing: then each item is looked at by itself.

    >>> all_numbers([1, 2.0], NUMBER[0]), all_numbers([1, "inf"], NUMBER[1]), all_numbers([1, None], NUMBER[0])
    (True, True, False)
    """
    if items not in NUMBER:
        return False
    if {*map(type, data)} <= {int, float}:
        return True
    return items == NUMBER[1] and all(type(v) in (int, float) or v in ("inf", "-inf", None) for v in data)


def _faults_of_object(
    data: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], at: str
) -> Iterator[str]:
    known, other = schema.get("properties", {}), schema.get("additionalProperties", True)
    yield from (f"{at}.{key} is missing" for key in schema.get("required", ()) if key not in data)
    for key, value in data.items():
        if key in known:
            yield from faults(value, known[key], root, f"{at}.{key}")
        elif isinstance(other, dict):
            yield from faults(value, other, root, f"{at}.{key}")
        elif known:
            yield f"{at}.{key} is not in the schema"
