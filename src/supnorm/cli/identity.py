"""Checks beyond the fingerprint, which is known before any call, that a resumed run is still about the same problem.

A run records the files that functions open when they are called. While it works, when it is resumed, and when its folder is
used again, these files must be unchanged; a resumed run also computes a few stored values again (`spot_check`). Other
versions of packages do not make another problem, but a note names them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from supnorm.cli.answer import say
from supnorm.evaluation import EvaluationStore, spot_check
from supnorm.evaluation.intact import demand_intact, functions
from supnorm.evaluation.opened_files import LARGEST, Recording, recording
from supnorm.evaluation.spot_check import POINTS
from supnorm.problem import Problem
from supnorm.problem.fingerprint import contents
from supnorm.results import BadInput, NotWritten
from supnorm.results.door import DAMAGED, faults_of
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
    if resume:
        _demand_same(store, problem, folder)
    store.remember(VERSIONS, json.dumps(versions()))
    before = functions()
    with recording() as opened, _written_down(store, problem, folder, opened):
        if resume:
            _announce(store)
            spot_check(store, {side: getattr(problem, side) for side in SIDES})
        yield
        demand_intact(before)


def _announce(store: EvaluationStore) -> None:
    """Announce the check if it takes long."""
    seconds = POINTS * sum((store.number(f"seconds a point, {side}") or 0.0) for side in SIDES)
    if seconds > 5.0:
        say(
            f"supnorm: {POINTS} stored points of each side are evaluated again first, about {duration(seconds)}",
            err=True,
        )


@contextmanager
def _written_down(
    store: EvaluationStore, problem: Problem, folder: Path, opened: Recording
) -> Iterator[None]:
    """A context in which the store has the files of the problem's folder that calls open, whenever values are stored.

    Raises:
        BadInput: when one of them changes meanwhile.
    """
    if not problem.files or problem.source is None:
        yield
        return
    from supnorm.sources.called_files import CalledFiles

    with faults_of(f"{store.path}", DAMAGED):
        held = {str(k): str(v) for k, v in json.loads(store.recall(FILES) or "{}").items()}
    files = CalledFiles(
        opened,
        problem.files,
        {path: content for path, (_, content) in contents(problem).items()},
        problem.source.parent,
        folder,
        held,
    )

    announced = False

    def look(last: bool = False) -> None:
        nonlocal announced
        if files.look(last):
            store.replace(FILES, json.dumps(files.contents, sort_keys=True))
        if opened.full and not announced:
            announced = True
            say_overlooked()

    store.looked = look
    try:
        yield
        look(True)
    finally:
        store.looked = None
        with suppress(sqlite3.Error, NotWritten, BadInput):  # what ends the run is told already
            look()


def say_overlooked() -> None:
    """Say that not all files that functions open are watched; notes of results say the same."""
    from supnorm.wording import Narrator, fact  # a page of help need not wait for the library of records
    from supnorm.wording.result import AUDIT

    say(f"supnorm: note: {Narrator(AUDIT).text(fact('many-files', most=LARGEST))}", err=True)


def changed_file(folder_store: Path, problem: Problem) -> str | None:
    """The first file that calls of the stored run opened and that has changed since; None if there is none."""
    held = _remembered(folder_store, FILES)
    if problem.source is None or not isinstance(held, dict):
        return None
    from supnorm.sources import called_files

    return called_files.changed_file({str(k): str(v) for k, v in held.items()}, problem.source.parent)


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
    except (sqlite3.Error, ValueError, TypeError, RecursionError):
        return None  # the store that is opened next refuses it by name


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
