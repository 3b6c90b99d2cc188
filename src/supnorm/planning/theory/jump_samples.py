"""No number of samples promises a tolerance below half of a jump whose position only samples show.

Between two neighbouring samples along the jump's axis the jump may sit anywhere: the members that jump at
both ends of the gap agree on all samples and differ by the height h in the gap, so one of them errs by h/2
there. In L^p the gap shrinks and with it the error; this statement is about the sup norm. Cost: O(m log m).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.theory.statement import GUARANTEE, Adversary, ClassBound
from supnorm.results.numbers import num

Array = NDArray[np.float64]


def hidden_jump(x: Array, height: float) -> Adversary:
    """Half the difference of two members that jump along the first axis at the ends of the widest gap.

    Both members are ``step +- value``; they agree at all samples ``x``, shape ``(m, d)``.
    """
    positions = np.unique(np.concatenate([[0.0], x[:, 0], [1.0]]))
    widest = int(np.diff(positions).argmax())
    low, high = positions[widest], positions[widest + 1]

    def value(z: Array) -> Array:
        inside = (z[:, 0] > low) & (z[:, 0] < high)
        return np.where(inside, 0.5 * height, 0.0)

    peak = np.full(x.shape[1], 0.5)
    peak[0] = 0.5 * (low + high)
    return Adversary(value, 0.5 * height, peak)


def jump_samples(height: float, eps: float) -> ClassBound:
    """The statement for a jump of that height; says nothing for ``eps >= height / 2``.

    >>> jump_samples(1.0, 0.1).log10, jump_samples(1.0, 0.6).vacuous
    (inf, True)
    """
    return ClassBound.of(
        name="a jump, sup norm",
        line=GUARANTEE,
        quantity="samples",
        log10=math.inf if 2.0 * eps < height else 0.0,
        rate="does not fall with the samples",
        class_=f"functions with a jump of height {num(height)} at a position that only samples show",
        assumptions=("finitely many samples",),
        source="proved here: two members that agree on all samples and differ by the jump between them",
        status="proved",
        vacuous=2.0 * eps >= height,
        build=lambda x: hidden_jump(x, height),
    )
