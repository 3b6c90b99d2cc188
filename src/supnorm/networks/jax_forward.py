"""The network in JAX, for differential equations, where the training needs derivatives by the inputs."""

from __future__ import annotations

from typing import Any

from supnorm.networks.activations import jax_activation
from supnorm.networks.architecture import Architecture, split


def jax_forward(architecture: Architecture, theta: Any, frequencies: Any, z: Any) -> Any:
    """Scaled outputs from scaled inputs ``z``, shape ``(..., d)``, in JAX."""
    import jax.numpy as jnp

    layers = split(architecture, theta)
    if architecture.fourier:
        waves = z @ frequencies.T
        z = jnp.concatenate([z, jnp.sin(waves), jnp.cos(waves)], axis=-1)
    for i, (weights, bias) in enumerate(layers[:-1]):
        after = jax_activation(architecture.activations[i])(z @ weights.T + bias)
        z = z + after if architecture.skips(i) else after
    return z @ layers[-1][0].T + layers[-1][1]
