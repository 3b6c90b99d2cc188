"""A one-layer tanh network with random hidden units; only the output layer is fitted, by least squares.

The units are those of `Network.init`: random directions, with zeros all over the domain. The scale of the weights is
the one of a few that has the smallest error on every tenth sample. The result is a `Network` that can be trained further,
exported and certified. Source: Dong & Li, Local extreme learning
machines (2021).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants.approximation import Approximation, NotApplicable
from supnorm.networks import Network, Scaling
from supnorm.problem import Domain
from supnorm.results.settings import Settings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RandomFeatures(Settings):
    """Random tanh features.

    Args:
        features: largest number of features; there is at most one for two samples.
        scales: factors of the first layer that are tried.
    """

    # Largest errors for exp(-x y) sin(2 z) in 3-D and 1 / (1 + a . x^2) in 4-D, 800 samples, medians of 3 seeds: 3.8e-6 and
    # 3.7e-4. 300 features: 1.9e-5, 6.5e-4; 1,200: no change, as there is one for two samples. Half of the scales: 2.0e-7 and
    # 1.8e-4 for these very smooth functions; twice the scales: 1.7e-4, 3.2e-3. A kink in 2-D: 0.018 for all.
    features: int = 600
    scales: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)

    def from_samples(
        self, x: Array, y: Array, domain: Domain, rng: np.random.Generator | None = None
    ) -> Approximation:
        """Fit samples ``x (n, d)``, ``y (n, m)`` with units drawn from ``rng`` (seed 0 by default).

        Raises:
            NotApplicable: for fewer than eight samples.
        """
        if len(x) < 8:
            raise NotApplicable(f"random features need at least 8 samples, got {len(x)}")
        rng = rng or np.random.default_rng(0)
        scaling = Scaling.of_domain(domain, y)
        width = min(self.features, len(x) // 2)
        held = np.arange(len(x)) % 10 == 9
        start = Network.init(rng, domain.d, y.shape[1], width, 1, scaling=scaling, inputs=domain.names)
        trials: list[tuple[float, Network]] = []
        for scale in self.scales:
            net = _solve(_scaled(start, scale), x[~held], y[~held])
            trials.append((float(np.abs(net.value(x[held]) - y[held]).max(initial=0.0)), net))
        best = _solve(min(trials, key=lambda pair: pair[0])[1], x, y)
        best = replace(best, name="random features")
        size = best.size
        return Approximation(best.as_function(), best, "random features", size, len(x))


def _scaled(net: Network, scale: float) -> Network:
    (part,) = net.parts
    (weights, bias), output = part.layers
    return replace(net, parts=(replace(part, layers=((scale * weights, scale * bias), output)),))


def _solve(net: Network, x: Array, y: Array) -> Network:
    """The network with its output layer replaced by the least-squares one."""
    (part,) = net.parts
    weights, bias = part.layers[0]
    hidden = np.tanh(net.scaling.enter(x) @ weights.T + bias)
    matrix = np.column_stack([hidden, np.ones(len(x))])
    target = (y - net.scaling.output_shift) / net.scaling.output_scale
    solution = np.linalg.lstsq(matrix, target, rcond=1e-14)[0]
    output = solution[:-1].T, solution[-1]
    return replace(net, parts=(replace(part, layers=(part.layers[0], output)),))
