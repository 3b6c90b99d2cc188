"""Measure a learning curve on a fixed table: train on random parts of it, measure the errors on the rest.

Nothing can be evaluated, so there is no search: the largest error is that of the points left out, a weaker
lower estimate than `train_on_function` gives. Training sizes are at most half of the table. Cost: the trainings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.learning_curve.identity import of_table
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


def train_on_table(
    x: Array,
    y: Array,
    trainer: Trainer,
    *,
    samples: Sequence[int],
    width: int = 24,
    seeds: int = 4,
    seed: int = 0,
    path: Path | str | None = None,
    observer: Callable[[Any], None] = lambda event: None,
) -> list[TrainingRun]:
    """Train on parts of a table.

    Args:
        x, y: the table in the unit cube, shapes ``(N, d)`` and ``(N,)``.
        trainer: see `Trainer`.
        samples: training sizes; those above half of the table are left out.
        width, seeds, seed, path, observer: as in `train_on_function`.

    Raises:
        BadInput: when fewer than 3 training sizes fit.
    """
    sizes = [m for m in sorted(samples) if m <= len(x) // 2]
    if len(sizes) < 3:
        raise BadInput(
            f"a learning curve on a table needs 3 training sizes of at most half of its {len(x)} rows, got {list(samples)}"
        )
    tasks = [(m, width, s) for m in sizes for s in range(seeds)]
    identity = partial(of_table, x, y, trainer, seed)
    return do_trainings(tasks, partial(map, partial(_train, x, y, trainer, seed)), path, observer, identity)


def _train(x: Array, y: Array, trainer: Trainer, seed: int, task: Task) -> TrainingRun:
    rng = np.random.default_rng([seed, *task])
    order = rng.permutation(len(x))
    inside, outside = order[: task[0]], order[task[0] :]

    def errors(predict: Predictor) -> tuple[float, float]:
        error = np.abs(predict(x[outside]) - y[outside])
        return float(np.sqrt(np.mean(error**2))), float(error.max())

    return train_and_measure(task, trainer, x[inside], y[inside], rng, errors)
