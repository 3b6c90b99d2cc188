"""A measured learning curve: forecasts, regime, hold-outs and the size that reaches a tolerance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from supnorm.planning.learning_curve.forecast import (
    FURTHEST,
    Forecast,
    Holdout,
    backtest,
    exponent,
    forecast,
    regime,
    widening,
)
from supnorm.planning.learning_curve.training_run import ErrorsBySize, TrainingRun, group, training_share
from supnorm.results.budget import AheadRecord, HoldoutRecord, LearningCurveRecord, SizeRecord


@dataclass(frozen=True)
class Need:
    """The size that reaches a tolerance, read off the upper end of the forecast.

    Attributes:
        size: the smallest size whose upper end is within the tolerance; None where there is none.
        reached: ``"measured"`` (a training size is already there), ``"forecast"``, ``"beyond"`` (more than 8 times
            the largest size, or not at all: no number is given) or ``"floor"`` (floor-limited, and the training error,
            which more samples do not lower, is above).
        weights, samples, iterations: the triple; a budget in weights without the other two means nothing. 0: unknown.
    """

    size: float | None
    reached: str
    samples: int | None = None
    weights: int | None = None
    iterations: int | None = None


@dataclass(frozen=True)
class MeasuredCurve:
    """Runs of growing samples, or of growing width, with everything else equal.

    Attributes:
        runs: all trainings.
        axis: ``"samples"`` or ``"width"``.
        metric: ``"sup"`` or ``"rms"``.
        level: nominal coverage of the intervals.
        name: what was trained; empty where it does not matter.

    >>> runs = [TrainingRun(m, 8, s, 0.1 / m, 1 / m, 0.001 / m, 90, 500) for m in (16, 32, 64, 128) for s in (0, 1)]
    >>> curve = MeasuredCurve(tuple(runs))
    >>> curve.regime, curve.need(1 / 32).reached, curve.need(1e-9).reached
    ('data-limited', 'measured', 'beyond')
    """

    runs: tuple[TrainingRun, ...]
    axis: str = "samples"
    metric: str = "sup"
    level: float = 0.9
    name: str = ""

    @cached_property
    def by_size(self) -> ErrorsBySize:
        """The runs by size."""
        return group(self.runs, self.axis, self.metric)

    @property
    def phi(self) -> float:
        """Training over test error at the largest size."""
        return training_share(self._at(self.by_size.size[-1]))

    @property
    def regime(self) -> str:
        """What limits the largest size."""
        return regime(self.by_size)

    @cached_property
    def holdouts(self) -> list[Holdout]:
        """The largest sizes, forecast from those below."""
        shares = [
            training_share(self._at(s)) if self.axis == "samples" else math.nan for s in self.by_size.size
        ]
        return backtest(self.by_size, tuple(shares), self.level)

    @property
    def exponent(self) -> tuple[float, float, float]:
        """Local exponent alpha of error ~ size^-alpha, with its interval."""
        return exponent(self.by_size)

    def forecast(self, size: float) -> Forecast:
        """The error of a new run, at most 8 times beyond the largest size."""
        return forecast(self.by_size, size, self.level, widening(self.holdouts))

    @cached_property
    def ahead(self) -> list[Forecast]:
        """Forecasts from the largest size to 8 times it, in steps of 2^(1/8)."""
        sizes = float(self.by_size.size[-1]) * np.exp2(np.arange(25) / 8.0)
        widened = widening(self.holdouts)
        return [
            forecast(self.by_size, min(float(s), FURTHEST * sizes[0]), self.level, widened) for s in sizes
        ]

    def need(self, eps: float) -> Need:
        """The size that reaches ``eps``."""
        for size, logs in zip(self.by_size.size, self.by_size.logs, strict=True):
            if float(np.exp(logs).max()) <= eps:
                return self._triple(float(size), "measured")
        for larger in self.ahead:
            if larger.upper <= eps:
                return self._triple(larger.size, "forecast")
        limit = math.exp(float(self.by_size.mean[-1])) * min(
            self.phi, 1.0
        )  # the training error, which it falls to
        if self.regime == "floor-limited" and limit > eps:
            return Need(None, "floor")
        return Need(None, "beyond")

    def _at(self, size: float) -> Sequence[TrainingRun]:
        return [run for run in self.runs if getattr(run, self.axis) == size]

    def _triple(self, size: float, reached: str) -> Need:
        near = min(self.runs, key=lambda run: abs(math.log(getattr(run, self.axis) / size)))
        samples = math.ceil(size) if self.axis == "samples" else near.samples
        grown = samples / near.samples if not self.by_size.fixed else 1.0
        # Weights grow with the square of the width in the hidden layers.
        factor = grown if self.axis == "samples" else (size / near.width) ** 2
        return Need(size, reached, samples, math.ceil(near.weights * factor), near.iterations)

    def record(self) -> LearningCurveRecord:
        """What was measured and what it forecasts, as data."""
        return LearningCurveRecord(
            name=self.name,
            axis=self.axis,
            metric=self.metric,
            level=self.level,
            regime=self.regime,
            phi=self.phi,
            exponent=self.exponent,
            widened=widening(self.holdouts),
            training_sizes=tuple(
                SizeRecord(
                    size=float(size),
                    errors=tuple(np.exp(logs).tolist()),
                    train_rms=tuple(run.train_rms for run in self._at(size)),
                )
                for size, logs in zip(self.by_size.size, self.by_size.logs, strict=True)
            ),
            forecast=tuple(
                AheadRecord(size=p.size, value=p.value, lower=p.lower, upper=p.upper) for p in self.ahead
            ),
            holdouts=tuple(
                HoldoutRecord(
                    size=h.size,
                    ahead=h.ahead,
                    lower=h.forecast.lower,
                    upper=h.forecast.upper,
                    errors=h.errors,
                    caught=h.caught,
                    of=len(h.errors),
                )
                for h in self.holdouts
            ),
            seconds=sum(run.seconds for run in self.runs),
        )
