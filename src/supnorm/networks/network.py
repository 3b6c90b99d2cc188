"""A network: architecture, scaling and parameters in one object, evaluated in float64.

`Network.value` runs in NumPy, in blocks of 256 rows that stay in cache; the derivative in the inputs is
written out by hand, so neither JAX nor torch is needed to use a network. `Network.jax_apply` is the same
function in JAX for training. Cost of a value: 2 (weights) flops per row plus the activations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from supnorm.networks.activations import ACTIVATIONS
from supnorm.networks.architecture import Architecture, split
from supnorm.networks.backpropagation import Pass, forward
from supnorm.networks.blocks import in_blocks
from supnorm.networks.fourier import features, features_pull
from supnorm.networks.initialisation import random_layers
from supnorm.networks.jax_forward import jax_forward
from supnorm.networks.scaling import Scaling
from supnorm.problem import Function
from supnorm.problem.function import Pullback
from supnorm.results import BadInput

Array = NDArray[np.float64]
Layer = tuple[Array, Array]


@dataclass(frozen=True, eq=False)
class Network:
    """A fully connected network with its scaling.

    Args:
        architecture: sizes and activations.
        scaling: of inputs and outputs; fixed while the parameters are trained.
        layers: ``(W, b)`` of each layer, shapes ``(out, in)`` and ``(out,)``; the output layer is last.
        frequencies: fixed Fourier frequencies, shape ``(architecture.fourier, d)``.
        inputs, outputs: names; empty where unknown.
        name: what messages and pages call it.

    Raises:
        BadInput: when the arrays do not fit the architecture.

    >>> net = Network.init(np.random.default_rng(0), d=2, m=1, width=8, depth=2)
    >>> net.value(np.zeros((3, 2))).shape
    (3, 1)
    """

    architecture: Architecture
    scaling: Scaling
    layers: tuple[Layer, ...]
    frequencies: Array = field(default_factory=lambda: np.zeros((0, 0)))
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    name: str = "network"

    def __repr__(self) -> str:
        """One line, without the weights."""
        a = self.architecture
        return (
            f"Network(d={a.d}, m={a.m}, widths={a.widths}, activations={a.activations}, parameters={a.size})"
        )

    def __post_init__(self) -> None:
        a = self.architecture
        layers = tuple((_frozen(w), _frozen(b)) for w, b in self.layers)
        object.__setattr__(self, "layers", layers)
        shapes = tuple(w.shape for w, _ in layers)
        if shapes != a.shapes or any(b.shape != (len(w),) for w, b in layers):
            raise BadInput(f"weights of shapes {shapes} do not fit the architecture, which needs {a.shapes}")
        if (self.scaling.d, self.scaling.m) != (a.d, a.m):
            raise BadInput(
                f"the scaling is for {self.scaling.d} inputs and {self.scaling.m} outputs, "
                f"the architecture for {a.d} and {a.m}"
            )
        frequencies = np.zeros((0, a.d)) if a.fourier == 0 else self.frequencies
        object.__setattr__(self, "frequencies", _frozen(frequencies))
        if self.frequencies.shape != (a.fourier, a.d):
            raise BadInput(f"frequencies must have shape {(a.fourier, a.d)}, got {self.frequencies.shape}")

    @classmethod
    def init(
        cls,
        rng: np.random.Generator,
        d: int,
        m: int = 1,
        width: int | Sequence[int] = 32,
        depth: int = 2,
        activation: str | Sequence[str] = "tanh",
        *,
        scaling: Scaling | None = None,
        residual: bool = False,
        fourier: int = 0,
        frequency: float = 1.0,
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = (),
    ) -> Network:
        """A network with random parameters.

        See `random_layers` for their distribution.

        Args:
            width: of every hidden layer, or one per layer (``depth`` is then not used).
            depth: number of hidden layers.
            frequency: multiplies the first layer's weights: 6 and more for oscillating targets.
            fourier: number of random Fourier frequencies, drawn normal with deviation ``frequency``.
        """
        widths = (width,) * depth if isinstance(width, int | np.integer) else tuple(width)
        names = activation if isinstance(activation, str) else tuple(activation)
        architecture = Architecture(d, m, widths, names, residual, fourier)
        frequencies = frequency * np.pi * rng.standard_normal((fourier, d))
        layers = random_layers(architecture, rng, frequency)
        scale = scaling or Scaling.none(d, m)
        return cls(architecture, scale, layers, frequencies, tuple(inputs), tuple(outputs))

    @property
    def d(self) -> int:
        """Number of inputs."""
        return self.architecture.d

    @property
    def flat(self) -> Array:
        """All trained parameters in one vector: W and b of each layer, row by row."""
        return np.concatenate([part.ravel() for layer in self.layers for part in layer])

    def with_flat(self, theta: Array) -> Self:
        """The same network with other parameters.

        Raises:
            BadInput: when the length does not fit.
        """
        if np.shape(theta) != (self.architecture.size,):
            raise BadInput(f"the network has {self.architecture.size} parameters, got {np.shape(theta)}")
        return replace(self, layers=split(self.architecture, np.asarray(theta, dtype=np.float64)))

    def value(self, x: Array) -> Array:
        """Outputs at points ``x`` of shape ``(n, d)``, shape ``(n, m)``."""
        return in_blocks(self.block, self._checked(x), self.architecture.m)

    __call__ = value

    def vjp(self, x: Array) -> tuple[Array, Pullback]:
        """Outputs, and a function that pulls weights ``(n, m)`` on them back to the inputs ``(n, d)``."""
        x = self._checked(x)
        z, slopes = features(self.scaling.enter(x), self.frequencies), []
        for i, (weights, bias) in enumerate(self.layers[:-1]):
            activation = ACTIVATIONS[self.architecture.activations[i]]
            before = z @ weights.T + bias
            slopes.append(activation.slope(before))
            z = activation.value(before) + (z if self.architecture.skips(i) else 0.0)
        y = self.scaling.leave(z @ self.layers[-1][0].T + self.layers[-1][1])

        def pull(weight: Array) -> Array:
            back = (weight * self.scaling.output_scale) @ self.layers[-1][0]
            for i in reversed(range(len(slopes))):
                through = (back * slopes[i]) @ self.layers[i][0]
                back = through + back if self.architecture.skips(i) else through
            inward = features_pull(self.scaling.enter(x), self.frequencies, back)
            return inward * self.scaling.enter_slope(x)

        return y, pull

    def as_function(self) -> Function:
        """The network as a `Function`: value, derivative and first layer in the inputs' own units."""
        from supnorm.networks.lowering import to_program

        return Function(
            self.value,
            inputs=self.inputs,
            outputs=self.outputs,
            name=self.name,
            vjp=self.vjp,
            program=to_program(self),
            first_layer=self._first_layer(),
            parallel="process",
            remake=self.as_function,
        )

    def jax_apply(self, x: Any, theta: Any = None) -> Any:
        """The network in JAX: outputs ``(n, m)`` at ``x``, with the parameters ``theta`` (default: its own).

        Call it where JAX's 64-bit mode is on (`supnorm.networks.double_precision`); it traces, jits and
        differentiates in both arguments.
        """
        z = self.scaling.enter_jax(x)
        y = jax_forward(self.architecture, self.flat if theta is None else theta, self.frequencies, z)
        return self.scaling.leave(y)

    def forward(self, theta: Array, z: Array) -> Pass:
        """Scaled outputs at scaled inputs ``z (d, n)`` with parameters ``theta (p,)``, and derivatives."""
        return forward(self.architecture, theta, self.frequencies, z)

    def save(self, path: Path | str) -> None:
        """Write the network as ``.npz``: arrays and one JSON line, nothing pickled."""
        from supnorm.networks.storage import save

        save(self, path)

    @staticmethod
    def load(path: Path | str) -> Network:
        """Read a network that `save` wrote.

        Raises:
            BadInput: when the file is missing, not an ``.npz`` of ours, or its arrays do not fit.
        """
        from supnorm.networks.storage import load

        return load(path)

    def to_onnx(self, path: Path | str) -> None:
        """Write the network as ONNX in float64 (extra ``onnx``)."""
        from supnorm.networks.export_onnx import to_onnx

        to_onnx(self, path)

    def to_torch(self) -> Any:
        """The network as a torch ``nn.Module`` in float64 (extra ``torch``)."""
        from supnorm.networks.export_torch import to_torch

        return to_torch(self)

    def _checked(self, x: Array) -> Array:
        x = np.asarray(x, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.architecture.d:
            raise BadInput(f"the network takes points of shape (n, {self.architecture.d}), got {x.shape}")
        return x

    def block(self, x: Array) -> Array:
        """Outputs at the rows of one block; `value` cuts any number of rows into blocks."""
        z = features(self.scaling.enter(x), self.frequencies)
        for i, (weights, bias) in enumerate(self.layers[:-1]):
            before = z @ weights.T
            before += bias
            after = ACTIVATIONS[self.architecture.activations[i]].value(before)
            z = after + z if self.architecture.skips(i) else after
        y: Array = self.scaling.leave(z @ self.layers[-1][0].T + self.layers[-1][1])
        return y

    def _first_layer(self) -> tuple[Array, Array] | None:
        if any(self.scaling.log) or len(self.frequencies) or not self.architecture.widths:
            return None
        weights, bias = self.layers[0]
        own = weights / self.scaling.input_scale
        return own, bias - own @ self.scaling.input_shift


def _frozen(array: Any) -> Array:
    copy = np.array(array, dtype=np.float64)
    copy.flags.writeable = False
    return copy
