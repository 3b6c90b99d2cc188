"""Measure a learning curve: train at every training size with several seeds and measure the errors; it can be resumed.

Each training gets fresh data and fresh starting weights. The RMS comes from a fresh sample of the law; the
largest error from that sample and local ascents from its worst points, so it is a *lower* estimate of the
supremum. The order, the file of runs and the time estimate are those of `trainings`. Cost: the trainings; 20,000 +
8 * 24 * 20 evaluations of the reference for the errors of a run by default; with ``tests`` below 5000 only these, without
ascents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.threads import one_thread
from supnorm.planning.ascents import ascend
from supnorm.planning.learning_curve.identity import of_function
from supnorm.planning.learning_curve.training_run import TrainingRun
from supnorm.planning.learning_curve.trainings import (
    Predictor,
    Task,
    Trainer,
    do_trainings,
    train_and_measure,
)
from supnorm.results import BadInput

Array = NDArray[np.float64]
STEPS = 20  # of an ascent; 3 miss the peak of `test_errors_find_a_narrow_peak_that_the_sample_misses`


def train_on_function(
    f: Callable[[Array], Array],
    d: int,
    trainer: Trainer,
    *,
    samples: Sequence[int],
    widths: Sequence[int] = (24,),
    seeds: int = 4,
    seed: int = 0,
    tests: int = 20_000,
    path: Path | str | None = None,
    executor: Executor | None = None,
    observer: Callable[[Any], None] = lambda event: None,
) -> list[TrainingRun]:
    """Train at every combination of samples, width and seed.

    Args:
        f: the reference on the unit cube, ``(n, d) -> (n,)``; must be picklable with a process executor.
        d: inputs.
        trainer: see `Trainer`; any surrogate, a `fit` strategy or the user's own function.
        samples, widths: training sizes; one of the two usually has a single entry.
        seeds: trainings for each training size.
        seed: of the data and of the numbers given to the trainer.
        tests: evaluations of the reference for the errors of each training; local ascents from 5000 on.
        path: a file of finished runs (JSON lines), read at the start and appended to.
        executor: where trainings run; here one after the other by default.
        observer: gets `TrainingsPlanned` and `TrainingEnded`.

    Raises:
        BadInput: for empty training sizes, or a file that is not one of ours or is of another function, seed or tool.
    """
    tasks = [(m, w, s) for m in sorted(samples) for w in sorted(widths) for s in range(seeds)]
    if not tasks or tests < 100:
        if tasks:
            raise BadInput(f"a learning curve needs at least 100 test points, got {tests}")
        raise BadInput(f"the learning curve is empty: samples = {list(samples)}, widths = {list(widths)}")

    measure = partial(_train, f, d, trainer, seed, tests)

    def train(some: Sequence[Task]) -> Iterable[TrainingRun]:
        return map(measure, some) if executor is None else executor.map(measure, some)

    return do_trainings(tasks, train, path, observer, partial(of_function, f, d, trainer, seed))


@one_thread()
def _train(
    f: Callable[[Array], Array], d: int, trainer: Trainer, seed: int, tests: int, task: Task
) -> TrainingRun:
    rng = np.random.default_rng([seed, *task])
    x, y = _draw(f, d, task[0], rng)

    def both_errors(predict: Predictor) -> tuple[float, float]:
        def error(u: Array) -> Array:
            truth = f(u)
            size = np.abs(predict(u) - truth)
            return np.where(np.isfinite(truth) & ~np.isfinite(size), np.inf, size)

        return errors(error, d, rng, tests, 8 if tests >= 5000 else 0)

    return train_and_measure(task, trainer, x, y, rng, both_errors)


def _draw(f: Callable[[Array], Array], d: int, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    parts: list[tuple[Array, Array]] = []
    have, tried = 0, 0
    while have < count:
        x = rng.random((count, d))
        y = f(x)
        finite = np.isfinite(y)
        parts.append((x[finite], y[finite]))
        have, tried = have + int(finite.sum()), tried + count
        if tried > 100 * count:
            raise BadInput(f"fewer than 1 in 100 points of the box has a value ({have} of {tried} tried)")
    return np.concatenate([p[0] for p in parts])[:count], np.concatenate([p[1] for p in parts])[:count]


def errors(
    error: Callable[[Array], Array], d: int, rng: np.random.Generator, points: int = 20_000, ascents: int = 8
) -> tuple[float, float]:
    """RMS over a fresh sample, and the largest error found from it by local ascents.

    >>> rms, sup = errors(lambda u: np.exp(-5000 * ((u - 0.3) ** 2).sum(axis=1)), 2, np.random.default_rng(0))
    >>> round(sup, 4)
    1.0
    """
    x = rng.random((points, d))
    values = error(x)
    values = np.where(np.isnan(values), -np.inf, values)  # NaN: the reference has no value there
    known = values[values >= 0]
    return float(np.sqrt(np.mean(known**2))), largest_by_ascent(error, x, values, ascents, rng)


def largest_by_ascent(
    error: Callable[[Array], Array], x: Array, values: Array, ascents: int, rng: np.random.Generator
) -> float:
    """The largest error that local ascents from the worst of the points ``x`` find; ``values`` are theirs."""
    points, d = x.shape
    if ascents == 0:
        return float(values.max())
    order = np.argsort(-values)[:ascents]

    def known(u: Array) -> Array:
        new = error(u)
        return np.where(np.isnan(new), -np.inf, new)

    history = ascend(known, x[order], values[order], points ** (-1.0 / d), STEPS, rng)[1]
    return float(history[-1].max())
