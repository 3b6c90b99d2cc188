"""The tasks: references, domains, and the network that all methods train on them.

Errors are divided by the standard deviation of the reference and measured on 16,384 uniform points of a seed
that no tuning has used, and on all corners.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from supnorm.networks import Architecture, Network
from supnorm.training.design import unit_design

Array = NDArray[np.float64]
FRESH = 9_870_001


@dataclass(frozen=True)
class Task:
    """A reference on a box; ``samples`` per weight of a network of ``depth`` layers of ``width``."""

    name: str
    f: Callable[[Array], Array]
    low: tuple[float, ...]
    high: tuple[float, ...]
    width: int
    depth: int = 2
    samples: float = 4.0

    @property
    def d(self) -> int:
        """Number of inputs."""
        return len(self.low)

    def points(self, u: Array) -> tuple[Array, Array]:
        """Points and values from points of the unit box."""
        x = np.array(self.low) + u * (np.array(self.high) - np.array(self.low))
        return x, self.f(x)[:, None]

    def training(self, seed: int) -> tuple[Array, Array]:
        """Samples on supnorm's design: space-filling, denser at the faces, with the corners."""
        weights = Architecture(self.d, 1, (self.width,) * self.depth).size
        return self.points(unit_design(int(self.samples * weights), self.d, seed))

    @cached_property
    def _fresh(self) -> tuple[Array, Array]:
        corners = np.indices((2,) * self.d).reshape(self.d, -1).T.astype(np.float64)
        uniform = np.random.default_rng(FRESH).random((16_384, self.d))
        return self.points(np.concatenate([uniform, corners]))

    @property
    def spread(self) -> float:
        """Standard deviation of the reference."""
        return float(self._fresh[1].std())

    def errors(self, network: Network) -> tuple[float, float]:
        """Relative RMS (uniform points) and maximum (with the corners)."""
        x, y = self._fresh
        gap = np.abs(network.value(x) - y)[:, 0]
        inside = gap[:16_384]
        return float(np.sqrt(np.mean(inside**2)) / self.spread), float(gap.max() / self.spread)


def _i_10_7(x: Array) -> Array:
    return np.asarray(x[:, 0] / np.sqrt(1 - (x[:, 1] / x[:, 2]) ** 2))


def _i_13_12(x: Array) -> Array:
    return np.asarray(x[:, 0] * x[:, 1] * x[:, 2] * (1 / x[:, 4] - 1 / x[:, 3]))


def _i_6_2(x: Array) -> Array:
    return np.asarray(np.exp(-((x[:, 0] / x[:, 1]) ** 2) / 2) / (np.sqrt(2 * np.pi) * x[:, 1]))


LOG_SIN = Task(
    "log-sin, 1-D", lambda x: np.log(np.sin(10 * x[:, 0]) + 2) + np.sin(x[:, 0]), (-1.0,), (1.0,), 20
)
I_6_2 = Task("I.6.2, 2-D", _i_6_2, (1.0, 1.0), (3.0, 3.0), 16)
I_10_7 = Task("I.10.7, 3-D", _i_10_7, (1.0, 1.0, 3.0), (5.0, 2.0, 10.0), 20)
I_13_12 = Task("I.13.12, 5-D", _i_13_12, (1.0,) * 5, (5.0,) * 5, 24)
I_29_4 = Task("I.29.4, 2-D", lambda x: x[:, 0] / x[:, 1], (1.0, 1.0), (10.0, 10.0), 16)
I_30_5 = Task(  # its slope is infinite in one corner
    "I.30.5, 3-D",
    lambda x: np.arcsin(np.minimum(x[:, 0] / (x[:, 1] * x[:, 2]), 1.0)),
    (1.0, 2.0, 1.0),
    (2.0, 5.0, 5.0),
    20,
)
Z_008 = Task("Z.008, 2-D", lambda x: x[:, 0] * x[:, 1], (1.0, 1.0), (5.0, 5.0), 16)
II_8_31 = Task("II.8.31, 2-D", lambda x: x[:, 0] * x[:, 1] ** 2 / 2, (1.0, 1.0), (5.0, 5.0), 16)
Z_007 = Task(
    "Z.007, 3-D",
    lambda x: np.sqrt(1 + (x[:, 0] - 1 / x[:, 1]) ** 2) * np.cos(x[:, 2]),
    (1.0,) * 3,
    (5.0,) * 3,
    20,
)
TASKS = (LOG_SIN, I_6_2, I_10_7, I_13_12)
