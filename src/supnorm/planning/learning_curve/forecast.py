"""The forecast of a learning curve: what is known about its limit decides which laws it uses.

Fixed size (a curve in samples, the same weights at every training size): `gap_law`, the training error is the limit. While
phi, training over test error at the largest size, is below .1 the limit is far and the curve data-limited; then `drift` and
`power_law`, which continue the curve, lower the lower end, not below the limit, and are the upper end. Growing (weights
grow with the samples, as those of Gaussian processes do; and curves in width): phi says nothing about the limit. Lower end
= the lowest of `drift`, `power_law` and of "it starts now" (an error that falls like 1/N from the largest size on: models
that have learnt nothing yet give a flat curve, and the laws continue it flat); upper end = the upper of both laws. The
envelope of two 85 % intervals covers 90 %. "No further gain" (the largest size again) bounds from above where the training
error is small, since more data do not make it worse; elsewhere it is a separate scenario. Regime: data-limited (phi < .1),
floor-limited (phi > .5), mixed between. There is no forecast beyond 8 times the largest size, where no interval was ever
checked; only the exponent is printed. Checked by leaving the largest sizes out (`backtest`): a miss widens the interval by
the observed factor. Calibration: tuned on 55 network and 46 Gaussian-process learning curves; benchmarks/budget/README.md
has the coverage on learning curves that were not used. Cost: milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from supnorm.planning.learning_curve.drift import drift_forecast, local_slope
from supnorm.planning.learning_curve.gap_law import gap_forecast
from supnorm.planning.learning_curve.power_law import power_law_forecast
from supnorm.planning.learning_curve.training_run import ErrorsBySize
from supnorm.results import BadInput
from supnorm.results.budget import HoldoutRecord
from supnorm.results.numbers import num

# The numbers were tuned on 55 network and 46 Gaussian-process learning curves; the tables *Forecasts* of benchmarks/budget
# have the coverage on 18 others. `test_coverage_in_samples` fails for half of REACH and for no WANDER.
FURTHEST = 8.0  # times the largest size
DATA_LIMITED, FLOOR_LIMITED = 0.1, 0.5  # phi below and above which data or the floor limit a curve
REACH = 2.0  # deviations of a single run round the mean of its training size, for 90 %
WANDER = 0.15  # error of the law itself in one doubling, in natural logarithms
INNER = 1.5  # an envelope of two intervals misses less often than each of them: each may miss this many times as often
MARGIN = 0.7  # deviations of a single run by which the interval exceeds both laws


@dataclass(frozen=True)
class Forecast:
    """The error of a new run at ``size``.

    Attributes:
        size: samples or width.
        value, lower, upper: median and ends of the interval.
        level: its nominal coverage.
        widened: factor by which missed hold-outs widened the upper and lower end; 1 without a miss.
    """

    size: float
    value: float
    lower: float
    upper: float
    level: float
    widened: float = 1.0


def envelope(by_size: ErrorsBySize, size: float, level: float) -> tuple[float, float, float]:
    """Median, lower, upper end of the log error of a new run at ``size``, at most 8 times the largest size."""
    fixed = by_size.fixed and math.isfinite(by_size.phi)
    top, scatter = float(by_size.mean[-1]), float(by_size.scatter[-1])
    doublings = math.log2(size / float(by_size.size[-1]))
    factor = _tail(level) / _tail(0.9)
    reach, no_gain = factor * math.hypot(REACH * scatter, WANDER * doublings), top + factor * REACH * scatter
    gap = gap_forecast(by_size, size, reach) if fixed else None
    if gap is not None and not by_size.phi < DATA_LIMITED:
        return gap
    inner = 1.0 - INNER * (1.0 - level)
    laws = [drift_forecast(by_size, size, inner), power_law_forecast(by_size, size, inner)]
    margin = MARGIN * scatter
    low, high = min(law[1] for law in laws) - margin, max(law[2] for law in laws) + margin
    middles = [law[0] for law in laws]
    if gap is not None:
        limit = top + math.log(max(by_size.phi, 1e-300))
        low = max(min(low, gap[1]), limit - reach)
        high = max(min(high, no_gain), gap[0] + reach)
        middles.append(gap[0])
    else:
        low = min(low, top - doublings * math.log(2.0) - margin)
        high = min(high, no_gain) if by_size.phi < DATA_LIMITED else max(high, no_gain)
    middle = float(np.median(middles))
    return min(max(middle, low), high), low, high


def _tail(level: float) -> float:
    """Half the width of an interval of Student's law with 5 degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(5.0, 0.5 * (1.0 + level)))


def forecast(by_size: ErrorsBySize, size: float, level: float = 0.9, widened: float = 1.0) -> Forecast:
    """Forecast one size.

    Args:
        by_size: the errors of the learning curve; with phi where it is known.
        size: at most 8 times the largest size.
        level: nominal coverage.
        widened: factor from `backtest`.

    Raises:
        BadInput: for a size beyond 8 times the largest size, or below it.

    >>> sizes = 2.0 ** np.arange(4, 10)
    >>> by_size = ErrorsBySize(sizes, tuple(np.log(1 / m) + np.array([-0.1, 0.1]) for m in sizes), phi=0.01)
    >>> ahead = forecast(by_size, 1024)
    >>> ahead.lower < 1 / 1024 < ahead.upper
    True
    """
    top = float(by_size.size[-1])
    if not top <= size <= FURTHEST * top:
        raise BadInput(
            f"a forecast is given from the largest size {num(top, 6)} to {num(FURTHEST, 6)} times it, got {num(size, 6)}; "
            "beyond, only the exponent is known: measure further training sizes"
        )
    middle, low, high = envelope(by_size, size, level)
    extra = math.log(widened)
    return Forecast(size, math.exp(middle), math.exp(low - extra), math.exp(high + extra), level, widened)


def backtest(by_size: ErrorsBySize, phis: tuple[float, ...], level: float = 0.9) -> tuple[HoldoutRecord, ...]:
    """Forecast the largest size from those below it, and the top two from those below both.

    Args:
        by_size: the errors of the learning curve.
        phis: training over test error of each training size, NaN where it means nothing.
        level: nominal coverage.
    """
    holdouts = list[HoldoutRecord]()
    for left in (1, 2):
        count = len(by_size.size) - left
        if count < 3:
            continue
        lower = ErrorsBySize(by_size.size[:count], by_size.logs[:count], phis[count - 1], by_size.fixed)
        size = float(by_size.size[-1])
        if size > FURTHEST * lower.size[-1]:
            continue
        guess = forecast(lower, size, level)
        errors = tuple(np.exp(by_size.logs[-1]).tolist())
        caught = sum(guess.lower <= e <= guess.upper for e in errors)
        holdouts.append(
            HoldoutRecord(
                size=size,
                ahead=size / float(lower.size[-1]),
                lower=guess.lower,
                upper=guess.upper,
                errors=errors,
                caught=caught,
                of=len(errors),
            )
        )
    return tuple(holdouts)


def widening(holdouts: Sequence[HoldoutRecord]) -> float:
    """The factor by which the geometric mean of a held-out training size left its interval; 1 when it did not."""
    factor = 1.0
    for holdout in holdouts:
        mean = math.exp(float(np.mean(np.log(holdout.errors))))
        factor = max(factor, mean / holdout.upper, holdout.lower / mean)
    return factor


def regime(by_size: ErrorsBySize) -> str:
    """A word that names what limits a learning curve."""
    if not math.isfinite(by_size.phi):
        return "capacity- or optimizer-limited"
    # A model that grows with its data is not at its floor.
    if by_size.phi < DATA_LIMITED or not by_size.fixed:
        return "data-limited"
    return "floor-limited" if by_size.phi > FLOOR_LIMITED else "mixed"


def exponent(by_size: ErrorsBySize) -> tuple[float, float, float]:
    """Local exponent alpha of error ~ size^-alpha at the top, with a 90 % interval."""
    alpha, deviation = local_slope(by_size)
    return alpha, alpha - 2.0 * deviation, alpha + 2.0 * deviation
