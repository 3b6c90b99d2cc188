"""An audit's random points are not those of a user with the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import qmc

from supnorm.auditing import audit
from supnorm.auditing.find_worst import find_worst
from supnorm.evaluation import Calls
from supnorm.guarding.collecting import collect
from supnorm.problem import Domain, Problem

Array = NDArray[np.float64]
SQUARE = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
N = 4000
# How people draw training points with a seed.
DRAWS: dict[str, Callable[[int], Array]] = {
    "Generator": lambda seed: np.random.default_rng(seed).random((N, 2)),
    "uniform": lambda seed: np.random.default_rng(seed).uniform([0, 0], [1, 1], (N, 2)),
    "RandomState": lambda seed: np.random.RandomState(seed).rand(N, 2),
    "Sobol": lambda seed: qmc.Sobol(2, rng=np.random.default_rng(seed)).random(4096),
    "hypercube": lambda seed: qmc.LatinHypercube(2, rng=np.random.default_rng(seed)).random(N),
}
VERBS: dict[str, Callable[[Problem, int], Any]] = {
    "audit": lambda problem, seed: audit(problem, evaluations=5000, seed=seed, power=False),
    "find_worst": lambda problem, seed: find_worst(problem, evaluations=5000, seed=seed),
    "guard": lambda problem, seed: collect(problem, evaluations=5000, seconds=None, seed=seed, calls=Calls()),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("seed", [0, 42])
def test_no_training_point_is_drawn_again(verb: str, seed: int) -> None:
    seen: list[Array] = []

    def truth(x: Array) -> Array:
        seen.append(x.copy())
        return x[:, 0] * x[:, 1]

    VERBS[verb](Problem(lambda x: x[:, 0], truth, SQUARE), seed)
    rows = {row.tobytes() for x in seen for row in x}
    for name, draw in DRAWS.items():
        assert not rows & {row.tobytes() for row in draw(seed)}, name


def test_a_model_that_knows_its_training_points_is_not_better_for_the_same_seed() -> None:
    """A new user's case: RMS 0.148 for 0.77."""
    known = {row.tobytes() for row in np.random.default_rng(0).random((20_000, 2))}

    def model(x: Array) -> Array:
        return np.array([0.0 if row.tobytes() in known else 1.0 for row in x])

    report = audit(Problem(model, lambda x: 0 * x[:, 0], SQUARE), evaluations=3000, power=False)
    assert report.record.rms.value == 1.0
