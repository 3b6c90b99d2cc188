"""The shape of a network: sizes, activations, residual connections, Fourier features.

A network of hidden widths h_1 ... h_k is

    z_1 = phi_1(W_1 g(x) + b_1),   z_i = [z_{i-1} +] phi_i(W_i z_{i-1} + b_i),   y = W z_k + b

with g the input scaling, followed by Fourier features (g, sin(B g), cos(B g)) with a fixed B, if any.
The term in brackets is the residual connection; it is present between hidden layers of equal width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from supnorm.networks.activations import check_activation
from supnorm.results import BadInput


@dataclass(frozen=True)
class Architecture:
    """Sizes and activations of a fully connected network.

    Args:
        d, m: numbers of inputs and outputs.
        widths: of the hidden layers; empty for an affine map.
        activations: one name per hidden layer, or one name for all.
        residual: add the layer's input to its output between hidden layers of equal width.
        fourier: number of fixed frequencies whose sine and cosine join the inputs; 0 for none.

    Raises:
        BadInput: for sizes below 1, unknown activations or a wrong number of them.

    >>> Architecture(2, 1, (8, 8), "tanh").size
    105
    """

    d: int
    m: int
    widths: tuple[int, ...]
    activations: tuple[str, ...] | str = "tanh"
    residual: bool = False
    fourier: int = 0

    def __post_init__(self) -> None:
        widths = tuple(_count(w, f"width of hidden layer {i + 1}", 1) for i, w in enumerate(self.widths))
        given: Sequence[str] = self.activations
        names = (given,) * len(widths) if isinstance(given, str) else tuple(given)
        if isinstance(given, str):
            check_activation(given)
        if len(names) != len(widths):
            raise BadInput(f"give one activation per hidden layer: {len(widths)} layers, got {len(names)}")
        object.__setattr__(self, "d", _count(self.d, "number of inputs", 1))
        object.__setattr__(self, "m", _count(self.m, "number of outputs", 1))
        object.__setattr__(self, "fourier", _count(self.fourier, "number of Fourier frequencies", 0))
        object.__setattr__(self, "widths", widths)
        object.__setattr__(self, "activations", tuple(check_activation(n) for n in names))

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Shapes ``(out, in)`` of the weight matrices, from the first layer to the output layer."""
        sizes = (self.d + 2 * self.fourier, *self.widths, self.m)
        return tuple((b, a) for a, b in pairwise(sizes))

    @property
    def size(self) -> int:
        """Number of trained parameters: all weights and biases."""
        return sum(a * b + a for a, b in self.shapes)

    def skips(self, layer: int) -> bool:
        """Whether hidden layer ``layer`` (from 0) adds its input to its output."""
        return self.residual and layer > 0 and self.widths[layer] == self.widths[layer - 1]


def split(architecture: Architecture, theta: Any) -> tuple[tuple[Any, Any], ...]:
    """A flat parameter vector as ``(W, b)`` pairs; NumPy or JAX."""
    layers, start = [], 0
    for rows, columns in architecture.shapes:
        middle, end = start + rows * columns, start + rows * columns + rows
        layers.append((theta[start:middle].reshape(rows, columns), theta[middle:end]))
        start = end
    return tuple(layers)


def _count(value: int, what: str, least: int) -> int:
    if isinstance(value, bool) or int(value) != value or value < least:
        raise BadInput(f"{what} must be a whole number of at least {least}, got {value!r}")
    return int(value)
