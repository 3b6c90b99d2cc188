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
    backtest,
    exponent,
    forecast,
    regime,
    widening,
)
from supnorm.planning.learning_curve.training_run import ErrorsBySize, TrainingRun, group, training_share
from supnorm.results.budget import (
    AheadRecord,
    ErrorForecastRecord,
    HoldoutRecord,
    LearningCurveRecord,
    NeedRecord,
    SizeRecord,
)
from supnorm.wording import fact
from supnorm.wording.budget import BUDGET

# Times the largest size: where the intervals were checked (benchmarks/budget, *Forecasts*).
AHEAD = (2.0, 4.0, 8.0)


@dataclass(frozen=True)
class MeasuredCurve:
    """Runs of growing samples, or of growing width, with everything else equal.

    Attributes:
        runs: all trainings.
        axis: ``"samples"`` or ``"width"``.
        metric: ``"sup"`` or ``"rms"``.
        level: nominal coverage of the intervals.
        name: name of what was trained; may be empty.

    >>> runs = [TrainingRun(m, 8, s, 0.1 / m, 1 / m, 0.001 / m, 90, 500) for m in (16, 32, 64, 128) for s in (0, 1)]
    >>> curve = MeasuredCurve(tuple(runs))
    >>> curve.regime, curve.need(1 / 32).reached, curve.need(1e-9).reached
    ('data-limited', 'measured', 'beyond')
    """

    runs: tuple[TrainingRun, ...]
    axis: str = "samples"
    metric: str = "sup"
    level: float = 0.9  # a convention, stated beside each interval
    name: str = ""

    @cached_property
    def by_size(self) -> ErrorsBySize:
        """The runs by size."""
        return group(self.runs, self.axis, self.metric)

    @property
    def exact(self) -> bool:
        """Whether every training reproduced the values at all points where it was tested: nothing is left to forecast."""
        return all(getattr(run, self.metric) == 0 for run in self.runs)

    @property
    def phi(self) -> float:
        """Training over test error at the largest size."""
        return training_share(self._at(self.by_size.size[-1]))

    @property
    def regime(self) -> str:
        """What limits the largest size."""
        return "exact" if self.exact else regime(self.by_size)

    @cached_property
    def holdouts(self) -> tuple[HoldoutRecord, ...]:
        """The largest sizes, forecast from those below."""
        if self.exact:
            return ()
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
        """Forecasts from the largest size to 8 times it, in steps of 2^(1/8); none where every error was zero."""
        if self.exact:
            return []
        sizes = float(self.by_size.size[-1]) * np.exp2(np.arange(25) / 8.0)
        widened = widening(self.holdouts)
        return [
            forecast(self.by_size, min(float(s), FURTHEST * sizes[0]), self.level, widened) for s in sizes
        ]

    def need(self, eps: float) -> NeedRecord:
        """The size that reaches ``eps``: the smallest whose upper end is within it.

        A budget in weights without samples and iterations means nothing: all three are given.
        """
        for size, logs in zip(self.by_size.size, self.by_size.logs, strict=True):
            if float(np.exp(logs).max()) <= eps:
                return self._need("measured", float(size))
        for larger in self.ahead:
            if larger.upper <= eps:
                return self._need("forecast", larger.size)
        # More samples lower the error to the training error.
        limit = math.exp(float(self.by_size.mean[-1])) * min(self.phi, 1.0)
        return self._need("floor" if self.regime == "floor-limited" and limit > eps else "beyond")

    def _at(self, size: float) -> Sequence[TrainingRun]:
        return [run for run in self.runs if getattr(run, self.axis) == size]

    def _need(self, reached: str, size: float | None = None) -> NeedRecord:
        samples, weights, iterations = (None, None, None) if size is None else self._cost(size)
        return NeedRecord(
            learning_curve=self.name,
            quantity=BUDGET.text(fact("size-needed", axis=self.axis)),
            value=size,
            interval=None,
            confidence=self.level,
            regime=self.regime,
            reached=reached,
            samples=samples,
            weights=weights,
            iterations=iterations,
        )

    def _cost(self, size: float) -> tuple[int, int, int]:
        """Samples, weights and iterations at a size; 0 where unknown."""
        near = min(self.runs, key=lambda run: abs(math.log(getattr(run, self.axis) / size)))
        samples = math.ceil(size) if self.axis == "samples" else near.samples
        grown = samples / near.samples if not self.by_size.fixed else 1.0
        # Weights grow with the square of the width in the hidden layers.
        factor = grown if self.axis == "samples" else (size / near.width) ** 2
        return samples, math.ceil(near.weights * factor), near.iterations

    def errors_ahead(self) -> tuple[ErrorForecastRecord, ...]:
        """The errors at 2, 4 and 8 times the largest size; none where every error was zero."""
        if self.exact:
            return ()
        rows = []
        for ahead in AHEAD:
            size = ahead * float(self.by_size.size[-1])
            predicted = self.forecast(size)
            rows.append(
                ErrorForecastRecord(
                    learning_curve=self.name,
                    quantity=BUDGET.text(fact("error-ahead", metric=self.metric, size=size, axis=self.axis)),
                    value=predicted.value,
                    interval=(predicted.lower, predicted.upper),
                    confidence=self.level,
                    regime=self.regime,
                )
            )
        return tuple(rows)

    def record(self) -> LearningCurveRecord:
        """The measurements and forecasts as data."""
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
                    errors=tuple(getattr(run, self.metric) for run in self._at(size)),
                    train_rms=tuple(run.train_rms for run in self._at(size)),
                )
                for size in self.by_size.size
            ),
            forecast=tuple(
                AheadRecord(size=p.size, value=p.value, lower=p.lower, upper=p.upper) for p in self.ahead
            ),
            holdouts=self.holdouts,
            seconds=sum(run.seconds for run in self.runs),
        )
