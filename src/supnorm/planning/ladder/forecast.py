"""The forecast that is shipped: what is known about the limit of a ladder decides which laws may speak.

Fixed size (a ladder in samples, the same weights at every rung): `gap_law`, the training error is the limit. While phi,
training over test error at the top rung, is below .1 the limit is far and the ladder data-limited; then `drift` and
`power_law`, which continue the rungs, lower the lower end, not below the limit, and are the upper end.
Growing (weights grow with the samples, as those of Gaussian processes do; and ladders in width): phi says nothing about the
limit. Lower end = the lowest of `drift`, `power_law` and of "it starts now" (an error that falls like 1/N from the top
rung on: rungs that have learnt nothing yet look flat, and the laws continue them flat); upper end = the upper of
both laws. The envelope of two 85 % intervals covers 90 %.
"No further gain" (the top rung again) bounds from above where the training error is small, since more data do not
make it worse, and is a scenario of its own elsewhere. Regime: data-limited (phi < .1), floor-limited (phi > .5), mixed
between. Never beyond 8 times the top rung: there no interval was ever checked; only the exponent is printed.
Checked by leaving top rungs out (`backtest`): a miss widens the interval by the observed factor.
Calibration: tuned on 55 network and 46 Gaussian-process ladders; benchmarks/budget/README.md has the coverage on
ladders that were not used. Cost: milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from supnorm.planning.ladder.drift import drift_forecast, local_slope
from supnorm.planning.ladder.gap_law import gap_forecast
from supnorm.planning.ladder.power_law import power_law_forecast
from supnorm.planning.ladder.rungs import Rungs
from supnorm.results import BadInput

FURTHEST = 8.0
DATA_LIMITED, FLOOR_LIMITED = 0.1, 0.5
REACH = 2.0  # deviations of a single run round its rung, for 90 %
WANDER = 0.15  # the law itself errs, by this much a doubling
INNER = 1.5  # an envelope of two intervals misses less than each: each may miss this much more
MARGIN = 0.7  # deviations of a single run, beyond both laws


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


def envelope(rungs: Rungs, size: float, level: float) -> tuple[float, float, float]:
    """Median, lower, upper end of the log error of a new run at ``size``, at most 8 times the top rung."""
    fixed = rungs.fixed and math.isfinite(rungs.phi)
    top, scatter = float(rungs.mean[-1]), float(rungs.scatter[-1])
    doublings = math.log2(size / float(rungs.size[-1]))
    factor = _tail(level) / _tail(0.9)
    reach, no_gain = factor * math.hypot(REACH * scatter, WANDER * doublings), top + factor * REACH * scatter
    gap = gap_forecast(rungs, size, reach) if fixed else None
    if gap is not None and not rungs.phi < DATA_LIMITED:
        return gap
    inner = 1.0 - INNER * (1.0 - level)
    laws = [drift_forecast(rungs, size, inner), power_law_forecast(rungs, size, inner)]
    margin = MARGIN * scatter
    low, high = min(law[1] for law in laws) - margin, max(law[2] for law in laws) + margin
    middles = [law[0] for law in laws]
    if gap is not None:
        limit = top + math.log(max(rungs.phi, 1e-300))
        low = max(min(low, gap[1]), limit - reach)
        high = max(min(high, no_gain), gap[0] + reach)
        middles.append(gap[0])
    else:
        low = min(low, top - doublings * math.log(2.0) - margin)
        high = min(high, no_gain) if rungs.phi < DATA_LIMITED else max(high, no_gain)
    middle = float(np.median(middles))
    return min(max(middle, low), high), low, high


def _tail(level: float) -> float:
    """Half the width of an interval of Student's law with 5 degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(5.0, 0.5 * (1.0 + level)))


def forecast(rungs: Rungs, size: float, level: float = 0.9, widened: float = 1.0) -> Forecast:
    """Forecast one size.

    Args:
        rungs: the ladder; with phi where it is known.
        size: at most 8 times the top rung.
        level: nominal coverage.
        widened: factor from `backtest`.

    Raises:
        BadInput: for a size beyond 8 times the top rung, or below it.

    >>> sizes = 2.0 ** np.arange(4, 10)
    >>> rungs = Rungs(sizes, tuple(np.log(1 / m) + np.array([-0.1, 0.1]) for m in sizes), phi=0.01)
    >>> found = forecast(rungs, 1024)
    >>> found.lower < 1 / 1024 < found.upper
    True
    """
    top = float(rungs.size[-1])
    if not top <= size <= FURTHEST * top:
        raise BadInput(
            f"a forecast is given from the top rung {top:g} to {FURTHEST:g} times it, got {size:g}; "
            "beyond, only the exponent is known: climb further rungs"
        )
    middle, low, high = envelope(rungs, size, level)
    extra = math.log(widened)
    return Forecast(size, math.exp(middle), math.exp(low - extra), math.exp(high + extra), level, widened)


@dataclass(frozen=True)
class Holdout:
    """A top rung that was left out and forecast from those below.

    Attributes:
        size: the rung.
        ahead: how many times the top rung below it.
        forecast: from the rungs below.
        errors: of the runs there.
        caught: how many of them lie inside.
    """

    size: float
    ahead: float
    forecast: Forecast
    errors: tuple[float, ...]
    caught: int


def backtest(rungs: Rungs, phis: tuple[float, ...], level: float = 0.9) -> list[Holdout]:
    """Forecast the top rung from those below it, and the top two from those below both.

    Args:
        rungs: the ladder.
        phis: training over test error of each rung, NaN where it means nothing.
        level: nominal coverage.
    """
    found = []
    for left in (1, 2):
        count = len(rungs.size) - left
        if count < 3:
            continue
        lower = Rungs(rungs.size[:count], rungs.logs[:count], phis[count - 1], rungs.fixed)
        size = float(rungs.size[-1])
        if size > FURTHEST * lower.size[-1]:
            continue
        guess = forecast(lower, size, level)
        errors = tuple(np.exp(rungs.logs[-1]).tolist())
        caught = sum(guess.lower <= e <= guess.upper for e in errors)
        found.append(Holdout(size, size / float(lower.size[-1]), guess, errors, caught))
    return found


def widening(holdouts: list[Holdout]) -> float:
    """The factor by which the geometric mean of a held-out rung left its interval; 1 when it did not."""
    factor = 1.0
    for held in holdouts:
        mean = math.exp(float(np.mean(np.log(held.errors))))
        factor = max(factor, mean / held.forecast.upper, held.forecast.lower / mean)
    return factor


def regime(rungs: Rungs) -> str:
    """The word for what limits a ladder."""
    if not math.isfinite(rungs.phi):
        return "capacity- or optimizer-limited"
    if rungs.phi < DATA_LIMITED or not rungs.fixed:  # a model that grows with its data is not at its floor
        return "data-limited"
    return "floor-limited" if rungs.phi > FLOOR_LIMITED else "mixed"


def exponent(rungs: Rungs) -> tuple[float, float, float]:
    """Local exponent alpha of error ~ size^-alpha at the top, with a 90 % interval."""
    alpha, deviation = local_slope(rungs)
    return alpha, alpha - 2.0 * deviation, alpha + 2.0 * deviation
