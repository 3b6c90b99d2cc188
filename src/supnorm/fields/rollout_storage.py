"""A roll-out under way as a file, to go on with: states as arrays, and all that is remembered as JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.rollout import Rollout
from supnorm.fields.rollout_state import again, flat
from supnorm.fields.rollout_tally import Tally, Trail
from supnorm.fields.seal import demand_sealed, seal_of
from supnorm.results import BadInput, from_json, to_json, write_whole
from supnorm.results.door import faults_of
from supnorm.results.record import READ
from supnorm.results.rollout import FirstRecord, PeakRecord, StepRecord
from supnorm.sources.called_files import changed_file

FORMAT = 3  # of the file; another one is not resumed


def save(rollout: Rollout, path: Path, identity: str, spent: float, files: Mapping[str, str]) -> None:
    """Write the steps so far, whole or not at all.

    Args:
        rollout: the work.
        path: of the file.
        identity: what the file belongs to; it is asked for again when it is read.
        spent: seconds of work so far.
        files: SHA-256 of the files that the steps have opened, by their names from the problem's folder on.

    Raises:
        TypeError: for states that hold other objects than arrays.
    """
    rolling = rollout.rolling
    arrays: list[NDArray[Any]] = []
    runs = []
    for run in rolling.runs:
        states = {}
        for side in ("model", "reference"):
            structure, parts = flat(getattr(run, side))
            states[side] = {"structure": structure, "first": len(arrays), "number": len(parts)}
            arrays += parts
        runs.append({"steps": run.steps, "ended": run.ended, "change": run.change, **states})
    pictures = {}
    for name, both in rolling.tally.pictures.items():
        pictures[name] = len(arrays)
        arrays += [both["model"], both["reference"]]
    watched = rolling.watched
    document = {
        "format": FORMAT,
        "identity": identity,
        "files": dict(files),
        "done": rolling.done,
        "spent": spent,
        "seconds": rolling.seconds,
        "reference_error": rolling.reference_error,
        "runs": runs,
        "pictures": pictures,
        "watched": [watched.largest, watched.series, watched.flagged, watched.guards_itself],
        "tally": _tally(rolling.tally),
    }
    buffer = io.BytesIO()
    held: dict[str, Any] = {f"a{k}": array for k, array in enumerate(arrays)}
    held["document"] = np.frombuffer(json.dumps(to_json(document)).encode(), np.uint8)
    np.savez(buffer, seal=np.array(seal_of(held)), **held)
    write_whole(path, buffer.getvalue())


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "worst": {name: one.to_dict() for name, one in tally.worst.items()},
        "worst_finite": {name: one.to_dict() for name, one in tally.worst_finite.items()},
        "typical": tally.typical,
        "first": {kind: one.to_dict() for kind, one in tally.first.items()},
        "hit": {kind: sorted(runs) for kind, runs in tally.hit.items()},
        "trails": [[k, name, t.index, t.step, t.start, t.error] for (k, name), t in tally.trails.items()],
        "of_run": [[k, size, peak.to_dict(), name] for k, (size, peak, name) in tally.of_run.items()],
        "rows": [row.to_dict() for row in tally.rows],
    }


def load(rollout: Rollout, path: Path, identity: str, root: Path) -> dict[str, str]:
    """Go on where a file ended: put what it holds into a roll-out that has not begun.

    Args:
        rollout: the work.
        path: of the file.
        identity: of the problem; see `save`.
        root: the problem's folder.

    Returns:
        the files that the steps have opened; see `save`.

    Raises:
        BadInput: for a file that is missing, damaged, or of another problem.
    """
    if not path.is_file():
        raise BadInput(f"--resume: there is no {path}; leave --resume out to start")
    with faults_of(str(path), "is no roll-out that can be gone on with; leave --resume out to start again"):
        with np.load(path, allow_pickle=False) as archive:
            held = {name: archive[name] for name in archive.files}
        document = json.loads(bytes(held["document"]))
        if document["format"] != FORMAT:
            raise ValueError("of another version")
        demand_sealed(held)
        arrays = [held[f"a{k}"] for k in range(len(held) - 2)]
        same = document["identity"] == identity
        files = {str(name): str(content) for name, content in document.get("files", {}).items()}
        if same:
            _restore(rollout, document, arrays)
    if not same:
        raise BadInput(
            f"--resume: {path} is of another problem, or of code that has changed; leave --resume out to start again"
        )
    changed = changed_file(files, root)
    if changed is not None:
        raise BadInput(
            f"--resume: {changed}, which a step of this run has opened, has changed since; restore it, or leave --resume "
            "out to start again"
        )
    if rollout.rolling.done > rollout.steps:
        raise BadInput(
            f"--resume: {path} has {rollout.rolling.done} steps already, and {rollout.steps} are asked for; give more, or "
            "leave --resume out"
        )
    return files


def _restore(rollout: Rollout, document: dict[str, Any], arrays: list[Any]) -> None:
    rolling = rollout.rolling
    rolling.done, rolling.reference_error = int(document["done"]), str(document["reference_error"])
    rolling.seconds = document["seconds"]
    rollout.spent = float(document["spent"])
    for run, held in zip(rolling.runs, document["runs"], strict=True):
        run.steps, run.ended = int(held["steps"]), str(held["ended"])
        run.change = {name: (_number(a), _number(b)) for name, (a, b) in held["change"].items()}
        for side in ("model", "reference"):
            one = held[side]
            parts = arrays[one["first"] : one["first"] + one["number"]]
            setattr(run, side, again(one["structure"], parts))
    largest, series, flagged, guards = document["watched"]
    watched = rolling.watched
    watched.largest = {name: (_number(a), int(b)) for name, (a, b) in largest.items()}
    watched.series = {
        name: [(int(n), _number(a), _number(b)) for n, a, b in rows] for name, rows in series.items()
    }
    watched.flagged, watched.guards_itself = [float(v) for v in flagged], bool(guards)
    tally, held = rolling.tally, document["tally"]
    tally.worst = {name: PeakRecord.model_validate(one, context=READ) for name, one in held["worst"].items()}
    tally.worst_finite = {
        name: PeakRecord.model_validate(one, context=READ) for name, one in held["worst_finite"].items()
    }
    tally.typical = {name: (_number(a), _number(b)) for name, (a, b) in held["typical"].items()}
    tally.first = {kind: FirstRecord.model_validate(one, context=READ) for kind, one in held["first"].items()}
    tally.hit = {kind: set(runs) for kind, runs in held["hit"].items()}
    tally.trails = {
        (k, name): Trail(tuple(index), step, tuple(start), _number(error))
        for k, name, index, step, start, error in held["trails"]
    }
    tally.of_run = {
        k: (_number(size), PeakRecord.model_validate(peak, context=READ), name)
        for k, size, peak, name in held["of_run"]
    }
    tally.rows = [StepRecord.model_validate(row, context=READ) for row in held["rows"]]
    tally.pictures = {
        name: {"model": arrays[k], "reference": arrays[k + 1]} for name, k in document["pictures"].items()
    }


def _number(value: Any) -> float:
    return float(from_json(value))
