"""One fully connected network between scaled inputs and scaled outputs: a `Network` consists of such parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from supnorm.networks.activations import ACTIVATIONS
from supnorm.networks.architecture import Architecture, split
from supnorm.networks.fourier import features, features_pull
from supnorm.networks.initialisation import random_layers
from supnorm.problem.function import Pullback
from supnorm.results import BadInput

Array = NDArray[np.float64]
Layer = tuple[Array, Array]


@dataclass(frozen=True, eq=False)
class Part:
    """Layers of weights and the architecture that they fit.

    Args:
        architecture: sizes and activations.
        layers: ``(W, b)`` of each layer, shapes ``(out, in)`` and ``(out,)``; the output layer is last.
        frequencies: fixed Fourier frequencies, shape ``(architecture.fourier, d)``.

    Raises:
        BadInput: when the arrays do not fit the architecture.
    """

    architecture: Architecture
    layers: tuple[Layer, ...]
    frequencies: Array = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        a = self.architecture
        layers = tuple((_frozen(w), _frozen(b)) for w, b in self.layers)
        object.__setattr__(self, "layers", layers)
        shapes = tuple(w.shape for w, _ in layers)
        if shapes != a.shapes or any(b.shape != (len(w),) for w, b in layers):
            raise BadInput(f"weights of shapes {shapes} do not fit the architecture, which needs {a.shapes}")
        frequencies = np.zeros((0, a.d)) if a.fourier == 0 else self.frequencies
        object.__setattr__(self, "frequencies", _frozen(frequencies))
        if self.frequencies.shape != (a.fourier, a.d):
            raise BadInput(f"frequencies must have shape {(a.fourier, a.d)}, got {self.frequencies.shape}")

    @classmethod
    def init(
        cls,
        rng: np.random.Generator,
        d: int,
        m: int,
        width: int | Sequence[int],
        depth: int,
        activation: str | Sequence[str],
        *,
        residual: bool = False,
        fourier: int = 0,
        frequency: float = 1.0,
    ) -> Part:
        """Random parameters; see `Network.init`."""
        widths = (width,) * depth if isinstance(width, int | np.integer) else tuple(width)
        names = activation if isinstance(activation, str) else tuple(activation)
        architecture = Architecture(d, m, widths, names, residual, fourier)
        frequencies = frequency * np.pi * rng.standard_normal((fourier, d))
        return cls(architecture, random_layers(architecture, rng, frequency), frequencies)

    @property
    def flat(self) -> Array:
        """All trained parameters in one vector: W and b of each layer, row by row."""
        return np.concatenate([array.ravel() for layer in self.layers for array in layer])

    def with_flat(self, theta: Array) -> Self:
        """The same part with other parameters ``(p,)``."""
        return replace(self, layers=split(self.architecture, theta))

    def value(self, z: Array) -> Array:
        """Scaled outputs ``(n, m)`` at scaled inputs ``(n, d)``."""
        z = features(z, self.frequencies)
        for i, (weights, bias) in enumerate(self.layers[:-1]):
            before = z @ weights.T
            before += bias
            after = ACTIVATIONS[self.architecture.activations[i]].value(before)
            z = after + z if self.architecture.skips(i) else after
        y: Array = z @ self.layers[-1][0].T + self.layers[-1][1]
        return y

    def vjp(self, inputs: Array) -> tuple[Array, Pullback]:
        """Outputs as by `value`, and the pullback: from weights ``(n, m)`` of the outputs to weighted derivatives."""
        z, slopes = features(inputs, self.frequencies), []
        for i, (weights, bias) in enumerate(self.layers[:-1]):
            activation = ACTIVATIONS[self.architecture.activations[i]]
            before = z @ weights.T + bias
            slopes.append(activation.slope(before))
            z = activation.value(before) + (z if self.architecture.skips(i) else 0.0)

        def pull(weight: Array) -> Array:
            back = weight @ self.layers[-1][0]
            for i in reversed(range(len(slopes))):
                through = (back * slopes[i]) @ self.layers[i][0]
                back = through + back if self.architecture.skips(i) else through
            return features_pull(inputs, self.frequencies, back)

        return z @ self.layers[-1][0].T + self.layers[-1][1], pull


def _frozen(array: Any) -> Array:
    copy = np.array(array, dtype=np.float64)
    copy.flags.writeable = False
    return copy
