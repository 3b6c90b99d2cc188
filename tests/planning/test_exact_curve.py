"""A model that is exact at every training size: zero has no logarithm, and the budget says what was measured."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm.pages.budget_page import budget_page
from supnorm.planning import LearningCurve, MeasuredCurve, TrainingRun, budget
from supnorm.planning.learning_curve.training_run import ZERO, group
from supnorm.problem import Domain
from supnorm.results import BadInput

Array = NDArray[np.float64]
BOX = Domain(x=(0.0, 1.0), y=(0.0, 1.0))


def plane(x: Array) -> Array:
    return np.asarray(1.0 + 2.0 * x[:, 0] - x[:, 1])


def exact(x: Array, y: Array, width: int, rng: Any) -> Any:
    return plane


def rough(x: Array, y: Array, width: int, rng: Any) -> Any:
    return lambda z: plane(z) + 1.0 / len(x)


@pytest.mark.parametrize("trainers", [{"mine": exact}, {"mine": exact, "other": rough}])
@pytest.mark.parametrize("norm", ["sup", "l2"])
def test_an_exact_model_has_a_budget_that_says_so(trainers: dict[str, Any], norm: str) -> None:
    """It ended with exit code 2: "sup of the run with samples 32, seed 0 is 0.0"."""
    curve = LearningCurve(trainers=trainers, sizes=(32, 64, 128), repeats=2)
    result = budget(plane, BOX, tolerance=1e-3, norm=norm, curve=curve, calls=600)
    record = next(c for c in result.learning_curves if c.name == "mine")
    assert record.regime == "exact"
    assert record.forecast == record.holdouts == ()
    assert all(error == 0.0 for size in record.training_sizes for error in size.errors)
    need = next(row for row in result.forecast if row.learning_curve == "mine")
    assert (need.reached, need.value) == ("measured", 32.0)
    metric = "sup" if norm == "sup" else "rms"
    words = f"mine: The {metric} error was zero at all points of the test, for every measured size"
    assert words in str(result)
    assert words in budget_page(result)
    assert "10⁻³⁰⁰" not in str(result)
    average = next(c for c in result.caveats if c.code == "average")
    assert average.outcome.code == "curve-is-exact"
    if "other" in trainers:
        architecture = next(c for c in result.caveats if c.code == "architecture")
        assert architecture.outcome.code == "only-exact"


def test_a_zero_among_other_errors_counts_as_the_smallest_of_them() -> None:
    runs = [
        TrainingRun(n, 8, s, 1.0 / n, 0.0 if (n, s) == (64, 0) else 1.0 / n, 0.0)
        for n in (16, 32, 64)
        for s in (0, 1)
    ]
    assert [float(np.exp(logs).min()) for logs in group(runs, "samples", "sup").logs] == pytest.approx(
        [1 / 16, 1 / 32, 1 / 64]
    )
    curve = MeasuredCurve(tuple(runs))
    assert not curve.exact
    assert curve.ahead
    assert 0.0 in curve.record().training_sizes[-1].errors
    alone = [TrainingRun(n, 8, 0, 0.0, 0.0, 0.0) for n in (16, 32, 64)]
    assert group(alone, "samples", "rms").mean == pytest.approx([math.log(ZERO)] * 3)


@pytest.mark.parametrize("error", [-1e-3, math.nan, math.inf])
def test_what_is_no_error_is_still_refused(error: float) -> None:
    runs = [TrainingRun(n, 8, 0, 0.1, error, 0.1) for n in (16, 32, 64)]
    with pytest.raises(BadInput, match="of the run with samples 16"):
        group(runs, "samples", "sup")
