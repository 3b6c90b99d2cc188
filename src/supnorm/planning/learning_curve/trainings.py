"""The trainings of a learning curve as tasks: they run in order, a file keeps each, and most of them have a time estimate.

Two short trainings come first (the first seed of the two smallest training sizes; they count). They give the estimate for
the others: a constant (compiling) plus a part that grows like samples * weights, where weights grow like width^2, or like
the samples if the first two trainings show that; measuring the errors takes equally long for all. Every training size
gives a new estimate. Runs are appended to a file; a second call skips the runs in it.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.learning_curve.training_run import TrainingRun, grows
from supnorm.results import BadInput, append_line
from supnorm.results.door import reading_table
from supnorm.results.guard import exists

Array = NDArray[np.float64]
Predictor = Callable[[Array], Array]
Task = tuple[int, int, int]  # samples, width, number of the seed
MOST = 2**53  # of a count in a file of runs


@dataclass(frozen=True)
class Trained:
    """A trained model, as a trainer returns it.

    Attributes:
        predict: the model, ``(n, d) -> (n,)``, in the coordinates of the training data.
        weights, iterations: what it cost; 0 where unknown.
    """

    predict: Predictor
    weights: int = 0
    iterations: int = 0


# trainer(x, y, width, seed): x of shape (m, d) in the unit cube, y of shape (m,).
Trainer = Callable[[Array, Array, int, int], Trained | Predictor]


@dataclass(frozen=True)
class TrainingsPlanned:
    """Sent to the observer at the start, after the first two trainings and after each training size: what is still to do.

    The time is approximate and for one worker; several workers share it. It is None until two short trainings are done.
    """

    runs: int
    seconds: float | None
    curve: str = ""


@dataclass(frozen=True)
class TrainingEnded:
    """Sent to the observer after each training."""

    run: TrainingRun
    done: int
    runs: int
    curve: str = ""


def train_and_measure(
    task: Task,
    trainer: Trainer,
    x: Array,
    y: Array,
    rng: np.random.Generator,
    errors: Callable[[Predictor], tuple[float, float]],
) -> TrainingRun:
    """One training and its errors.

    Args:
        task: samples, width and number of the seed.
        trainer: trains on ``x`` of shape ``(m, d)`` and ``y`` of shape ``(m,)``.
        x, y: the training data.
        rng: gives the seed of the training.
        errors: RMS and largest error of a model.
    """
    samples, width, number = task
    start = time.perf_counter()
    trained = trainer(x, y, width, int(rng.integers(2**31)))
    seconds = time.perf_counter() - start
    model = trained if isinstance(trained, Trained) else Trained(trained)
    train = float(np.sqrt(np.mean((model.predict(x) - y) ** 2)))
    rms, sup = errors(model.predict)
    checking = time.perf_counter() - start - seconds
    return TrainingRun(
        samples=samples,
        width=width,
        seed=number,
        rms=rms,
        sup=sup,
        train_rms=train,
        weights=model.weights,
        iterations=model.iterations,
        seconds=seconds,
        checking=checking,
    )


def do_trainings(
    tasks: Sequence[Task],
    train: Callable[[Sequence[Task]], Iterable[TrainingRun]],
    path: Path | str | None,
    observer: Callable[[Any], None],
    identity: Callable[[], str],
) -> list[TrainingRun]:
    """Do the tasks that are not in the file yet, and return the runs of all tasks, sorted.

    Args:
        tasks: in the order of growing cost.
        train: does some of them, in order.
        path: the file of runs; None keeps nothing.
        observer: gets `TrainingsPlanned` and `TrainingEnded`.
        identity: what the trainings are of; asked only where there is a file.

    Raises:
        BadInput: for a file with trainings of something else.
    """
    of = "" if path is None else identity()
    stored = read_runs(path)
    if any(run.of != of for run in stored):
        raise BadInput(
            f"{path} has trainings of another function, seed or tool, or does not say of which; give another path, or "
            "delete the file"
        )
    done = {(r.samples, r.width, r.seed): replace(r, of="") for r in stored}
    runs = [done[t] for t in tasks if t in done]
    missing = [t for t in tasks if t not in done]
    first = [] if runs else [t for t in missing if t[2] == 0][:2]
    rest = [t for t in missing if t not in first]

    def tell(ahead: Sequence[Task]) -> None:
        if ahead:
            observer(TrainingsPlanned(len(ahead), estimate_seconds(runs, ahead) if runs else None))

    tell(first and missing)
    for part in (first, rest):
        if part is rest:
            tell(rest)
        for i, run in enumerate(train(part), 1):
            runs.append(run)
            if path is not None:
                append_run(Path(path), replace(run, of=of))
            observer(TrainingEnded(run, len(runs), len(tasks)))
            if part is rest and i < len(rest) and rest[i][:2] != rest[i - 1][:2]:
                tell(rest[i:])
    return sorted(runs, key=lambda r: (r.samples, r.width, r.seed))


def estimate_seconds(runs: Sequence[TrainingRun], missing: Sequence[Task]) -> float:
    """Seconds for the missing trainings: ``a + b samples weights`` fitted to the timed ones, both at least 0.

    One size alone is scaled in proportion. Compiling costs the same for every size, so it must not be scaled.

    >>> timed = [TrainingRun(100, 8, 0, 1, 1, 1, seconds=2.0, checking=0.5), TrainingRun(200, 8, 0, 1, 1, 1, seconds=3.5)]
    >>> round(estimate_seconds(timed, [(400, 8, 0)]), 2)  # 1.5 and 4 times 1
    5.5
    """
    from scipy.optimize import nnls

    squared = grows(runs)
    work = np.array([r.samples * (r.samples if squared else r.width**2) for r in runs], dtype=float)
    ahead = np.array([m * (m if squared else w**2) for m, w, _ in missing], dtype=float)
    seconds, scale = np.array([r.seconds + r.checking for r in runs]), work.max()
    rows = np.stack([np.full(len(work), float(len(set(work)) > 1)), work / scale], axis=1)
    fixed, growing = nnls(rows, seconds)[0]
    return float((fixed + growing * ahead / scale).sum())


def append_run(path: Path, run: TrainingRun) -> None:
    """Append one run to a file of runs."""
    words = asdict(run)
    append_line(path, json.dumps({**words, "seal": _seal_of(words)}))


def read_runs(path: Path | str | None) -> list[TrainingRun]:
    """The runs in a file, without a last line that a kill has cut off.

    Raises:
        BadInput: for a file with other content.
    """
    if path is None or not exists(Path(path)):
        return []
    with reading_table(Path(path)):
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    runs = []
    for i, line in enumerate(lines):
        if not line:
            continue
        try:
            runs.append(_run_of(json.loads(line)))
        except (ValueError, TypeError, RecursionError, OverflowError):
            if i == len(lines) - 1:
                break
            raise BadInput(
                f"{path}: line {i + 1} is not a run of a learning curve, or not as it was stored; give another path, or "
                "delete the file"
            ) from None
    return runs


def _seal_of(words: dict[str, Any]) -> str:
    """SHA-256 of a line: one that was edited, or whose digits were damaged, would be another training."""
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:16]


def _run_of(words: dict[str, Any]) -> TrainingRun:
    """One line of a file of runs, by the types of the fields; a training that diverged has errors without a value.

    Raises:
        TypeError: for other fields, or a value of another type.
        ValueError: for a number that no training gives, or a line that is not as it was stored.
    """
    words = {**words}
    if words.pop("seal", "") != _seal_of(words):
        raise ValueError("seal")
    run = TrainingRun(**words)
    for name in ("samples", "width", "seed", "weights", "iterations"):
        if type(getattr(run, name)) is not int or not 0 <= getattr(run, name) <= MOST:
            raise ValueError(name)
    if type(run.of) is not str:
        raise TypeError
    floats = ("rms", "sup", "train_rms", "seconds", "checking")
    if any(type(getattr(run, name)) not in (int, float) for name in floats):
        raise TypeError
    values: dict[str, Any] = {name: float(getattr(run, name)) for name in floats}
    read = replace(run, **values)
    if any(getattr(read, name) < 0.0 for name in floats) or not read.seconds + read.checking < math.inf:
        raise ValueError
    return read
