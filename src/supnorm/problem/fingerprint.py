"""A short hash that identifies a problem by its question and by the files of its functions."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

from supnorm.problem.code_texts import code_in, formulas_in, with_code, with_formulas
from supnorm.problem.coded import Coded
from supnorm.problem.from_file import FromFile
from supnorm.problem.problem import Problem
from supnorm.results.guard import LARGEST

SETTLED = 2_000_000_000  # nanoseconds; the times of some file systems are whole seconds


def fingerprint(problem: Problem) -> str:
    """Twelve hexadecimal digits of SHA-256 over domain, error, and the content of every file that defines the problem.

    These are the files that the problem file names, files with the weights of an ONNX file, modules that the code imports
    and files that it opens while it is loaded (`Problem.files`). A resumed run also compares the files that a function
    opens only when it is called, and a few of its values. Versions of packages, budgets and seeds do not change the
    fingerprint, because the same problem may be searched again. Units of axes do not either: no value depends on them, they
    are words beside numbers, and a resumed run writes all its words anew. What takes over words of an earlier run refuses
    other units: `into_report`, and a repair or a guard that starts from a report. For a problem built in Python, only the
    axes and the names of its functions count.

    >>> from supnorm.problem import Domain
    >>> a, b = (Problem(abs, abs, Domain(x=(0.0, high))) for high in (1.0, 2.0))
    >>> fingerprint(a) != fingerprint(b), fingerprint(a) == fingerprint(a)
    (True, True)
    """
    digest = hashlib.sha256()
    digest.update(json.dumps(_facts(problem), sort_keys=True, default=str).encode())
    for name, content in sorted(contents(problem).values()):
        digest.update(f"{name}\0{content}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()[:12]


def contents(problem: Problem) -> dict[Path, tuple[str, str]]:
    """Name and SHA-256 of every file that defines a problem: files that it names, and files that its code opens or imports.

    Of a problem that was opened from a file it is the content then, which is what runs. Folders do not count, because a
    problem that was moved, or saved into the folder of its run, is the same problem.
    """
    every = {Path(os.path.realpath(p)) for p in (*_files(problem), *problem.files)}
    return {path: (path.name, problem.files.get(path) or content_of(path)) for path in every}


def content_of(path: Path) -> str:
    """SHA-256 of a file in hexadecimal digits; "absent" if there is no regular file of this name."""
    try:
        now = path.stat()
        if not stat.S_ISREG(now.st_mode) or now.st_size > LARGEST["table"]:
            return "absent"  # a pipe or device has no end; the reader of the file refuses it by name
        state = (now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
        if time.time_ns() - max(state[2:]) < SETTLED:  # it could be written again without another time
            return _content.__wrapped__(path, state)
        return _content(path, state)
    except (OSError, ValueError):
        return "absent"


@lru_cache(maxsize=32_768)
def _content(path: Path, state: tuple[int, ...]) -> str:
    """SHA-256 of a file in one state; cached, so that large tables are read once."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _facts(problem: Problem) -> dict[str, Any]:
    error, value = problem.error, problem.reference.value
    return (
        {
            "axes": {
                n: (a.low, a.high, a.scale, a.values)
                for n, a in zip(problem.domain.names, problem.domain.axes, strict=True)
            },
            "error": (error.kind, error.side, error.floor, error.scale, error.tolerance)
            + ((error.failures,) if error.failures != "error" else ())
            + ((f"ulp of {error.precision}",) if error.precision is not None else ()),
            "cloud": None if problem.domain.cloud is None else problem.domain.cloud.points.tolist(),
            "functions": [
                None if f is None else placeless(f.origin) if f.origin else f.name
                for f in (problem.model, problem.reference, problem.recheck)
            ],
            "law": None if problem.law is None else problem.law.name,
            "parts": [_part_name(p) for p in _parts(problem)],
        }
        | ({"derivatives": value.derivatives} if isinstance(value, Coded) and value.derivatives else {})
        | _equation(problem)
    )


def _equation(problem: Problem) -> dict[str, Any]:
    """The equation without the folders in its paths; nothing for a problem without one."""
    equation = problem.equation
    if equation is None:
        return {}
    if equation.origin is None:
        return {"equation": repr(equation)}
    return {"equation": with_formulas(equation.origin, lambda text: PurePath(text).name)}


def placeless(origin: Mapping[str, Any]) -> dict[str, Any]:
    """The table of a source without the folders in its paths, because a moved problem is the same problem."""
    plain = {k: v for k, v in origin.items() if k != "command"}
    if plain.get("file"):
        plain["file"] = PurePath(str(plain["file"])).name
    plain = with_code(plain, lambda text: PurePath(text).name)
    return plain | {"command": [PurePath(str(p)).name for p in origin.get("command") or ()]}


def _parts(problem: Problem) -> list[Any]:
    """The user's functions beside model and reference: constraints, error, mask."""
    error = problem.error
    return [*problem.domain.constraints, *(f for f in (error.function, error.mask) if f is not None)]


def _part_name(part: Any) -> str:
    text = part.text if isinstance(part, FromFile) else getattr(part, "__name__", type(part).__name__)
    return PurePath(str(text)).name


def _files(problem: Problem) -> Iterator[Path]:
    root = problem.source.parent if problem.source else Path()
    for function in (problem.model, problem.reference, problem.recheck):
        origin = function.origin if function is not None else None
        if not origin:
            continue
        if origin.get("file"):
            yield root / str(origin["file"])
        for text in code_in(origin):
            yield root / text.rpartition(":")[0]
        for part in origin.get("command") or ():
            if (root / str(part)).is_file():
                yield root / str(part)
    if problem.equation is not None and problem.equation.origin is not None:
        for text in formulas_in(problem.equation.origin):
            yield root / text.rpartition(":")[0]
    for part in _parts(problem):
        if isinstance(part, FromFile):
            yield part.root / part.text.rpartition(":")[0]
