"""The runs of a learning curve, and their errors by training size.

A *run* is one training with its errors; runs of equal *training size* (samples or width) differ in their data and starting
weights; a *learning curve* is runs of growing size, everything else equal. Errors are handled as
natural logarithms throughout: they are multiplicative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.results import BadInput

Array = NDArray[np.float64]
# Weight of the pooled scatter, in runs, against the scatter of one training size; without it
# `test_coverage_on_the_learning_curves_it_was_tuned_on` fails.
PRIOR_RUNS = 4.0
ZERO = 1e-300  # stands for the errors of a curve whose errors are all zero


@dataclass(frozen=True)
class TrainingRun:
    """One training.

    Attributes:
        samples, width, seed: the task.
        rms, sup: errors against the reference; ``sup`` is the largest found, a lower estimate.
        train_rms: root mean square on the training data.
        weights, iterations: of the trained model; 0 where unknown.
        seconds, checking: wall time of the training, and of measuring its errors.
        of: in a file, what the training is of (`supnorm.planning.learning_curve.identity`).
    """

    samples: int
    width: int
    seed: int
    rms: float
    sup: float
    train_rms: float
    weights: int = 0
    iterations: int = 0
    seconds: float = 0.0
    checking: float = 0.0
    of: str = ""


@dataclass(frozen=True)
class ErrorsBySize:
    """A learning curve as the forecasts see it.

    Attributes:
        size: samples or widths, rising, shape ``(r,)``.
        logs: natural logarithms of the errors of the runs, one array for each training size.
        phi: training error over test error at the largest size; NaN where it means nothing.
        fixed: the model has the same size at every training size; a Gaussian process grows with its samples.
    """

    size: Array
    logs: tuple[Array, ...]
    phi: float = float("nan")
    fixed: bool = True

    @property
    def mean(self) -> Array:
        """Mean logarithm per training size."""
        return np.array([x.mean() for x in self.logs])

    @property
    def scatter(self) -> Array:
        """Standard deviation of single runs per training size, shrunk to the pooled one."""
        spare = np.array([len(x) - 1.0 for x in self.logs])
        squares = np.array([((x - x.mean()) ** 2).sum() for x in self.logs])
        pooled = squares.sum() / max(spare.sum(), 1.0)
        shrunk: Array = np.sqrt(np.maximum((PRIOR_RUNS * pooled + squares) / (PRIOR_RUNS + spare), 1e-4))
        return shrunk

    @property
    def counts(self) -> Array:
        """Runs per training size."""
        return np.array([float(len(x)) for x in self.logs])


def group(runs: Sequence[TrainingRun], axis: str, metric: str) -> ErrorsBySize:
    """The errors of a learning curve by size, in ``"samples"`` or ``"width"`` for the metric ``"rms"`` or ``"sup"``.

    phi is taken for learning curves in samples only: on a curve in width a training error near the test error says that
    capacity or the optimizer limits, not the data. Where the weights are unknown the size counts as fixed.

    An error of zero has no logarithm: it counts as the smallest other error of the curve, and as `ZERO` where all are zero.

    Raises:
        BadInput: for unknown names, errors that are negative or not finite, or fewer than 3 training sizes.

    >>> runs = [TrainingRun(m, 8, s, 1.0 / m, 2.0 / m, 0.5 / m) for m in (16, 32, 64) for s in (0, 1)]
    >>> by_size = group(runs, "samples", "rms")
    >>> by_size.size.tolist(), round(by_size.phi, 2)
    ([16.0, 32.0, 64.0], 0.5)
    """
    if axis not in ("samples", "width") or metric not in ("rms", "sup"):
        raise BadInput(
            f'a learning curve is in "samples" or "width", of "rms" or "sup"; got {axis!r}, {metric!r}'
        )
    sizes = sorted({getattr(run, axis) for run in runs})
    if len(sizes) < 3:
        raise BadInput(f"a learning curve needs at least 3 training sizes, got {len(sizes)}; add sizes")
    for run in runs:
        error = getattr(run, metric)
        if not (np.isfinite(error) and error >= 0):
            raise BadInput(
                f"{metric} of the run with {axis} {getattr(run, axis)}, seed {run.seed} is {error}"
            )
    rows = [[run for run in runs if getattr(run, axis) == size] for size in sizes]
    least = min((getattr(run, metric) for run in runs if getattr(run, metric) > 0), default=ZERO)
    logs = tuple(np.log([getattr(run, metric) or least for run in row]) for row in rows)
    phi = training_share(rows[-1]) if axis == "samples" else np.nan
    return ErrorsBySize(np.array(sizes, dtype=float), logs, phi, not grows(runs))


def grows(runs: Sequence[TrainingRun]) -> bool:
    """Whether the weights grow with the samples, by a third of their exponent at least; not where they are unknown.

    A Gaussian process has exponent 1; a strategy that picks one of a few widths has none.

    >>> grows([TrainingRun(m, 8, 0, 1, 1, 1, weights=w) for m, w in ((16, 171), (32, 451), (64, 171))])
    False
    >>> grows([TrainingRun(m, 8, 0, 1, 1, 1, weights=m) for m in (16, 32, 64)])
    True
    """
    weights, samples = np.array([r.weights for r in runs]), np.array([r.samples for r in runs])
    if weights.min() < 1 or samples.min() == samples.max():
        return False
    return bool(np.polyfit(np.log(samples), np.log(weights), 1)[0] > 1 / 3)


def training_share(runs: Sequence[TrainingRun]) -> float:
    """phi: geometric mean of training error over test error."""
    ratio = [
        max(run.train_rms, 1e-300) / max(run.rms, 1e-300) for run in runs
    ]  # squares of tiny errors underflow
    return float(np.exp(np.mean(np.log(ratio))))
