"""Residuals and derivatives: certified through the same loop, against closed forms and sampling."""

import cases
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import against_zero, certify, mismatch, residual, values_of_problem
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


EQUATIONS = {  # in JAX, and with torch's derivatives
    "second derivative": (
        lambda u, x: jax.hessian(u)(x)[0, 0],
        lambda x, u, first, second: second,
    ),
    "what the second derivative takes off": (
        lambda u, x: 0.1 - jax.hessian(u)(x)[0, 0],
        lambda x, u, first, second: 0.1 - second,
    ),
    "convection": (
        lambda u, x: x[0] * jax.grad(u)(x)[0] * u(x) - 0.3 * jax.hessian(u)(x)[0, 0],
        lambda x, u, first, second: x * first * u - 0.3 * second,
    ),
    "argument times slope": (
        lambda u, x: x[0] * jax.grad(u)(x)[0],
        lambda x, u, first, second: x * first,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EQUATIONS)
@pytest.mark.parametrize(("low", "high"), [(2.05, 2.6), (1.0, 2.6)], ids=["beyond", "across"])
def test_the_residual_of_a_network_that_follows_its_argument_holds_of_what_runs(name, low, high, tmp_path):
    """torch's softplus is x from the threshold on, and its derivatives are 1 and 0: the bracket holds of these."""
    torch = pytest.importorskip("torch")
    from supnorm.sources.torch import from_torch

    class Net(torch.nn.Module):
        def forward(self, x):
            return torch.nn.functional.softplus(x, beta=1.0, threshold=2.0)

    in_jax, in_torch = EQUATIONS[name]
    problem = against_zero(residual(from_torch(Net().double()), in_jax, 1), Domain(x=(low, high)))
    result = certify(problem, ratio=1.05, boxes=2000)
    x = torch.linspace(low, high, 4001, dtype=torch.float64)[:, None].requires_grad_()
    u = Net()(x)
    (first,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    second = torch.autograd.grad(first.sum(), x)[0] if first.requires_grad else torch.zeros_like(x)
    worst = float(in_torch(x, u, first, second).abs().max().detach())
    assert result.lower <= worst * (1.0 + 1e-12)
    assert worst <= result.upper
    assert any("the bound has room for them" in note for note in result.certificate.error.notes)
    result.certificate.save(tmp_path / "c.json")
    verdict = check(tmp_path / "c.json", values_of_problem(problem))
    assert verdict.accepted
    assert not verdict.conditional
    assert mismatch(tmp_path / "c.json", problem) is None


def test_a_residual_of_a_network_whose_branch_is_not_taken_has_no_room():
    torch = pytest.importorskip("torch")
    from supnorm.sources.torch import from_torch

    net = from_torch(torch.nn.Softplus(threshold=20.0).double())
    slope = residual(net, lambda u, x: jax.grad(u)(x)[0], 1)
    result = certify(against_zero(slope, Domain(x=(-1.0, 1.0))), ratio=1.01)
    assert result.status.code == "proved"
    assert not result.certificate.error.notes
    assert result.lower <= 1.0 / (1.0 + np.exp(-1.0)) <= result.upper
