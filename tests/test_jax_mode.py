"""What JAX has traced in one of its modes does not get into the other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import supnorm as sn
from supnorm.jax_mode import jax_mode, separate_constants

POINTS = np.linspace(0.1, 1.0, 5)[:, None]


@pytest.mark.parametrize("first", [False, True])
def test_weights_of_numpy_have_the_precision_of_each_mode(first):
    separate_constants()
    weights = np.random.default_rng(0).normal(size=(1, 3))

    def model(x):
        return jnp.sin(jnp.asarray(x) @ weights)

    with jax.enable_x64(first):
        earlier = jax.make_jaxpr(model)(POINTS)
    with jax_mode(not first):
        seen = jax.make_jaxpr(model)(POINTS).consts[0]
        value = model(POINTS)
    assert (earlier.consts[0].dtype, seen.dtype) == (
        (np.float64, np.float32) if first else (np.float32, np.float64)
    )
    np.testing.assert_allclose(value, np.sin(POINTS @ weights), rtol=1e-5 if first else 1e-14)


def test_a_model_that_ran_in_32_bits_is_proved_with_its_own_weights_and_runs_afterwards():
    weights = np.random.default_rng(1).normal(size=(1, 3))

    def model(x):
        return jnp.sin(jnp.asarray(x) @ weights).sum(axis=1)

    with jax.enable_x64(False):
        quick = jax.jit(model)
        before = np.asarray(quick(POINTS))
    problem = sn.Problem(model, lambda x: np.sin(x @ weights).sum(axis=1), sn.Domain(x=(0.0, 1.0)))
    assert sn.certify(problem, tolerance=1e-12).upper <= 1e-12
    with jax.enable_x64(False):
        np.testing.assert_allclose(model(POINTS), before, rtol=1e-5)
        np.testing.assert_allclose(quick(POINTS[:2]), before[:2], rtol=1e-5)


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("dtype", [">f4", ">f8", ">i8", "O", "U3", "M8[s]"])
def test_arrays_that_jax_refuses_are_refused_afterwards(dtype, double):
    """As FITS and NetCDF files have them: JAX took bytes of the other order for its own, and computed with other numbers."""
    separate_constants()
    with jax_mode(double):
        with pytest.raises(TypeError, match="Error interpreting argument to neg"):
            jax.lax.neg(np.ones(3).astype(dtype))
        assert jax.lax.neg(np.ones(3)).tolist() == [-1.0, -1.0, -1.0]
