"""The mean square of a network's scaled residuals, with its gradient or Jacobian.

Residuals are (net(x) - y) / output scale, output after output. NumPy computes the derivatives
(`supnorm.networks.backpropagation`), nothing is compiled. Samples are processed in chunks that fit into the cache.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from supnorm.networks import Network
from supnorm.training.memory import require_memory
from supnorm.training.optimiser import ValueAndGrad

Array = NDArray[np.float64]
CHUNK = 4096  # samples of a chunk: the fastest of 256 to 4096 for widths 16 to 24; it also bounds the memory


class MeanSquares:
    """The loss of ``network`` on samples ``x (n, d)``, ``y (n, m)`` as a function of its flat parameters.

    ``rng`` draws batches.

    >>> net = Network.init(np.random.default_rng(0), 1, 1, 4, 1)
    >>> x = np.linspace(-1, 1, 9)[:, None]
    >>> loss = MeanSquares(net, x, net.value(x) + 0.5)
    >>> round(loss.value_and_grad(net.flat)[0], 12)
    0.25
    """

    def __init__(self, network: Network, x: Array, y: Array, rng: np.random.Generator | None = None) -> None:
        s = network.scaling
        self.network, self.rng = network, rng or np.random.default_rng(0)
        self._z = np.ascontiguousarray(s.enter(np.asarray(x, dtype=np.float64)).T)
        self._t = np.ascontiguousarray(
            ((np.asarray(y, dtype=np.float64) - s.output_shift) / s.output_scale).T
        )
        self._chunks = [
            (np.ascontiguousarray(self._z[:, i : i + CHUNK]), self._t[:, i : i + CHUNK])
            for i in range(0, self._z.shape[1], CHUNK)
        ]

    def value_and_grad(self, theta: Array) -> tuple[float, Array]:
        """Loss and gradient, shape ``(p,)``."""
        return self._value_and_grad(theta, self._chunks)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the matrices and vectors of which the parameters consist, in order."""
        return tuple(piece.shape for part in self.network.parts for layer in part.layers for piece in layer)

    def on_batches(self, batch: int) -> ValueAndGrad:
        """``value_and_grad`` on ``batch`` rows that are drawn at random in every call."""
        size = min(batch, self._z.shape[1])

        def value_and_grad(theta: Array) -> tuple[float, Array]:
            rows = self.rng.integers(self._z.shape[1], size=size)
            return self._value_and_grad(theta, [(self._z[:, rows], self._t[:, rows])])

        return value_and_grad

    def residual(self, theta: Array) -> Array:
        """Residuals, shape ``(m n,)``."""
        parts = [self.network.forward(theta, z).outputs - t for z, t in self._chunks]
        return np.concatenate(parts, axis=1).ravel()

    def residual_jacobian(self, theta: Array) -> tuple[Array, Array]:
        """Residuals ``(m n,)`` and Jacobian ``(m n, p)``.

        Raises:
            BadInput: when the Jacobian does not fit into memory.
        """
        rows = self._t.size
        what = f"the Jacobian of {rows} residuals in {len(theta)} weights"
        require_memory(16.0 * rows * len(theta), what, "use QuasiNewton() or LBFGS(), or fewer samples")
        passed = self.network.forward(theta, self._z)
        blocks = []
        for output in range(len(self._t)):
            weight = np.zeros_like(self._t)
            weight[output] = 1.0
            blocks.append(passed.jacobian(weight)[0])
        columns = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)
        return (passed.outputs - self._t).ravel(), columns.T

    def _value_and_grad(self, theta: Array, chunks: list[tuple[Array, Array]]) -> tuple[float, Array]:
        total, gradient, count = 0.0, np.zeros(len(theta)), 0
        for z, t in chunks:
            passed = self.network.forward(theta, z)
            r = passed.outputs - t
            total += float(np.vdot(r, r))
            gradient += passed.gradient(r)[0]
            count += r.size
        gradient *= 2.0 / count
        return total / count, gradient
