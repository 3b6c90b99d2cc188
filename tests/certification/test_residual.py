"""Residuals and derivatives: certified through the same loop, against closed forms and sampling."""

import cases
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import (
    against_zero,
    certify,
    certify_properties,
    mismatch,
    residual,
    values_of_problem,
)
from supnorm.certification.residual import NEVER_RUN
from supnorm.checker import check
from supnorm.problem import Domain, Function, Problem
from supnorm.program import Unsupported, program_of
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
    result = certify(problem, ratio=1.05, boxes=400)
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
    assert result.certificate.error.notes == (NEVER_RUN,)
    assert result.lower <= 1.0 / (1.0 + np.exp(-1.0)) <= result.upper


WAYS = {
    "grad": lambda u, z: (jax.grad(u)(z), jax.grad(lambda y: jax.grad(u)(y)[1])(z)),
    "hessian": lambda u, z: (jax.grad(u)(z), jax.hessian(u)(z)[1]),
    "jacfwd": lambda u, z: (jax.jacfwd(u)(z), jax.jacfwd(jax.jacfwd(u))(z)[1]),
    "jacrev": lambda u, z: (jax.jacrev(u)(z), jax.jacrev(jax.jacrev(u))(z)[1]),
    "compiled": lambda u, z: (jax.jit(jax.grad(u))(z), jax.jit(jax.hessian(u))(z)[1]),
    "with values": lambda u, z: (jax.value_and_grad(u)(z)[1], jax.hessian(u)(z)[:, 1]),
    "jvp": lambda u, z: (
        jnp.stack([_slope(u, i)(z) for i in range(2)]),
        jnp.stack([_slope(_slope(u, i), 1)(z) for i in range(2)]),
    ),
}


def _slope(u, i):
    return lambda z: jax.jvp(u, (z,), (np.eye(2)[i],))[1]


def _burgers(way):
    def equation(u, z):
        slope, bend = WAYS[way](u, z)
        return slope[0] + u(z) * slope[1] - 0.05 * bend[1] + 0.3 * bend[0]

    return equation


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_differentiating_gives_the_same_values(way):
    for seed in range(3):
        net = cases.network(np.random.default_rng(seed), 2, 6, 3, "tanh")
        z = np.random.default_rng(seed).uniform(-1.0, 1.0, (40, 2))
        forward = residual(net, _burgers("jvp"), 2).value(z)
        assert residual(net, _burgers(way), 2).value(z) == pytest.approx(forward, rel=1e-10, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["grad", "hessian", "jacrev"])
def test_reverse_derivatives_of_a_deep_network_are_bounded_as_forward_ones(way):
    """Products of Jacobians from the last layer to the first would need many more boxes (`_differentiated_forward`)."""
    net, box = cases.network(np.random.default_rng(3), 2, 8, 6, "tanh"), Domain(t=(0.0, 0.5), x=(0.0, 0.5))
    forward = certify(against_zero(residual(net, _burgers("jvp"), 2), box), ratio=1.2)
    result = certify(against_zero(residual(net, _burgers(way), 2), box), ratio=1.2)
    assert result.status.code == "proved"
    assert result.tried <= 1.2 * forward.tried
    assert result.upper == pytest.approx(forward.upper, rel=0.02)
    assert result.rounding <= 3.0 * forward.rounding


@pytest.mark.slow
def test_derivatives_of_several_outputs_and_of_third_order():
    net = lambda x: jnp.stack([jnp.sin(x[:, 0] * x[:, 1]), jnp.exp(x[:, 0])], axis=1)  # noqa: E731

    def equation(u, z):
        third = jax.grad(lambda a: jax.grad(lambda b: jax.grad(lambda c: u(c)[1])(b)[0])(a)[0])(z)[0]
        return jax.jacrev(u)(z)[0, 1] + third + jax.jacfwd(jax.jacrev(u))(z)[0, 0, 1]

    z = np.random.default_rng(0).uniform(-1.0, 1.0, (50, 2))
    x, y = z.T
    wanted = x * np.cos(x * y) + np.exp(x) + np.cos(x * y) - x * y * np.sin(x * y)
    assert residual(net, equation, 2).value(z)[:, 0] == pytest.approx(wanted, rel=1e-12)


def test_a_residual_says_that_the_code_of_its_network_is_not_run():
    def network(t):
        return jnp.exp(-t[:, 0])

    def remarks(one):
        found = certify(
            against_zero(residual(one, lambda u, t: jax.grad(u)(t)[0] + u(t), 1), Domain(t=(0.0, 1.0))),
            tolerance=0.1,
        )
        return [text for text in found.assumptions if "network of the residual" in text]

    assert remarks(network) == [NEVER_RUN]
    assert remarks(Function(lambda t: np.exp(-t), program=program_of(network, 1))) == []


def test_a_domain_that_is_none_is_refused() -> None:
    """`certify_properties(f, "dom", ..)` ended in an AttributeError."""
    with pytest.raises(BadInput, match=r"domain must be a supnorm\.Domain, got str"):
        certify_properties(np.sin, "dom", ["positive"])  # type: ignore[arg-type]
