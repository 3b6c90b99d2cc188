"""From a reference to a checked proof: a network fitted to a thermodynamic function, certified within 10 %."""

import numpy as np
import pytest

from supnorm.certification import certify, values_of_problem
from supnorm.checker import check
from supnorm.problem import Domain, Problem
from supnorm.training import fit
from supnorm.training.network_fit import NetworkFit


def pressure(x):
    """Van der Waals in reduced units, from the reduced temperature and volume."""
    T, v = x[:, 0], x[:, 1]
    return 8 * T / (3 * v - 1) - 3 / v**2


@pytest.mark.slow
def test_fitted_network_of_an_equation_of_state(tmp_path):
    domain = Domain(T=(0.9, 1.5), v=(0.8, 4.0))
    fitted = fit(
        pressure, domain, tolerance=1e-3, method=NetworkFit(widths=(12,)), max_evaluations=4000, seed=0
    )
    problem = Problem(fitted.model, pressure, domain)
    result = certify(problem, ratio=1.1)
    assert result.status.code == "proved"
    x = np.random.default_rng(1).uniform([0.9, 0.8], [1.5, 4.0], size=(100_000, 2))
    error = np.abs(fitted.model.value(x)[:, 0] - pressure(x)).max()
    assert 0.5 * result.lower <= error <= result.upper + 1e-12
    result.certificate.save(tmp_path / "c.json")
    verdict = check(tmp_path / "c.json", values_of_problem(problem))
    assert verdict.accepted, verdict
