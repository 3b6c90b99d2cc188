"""Writes a `Problem` as a problem file; a function is written as the path that it came from."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.problem.axis import Axis
from supnorm.problem.code_texts import with_code, with_formulas
from supnorm.problem.domain import Domain
from supnorm.problem.from_file import FromFile
from supnorm.problem.problem import Problem
from supnorm.problem.problem_file import read_specification
from supnorm.problem.specification import ProblemSpec, law_name
from supnorm.problem.unknown import is_unknown
from supnorm.results import BadInput, write_whole


def save_problem(problem: Problem, path: Path | str) -> None:
    """Write a problem file that `open_problem` reads back.

    Paths are written relative to the new file. ``[audit]``, ``[power]``, ``[law]`` and ``[data]`` are copied from the file
    from which the problem was opened.

    Args:
        problem: a problem that was opened from a file; axes, error, tolerance and title may have been changed.
        path: path of the file to write.

    Raises:
        BadInput: when parts have no path because they were given as Python objects (the message names all of them), or
            when a name, a unit or the title contains a null character.
    """
    path = Path(path)
    root = problem.source.parent if problem.source is not None else Path()
    move = _Move(root, path.parent)
    before = read_specification(problem.source) if problem.source is not None else None
    homeless: list[str] = []
    tables: dict[str, Any] = {"title": problem.title} if problem.title else {}
    for key in ("model", "reference", "recheck"):
        function = getattr(problem, key)
        if function is None or is_unknown(function):
            continue
        if function.origin is None:
            homeless.append(f"{key} ({function.name or 'a Python function'})")
        else:
            tables[key] = move.source(function.origin)
    if problem.equation is not None:
        if problem.equation.origin is None:
            homeless.append("the equation")
        else:
            tables["equation"] = with_formulas(problem.equation.origin, move.named)
    tables["error"] = _error(problem, move, homeless)
    if before is not None and before.error.derivatives:
        step = {} if before.error.step is None else {"step": before.error.step}
        tables["error"] |= {"derivatives": True, **step}
    tables |= _domain(problem, move, before, homeless)
    tables |= _rest(problem, move, before, homeless)
    if homeless:
        raise BadInput(
            f"{path}: cannot be written, because these parts have no path: {', '.join(homeless)}; put them in a file "
            'and name them as "file.py:name" in a problem file'
        )
    text = write_toml(tables)
    if "\\u0000" in text.replace("\\\\", ""):  # `read_specification` would refuse such a file
        raise BadInput(
            f"{path}: a name, unit or title contains a null character; remove it before you save the problem"
        )
    write_whole(path, text)


class _Move:
    """Rewrites paths that start from one folder so that they start from another."""

    def __init__(self, old: Path, new: Path) -> None:
        self.old, self.new = old.resolve(), new.resolve()

    def path(self, text: str) -> str:
        if self.old == self.new or os.path.isabs(text):
            return text
        return Path(os.path.relpath(self.old / text, self.new)).as_posix()

    def named(self, text: str) -> str:
        file, _, name = text.rpartition(":")
        return f"{self.path(file)}:{name}"

    def function(self, function: Any, what: str, homeless: list[str]) -> str:
        if not isinstance(function, FromFile):
            homeless.append(f"{what} ({getattr(function, '__name__', type(function).__name__)})")
            return ""
        return _Move(function.root, self.new).named(function.text)

    def source(self, origin: Mapping[str, Any]) -> dict[str, Any]:
        table = dict(origin)
        if "file" in table:
            table["file"] = self.path(table["file"])
        table = with_code(table, self.named)
        for key in ("residuals", "patches"):
            if key in table:
                table[key] = [self.path(name) for name in table[key]]
        if "template" in table:
            table["template"] = self.path(table["template"])
        if "command" in table:
            table["command"] = [self.path(a) if (self.old / a).is_file() else a for a in table["command"]]
            if os.sep not in table["command"][0] and (self.old / origin["command"][0]).is_file():
                table["command"][0] = "./" + table["command"][0]
        return table


def _error(problem: Problem, move: _Move, homeless: list[str]) -> dict[str, Any]:
    error = problem.error
    table: dict[str, Any] = {"kind": error.kind, "side": error.side}
    if error.floor is not None:
        table["floor"] = error.floor
    if error.scale is not None:
        table["scale"] = list(error.scale)
    if error.tolerance is not None:
        table["tolerance"] = list(error.tolerance) if isinstance(error.tolerance, tuple) else error.tolerance
    if error.precision is not None:
        table["precision"] = error.precision
    if error.failures != "error":
        table["failures"] = error.failures
    if error.function is not None:
        table["python"] = move.function(error.function, "the error function", homeless)
    if error.mask is not None:
        table["mask"] = move.function(error.mask, "the mask", homeless)
    return table


def _domain(problem: Problem, move: _Move, before: ProblemSpec | None, homeless: list[str]) -> dict[str, Any]:
    domain = problem.domain
    tables: dict[str, Any] = {}
    if domain.cloud is None:
        tables["domain"] = {n: _axis(a) for n, a in zip(domain.names, domain.axes, strict=True)}
    elif before is None or before.data is None or not before.data.domain or not _covered(problem):
        homeless.append("the data points of the domain")
    if domain.constraints:
        texts = [move.function(c, "a constraint", homeless) for c in domain.constraints]
        tables["constraints"] = {"python": texts}
    return tables


def _covered(problem: Problem) -> bool:
    """Whether the domain is still the one that follows from the data of the problem's file."""
    if problem.source_data is None:
        return False
    ours, theirs = problem.domain, Domain.from_samples(problem.source_data, problem.domain.names)
    assert ours.cloud is not None
    assert theirs.cloud is not None
    return ours.axes == theirs.axes and np.array_equal(ours.cloud.points, theirs.cloud.points)


def _axis(axis: Axis) -> dict[str, Any]:
    table: dict[str, Any] = (
        {"low": axis.low, "high": axis.high} if axis.values is None else {"values": list(axis.values)}
    )
    return table | ({"unit": axis.unit} if axis.unit else {}) | ({"scale": axis.scale} if axis.log else {})


def _rest(problem: Problem, move: _Move, before: ProblemSpec | None, homeless: list[str]) -> dict[str, Any]:
    """``[data]``, ``[law]`` and ``[audit]`` as they stand in the file."""
    tables: dict[str, Any] = {}
    if problem.data is not None:
        read = problem.source_data
        if before is None or before.data is None or read is None or not np.array_equal(problem.data, read):
            homeless.append("the data")
        else:
            tables["data"] = before.data.model_dump(exclude_defaults=True)
            file = tables["data"]["file"]
            tables["data"]["file"] = move.named(file) if ".py:" in file else move.path(file)
            if problem.domain.cloud is None:
                tables["data"].pop("domain", None)  # the domain has changed
    law = None if before is None else before.law
    assert problem.law is not None
    if law is not None and problem.law.name.startswith(law_name(law)):
        tables["law"] = law.model_dump(exclude_defaults=True)
        if law.python:
            tables["law"]["python"] = move.named(law.python)
        if law.file:
            tables["law"]["file"] = move.named(law.file) if ".py:" in law.file else move.path(law.file)
    elif not problem.law.name.startswith(("uniform", "data points", "rows of ")):
        homeless.append(f"the law ({problem.law.name})")
    if before is not None and (audit := before.audit.model_dump(exclude_defaults=True)):
        tables["audit"] = audit
    if before is not None and (power := before.power.model_dump(exclude_defaults=True)):
        tables["power"] = power
    return tables


def write_toml(tables: Mapping[str, Any]) -> str:
    """Tables of plain values as TOML; tables inside tables become inline ones.

    >>> print(write_toml({"title": "a", "domain": {"T": {"low": 0.0, "unit": "K"}}}))
    title = "a"
    <BLANKLINE>
    [domain]
    T = { low = 0.0, unit = "K" }
    <BLANKLINE>
    """
    top = [f"{_key(k)} = {_value(v)}\n" for k, v in tables.items() if not isinstance(v, Mapping)]
    parts = ["".join(top)] if top else []
    for name, table in tables.items():
        if isinstance(table, Mapping):
            lines = [f"{_key(k)} = {_value(v)}\n" for k, v in table.items()]
            parts.append(f"[{_key(name)}]\n" + "".join(lines))
    return "\n".join(parts)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _string(key)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    return "[" + ", ".join(map(_value, value)) + "]"
