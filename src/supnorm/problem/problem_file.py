"""Reads a problem file into its specification.

Every message names the file, the key, what was got and what is accepted.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from supnorm.problem.claim_table import ClaimSpec, KnownSpec
from supnorm.problem.specification import (
    AuditSpec,
    AxisSpec,
    ConstraintSpec,
    DataSpec,
    DeclaredSpec,
    EquationSpec,
    ErrorSpec,
    LawSpec,
    PowerSpec,
    ProblemSpec,
    SourceSpec,
    Table,
)
from supnorm.results import BadInput
from supnorm.results.door import reading
from supnorm.results.guard import LARGEST, cause, demand_depth, demand_no_null
from supnorm.results.printable import one_line
from supnorm.results.suggestion import did_you_mean

# Guesses of how an input of whole numbers is written.
WHOLE = ("integer", "int", "step", "discrete", "type", "dtype")
TYPES = (
    "float",
    "str",
    "list[float]",
    "list[str]",
    "list[union[float,str]]",
    "list[union[int,float,str]]",
    "int",
)  # pydantic's, in the path of a key
DOTTED = re.compile(r"(?:\.[\w\"' -]{0,60}){100}")
# A comment that `supnorm init` writes above ranges that it had to invent.
INVENTED = "# TODO: the range of each input"


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """The tables of a problem file, and its text.

    Raises:
        BadInput: for text that is not UTF-8 or not TOML, or too deep.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if DOTTED.search(text):
            raise RecursionError  # for dotted keys of thousands of parts the parser takes hours
        raw = tomllib.loads(text)
        demand_depth(raw)
        demand_no_null(raw)
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not UTF-8 text; a problem file is TOML text") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not valid TOML: {cause(error)}") from None
    return raw, text


def read_specification(path: Path | str) -> ProblemSpec:
    """Parse and check a problem file.

    Raises:
        BadInput: for a missing or unreadable file, invalid TOML, unknown keys or values of the wrong type.
    """
    path = Path(path)
    missing = "; give the path of a problem file (TOML)"
    with reading(path, hint=": cannot be read", largest=LARGEST["problem"], missing=missing):
        raw, text = read_toml(path)
        if INVENTED in text:
            line = text[: text.index(INVENTED)].count("\n") + 1
            raise BadInput(
                f"{path}: line {line} is marked TODO, and the ranges below it are invented; write yours and delete the line"
            )
        try:
            spec = ProblemSpec.model_validate(raw)
        except ValidationError as error:
            raise BadInput(f"{path}: {_first_line(error)}") from None
    if spec.reference is None and spec.equation is None:
        known = ", ".join(ProblemSpec.model_fields)
        raise BadInput(f"{path}: reference is missing; known keys here: {known}")
    if not spec.domain and not (spec.data and spec.data.domain) and not _is_table(spec):
        raise BadInput(f"{path}: [domain] is missing; name each input with its low and high")
    return spec


def _is_table(spec: ProblemSpec) -> bool:
    suffixes = (".csv", ".parquet", ".nc")
    sources = [s for s in (spec.model, spec.reference) if s is not None]
    return any(s.file and Path(s.file).suffix in suffixes for s in sources)


def _first_line(error: ValidationError) -> str:
    # If one key is unknown and another is missing, the unknown one is probably a misspelling: the message names it.
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    # pydantic adds the name of a type to the path, which is no key of the file.
    key = ".".join(str(part) for part in first["loc"] if part not in TYPES)
    got = first.get("input")
    if first["type"] == "extra_forbidden":
        known = _known_keys(first["loc"][:-1])
        near = did_you_mean(str(first["loc"][-1]), known)
        whole = first["loc"][0] == "domain" and first["loc"][-1] in WHOLE
        hint = " (an input that has only whole numbers: { values = [0, 1, 2] })" if whole else ""
        return f"unknown key {key} = {_shown(got)}{near or ';'} known keys here: {', '.join(known)}{hint}"
    if first["type"] == "missing":
        return f"{key} is missing; known keys here: {', '.join(_known_keys(first['loc'][:-1]))}"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "model_type":
        keys = "low = .., high = .." if first["loc"][0] == "domain" else ".."
        pair = ", a pair [low, high] or { values = [..] }" if first["loc"][0] == "domain" else ""
        message = f"a table is expected here: {{ {keys} }}{pair}"
    if key == "error.kind":
        message = (
            "one word for all outputs is expected here: absolute, relative, scaled or ulp (for a kind of its own for each "
            'output, write a function: python = "file.py:name")'
        )
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    shown = "" if isinstance(got, dict) else f", got {_shown(got)}"
    return f"{key}: {message}{shown}{more}"


def _shown(got: Any) -> str:
    try:
        return one_line(repr(got), 200)
    except ValueError:  # Python refuses to write an integer of more than 4,300 digits
        return "an integer of thousands of digits"


def _known_keys(loc: tuple[Any, ...]) -> list[str]:
    tables: dict[str, type[Table]] = {
        "model": SourceSpec,
        "reference": SourceSpec,
        "recheck": SourceSpec,
        "equation": EquationSpec,
        "error": ErrorSpec,
        "domain": AxisSpec,
        "constraints": ConstraintSpec,
        "data": DataSpec,
        "law": LawSpec,
        "audit": AuditSpec,
        "power": PowerSpec,
        "claim": ClaimSpec,
    }
    table = tables[loc[0]] if loc else ProblemSpec
    if "declared" in loc:
        table = DeclaredSpec
    if "known" in loc:
        table = KnownSpec
    return list(table.model_fields)
