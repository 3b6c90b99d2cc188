"""Checks beyond the fingerprint, which is known before any call, that a resumed run is still about the same problem.

A run records the files that functions open when they are called. When it is resumed, or its folder is used again, these
files must be unchanged, and a few stored values are computed again (`spot_check`). Other versions of packages do not make
another problem, but a note names them.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from supnorm.cli.answer import say
from supnorm.evaluation import EvaluationStore, spot_check
from supnorm.evaluation.spot_check import POINTS
from supnorm.problem import Problem
from supnorm.problem.fingerprint import content_of, contents
from supnorm.results import BadInput, NotWritten
from supnorm.results.duration import duration
from supnorm.results.versions import versions

SIDES = ("model", "reference", "recheck")
FILES, VERSIONS = "files opened by calls", "versions"


@contextmanager
def identified(store: EvaluationStore, problem: Problem, folder: Path, resume: bool) -> Iterator[None]:
    """A context for a run of the problem; if it is resumed, its functions are checked to be unchanged.

    Raises:
        BadInput: names the file that was changed, or the point where a function has another value.
    """
    from supnorm.sources.recording import (
        recording,
    )  # this imports every reader, which a page of help must not wait for

    if resume:
        _demand_same(store, problem, folder)
    store.remember(VERSIONS, json.dumps(versions()))
    began = time.time()
    with recording() as opened:
        try:
            if resume:
                _announce(store)
                spot_check(store, {side: getattr(problem, side) for side in SIDES})
            yield
        finally:
            _remember(store, problem, folder, opened.files, began)


def _announce(store: EvaluationStore) -> None:
    """Announce the check if it takes long."""
    seconds = POINTS * sum((store.number(f"seconds a point, {side}") or 0.0) for side in SIDES)
    if seconds > 5.0:
        say(
            f"supnorm: {POINTS} stored points of each side are evaluated again first, about {duration(seconds)}",
            err=True,
        )


def _remember(store: EvaluationStore, problem: Problem, folder: Path, opened: set[str], began: float) -> None:
    """Record which files of the problem's folder the calls opened, and their content.

    Files that were made during the run, such as the output of a simulator, do not count.
    """
    if not problem.files or problem.source is None:
        return
    from supnorm.sources.recording import files_of

    defining, root = set(contents(problem)), os.path.realpath(problem.source.parent)
    inside = os.path.realpath(folder) + os.sep
    contents_by_path = {
        os.path.relpath(path, root): content_of(path)
        for path in files_of(opened, problem.files)
        if path not in defining
        and not str(path).startswith(inside)
        and path != problem.source.resolve()
        and path.stat().st_mtime < began
    }
    try:
        store.remember(FILES, json.dumps(contents_by_path, sort_keys=True))
    except (sqlite3.Error, NotWritten):
        return  # other code reports a store that cannot be written any more


def changed_file(folder_store: Path, problem: Problem) -> str | None:
    """The first file that calls of the stored run opened and that has changed since; None if there is none."""
    held = _remembered(folder_store, FILES)
    if problem.source is None or not isinstance(held, dict):
        return None
    root = problem.source.parent
    return next(
        (str(name) for name, was in sorted(held.items()) if content_of(root / str(name)) != was), None
    )


def _remembered(path: Path, key: str) -> object:
    """A fact in a store, read without opening the store for a run."""
    if not path.is_file():
        return None
    try:
        connection = sqlite3.connect(path)
        try:
            row = connection.execute("SELECT value FROM about WHERE key=?", (key,)).fetchone()
        finally:
            connection.close()
        return None if row is None else json.loads(row[0])
    except (sqlite3.Error, ValueError, TypeError):
        return None


def _demand_same(store: EvaluationStore, problem: Problem, folder: Path) -> None:
    changed = changed_file(store.path, problem)
    if changed is not None:
        raise BadInput(
            f"--resume: {changed}, which a function of this problem opens, has changed since the run in {folder} was "
            "started; leave --resume out to start anew, or restore the file"
        )
    held = _remembered(store.path, VERSIONS)
    if isinstance(held, dict):
        now = versions()
        differ = [f"{k} {held[k]} (now {now[k]})" for k in sorted(held) if k in now and held[k] != now[k]]
        if differ:
            say(f"supnorm: note: the run was started with {', '.join(differ)}", err=True)
