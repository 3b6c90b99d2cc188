"""A search for larger errors when the time of a proof is spent: the lower bound is then what is left to improve.

The search before a proof (`lower.search`) screens a few thousand points, which is enough where the proof itself meets the
largest error. Of twenty narrow bumps in four and five inputs it missed the highest: 0.80 and 0.83, where 200,000 uniform
points see 0.84 and 0.87 and the search of an audit 1.00 and 0.95. A proof that ends by itself never comes here.
"""

from __future__ import annotations

import math

import numpy as np

from supnorm.auditing.find_worst import find_worst
from supnorm.certification.rounding import Array
from supnorm.problem import Problem
from supnorm.results import BadInput

SHARE = 0.02  # of the time of the proof
EVALUATIONS = 200_000  # at most, two seconds where calls cost nothing; it has found by then what it finds


def worst_points(problem: Problem, seconds: float, seed: int, left: float = math.inf) -> Array:
    """The worst points that an audit's search finds in a share of the time of a proof, shape ``(k, d)``.

    None where no time is ``left``, or the functions cannot be searched, for example because they fail.
    """
    nothing = np.zeros((0, problem.domain.d))
    if left <= 0.0:
        return nothing
    try:
        rows = find_worst(
            problem, evaluations=EVALUATIONS, seconds=min(SHARE * seconds, left), seed=seed
        ).rows
    except BadInput:
        return nothing
    return np.asarray(rows[:, : problem.domain.d])
