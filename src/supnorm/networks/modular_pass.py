"""Gradients and Jacobians in a modular network's parameters: back through its parts, last one first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.networks.backpropagation import Pass
from supnorm.networks.modular_architecture import Takes

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ModularPass:
    """One forward pass through all parts; see `Pass`."""

    takes: Takes
    passes: tuple[Pass, ...]
    d: int

    @property
    def outputs(self) -> Array:
        """Scaled outputs, shape ``(m, n)``."""
        return self.passes[-1].outputs

    def gradient(self, weight: Array) -> tuple[Array, Array]:
        """Of the sum of ``weight * outputs``: in the parameters ``(p,)`` and in the scaled inputs ``(d, n)``."""
        return self._back(weight, Pass.gradient)

    def jacobian(self, weight: Array) -> tuple[Array, Array]:
        """As `gradient` with the samples kept apart: shapes ``(p, n)`` and ``(d, n)``."""
        return self._back(weight, Pass.jacobian)

    def _back(self, weight: Array, through: Any) -> tuple[Array, Array]:
        count = self.d + sum(len(p.outputs) for p in self.passes)
        back, pieces, end = np.zeros((count, weight.shape[1])), [], count
        back[-len(weight) :] = weight
        for takes, passed in reversed(list(zip(self.takes, self.passes, strict=True))):
            start = end - len(passed.outputs)
            piece, inward = through(passed, back[start:end])
            back[list(takes)] += inward
            pieces.append(piece)
            end = start
        return np.concatenate(pieces[::-1]), back[: self.d]
