"""The folder of a run: another problem's run in it is never overwritten, an older store never lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

from supnorm.evaluation import EvaluationStore
from supnorm.results import BadInput

STORE = "evaluations.sqlite"


def open_folder(folder: Path, fingerprint: str, resume: bool) -> EvaluationStore:
    """Prepare the folder and open its store.

    Without ``resume`` an older store of the same problem is set aside, not reused.

    Raises:
        BadInput: when the folder is a file, holds another problem, or there is nothing to resume.
    """
    demand_folder(folder)
    path = folder / STORE
    held = held_fingerprint(folder)
    if held is not None and held != fingerprint:
        raise BadInput(
            f"--out {folder} holds a run of another problem (fingerprint {held}, this one is {fingerprint}: "
            "the problem file or a file it names differs); choose another --out"
        )
    if resume and held is None:
        raise BadInput(f"--resume: {folder} holds no run; leave --resume out to start one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not resume:
            set_aside(path)
        return EvaluationStore(path, fingerprint)
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
