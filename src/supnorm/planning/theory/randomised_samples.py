"""Samples that a promise in the sup norm needs when the method may use random numbers: n times differentiable functions.

A randomised method promises an *expected* error of at most eps for every f of the class |D^a f| <= L_|a|. Draw one
of the M = (N+1)^d disjoint bumps of height h(N) (`smooth_samples`) and a sign, both uniformly. For fixed random
numbers the method that sees only zeros takes at most m samples and meets at most m bumps; on all others it answers the
same for both signs, so its error averages at least h(N). The mean error is therefore at least ``h (1 - m/M)``,
and some bump has at least that much in expectation. With m < M/2 it exceeds h/2:

    m >= (N + 1)^d / 2,   N = max{N : h(N) > 2 eps}.

Random numbers halve the count and double the tolerance, no more: the exponent d/n stays. Cost: O(n) for the number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.theory.smooth_samples import inverse_width
from supnorm.planning.theory.statement import GUARANTEE, ClassBound, log10_power

Array = NDArray[np.float64]


def randomised_samples(d: int, scales: Sequence[float], eps: float) -> ClassBound:
    """The statement for ``d`` inputs, derivative bounds ``L_0 .. L_n`` and expected error ``eps``.

    >>> round(10 ** randomised_samples(3, (1.0, 1.0, 1.0), 5e-4).log10, 1)
    171.5
    """
    width, n = inverse_width(d, scales, 2.0 * eps), len(scales) - 1
    log10 = log10_power(width + 1, d) - float(np.log10(2.0))
    return ClassBound.of(
        name="samples, n derivatives, randomised methods, sup norm",
        line=GUARANTEE,
        quantity="samples",
        log10=max(log10, 0.0),
        rate=f"eps^(-{d}/{n})",
        class_=f"|D^a f| <= L_|a| on the unit cube, |a| <= {n}, d = {d}",
        assumptions=(
            "exact function values",
            "error averaged over the method's random choices, adaptive allowed",
        ),
        source="proved here: a random bump and sign; half the count at twice the tolerance",
        status="proved",
        vacuous=width == 0 or log10 <= 0.0,
    )
