"""Audits that passed before, so that a test need not repeat them.

An audit is remembered by the files that define its problem (`supnorm.problem.fingerprint`), its limits, the versions of
all installed packages, the values of all sides at 64 points, and the files that their calls opened while it was searched.
What is not noticed is a change of a program that a command starts by name, and of a file that compiled code or another
process opens, if it changes none of these values. A problem that was made in Python has no files; its user names model and
reference by a key. Nothing names a constraint, mask, error or equation that was made in Python: such an
audit is not remembered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, MutableMapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.problem import Problem, draw_inside
from supnorm.problem.fingerprint import content_of, fingerprint
from supnorm.problem.from_file import FromFile
from supnorm.results.versions import versions
from supnorm.sources.unnamed_files import files_of

POINTS = 64  # values that are compared before an audit is left out


def identity_of(problem: Problem, asked: Mapping[str, Any], key: str) -> str:
    """A name of the question; empty where nothing identifies model and reference."""
    functions = (problem.model, problem.reference, problem.recheck)
    if not key and not all(f is None or f.origin is not None for f in functions):
        return ""
    error, equation = problem.error, problem.equation
    parts = (*problem.domain.constraints, error.function, error.mask)
    if not all(part is None or isinstance(part, FromFile) for part in parts):
        return ""
    if equation is not None and equation.origin is None:
        return ""
    facts = {
        "problem": fingerprint(problem),
        "key": key,
        "versions": versions(),
        "installed": _installed(),
        "declared": [None if f is None else repr(f.declared) for f in functions],
        "limit": problem.error.tolerance,
    }
    return hashlib.sha256(json.dumps(facts | dict(asked), sort_keys=True, default=str).encode()).hexdigest()


def _installed() -> list[tuple[str, str]]:
    """Name and version of every installed package: a model may call any of them."""
    return sorted((d.name or "", d.version or "") for d in metadata.distributions())


def passed_before(passed: Mapping[str, Any], name: str, problem: Problem) -> bool:
    """Whether it passed, all sides have the same values as then, and the files that their calls opened are unchanged."""
    held = passed.get(name)
    if not isinstance(held, dict) or not (values := _values(problem)) or held.get("values") != values:
        return False
    return all(content_of(Path(path)) == was for path, was in held.get("files", {}).items())


def remember(passed: MutableMapping[str, Any], name: str, problem: Problem, opened: Iterable[str]) -> None:
    """Write down that it passed; not where the values at the points cannot be compared later.

    Args:
        opened: files that were opened while it was searched; those of the problem's folders count.
    """
    if values := _values(problem):
        files = files_of(opened, problem.files)
        passed[name] = {"values": values, "files": {str(path): content_of(path) for path in files}}


def _values(problem: Problem) -> str:
    """A hash of the values of all sides at fixed points; empty where a side raises at one of them."""
    x = draw_inside(problem.domain, POINTS, np.random.default_rng(20_251_128))
    digest = hashlib.sha256(x.tobytes())
    for function in (problem.model, problem.reference, problem.recheck):
        if function is None:
            continue
        try:
            digest.update(np.ascontiguousarray(function.value(x)).tobytes())
        except Exception:  # an audit finds out what it means
            return ""
    return digest.hexdigest()
