"""Forecast for a model of fixed size: the gap between test and training error falls like 1/N.

More samples push the test error of a model of fixed size down to its training error, never below: with phi,
training over test error, at the largest size, ``error(N 2^h) = error(N) (phi + (1 - phi) 2^-e)``, e = h. For least squares
with p weights that holds to first order (training^2 = F^2 (1 - p/N), test^2 = F^2 (1 + p/N)); for tanh networks it held in
the median at every phi from .001 to 1, and e stayed within h +- .8 sqrt(h) in nine of ten: as if each doubling
strayed on its own. A model that still interpolates (phi below .001: mostly, fewer samples than weights) is not
determined by its data yet; once it is, the error falls faster. So the last slopes of the training sizes, which a line or a
power law continues, say little: what they fall to is known. The ends add how far a single run strays. The numbers
were tuned on 55 network learning curves (benchmarks/budget/README.md). Cost: nothing.
"""

from __future__ import annotations

import math

from supnorm.planning.learning_curve.training_run import ErrorsBySize

# `test_other_numbers_of_the_gap_law_do_worse` guards these numbers.
STRAYS = 0.8  # how far the exponent strays from 1 in one doubling, for 90 %
INTERPOLATES, STARTS = 1e-3, 1.4  # below this phi the exponent may be larger by this much


def gap_forecast(by_size: ErrorsBySize, size: float, reach: float) -> tuple[float, float, float]:
    """Middle, lower and upper end of the log error of a new run at ``size``; ``by_size.phi`` must be known.

    Args:
        by_size: the errors of the learning curve.
        size: at least the largest size.
        reach: how far a single run strays from its training size, in natural logarithms.

    >>> import numpy as np
    >>> sizes = 2.0 ** np.arange(4, 10)
    >>> by_size = ErrorsBySize(sizes, tuple(np.log(1 / m) + np.array([-0.1, 0.1]) for m in sizes), phi=0.5)
    >>> middle, low, high = gap_forecast(by_size, 1024.0, 0.2)
    >>> round(float(np.exp(middle) * 512), 3), bool(low < middle < high)
    (0.75, True)
    """
    top, phi = float(by_size.mean[-1]), min(max(by_size.phi, 0.0), 1.0)
    doublings = math.log2(size / float(by_size.size[-1]))

    def law(exponent: float) -> float:
        return top + math.log(phi + (1.0 - phi) * 2.0 ** -max(exponent, 0.0))

    root = math.sqrt(doublings)
    steeper = STARTS if phi < INTERPOLATES else STRAYS
    low, high = doublings + steeper * root, doublings - STRAYS * root
    return law(doublings), law(low) - reach, law(high) + reach
