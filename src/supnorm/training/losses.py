"""The mean square of a network's scaled residuals, with its gradient or Jacobian, jitted by JAX in float64.

Residuals are (net(x) - y) / output scale, all outputs of all samples in one row. Compiled functions depend on
the architecture and the shapes only, so restarts and stages of the same shape compile once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.networks import Architecture, Network, double_precision
from supnorm.networks.network import jax_forward
from supnorm.training.memory import require_memory

Array = NDArray[np.float64]


class MeanSquares:
    """The loss of ``network`` on samples ``x (n, d)``, ``y (n, m)`` as a function of its flat parameters.

    >>> net = Network.init(np.random.default_rng(0), 1, 1, 4, 1)
    >>> x = np.linspace(-1, 1, 9)[:, None]
    >>> loss = MeanSquares(net, x, net.value(x) + 0.5)
    >>> round(loss.value_and_grad(net.flat)[0], 12)
    0.25
    """

    def __init__(self, network: Network, x: Array, y: Array) -> None:
        s = network.scaling
        self.network = network
        self._z = s.enter(np.asarray(x, dtype=np.float64))
        self._t = (np.asarray(y, dtype=np.float64) - s.output_shift) / s.output_scale
        self._functions = _compiled(network.architecture)

    def value_and_grad(self, theta: Array) -> tuple[float, Array]:
        """Loss and gradient, shape ``(p,)``."""
        return self._value_and_grad(theta, self._z, self._t)

    def on_batches(self, batch: int, rng: np.random.Generator) -> Any:
        """``value_and_grad`` on ``batch`` rows drawn anew at every call."""
        size = min(batch, len(self._z))

        def value_and_grad(theta: Array) -> tuple[float, Array]:
            rows = rng.integers(len(self._z), size=size)
            return self._value_and_grad(theta, self._z[rows], self._t[rows])

        return value_and_grad

    def residual(self, theta: Array) -> Array:
        """Residuals, shape ``(n m,)``."""
        with double_precision():
            r: Array = np.asarray(self._functions[1](theta, self.network.frequencies, self._z, self._t))
        return r

    def residual_jacobian(self, theta: Array) -> tuple[Array, Array]:
        """Residuals ``(n m,)`` and Jacobian ``(n m, p)``.

        Raises:
            BadInput: when the Jacobian does not fit into memory.
        """
        rows = self._t.size
        what = f"the Jacobian of {rows} residuals in {len(theta)} weights"
        require_memory(16.0 * rows * len(theta), what, "use QuasiNewton() or LBFGS(), or fewer samples")
        with double_precision():
            jacobian = self._functions[2](theta, self.network.frequencies, self._z)
            return self.residual(theta), np.asarray(jacobian).reshape(rows, len(theta))

    def _value_and_grad(self, theta: Array, z: Array, t: Array) -> tuple[float, Array]:
        with double_precision():
            loss, gradient = self._functions[0](theta, self.network.frequencies, z, t)
            return float(loss), np.asarray(gradient)


@lru_cache(maxsize=32)
def _compiled(architecture: Architecture) -> tuple[Any, Any, Any]:
    import jax
    import jax.numpy as jnp

    def residual(theta: Any, frequencies: Any, z: Any, t: Any) -> Any:
        return (jax_forward(architecture, theta, frequencies, z) - t).ravel()

    def loss(theta: Any, frequencies: Any, z: Any, t: Any) -> Any:
        return jnp.mean(residual(theta, frequencies, z, t) ** 2)

    def one(theta: Any, frequencies: Any, row: Any) -> Any:
        return jax_forward(architecture, theta, frequencies, row)

    rows = jax.vmap(jax.jacrev(one), in_axes=(None, None, 0))
    return jax.jit(jax.value_and_grad(loss)), jax.jit(residual), jax.jit(rows)
