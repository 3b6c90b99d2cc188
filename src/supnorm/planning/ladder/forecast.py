"""The forecast that is shipped: two laws, "no gain" and "it starts now", aware of the floor.

M4 (any ladder): lower end = the lowest of `drift`, `power_law` and of "it starts now" (an error that falls like
1/N from the top rung on: rungs that have learnt nothing yet look flat, and the laws continue them flat), upper
end = the upper of both and of "no further gain" (the top rung again). M5 (ladders in samples at fixed width and
optimizer) knows phi = training over test error at the top rung. It lifts the lower end: more samples cannot push
the test error below the training error, so neither end falls below (top rung) * phi times the scatter. It cuts
the upper end: more data do not make a fit much worse; and while the ladder is data-limited (phi < .1) the "no
gain" scenario is left out, or no tolerance below the top rung could ever be planned for. Regime: data-limited
(phi < .1), floor-limited (phi > .5), mixed between. Never beyond 8 times the top rung: there no interval was ever
checked; only the exponent is printed. Checked by leaving top rungs out (`backtest`): a miss widens the interval by
the observed factor.
Calibration: 90 % intervals covered .90 to 1.0 on the 19 ladders used in the design (docs/budget.md has the
numbers on ladders that were not). Cost: milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from supnorm.planning.ladder.drift import drift_forecast, local_slope
from supnorm.planning.ladder.power_law import power_law_forecast
from supnorm.planning.ladder.rungs import Rungs
from supnorm.results import BadInput

FURTHEST = 8.0
DATA_LIMITED, FLOOR_LIMITED = 0.1, 0.5
REACH = 2.0  # deviations of a single run round a rung's mean
NO_WORSE = 2.0  # more data do not make it worse by more than this many reaches (tuned on nine functions)


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
    """M4, and M5 where ``rungs.phi`` is known: median, lower, upper end of the log error."""
    laws = [drift_forecast(rungs, size, level), power_law_forecast(rungs, size, level)]
    reach = REACH * float(rungs.scatter[-1])
    top = float(rungs.mean[-1])
    low, high = min(law[1] for law in laws), max(law[2] for law in laws)
    low = min(low, top - math.log(size / float(rungs.size[-1])))
    if not rungs.phi < DATA_LIMITED:
        high = max(high, top + reach)
    if math.isfinite(rungs.phi):
        floor = top + min(math.log(max(rungs.phi, 1e-300)), 0.0)
        low = max(low, floor - reach)
        high = max(min(high, max(top + NO_WORSE * reach, laws[1][2])), floor + reach)
    middle = float(np.median([law[0] for law in laws]))
    return min(max(middle, low), high), low, high


def forecast(rungs: Rungs, size: float, level: float = 0.9, widened: float = 1.0) -> Forecast:
    """Forecast one size.

    Args:
        rungs: the ladder; with phi for M5, with NaN for M4.
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
        phis: training over test error of each rung (NaN for M4).
        level: nominal coverage.
    """
    found = []
    for left in (1, 2):
        count = len(rungs.size) - left
        if count < 3:
            continue
        lower = Rungs(rungs.size[:count], rungs.logs[:count], phis[count - 1])
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


def regime(phi: float) -> str:
    """The word for what limits a ladder in samples."""
    if not math.isfinite(phi):
        return "capacity- or optimizer-limited"
    return "data-limited" if phi < DATA_LIMITED else "floor-limited" if phi > FLOOR_LIMITED else "mixed"


def exponent(rungs: Rungs) -> tuple[float, float, float]:
    """Local exponent alpha of error ~ size^-alpha at the top, with a 90 % interval."""
    alpha, deviation = local_slope(rungs)
    return alpha, alpha - 2.0 * deviation, alpha + 2.0 * deviation
