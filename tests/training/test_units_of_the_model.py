"""A fit keeps the unit that only the model of its problem states."""

from __future__ import annotations

import numpy as np
import pytest

from supnorm import Domain, Function, Problem, fit


@pytest.mark.slow
def test_errors_are_in_the_unit_that_only_the_model_states() -> None:
    model = Function(lambda x: x, output_units=("N",))
    truth = Function(lambda x: np.sin(x[:, 0]))
    result = fit(Problem(model, truth, Domain(a=(0.0, 1.0)), tolerance=1e-3), method="chebyshev", seed=0)
    assert result.record.measure.unit == "N"


@pytest.mark.slow
def test_the_unit_of_the_reference_comes_first() -> None:
    model = Function(lambda x: x)
    truth = Function(lambda x: np.sin(x[:, 0]), output_units=("kN",))
    result = fit(Problem(model, truth, Domain(a=(0.0, 1.0)), tolerance=1e-3), method="chebyshev", seed=0)
    assert result.record.measure.unit == "kN"
