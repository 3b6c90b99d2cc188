"""Neurons that suffice for functions with an integrable Fourier transform: no dimension in the rate.

Class: ``f(x) = int cos(w.x + theta(w)) |F(w)| dw`` with ``C = int |F|`` finite. A sample of N frequencies from the
law |F| / C gives the network ``C/N sum_i cos(w_i.x + theta_i)`` of one hidden layer of cosines; its mean square
error under *any* law of x is at most ``(C^2 - |f|^2) / N`` in expectation (the variance of a mean; Maurey), so some
choice has

    ||f - f_N||_2 <= C / sqrt(N),   N = ceil((C/eps)^2) neurons, N (d + 2) weights.

For one hidden layer of sigmoids, ReLUs and so on C is the *first* moment int |w| |F| (Barron 1993), with a
constant of its own. C is a property of f that usually grows exponentially with d: the statement is printed only when
C is supplied. It is about the mean square; in the sup norm a factor of the size sqrt(d) more enters. Cost: O(1).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.theory.statement import CONSTRUCTION, ClassBound
from supnorm.results.numbers import num

Array = NDArray[np.float64]


def fourier_weights(d: int, norm: float, eps: float) -> ClassBound:
    """The statement for ``C = norm`` and a mean square tolerance ``eps``.

    >>> round(10 ** fourier_weights(10, 1.0, 0.1).log10)
    1200
    """
    neurons = math.ceil((norm / eps) ** 2)
    return ClassBound.of(
        name="one hidden layer of cosines, mean square",
        line=CONSTRUCTION,
        quantity="weights",
        log10=math.log10(neurons) + math.log10(d + 2),
        rate="eps^-2, whatever d",
        class_=f"integral of |Fourier transform| at most {num(norm, 6)}, d = {d}",
        assumptions=("the supplied norm holds", "error in the mean square, any law of the inputs"),
        source="proved here (Maurey's argument; Barron 1993 for sigmoids)",
        status="proved",
    )
