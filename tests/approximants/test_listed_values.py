"""An axis that is a list of values: a model's values, its program and its file are one function."""

import numpy as np
import pytest

from supnorm.approximants import (
    GaussianProcess,
    PiecewiseLeastSquares,
    PolynomialLeastSquares,
    SimplexInterpolation,
    SparseLegendre,
    load_function,
    save,
)
from supnorm.approximants.approximation import SurfaceModel
from supnorm.problem import Axis, Domain
from supnorm.program import Unreadable, program_of

LISTED = Domain(n=Axis(values=(1, 2, 4, 16)), x=(0.0, 1.0))
LOG = Domain(n=Axis(values=(1, 2, 4, 16), scale="log"), x=(0.0, 1.0))
ALONE = Domain(n=Axis(values=(1, 2, 4, 16)))
SINGLE = Domain(n=Axis(values=(3,)), x=(0.0, 1.0))


def smooth(x):
    return np.sqrt(x[:, :1]) + np.sin(3 * x[:, -1:])


def drawn(domain, n=300):
    return domain.from_unit(np.random.default_rng(1).random((n, domain.d)))


@pytest.mark.parametrize("domain", [LISTED, LOG, ALONE, SINGLE], ids=["listed", "log", "alone", "single"])
def test_the_program_of_a_polynomial_gives_its_values(domain):
    x = drawn(domain)
    fitted = PolynomialLeastSquares().from_samples(x, smooth(x), domain)
    assert np.abs(fitted.function.value(x) - smooth(x)).max() < 1e-9
    assert np.abs(fitted.function.program.value(x) - fitted.function.value(x)).max() < 1e-12


@pytest.mark.parametrize(
    ("method", "domain"),
    [
        (PolynomialLeastSquares(), LISTED),
        (SparseLegendre(), SINGLE),
        (GaussianProcess(), SINGLE),
        (SimplexInterpolation(), LOG),
        (PiecewiseLeastSquares(), ALONE),
    ],
    ids=lambda v: type(v).__name__ if not isinstance(v, Domain) else str(v.names),
)
def test_the_file_of_a_model_gives_its_values(method, domain, tmp_path):
    x = drawn(domain)
    fitted = method.from_samples(x, smooth(x), domain, np.random.default_rng(0))
    save(fitted.model, tmp_path / "model.npz")
    again = load_function(tmp_path / "model.npz")
    assert np.array_equal(again.value(x), fitted.function.value(x))
    # An older model took these for listed values.
    between = x + 0.25 * (x[:, :1] < 3) * (np.arange(domain.d) == 0)
    assert np.isfinite(again.value(between)).all()
    y, pull = again.vjp(x)
    assert np.isfinite(pull(np.ones_like(y))).all()


def test_a_file_that_counts_values_keeps_its_meaning_and_has_no_program():
    x = drawn(LISTED)
    surface = PolynomialLeastSquares().from_samples(x, smooth(x), LISTED).model.surface
    old = SurfaceModel(surface, LISTED, name="older")
    assert np.array_equal(old.value(x), surface.value(2.0 * LISTED.to_unit(x) - 1.0))
    with pytest.raises(Unreadable, match="maps a listed value by its position"):
        program_of(old.as_function(), 2)
