"""A model with small networks added to it: what `repair --method residual` makes of a model that cannot be trained.

    N_new(x) = N(x) + sum_k r_k(x)

Unlike patches (`patched.py`) these act everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from supnorm.networks import Network
from supnorm.networks.corrections import corrected_function, demand_outputs, save_numbered
from supnorm.networks.lowering import to_program
from supnorm.problem import Function
from supnorm.problem.function import Pullback
from supnorm.program import Builder, Program, program_of
from supnorm.program.tracing import Value

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SummedModel:
    """A model and what is added to it.

    >>> added = Network.init(np.random.default_rng(0), 1, 1, 4, 1)
    >>> x = np.array([[0.5]])
    >>> summed = SummedModel(Function(np.sin), (added,))
    >>> bool(summed.value(x)[0, 0] == np.sin(0.5) + added.value(x)[0, 0])
    True
    """

    base: Function
    networks: tuple[Network, ...]

    def value(self, x: Array) -> Array:
        """Values at ``x (n, d)``, shape ``(n, m)``.

        Raises:
            BadInput: for a network with another number of outputs than the model.
        """
        y = self.base.columns(x)
        for network in self.networks:
            demand_outputs(network, y.shape[1], "residual")
            y = y + network.value(x)
        return y

    def vjp(self, x: Array) -> tuple[Array, Pullback]:
        """Values, and the pullback from weights ``(n, m)`` to weighted derivatives ``(n, d)``."""
        assert self.base.vjp is not None
        y, pull = self.base.vjp(x)
        pulls = [pull]
        for network in self.networks:
            more, pull = network.vjp(x)
            y = y + more
            pulls.append(pull)
        return y, lambda weights: np.sum([one(weights) for one in pulls], axis=0)

    def composed(self, d: int) -> Program:
        """The program: that of the model plus those of the networks.

        Raises:
            Unsupported: where the model cannot be read.
        """
        model = program_of(self.base, d)
        build = Builder(d)
        y: Value = build.inline(model, build.input)
        for network in self.networks:
            more = build.inline(to_program(network.parts, network.takes, network.scaling), build.input)
            y = build.binary("add", y, more)
        return build.finish(y)

    def as_function(self) -> Function:
        """The sum as a `Function`."""
        return corrected_function(self, self.networks, with_residuals)

    def save_in(self, folder: Path) -> tuple[str, ...]:
        """Write each network, ``residual-1.npz`` and so on; the names of the files."""
        return save_numbered(self.networks, folder, "residual")


def with_residuals(base: Function, networks: Sequence[Network]) -> Function:
    """A model with networks that were read from files."""
    return SummedModel(base, tuple(networks)).as_function()
