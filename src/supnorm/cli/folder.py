"""The folder of a run: another problem's run in it is never overwritten, an older store never lost.

A folder that was not asked for by name is given way: what is in it of another problem, or of this one before an edit,
is renamed. One that was named by ``--out`` is left alone.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from supnorm.evaluation import EvaluationStore
from supnorm.problem import Problem, fingerprint
from supnorm.results import BadInput

STORE = "evaluations.sqlite"


def open_folder(folder: Path, problem: Problem, resume: bool, named: bool) -> EvaluationStore:
    """Prepare the folder and open its store.

    Without ``resume`` an older store of the same problem is set aside, not reused.

    Args:
        named: by ``--out``; else a run of another problem in it is renamed.

    Raises:
        BadInput: when the folder is a file, is named and holds another problem, or there is nothing to resume.
    """
    demand_folder(folder)
    path = folder / STORE
    held = make_way(folder, problem, resume, named)
    if resume and held is None:
        raise BadInput(f"--resume: {folder} holds no run; leave --resume out to start one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not resume:
            set_aside(path)
        return EvaluationStore(path, fingerprint(problem))
    except OSError as error:
        raise BadInput(f"--out {folder} cannot be written: {error.strerror}; choose another --out") from None


def demand_folder(folder: Path) -> None:
    """See that a folder is one, or can be made, before work starts that would be lost without it.

    Raises:
        BadInput: when it, or what should hold it, is a file or cannot be written.
    """
    there = next((p for p in (folder, *folder.absolute().parents) if p.exists()), folder)
    if not there.is_dir():
        where = "" if there == folder else f": {there}"
        raise BadInput(f"--out {folder}{where} is a file; give a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise BadInput(f"--out {folder} cannot be written: {there} is read-only; choose another --out")


def make_folder(folder: Path) -> None:
    """Make a folder that ``--out`` named, where it is not there yet.

    Raises:
        BadInput: when it, or what should hold it, is a file or cannot be written.
    """
    demand_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--out {folder} cannot be written: {error.strerror}; choose another --out") from None


def make_way(folder: Path, problem: Problem, resume: bool, named: bool) -> str | None:
    """See that the folder holds no run of another problem; returns the fingerprint of the run in it, if any.

    Raises:
        BadInput: when it does, and is named, or is to be resumed, or holds a file of this problem.
    """
    held, own = held_fingerprint(folder), fingerprint(problem)
    if held is None or held == own:
        return held
    what = (
        f"{folder} holds a run of another problem, or of this one before it was edited (fingerprint {held}, this one "
        f"is {own})"
    )
    if named:
        raise BadInput(f"--out {what}; choose another --out, or move or delete that folder")
    if resume:
        raise BadInput(f"--resume: {what}; leave --resume out to start anew: that folder is then renamed")
    if _holds_a_file_of(folder, problem):
        raise BadInput(f"{what}, and a file of this problem; choose another folder with --out")
    number = 1
    while (aside := folder.with_name(f"{folder.name}.{number}")).exists():
        number += 1
    try:
        folder.replace(aside)
    except OSError as error:
        raise BadInput(f"{what}, and cannot be renamed: {error.strerror}; choose another --out") from None
    print(f"supnorm: {what}: it is now {aside}", file=sys.stderr)
    return None


def _holds_a_file_of(folder: Path, problem: Problem) -> bool:
    """Whether the problem file, or the file of its model or reference, lies in the folder."""
    source = problem.source or Path()
    parts = [f.origin or {} for f in (problem.model, problem.reference, problem.recheck) if f is not None]
    names = [str(p.get("file") or str(p.get("python") or "").rpartition(":")[0]) for p in parts]
    files = [source, *(source.parent / name for name in names if name)]
    return any(folder.resolve() in file.resolve().parents for file in files)


def leave_nothing(store: EvaluationStore, folder: Path, made: bool) -> None:
    """Take back the store of a run that failed before it had a value to keep, and the folder if that run made it.

    What is left would hold the fingerprint of a problem that is about to be corrected.
    """
    if not store.empty:
        return
    store.close()
    for extra in ("", "-wal", "-shm"):
        store.path.with_name(store.path.name + extra).unlink(missing_ok=True)
    if made:
        (folder / "problem.toml").unlink(missing_ok=True)
        with suppress(OSError):
            folder.rmdir()


def same_run(store: EvaluationStore, asked: dict[str, float | None], folder: Path) -> None:
    """Keep what a run was asked for in its store; a resumed run must be asked for the same.

    Another seed or budget chooses other points: next to nothing of the stored values would be used.

    Raises:
        BadInput: naming the options that differ.
    """
    key = "asked for"
    held = store.recall(key)
    store.remember(key, json.dumps(asked))
    before: dict[str, float | None] = asked if held is None else json.loads(held)
    differ = [name for name in asked if asked[name] != before.get(name)]
    if differ:
        was, now = (
            ", ".join(f"--{n} {v[n]:g}" if v[n] is not None else f"no --{n}" for n in differ)  # type: ignore[str-format,unused-ignore]
            for v in (before, asked)
        )
        raise BadInput(
            f"--resume: the run in {folder} was started with {was}, this asks for {now}; "
            "give the same to go on with it, or another --out"
        )


def held_fingerprint(folder: Path) -> str | None:
    """The fingerprint of the problem whose run is in the folder; None when there is none."""
    stored = EvaluationStore.fingerprint_of(folder / STORE)
    if stored is not None:
        return stored
    try:
        document = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        return str(document["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def set_aside(path: Path) -> None:
    """Rename a file of an older run to the first free one of ``.old``, ``.old2``, ``.old3``, ..."""
    if not path.exists():
        return
    number = 1
    while (aside := path.with_name(f"{path.name}.old{number if number > 1 else ''}")).exists():
        number += 1
    for extra in ("-wal", "-shm", ""):
        side = path.with_name(path.name + extra)
        if side.exists():
            side.replace(aside.with_name(aside.name + extra))
