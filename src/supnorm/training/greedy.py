"""Greedy layer-wise training: one hidden layer after the other, then all of them together.

Layer k is trained with a linear output layer on the values of the frozen layers 1 ... k-1. Then its output layer is
removed, and the next layer is trained on top. At the end all parameters are trained. Source: the supervised
variant of Bengio, Lamblin, Popovici & Larochelle (2006), section 4. Each stage is a network with one hidden
layer, so it is cheap and well conditioned. Choose it for deep networks (four
and more hidden layers) whose training from random weights stalls; with one or two hidden layers it gains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.limit import Limit
from supnorm.networks import Architecture, Network, Part, Scaling
from supnorm.results import BadInput
from supnorm.results.settings import Settings
from supnorm.training.optimiser import Optimiser
from supnorm.training.train import Trained, check_samples, optimise

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GreedyLayers(Settings):
    """Layer-wise training of a plain network.

    Args:
        share: share of the limits for the single layers; the rest is for all parameters at the end.
        optimiser: optimiser of every stage; the automatic choice by default.
    """

    # Largest errors for I.6.2 of `benchmarks.fit`, medians of 3 seeds: 8.0e-4; 0.2: 4.1e-4; 0.8: 6.8e-4. No order is
    # visible.
    share: float = 0.4
    optimiser: Optimiser | None = None

    def train(self, network: Network, x: Array, y: Array, limit: Limit, rng: np.random.Generator) -> Trained:
        """Train ``network`` on samples; only its architecture and its scaling matter.

        Raises:
            BadInput: for residual connections, Fourier features, no hidden layer, or unusable samples.

        >>> x = np.linspace(-1.0, 1.0, 60)[:, None]
        >>> y = np.tanh(4 * x) * x
        >>> net = Network.init(np.random.default_rng(0), 1, 1, 6, 4, scaling=Scaling.of_data(x, y))
        >>> found = GreedyLayers().train(net, x, y, Limit(evaluations=200), np.random.default_rng(1))
        >>> found.minimum.loss < 1e-6
        True
        """
        a = network.parts[0].architecture
        if network.takes or a.residual or a.fourier or not a.widths:
            raise BadInput(
                "layer-wise training needs hidden layers in one part, no residual or Fourier connections"
            )
        x, y = check_samples(network, x, y)
        s = network.scaling
        z, t = s.enter(x), (y - s.output_shift) / s.output_scale
        stages = limit.within(self.share).parts(len(a.widths))
        layers = []
        for width, activation, stage in zip(a.widths, a.activations, stages, strict=True):
            start = Network.init(rng, z.shape[1], a.m, width, 1, activation, scaling=_plain(z, t))
            trained = optimise(start, z, t, self.optimiser, stage).network
            layer, output = _unscaled(trained)
            layers.append(layer)
            z = _hidden(trained, z)
        begun = replace(network, parts=(Part(a, (*layers, output)),))
        return optimise(
            begun, x, y, self.optimiser, limit.upto(max(int((1.0 - self.share) * limit.evaluations), 1))
        )


def _plain(z: Array, t: Array) -> Scaling:
    """A scaling of the features to [-1, 1]; the labels are scaled already."""
    inputs = Scaling.of_data(z, t)
    return replace(inputs, output_shift=np.zeros(t.shape[1]), output_scale=np.ones(t.shape[1]))


def _unscaled(network: Network) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """The hidden and the output layer of a network, with the input scaling in the weights."""
    (weights, bias), output = network.parts[0].layers
    unscaled = weights / network.scaling.input_scale
    return (unscaled, bias - unscaled @ network.scaling.input_shift), output


def _hidden(network: Network, z: Array) -> Array:
    """Values of the hidden layer of a network, shape ``(n, width)``."""
    (part,) = network.parts
    width = part.architecture.widths[0]
    identity = (np.eye(width), np.zeros(width))
    a = Architecture(network.d, width, (width,), part.architecture.activations)
    s = network.scaling
    scaling = Scaling(s.input_shift, s.input_scale, np.zeros(width), np.ones(width))
    return Network((Part(a, (part.layers[0], identity)),), scaling).value(z)
