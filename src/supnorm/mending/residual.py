"""Residual: add a small network to a model that cannot be trained.

The network is trained on the error by the rounds of `Exchange`. It acts everywhere, so that the verdict matters more than
for patches. On eight networks with glitches it left 0.02 to 0.86 of the largest error, where training further left 0.0001 to
0.25: it is for models that cannot be trained and whose error is spread over the domain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.guarded import values_of
from supnorm.evaluation.limit import Limit
from supnorm.mending.exchange import Exchange
from supnorm.mending.task import Candidate, Task
from supnorm.mending.tunable import Tunable, optimiser_for
from supnorm.networks import Network, Scaling
from supnorm.networks.summed import SummedModel
from supnorm.problem import Domain, Function
from supnorm.results.numbers import ErrorUnit
from supnorm.results.settings import Settings
from supnorm.training.train import optimise

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Residual(Settings):
    """A small network that is added to the model.

    Attributes:
        width: of its two hidden layers.
        rounds, iterations: as of `Exchange`.
        ratio: samples per parameter at space-filling points.
    """

    # Row *residual* of `benchmarks.mending.attack` guards; `iterations` and `ratio` as in `Exchange`.
    width: int = 20
    rounds: int = 6
    iterations: int = 100
    ratio: float = 3.0

    def start(self, model: Function, domain: Domain, m: int, seed: int) -> TunableSum:
        """The model with a network that is not trained yet."""
        return TunableSum(model, domain, m, self.width, seed)

    def mend(self, task: Task, model: Tunable, unit: ErrorUnit) -> Candidate:
        """The model with the network of the best round."""
        return Exchange(self.rounds, self.iterations, self.ratio, anchors=False).mend(task, model, unit)


@dataclass(frozen=True, eq=False)
class TunableSum(Tunable):
    """A model plus a network, of which only the network is trained.

    Attributes:
        base: the model.
        network: None before the first training.
    """

    base: Function
    domain: Domain
    m: int
    width: int
    seed: int
    network: Network | None = None

    @property
    def size(self) -> int:
        """Number of parameters of the network."""
        d, w = self.domain.d, self.width
        return d * w + w + w * w + w + w * self.m + self.m

    @property
    def summed(self) -> SummedModel:
        """The model and its network."""
        return SummedModel(
            self.base, () if self.network is None else (replace(self.network, name="residual"),)
        )

    def value(self, x: Array) -> Array:
        """Values at ``x (n, d)``, as the sum runs."""
        return self.summed.value(x)

    def tuned(self, x: Array, y: Array, limit: Limit) -> TunableSum:
        """The sum after further training of its network."""
        gap = y - values_of(self.base, x, y.shape[1])
        finite = np.isfinite(gap).all(axis=1)
        x, gap = x[finite], gap[finite]
        if not len(x):
            return self
        start = self.network
        if start is None:
            scaling = Scaling.of_domain(self.domain, gap)
            rng = np.random.default_rng([self.seed, 7])
            start = Network.init(rng, self.domain.d, self.m, self.width, 2, scaling=scaling)
        return replace(
            self, network=optimise(start, x, gap, optimiser_for(self.size, gap.size), limit).network
        )

    def as_function(self) -> Function:
        """The sum as a `Function`."""
        return self.summed.as_function() if self.network is not None else self.base

    @property
    def saved(self) -> SummedModel:
        """What is saved: the network that is added."""
        return self.summed
