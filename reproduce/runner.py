"""Runs experiments: their runs on processes, each result in a file, so that an interrupted work goes on where it was."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import supnorm
from reproduce.experiment import Experiment, Run
from supnorm.evaluation.processes import Processes
from supnorm.evaluation.remote import of_folder
from supnorm.evaluation.threads import one_thread
from supnorm.results import BadInput, write_whole
from supnorm.results.door import read_json
from supnorm.results.encoding import dumps
from supnorm.results.versions import versions


@dataclass(frozen=True)
class Done:
    """A run has a result.

    Attributes:
        done, total: runs.
        seconds: wall time since the start.
        left: forecast of the wall time that is left, in seconds.
    """

    experiment: str
    run: str
    done: int
    total: int
    seconds: float
    left: float


def results_of(
    experiments: Iterable[Experiment],
    folder: Path,
    effort: str,
    workers: int = 2,
    observer: Callable[[Done], None] = lambda event: None,
    executor: Executor | None = None,
) -> dict[str, dict[str, dict[str, Any]]]:
    """The results of all runs, by experiment and run; what ``folder`` has already is not computed again.

    Args:
        folder: gets ``NAME/RUN.json`` for each run.
        effort: one of `reproduce.experiment.EFFORTS`.
        workers: processes; 1 runs all in this one.
        executor: makes the runs in place of processes; its workers find the source tree under the same path.

    Raises:
        Interrupted: when the workers of the executor are lost; results that came back are in ``folder``.
    """
    wanted = [(e.name, run) for e in experiments for run in e.runs(effort)]
    found = {(name, run.name): _stored(folder, name, run) for name, run in wanted}
    todo = [(name, run) for name, run in wanted if found[name, run.name] is None]
    todo.sort(key=lambda pair: -pair[1].seconds)  # the longest first, so that no worker is left with it alone
    begin, done = time.monotonic(), len(wanted) - len(todo)
    ahead, whole = sum(run.seconds for _, run in todo), sum(run.seconds for _, run in todo)
    for name, run, result in _made(todo, workers, executor):
        path = folder / name / f"{run.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = json.loads(dumps(result))
        write_whole(path, dumps(kept | {"digest": _digest(kept)}) + "\n")
        found[name, run.name] = _stored(folder, name, run)
        done, ahead = done + 1, ahead - run.seconds
        spent = time.monotonic() - begin
        left = spent * ahead / (whole - ahead) if whole > ahead else ahead / workers
        observer(Done(name, run.name, done, len(wanted), spent, left))
    results: dict[str, dict[str, dict[str, Any]]] = {}
    for (name, run_name), result in found.items():
        assert result is not None
        results.setdefault(name, {})[run_name] = result
    return results


def kept(experiment: Experiment, folder: Path, effort: str) -> dict[str, dict[str, Any]] | None:
    """The results of all runs of an experiment that ``folder`` has; None if one is missing."""
    found: dict[str, dict[str, Any]] = {}
    for run in experiment.runs(effort):
        result = _stored(folder, experiment.name, run)
        if result is None:
            return None
        found[run.name] = result
    return found


def _made(
    todo: list[tuple[str, Run]], workers: int, executor: Executor | None
) -> Iterator[tuple[str, Run, dict[str, Any]]]:
    if executor is None and (workers < 2 or len(todo) < 2):
        for name, run in todo:
            yield name, run, timed(run.work, run.arguments)
        return
    pool = executor or Processes(workers)
    futures = {pool.submit(*_call(run)): (name, run) for name, run in todo}
    try:
        for future in as_completed(futures):
            yield (*futures[future], future.result())
    finally:
        for future in futures:
            future.cancel()
        if executor is None:
            pool.shutdown(cancel_futures=True)


def _call(run: Run) -> tuple[Any, ...]:
    """A run as a call of `timed` that needs nothing but supnorm and the source tree under the same path."""
    work, root = (run.work.__module__, run.work.__qualname__), str(Path(__file__).resolve().parents[1])
    return of_folder, root, __name__, "timed_of", *work, dict(run.arguments)


def timed_of(module: str, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`timed` for a function that is given by its name."""
    return timed(getattr(import_module(module), name), arguments)


@one_thread()
def timed(work: Callable[..., dict[str, Any]], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a run with its arguments and its processor time."""
    begin = time.process_time()
    result = work(**arguments)
    seconds = time.process_time() - begin
    return {"arguments": dict(arguments), "seconds": seconds, "made": made_by(), "result": result}


def made_by() -> dict[str, str]:
    """What makes the results of this process: a fingerprint of the code, and the versions of packages that are loaded."""
    return {"code": _code(), **versions()}


@cache
def _code() -> str:
    """A fingerprint of the experiments and of supnorm."""
    here, digest = Path(__file__).parent, hashlib.sha256()
    for root in (here, Path(supnorm.__file__).parent):
        for file in sorted(root.rglob("*.py")):
            digest.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _stored(folder: Path, name: str, run: Run) -> dict[str, Any] | None:
    """The result of a run that is kept, with ``seconds`` and ``made``; None if there is no whole one with these arguments.

    A damaged file counts as none: its run is made again. Files of 28 November 2026 and before have no digest, those of
    1 December and before do not say what made them (``made``, `made_by`).
    """
    path = folder / name / f"{run.name}.json"
    if not path.exists():
        return None
    try:
        kept = read_json(path)
        if kept["arguments"] != json.loads(dumps(dict(run.arguments))):
            return None
        if kept.get("digest", _digest(kept)) != _digest(kept):
            return None
        made = {str(k): str(v) for k, v in kept.get("made", {}).items()}
        return {**kept["result"], "seconds": float(kept["seconds"]), "made": made}
    except (BadInput, OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _digest(kept: Mapping[str, Any]) -> str:
    """A fingerprint of what a file says, so that one that was cut or changed is noticed."""
    said = {k: v for k, v in kept.items() if k != "digest"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
