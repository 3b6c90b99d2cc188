"""Residuals and derivatives: certified through the same loop, against closed forms and sampling."""

import cases
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import against_zero, certify, residual
from supnorm.checker import check
from supnorm.problem import Domain, Problem
from supnorm.program import Unsupported
from supnorm.results import BadInput


def _zero(x):
    return 0.0 * x[:, :1]


@pytest.mark.slow
def test_heat_equation_with_a_known_residual(tmp_path):
    """u = exp(-t) sin x solves u_t = u_xx; with 1.1 u_xx the residual is 0.1 exp(-t) sin x."""
    heat = residual(
        lambda z: jnp.exp(-z[:, :1]) * jnp.sin(z[:, 1:]),
        lambda u, z: jax.grad(u)(z)[0] - 1.1 * jax.hessian(u)(z)[1, 1], 2,
    )  # fmt: skip
    result = certify(Problem(heat, _zero, Domain(t=(0.0, 1.0), x=(0.0, 3.0))), ratio=1.02)
    assert result.lower <= 0.1 <= result.upper <= 1.02 * result.lower
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


@pytest.mark.slow
def test_burgers_residual_of_a_network():
    net = cases.network(np.random.default_rng(1), 2, 12, 2, "tanh")

    def burgers(u, z):
        slope, bend = jax.grad(u)(z), jax.hessian(u)(z)
        return slope[0] + u(z) * slope[1] - 0.05 * bend[1, 1]

    problem = Problem(residual(net, burgers, 2), _zero, Domain(t=(0.0, 1.0), x=(-1.0, 1.0)))
    result = certify(problem, ratio=1.1)
    assert result.status.code == "proved"
    assert result.lower <= cases.largest_sampled(result, 50_000, 0) <= result.upper


def test_error_of_a_gradient():
    """Sobolev: the largest error of the derivative of x^3 against sin is |3 x^2 - cos x| at 0 or 1."""

    def slope(f):
        return residual(f, lambda u, x: jax.grad(u)(x)[0], 1)

    result = certify(Problem(slope(lambda x: x**3), slope(jnp.sin), Domain(x=(0.0, 1.0))), ratio=1.01)
    assert result.lower <= 3 - np.cos(1) <= result.upper <= 1.01 * result.lower


def test_unsupported_operations_of_the_residual_are_named():
    with pytest.raises(Unsupported, match="floor"):
        residual(jnp.sin, lambda u, x: jnp.floor(u(x)), 1)


def test_a_function_alone_is_bounded_on_its_domain(tmp_path):
    both = residual(lambda x: jnp.sin(x[:, 0]), lambda u, x: jnp.stack([u(x), 2 * jax.grad(u)(x)[0]]), 1)
    result = certify(against_zero(both, Domain(x=(0.5, 1.5))), 1.01)
    assert result.lower <= 2 * np.cos(0.5) <= result.upper <= 1.01 * result.lower
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted
    with pytest.raises(BadInput, match="domain"):
        certify(both)
