"""SOAP: Adam in the eigenbasis of Shampoo's factors (Vyas et al., arXiv 2409.11321).

For a weight matrix with gradient G, the running means L of G G' and R of G'G have eigenvectors U and V. Adam's
second moment is that of the rotated gradient U' G V, and the step is rotated back; a vector is not rotated.
The eigenvectors are computed again after each ``every`` steps.

One value and gradient per step, and for an (m, n) matrix O(mn (m + n)) for the rotations and O(m^3 + n^3) for the
eigenvectors; O(p) memory. The loss may be a random batch. Choose it above about 6,000 weights, where a dense
quasi-Newton matrix is too expensive (``python -m benchmarks.fit --part wide`` compares it with `LBFGS` there); below, choose
`QuasiNewton`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from supnorm.evaluation.limit import Limit
from supnorm.results import BadInput
from supnorm.results.settings import Settings
from supnorm.training.decay import half_cosine
from supnorm.training.optimiser import Loss, Optimiser
from supnorm.training.stopping import Minimum, Trail

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SOAP(Settings, Optimiser):
    """SOAP with decay.

    Args:
        rate: at the start; falls to ``rate * final`` along a half cosine over the iterations or seconds of the limit,
            whichever are used up first.
        b1, b2: decay of the means of the gradient, and of squares and factors.
        every: number of steps with the same eigenvectors.
        batch: number of random rows for each step; None for all rows.

    >>> from supnorm.training.optimiser import FunctionLoss
    >>> def square(theta):
    ...     return float(theta @ theta), 2.0 * theta
    >>> SOAP(rate=0.1).minimise(FunctionLoss(square), np.ones(3), Limit(evaluations=300)).loss < 1e-6
    True
    """

    scheduled: ClassVar[bool] = True
    # Mean squares after 600 steps at width 12, medians of 3 seeds of I.6.2 and I.10.7 of `benchmarks.fit`: 2.6e-6 and
    # 4.8e-6. `rate` 0.005: 1.6e-5, 3.8e-5; 0.02: 2.3e-6, 2.1e-6. `every` 5: 2.9e-6, 3.5e-6; 20: 6.6e-6, 6.3e-6.
    rate: float = 1e-2
    final: float = 1e-2
    b1: float = 0.95
    b2: float = 0.95
    every: int = 10
    batch: int | None = None

    def minimise(self, loss: Loss, theta: Array, limit: Limit | None = None, target: float = 0.0) -> Minimum:
        """Minimise from ``theta``, shape ``(p,)``; returns the best point met (with batches the last one).

        Raises:
            BadInput: when the shapes of the loss do not add up to the parameters.
        """
        value_and_grad = loss.value_and_grad if self.batch is None else loss.on_batches(self.batch)
        trail = Trail.of(limit, target)
        shapes = loss.shapes or ((len(theta),),)
        sizes = [math.prod(shape) for shape in shapes]
        if sum(sizes) != len(theta):
            raise BadInput(f"shapes {shapes} have {sum(sizes)} parameters, got {len(theta)}")
        blocks, ends = [_Block(shape) for shape in shapes], np.cumsum(sizes)[:-1]
        best_loss, best, iteration = math.inf, theta, 0
        while True:
            value, gradient = value_and_grad(theta)
            if self.batch is not None or value < best_loss:
                best_loss, best = value, theta
            if (reason := trail.reason(iteration, value)) is not None:
                return Minimum(best, best_loss, iteration, iteration + 1, reason, tuple(trail.rows))
            progress = iteration / trail.limit.evaluations
            progress = max(progress, trail.limit.spent / max(trail.limit.end - trail.limit.begun, 1e-9))
            iteration += 1
            steps = [
                block.step(part, iteration, self)
                for block, part in zip(blocks, np.split(gradient, ends), strict=True)
            ]
            theta = theta - half_cosine(self.rate, self.final, progress) * np.concatenate(steps)


class _Block:
    """Moments of one matrix or vector, and the rotations of its sides."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        # The factor of a vector would be p x p, so vectors are not rotated.
        turned = shape if len(shape) == 2 else ()
        self.factors = [np.zeros((n, n)) for n in turned]
        self.rotations = [np.eye(n) for n in turned]
        self.mean, self.square = np.zeros(shape), np.zeros(shape)

    def step(self, gradient: Array, iteration: int, method: SOAP) -> Array:
        g = gradient.reshape(self.shape)
        if self.factors:
            for i, product in enumerate((g @ g.T, g.T @ g)):
                self.factors[i] = method.b2 * self.factors[i] + (1.0 - method.b2) * product
            if iteration % method.every == 1 or method.every == 1:
                self.rotations = [linalg.eigh(factor, check_finite=False)[1] for factor in self.factors]
        self.mean = method.b1 * self.mean + (1.0 - method.b1) * g
        self.square = method.b2 * self.square + (1.0 - method.b2) * self._turn(g) ** 2
        corrected = np.sqrt(self.square / (1.0 - method.b2**iteration)) + 1e-12
        moved = self._turn(self.mean) / ((1.0 - method.b1**iteration) * corrected)
        if self.factors:
            moved = self.rotations[0] @ moved @ self.rotations[1].T
        back: Array = moved.ravel()
        return back

    def _turn(self, g: Array) -> Array:
        return self.rotations[0].T @ g @ self.rotations[1] if self.factors else g
