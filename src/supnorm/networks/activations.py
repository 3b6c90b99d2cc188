"""Activation functions in NumPy with their derivatives, and the same functions in JAX.

All act element by element on float64. Networks with smooth activations (tanh, sin, SiLU, GELU, softplus) reach small
errors with second-order training. ReLU gives a piecewise linear network, whose worst error can be found exactly.
GELU is the exact x Phi(x), not the tanh approximation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.results import BadInput

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Activation:
    """One activation: ``value(z)`` and ``slope(z)``, its derivative (one-sided at a kink)."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]

    def slope_at(self, before: Array, value: Array) -> Array:
        """The slope at the argument ``before`` if the value is known; for tanh the value alone suffices."""
        if self.slope is _tanh_slope:
            squared = value * value
            return np.subtract(1.0, squared, out=squared)
        return self.slope(before)


def _erf(z: Array) -> Array:
    from scipy.special import erf

    result: Array = erf(z)
    return result


def _sigmoid(z: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def _silu(z: Array) -> Array:
    return z * _sigmoid(z)


def _silu_slope(z: Array) -> Array:
    s = _sigmoid(z)
    return s * (1.0 + z * (1.0 - s))


def _gelu(z: Array) -> Array:
    return 0.5 * z * (1.0 + _erf(z * math.sqrt(0.5)))


def _gelu_slope(z: Array) -> Array:
    density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return 0.5 * (1.0 + _erf(z * math.sqrt(0.5))) + z * density


def _tanh_slope(z: Array) -> Array:
    t = np.tanh(z)
    return 1.0 - t * t


ACTIVATIONS: dict[str, Activation] = {
    "gelu": Activation(_gelu, _gelu_slope),
    "relu": Activation(lambda z: np.maximum(z, 0.0), lambda z: (z > 0).astype(np.float64)),
    "silu": Activation(_silu, _silu_slope),
    "sin": Activation(np.sin, np.cos),
    "softplus": Activation(lambda z: np.logaddexp(0.0, z), _sigmoid),
    "tanh": Activation(np.tanh, _tanh_slope),
}


def check_activation(name: str) -> str:
    """Return the name if an activation has it.

    Raises:
        BadInput: for an unknown name.
    """
    if name not in ACTIVATIONS:
        raise BadInput(f"activation must be one of {', '.join(sorted(ACTIVATIONS))}, got {name!r}")
    return name


def jax_activation(name: str) -> Callable[[Any], Any]:
    """The JAX function of the same name.

    >>> float(jax_activation("relu")(-1.0))
    0.0
    """
    import jax
    import jax.numpy as jnp

    check_activation(name)
    functions: dict[str, Callable[[Any], Any]] = {
        "gelu": lambda z: jax.nn.gelu(z, approximate=False),
        "relu": jax.nn.relu,
        "silu": jax.nn.silu,
        "sin": jnp.sin,
        "softplus": jax.nn.softplus,
        "tanh": jnp.tanh,
    }
    return functions[name]
