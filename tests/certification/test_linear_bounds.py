"""Piecewise linear networks: brackets against exact maxima at the vertices of their pieces."""

import cases
import jax.numpy as jnp
import numpy as np
import pytest
from reproduce.expressivity.networks import square_network

from supnorm.certification import ChebyshevCertificate, LinearBounds, certify
from supnorm.certification.choice import suited
from supnorm.certification.error_program import error_program
from supnorm.checker import check
from supnorm.problem import Domain, Problem

rng = np.random.default_rng(4)


@pytest.mark.parametrize("ratio", [1.1, 1.001])
def test_one_dimension_against_the_kinks(ratio):
    """A ReLU network minus a linear function is largest at an end or a kink: all are known."""
    w, b, v = rng.normal(size=(1, 12)), rng.normal(size=12), rng.normal(size=(12, 1))
    problem = Problem(lambda x: jnp.maximum(x @ w + b, 0) @ v, lambda x: 0.3 * x + 0.1, Domain(x=(-2.0, 2.0)))
    kinks = np.concatenate([[-2.0, 2.0], (-b / w[0])])
    kinks = kinks[np.abs(kinks) <= 2][:, None]
    exact = np.abs(np.maximum(kinks @ w + b, 0) @ v - 0.3 * kinks - 0.1).max()
    result = certify(problem, ratio)
    assert result.lower <= exact * (1 + 1e-14)
    assert exact * (1 - 1e-14) <= result.upper <= ratio * result.lower


def test_an_error_below_the_rounding_of_a_kink_ends_the_work():
    """Boxes that a kink crosses have no bound in higher precision: the answer says so, and nothing is halved for ever."""
    w, b, v = rng.normal(size=(2, 8)), rng.normal(size=8), rng.normal(size=8)

    def net(x):
        return jnp.maximum(x @ w + b, 0) @ v

    box = Domain(x=(0.0, 1.0), y=(0.0, 1.0))
    result = certify(Problem(net, lambda x: net(x) + 1e-16 * x[:, 0], box), 1.1, boxes=20_000)
    assert result.status.code == "undecided"
    assert "Float64 rounding" in result.status.advice
    assert result.lower <= 1e-16 <= result.upper <= 1e-12
    assert certify(Problem(net, lambda x: net(x) + 1e-11 * x[:, 0], box), 1.1).status.code == "proved"


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
@pytest.mark.parametrize("d", [2, 3])
def test_more_dimensions_and_the_checker(d, activation, tmp_path):
    net, other = cases.network(rng, d, 6, 2, activation), cases.smooth(rng, d)
    domain = Domain.from_axes({f"x{i}": (-0.5, 0.5) for i in range(d)})
    problem = Problem(net, other, domain)
    assert isinstance(suited(error_program(problem)), LinearBounds)
    result = certify(problem, ratio=1.2)
    assert result.status.code == "proved"
    assert cases.largest_sampled(result, 100_000, 1) <= result.upper
    result.certificate.save(tmp_path / "c.json")
    verdict = check(tmp_path / "c.json")
    assert verdict.accepted, verdict


@pytest.mark.slow
def test_smooth_networks_get_polynomials():
    draws = np.random.default_rng(11)  # 4 boxes against 19; of eight seeds the closest has 10 against 12
    problem = Problem(
        cases.network(draws, 2, 6, 2, "tanh"), cases.smooth(draws, 2), Domain(x=(0, 1), y=(0, 1))
    )
    error = error_program(problem)
    assert isinstance(suited(error), ChebyshevCertificate)
    polynomials = certify(problem, ratio=1.02)
    linear = certify(problem, ratio=1.02, strategy=LinearBounds())
    assert polynomials.boxes < linear.boxes
    assert max(polynomials.lower, linear.lower) <= min(polynomials.upper, linear.upper)


def test_kinks_that_never_cross_do_not_disturb_polynomials():
    problem = Problem(lambda x: jnp.sin(3 * x) + jnp.abs(x + 2), lambda x: x + 2.0, Domain(x=(0.0, 1.0)))
    result = certify(problem, ratio=1.001)
    assert result.lower <= 1.0 <= result.upper
    assert result.boxes < 20


@pytest.mark.sampled(1)
@pytest.mark.parametrize("levels", [6, 9])
def test_a_network_of_teeth_is_proved_to_its_error_in_closed_form(levels: int) -> None:
    """Yarotsky's square network: its first box has a bound by pieces below the middle of its chords, and is halved still."""
    network = square_network(levels)
    result = certify(Problem(network, lambda x: x[:, 0] ** 2, Domain(x=(0.0, 1.0))), ratio=1.001)
    error = 2.0 ** (-2 * levels - 2)
    assert result.status.code == "proved"
    assert error * (1 - 1e-6) <= result.lower <= error <= result.upper <= 1.002 * error
