"""Climbs a ladder: trains at every rung with several seeds and measures the errors, resumably.

Each training gets fresh data and fresh starting weights. The RMS comes from a fresh sample of the law; the
largest error from that sample and local climbs from its worst points, so it is a *lower* estimate of the
supremum. Runs are appended to a file as they end; a second call skips what is there. Before the larger rungs
start, the time they need is estimated from the first rung (time grows about like samples * weights) and told
to the observer. Cost: the trainings; 20,000 + 8 * 24 * 20 evaluations of the reference a run for the errors.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.ladder.rungs import Run
from supnorm.results import BadInput

Array = NDArray[np.float64]
Predictor = Callable[[Array], Array]


@dataclass(frozen=True)
class Trained:
    """What a trainer returns.

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
class LadderEstimate:
    """Told to the observer once the first rung is timed: what the rest will take, roughly."""

    runs: int
    seconds: float


@dataclass(frozen=True)
class LadderRun:
    """Told to the observer after each training."""

    run: Run
    done: int
    runs: int


def climb(
    f: Callable[[Array], Array],
    d: int,
    trainer: Trainer,
    *,
    samples: Sequence[int],
    widths: Sequence[int] = (24,),
    seeds: int = 4,
    seed: int = 0,
    path: Path | str | None = None,
    executor: Executor | None = None,
    observer: Callable[[Any], None] = lambda event: None,
) -> list[Run]:
    """Train at every combination of samples, width and seed.

    Args:
        f: the reference on the unit cube, ``(n, d) -> (n,)``; must be picklable with a process executor.
        d: inputs.
        trainer: see `Trainer`; any surrogate, a `fit` strategy or the user's own function.
        samples, widths: rungs; one of the two usually has a single entry.
        seeds: trainings a rung.
        seed: of the data and of the numbers given to the trainer.
        path: a file of finished runs (JSON lines), read at the start and appended to.
        executor: where trainings run; here one after the other by default.
        observer: gets `LadderEstimate` and `LadderRun`.

    Raises:
        BadInput: for empty rungs or a file that is not one of ours.
    """
    tasks = [(m, w, s) for m in sorted(samples) for w in sorted(widths) for s in range(seeds)]
    if not tasks:
        raise BadInput(f"the ladder is empty: samples = {list(samples)}, widths = {list(widths)}")
    done = {(r.samples, r.width, r.seed): r for r in read_runs(path)}
    runs = [done[t] for t in tasks if t in done]
    missing = [t for t in tasks if t not in done]
    if runs:
        observer(LadderEstimate(len(missing), estimate_seconds(runs, missing)))
    arguments = [(f, d, trainer, *task, seed) for task in missing]
    pilot = 0 if runs or executor else min(seeds, len(missing))
    results = map(_one, arguments) if executor is None else executor.map(_one, arguments)
    for i, run in enumerate(results, start=1):
        runs.append(run)
        if path is not None:
            append_run(Path(path), run)
        observer(LadderRun(run, len(runs), len(tasks)))
        if i == pilot and i < len(missing):
            observer(LadderEstimate(len(missing) - i, estimate_seconds(runs, missing[i:])))
    return sorted(runs, key=lambda r: (r.samples, r.width, r.seed))


def estimate_seconds(runs: Sequence[Run], missing: Sequence[tuple[int, int, int]]) -> float:
    """Seconds for the missing trainings: each costs as the nearest timed one, times samples * width^2 over
    its.

    >>> estimate_seconds([Run(100, 8, 0, 1, 1, 1, seconds=2.0)], [(200, 8, 0), (100, 16, 0)])
    12.0
    """

    def work(m: int, w: int) -> float:
        return float(m * w**2)

    timed = max(runs, key=lambda r: work(r.samples, r.width))
    mean = float(np.mean([r.seconds for r in runs if (r.samples, r.width) == (timed.samples, timed.width)]))
    return sum(mean * work(m, w) / work(timed.samples, timed.width) for m, w, _ in missing)


def _one(arguments: tuple[Callable[[Array], Array], int, Trainer, int, int, int, int]) -> Run:
    f, d, trainer, samples, width, number, seed = arguments
    rng = np.random.default_rng([seed, samples, width, number])
    x, y = _draw(f, d, samples, rng)
    start = time.perf_counter()
    found = trainer(x, y, width, int(rng.integers(2**31)))
    seconds = time.perf_counter() - start
    model = found if isinstance(found, Trained) else Trained(found)
    train = float(np.sqrt(np.mean((model.predict(x) - y) ** 2)))
    rms, sup = errors(lambda u: np.abs(model.predict(u) - f(u)), d, rng)
    return Run(samples, width, number, rms, sup, train, model.weights, model.iterations, seconds)


def _draw(f: Callable[[Array], Array], d: int, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    parts: list[tuple[Array, Array]] = []
    have, tried = 0, 0
    while have < count:
        x = rng.random((count, d))
        y = f(x)
        kept = np.isfinite(y)
        parts.append((x[kept], y[kept]))
        have, tried = have + int(kept.sum()), tried + count
        if tried > 100 * count:
            raise BadInput(f"fewer than 1 in 100 points of the box has a value ({have} of {tried} tried)")
    return np.concatenate([p[0] for p in parts])[:count], np.concatenate([p[1] for p in parts])[:count]


def errors(
    error: Callable[[Array], Array], d: int, rng: np.random.Generator, points: int = 20_000, climbs: int = 8
) -> tuple[float, float]:
    """RMS over a fresh sample, and the largest error found from it by local climbs.

    >>> rms, sup = errors(lambda u: np.exp(-5000 * ((u - 0.3) ** 2).sum(axis=1)), 2, np.random.default_rng(0))
    >>> round(sup, 4)
    1.0
    """
    x = rng.random((points, d))
    values = error(x)
    values = np.where(np.isfinite(values), values, -np.inf)
    finite = values[values >= 0]
    order = np.argsort(-values)[:climbs]
    best, level = x[order], values[order]
    width = np.full(len(order), points ** (-1.0 / d))
    row = np.arange(len(order))
    for _ in range(20):
        trial = np.clip(
            best[:, None] + width[:, None, None] * (rng.random((len(order), 24, d)) - 0.5), 0.0, 1.0
        )
        new = error(trial.reshape(-1, d)).reshape(len(order), 24)
        new = np.where(np.isfinite(new), new, -np.inf)
        top = new.argmax(axis=1)
        better = new[row, top] > level
        best = np.where(better[:, None], trial[row, top], best)
        level = np.where(better, new[row, top], level)
        width = np.where(better, width, 0.5 * width)
    return float(np.sqrt(np.mean(finite**2))), float(level.max())


def append_run(path: Path, run: Run) -> None:
    """Append one run to a file of runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(run)) + "\n")


def read_runs(path: Path | str | None) -> list[Run]:
    """Runs of a file; a last line that was cut off by a kill is left out.

    Raises:
        BadInput: for a file with other content.
    """
    if path is None or not Path(path).exists():
        return []
    lines = Path(path).read_text(encoding="utf-8").split("\n")
    runs = []
    for i, line in enumerate(lines):
        if not line:
            continue
        try:
            runs.append(Run(**json.loads(line)))
        except (json.JSONDecodeError, TypeError):
            if i == len(lines) - 1:
                break
            raise BadInput(f"{path}: line {i + 1} is not a run of a ladder; give another path") from None
    return runs
