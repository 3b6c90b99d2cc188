"""The formulas of the paper, their boxes, and the start that torch gives a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.networks import Architecture, Network, Part, Scaling
from supnorm.networks.architecture import split

Array = NDArray[np.float64]
SHRUNK = 0.8  # side of the box of the test points, as a share of the side of the samples' box


@dataclass(frozen=True)
class Task:
    """A formula on a box: ``value`` maps ``(n, d)`` to ``(n,)``."""

    name: str
    value: Callable[[Array], Array]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def d(self) -> int:
        """Number of inputs."""
        return len(self.low)

    def points(self, rng: np.random.Generator, count: int, share: float = 1.0) -> Array:
        """Uniform points of the box, shrunk about its centre to ``share`` of its side."""
        low, high = np.array(self.low), np.array(self.high)
        half = 0.5 * share * (high - low)
        return np.asarray(0.5 * (low + high) + half * rng.uniform(-1.0, 1.0, (count, self.d)))


def _pairs(x: Array) -> Array:
    return np.asarray((x[:, ::2] * x[:, 1::2]).sum(axis=1))


def _distance(x: Array) -> Array:
    return np.hypot(x[:, 1] - x[:, 0], x[:, 3] - x[:, 2])


def _dipole(x: Array) -> Array:
    eps, p, r, a, b, z = x.T
    return np.asarray(3 * p * z * np.sqrt(a**2 + b**2) / (4 * np.pi * eps * r**5))


TASKS = {
    task.name: task
    for task in (
        Task("x^2", lambda x: x[:, 0] ** 2, (-1.0,), (1.0,)),
        Task("II.8.31", lambda x: 0.5 * x[:, 0] * x[:, 1] ** 2, (1.0,) * 2, (5.0,) * 2),
        Task("x y", _pairs, (1.0,) * 2, (5.0,) * 2),
        Task("I.30.5", lambda x: np.arcsin(x[:, 0] / (x[:, 2] * x[:, 1])), (1.0, 2.0, 1.0), (2.0, 5.0, 5.0)),
        Task("I.8.14", _distance, (1.0,) * 4, (5.0,) * 4),
        Task(
            "I.44.4",
            lambda x: x[:, 0] * x[:, 1] * x[:, 2] * np.log(x[:, 4] / x[:, 3]),
            (1.0,) * 5,
            (5.0,) * 5,
        ),
        Task("II.6.15a", _dipole, (1.0,) * 6, (3.0,) * 6),
        Task("I.11.19", _pairs, (1.0,) * 6, (5.0,) * 6),
    )
}
BY_DIMENSION = ("x^2", "II.8.31", "I.30.5", "I.8.14", "I.44.4", "II.6.15a")  # d = 1 to 6


def torch_start(
    rng: np.random.Generator, d: int, widths: tuple[int, ...], activation: str, scaling: Scaling
) -> Network:
    """A network with the start that torch gives it: weights and biases uniform within 1 / sqrt(inputs of the layer)."""
    shape = Architecture(d, 1, widths, (activation,) * len(widths))
    theta = [
        rng.uniform(-1.0, 1.0, rows * columns + rows) / np.sqrt(columns) for rows, columns in shape.shapes
    ]
    return Network((Part(shape, split(shape, np.concatenate(theta))),), scaling)


def inputs_only(x: Array) -> Scaling:
    """Inputs standardised by the samples, outputs as they are."""
    return Scaling(x.mean(axis=0), x.std(axis=0), np.zeros(1), np.ones(1), (False,) * x.shape[1])


def teacher(seed: int) -> Callable[[Array], Array]:
    """A tanh network 1-3-3-1 with torch's start; ``(n, 1)`` to ``(n,)``."""
    network = torch_start(np.random.default_rng([seed, 77]), 1, (3, 3), "tanh", Scaling.none(1, 1))
    return lambda x: network.value(x)[:, 0]


def width_for(parameters: int, d: int, layers: int) -> int:
    """The width of ``layers`` hidden layers with about so many parameters."""
    width = 1
    while Architecture(d, 1, (width + 1,) * layers, ("tanh",) * layers).size <= parameters:
        width += 1
    return width
