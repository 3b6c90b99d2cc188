"""Models whose parameters a repair can train further: the networks of supnorm and torch modules look alike to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.limit import Limit
from supnorm.networks import Network, load
from supnorm.problem import Function, Problem
from supnorm.results import BadInput
from supnorm.training.levenberg_marquardt import LevenbergMarquardt
from supnorm.training.optimiser import Optimiser
from supnorm.training.quasi_newton import QuasiNewton
from supnorm.training.train import choose_optimiser, optimise

Array = NDArray[np.float64]
# Weights up to which Levenberg-Marquardt trains further. It starts from a good point, where its few steps are worth more
# than from a random one: `choose_optimiser` changes at 300. Guarded by the rows of `python -m benchmarks.mending`.
FEW = 1000
PROBES = 16  # points at which a model has the values of the network in its file


class Tunable(Protocol):
    """A model with parameters."""

    @property
    def size(self) -> int:
        """Number of parameters."""

    def value(self, x: Array) -> Array:
        """Values at ``x (n, d)``, shape ``(n, m)``, as the model runs."""

    def tuned(self, x: Array, y: Array, limit: Limit) -> Tunable:
        """The model after further training on samples ``x (n, d)``, ``y (n, m)``."""

    def as_function(self) -> Function:
        """The model as a `Function`."""

    @property
    def saved(self) -> Any:
        """What is saved in a file."""


@dataclass(frozen=True, eq=False)
class TunableNetwork(Tunable):
    """A network of supnorm; ``optimiser`` None: chosen by size."""

    network: Network
    optimiser: Optimiser | None = None

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self.network.size

    def value(self, x: Array) -> Array:
        """Values at ``x (n, d)``."""
        return self.network.value(x)

    def tuned(self, x: Array, y: Array, limit: Limit) -> TunableNetwork:
        """The network after further training."""
        chosen = self.optimiser or optimiser_for(self.size, y.size)
        return TunableNetwork(optimise(self.network, x, y, chosen, limit).network, self.optimiser)

    def as_function(self) -> Function:
        """The network as a `Function`."""
        return self.network.as_function()

    @property
    def saved(self) -> Network:
        """The network."""
        return self.network


def optimiser_for(size: int, residuals: int) -> Optimiser:
    """Levenberg-Marquardt up to `FEW` weights, then as for a new network.

    >>> type(optimiser_for(500, 2000)).__name__, type(optimiser_for(5000, 2000)).__name__
    ('LevenbergMarquardt', 'QuasiNewton')
    """
    if size <= FEW and residuals <= 20_000:
        return LevenbergMarquardt()
    chosen = choose_optimiser(size, residuals)
    return QuasiNewton() if isinstance(chosen, LevenbergMarquardt) else chosen


def network_behind(function: Function) -> Network | None:
    """The network of supnorm whose values a function has; None if it has others.

    >>> net = Network.init(np.random.default_rng(0), d=2, m=1, width=8, depth=2)
    >>> network_behind(net.as_function()) is net, network_behind(Function(np.sin))
    (True, None)
    """
    owner = getattr(function.value, "__self__", None)
    return owner if isinstance(owner, Network) and function.value == owner.value else None


def network_of_file(problem: Problem) -> Network | None:
    """The network in the file from which the problem's model was opened, if the model has its values; else None."""
    origin = problem.model.origin or {}
    file = str(origin.get("file", ""))
    if not file.endswith(".npz") or problem.source is None or corrected(origin):
        return None
    try:
        network = load(problem.source.parent / file)
    except BadInput:  # an approximator of another kind
        return None
    x = problem.domain.from_unit(np.random.default_rng(0).random((PROBES, problem.domain.d)))
    x = x[problem.domain.contains(x)]
    same = network.d == problem.domain.d and np.array_equal(network.value(x), problem.model.value(x))
    return network if same else None


GRAPHS = (".onnx", ".pt2")  # files whose graphs torch can run with other weights


def is_graph_file(problem: Problem) -> bool:
    """Whether the problem's model is a file with a graph, as it is in the file."""
    origin = problem.model.origin or {}
    return (
        str(origin.get("file", "")).lower().endswith(GRAPHS)
        and problem.source is not None
        and not corrected(origin)
    )


def corrected(origin: Mapping[str, Any]) -> bool:
    """Whether a model is more than its file: with residuals or patches of an earlier repair."""
    return bool(origin.get("patches") or origin.get("residuals"))
