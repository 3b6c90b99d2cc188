"""Derivatives in the parameters and inputs against JAX's, for every kind of layer."""

import jax
import numpy as np
import pytest

from supnorm.networks import ACTIVATIONS, Network, double_precision
from supnorm.networks.jax_forward import jax_forward

KINDS = [{"activation": name} for name in sorted(ACTIVATIONS)] + [
    {"residual": True, "activation": "silu"},
    {"residual": True, "activation": "tanh"},
    {"fourier": 3, "activation": "sin"},
    {"residual": True, "fourier": 2, "activation": "softplus"},
]


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("kind", KINDS, ids=lambda k: "-".join(map(str, k.values())))
def test_derivatives_agree_with_jax(kind):
    rng = np.random.default_rng(3)
    net = Network.init(rng, 2, 2, 5, 3, **kind)
    (part,) = net.parts
    z, weight = rng.uniform(-1, 1, (2, 7)), rng.standard_normal((2, 7))
    passed = net.forward(net.flat, z)
    gradient, inward = passed.gradient(weight)
    rows, inward_again = passed.jacobian(weight)
    with double_precision():

        def each(theta, points):
            outputs = jax_forward(part.architecture, theta, part.frequencies, points)
            return (outputs * weight.T).sum(axis=1)

        expected = np.asarray(jax.jit(jax.jacrev(each))(net.flat, z.T))
        towards = np.asarray(jax.jit(jax.grad(lambda points: each(net.flat, points).sum()))(z.T))
    np.testing.assert_allclose(rows.T, expected, atol=1e-12)
    np.testing.assert_allclose(gradient, expected.sum(axis=0), atol=1e-12)
    np.testing.assert_allclose(inward.T, towards, atol=1e-12)
    np.testing.assert_allclose(inward_again, inward, atol=1e-14)
    np.testing.assert_allclose(passed.outputs.T, net.value(z.T), atol=1e-12)
