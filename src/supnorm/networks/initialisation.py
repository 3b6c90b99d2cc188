"""Random parameters for the start of a training.

Weights are Glorot normal (He normal for ReLU). The first layer's biases put the zero of each unit through a
random point of the box [-1, 1]^d, so that the units cover the domain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from supnorm.networks.architecture import Architecture

Array = NDArray[np.float64]


def random_layers(
    architecture: Architecture, rng: np.random.Generator, frequency: float = 1.0
) -> tuple[tuple[Array, Array], ...]:
    """``(W, b)`` of each layer; ``frequency`` multiplies the first weights, for oscillating targets.

    >>> [w.shape for w, _ in random_layers(Architecture(2, 1, (5,)), np.random.default_rng(0))]
    [(5, 2), (1, 5)]
    """
    layers = []
    hidden = len(architecture.widths)
    for i, (rows, columns) in enumerate(architecture.shapes):
        rectified = i < hidden and architecture.activations[i] == "relu"
        deviation = np.sqrt(2.0 / columns if rectified else 2.0 / (rows + columns))
        weights = deviation * rng.standard_normal((rows, columns))
        bias = np.zeros(rows)
        if i == 0 and hidden:
            first = rng.standard_normal((rows, columns)) * (1.0 if architecture.fourier else frequency)
            weights = first * np.sqrt(2.0 / columns) if rectified else first
            bias = -np.sum(weights * rng.uniform(-1.0, 1.0, (rows, columns)), axis=1)
        layers.append((weights, bias))
    return tuple(layers)
