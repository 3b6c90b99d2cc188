"""Networks as a fitting strategy: a sequence of widths, second-order training, refinement at the worst
points.

For each width: the samples are ``ratio`` times the weights, the optimiser is `choose_optimiser` or the given
one. Towards the maximum (norm "sup"): the points where the current network is worst join the samples, thinned
by distance, and the optimiser goes on from where it was (`ArgmaxRefinement`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants import Approximation, NotApplicable
from supnorm.networks import Network, Scaling
from supnorm.problem import Domain
from supnorm.training.memory import require_memory
from supnorm.training.optimiser import Optimiser
from supnorm.training.stopping import Stop
from supnorm.training.train import Trained, choose_optimiser, optimise

Array = NDArray[np.float64]


@dataclass(frozen=True)
class NetworkFit:
    """Fully connected networks of growing width.

    Args:
        widths: tried one after the other until the tolerance is met.
        depth: hidden layers.
        activation: of all hidden layers.
        optimiser: None for the automatic choice by size.
        iterations: of the optimiser, for each width.
        ratio: samples per weight, where the reference can give more.
        rows: most samples used by a second-order method.
        frequency: scale of the first layer: 6 and more for oscillating references.
        takes: for a modular network (`Network.modular`), the channels of each part; ``width`` and ``depth`` are then those
            of every part.
        starts: random starts; the best one after a tenth of the iterations is trained on. Modular networks need 4.
    """

    widths: tuple[int, ...] = (12, 20, 32)
    depth: int = 2
    activation: str = "tanh"
    optimiser: Optimiser | None = None
    iterations: int = 3000
    ratio: float = 4.0
    rows: int = 20_000
    frequency: float = 1.0
    takes: tuple[tuple[int, ...], ...] = ()
    starts: int = 1

    def size(self, d: int, m: int, width: int) -> int:
        """Number of parameters of a network of this width."""
        if self.takes:
            each = replace(self, takes=())
            inner = sum(each.size(len(group), 1, width) for group in self.takes[:-1])
            return inner + each.size(len(self.takes[-1]), m, width)
        return (d + 1) * width + (self.depth - 1) * (width + 1) * width + (width + 1) * m

    def start(self, x: Array, y: Array, domain: Domain, width: int, rng: np.random.Generator) -> Network:
        """An untrained network with its scaling; the best of ``starts``.

        Raises:
            BadInput: for more parameters than memory; nothing is made before.
        """
        size = self.size(domain.d, y.shape[1], width)
        needed = 8.0 * 10 * size  # parameters, gradients and the steps of an optimiser
        require_memory(needed, f"a network of width {width} with {size} parameters", "choose a smaller width")
        begun = [self._random(y, domain, width, rng) for _ in range(self.starts)]
        if len(begun) == 1:
            return begun[0]
        tried = [_quick(network, x[: self.rows], y[: self.rows], self.iterations) for network in begun]
        return min(tried, key=lambda t: t.minimum.loss).network

    def _random(self, y: Array, domain: Domain, width: int, rng: np.random.Generator) -> Network:
        scaling, m = Scaling.of_domain(domain, y), y.shape[1]
        if self.takes:
            return Network.modular(
                rng, domain.d, m, takes=self.takes, width=width, depth=self.depth,
                activation=self.activation, scaling=scaling, inputs=domain.names,
            )  # fmt: skip
        return Network.init(
            rng, domain.d, m, width, self.depth, self.activation, scaling=scaling,
            frequency=self.frequency, inputs=domain.names,
        )  # fmt: skip

    def train(
        self,
        network: Network,
        x: Array,
        y: Array,
        seconds: float | None,
        rng: np.random.Generator,
        longer: bool = True,
    ) -> Trained:
        """Train on at most ``rows`` samples; with ``seconds`` for all of that time, if ``longer`` than ``iterations``."""
        x, y = x[: self.rows], y[: self.rows]
        chosen = self.optimiser or choose_optimiser(network.size, y.size)
        iterations = 10**7 if seconds is not None and longer else self.iterations
        iterations = self.iterations if chosen.scheduled else max(iterations // chosen.price, 1)
        return optimise(network, x, y, chosen, Stop(iterations, seconds, loss=1e-32), rng)

    def refine(self, network: Network, x: Array, y: Array, seconds: float | None) -> Trained:
        """Go on from ``network`` on samples to which its worst points were added at the end."""
        kept = np.r_[0 : max(len(x) - 2000, 0)][: self.rows - 2000]
        rows = np.concatenate([kept, np.arange(max(len(x) - 2000, 0), len(x))])
        chosen = choose_optimiser(network.size, y.size)
        iterations = 100 if chosen.price > 1 else 800
        return optimise(network, x[rows], y[rows], chosen, Stop(iterations, seconds))

    def from_samples(
        self, x: Array, y: Array, domain: Domain, rng: np.random.Generator | None = None
    ) -> Approximation:
        """The widest network of the sequence that the samples allow, trained once.

        Raises:
            NotApplicable: for fewer than ten samples.
        """
        if len(x) < 10:
            raise NotApplicable(f"a network needs at least 10 samples, got {len(x)}")
        rng = rng or np.random.default_rng(0)
        allowed = [w for w in self.widths if self.size(domain.d, y.shape[1], w) <= len(x)]
        width = allowed[-1] if allowed else self.widths[0]
        trained = self.train(self.start(x, y, domain, width, rng), x, y, None, rng)
        return as_approximation(trained, min(len(x), self.rows))


def as_approximation(trained: Trained, samples: int) -> Approximation:
    """A trained network in the protocol of the approximators; its note says why training stopped."""
    widths = "x".join(map(str, trained.network.widths))
    kind = "modular network" if trained.network.takes else "network"
    network = replace(trained.network, name=f"{kind} {widths}")
    size = network.size
    notes = (f"{trained.minimum.reason} ({trained.minimum.iterations} iterations)",)
    return Approximation(network.as_function(), network, network.name, size, samples, notes)


def _quick(network: Network, x: Array, y: Array, iterations: int) -> Trained:
    chosen = choose_optimiser(network.size, y.size)
    return optimise(network, x, y, chosen, Stop(max(iterations // (10 * chosen.price), 10)))
