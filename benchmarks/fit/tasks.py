"""The tasks of the comparison: references, domains, network widths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.training.design import unit_design

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """A reference on a box, with the width of the network that all methods train."""

    name: str
    f: Callable[[Array], Array]
    low: tuple[float, ...]
    high: tuple[float, ...]
    width: int

    def samples(self, n: int, seed: int, to_the_faces: bool) -> tuple[Array, Array]:
        """Points of supnorm's design for all methods alike, or uniform ones, and values."""
        d = len(self.low)
        u = unit_design(n, d, seed) if to_the_faces else np.random.default_rng(seed).random((n, d))
        x = np.array(self.low) + u * (np.array(self.high) - np.array(self.low))
        return x, self.f(x)[:, None]


TASKS = (
    Task("log-sin, 1-D", lambda x: np.log(np.sin(10 * x[:, 0]) + 2) + np.sin(x[:, 0]), (-1.0,), (1.0,), 20),
    Task(
        "I.6.2, 2-D",
        lambda x: np.exp(-((x[:, 0] / x[:, 1]) ** 2) / 2) / (np.sqrt(2 * np.pi) * x[:, 1]),
        (1.0, 1.0),
        (3.0, 3.0),
        16,
    ),
    Task(
        "I.10.7, 3-D",
        lambda x: x[:, 0] / np.sqrt(1 - (x[:, 1] / x[:, 2]) ** 2),
        (1.0, 1.0, 3.0),
        (5.0, 2.0, 10.0),
        20,
    ),
    Task(
        "I.13.12, 5-D",
        lambda x: x[:, 0] * x[:, 1] * x[:, 2] * (1 / x[:, 4] - 1 / x[:, 3]),
        (1.0,) * 5,
        (5.0,) * 5,
        24,
    ),
)
