"""Argmax refinement: repeatedly add the points where the network is worst, and continue its training.

Each round asks for points (the worst ones of a screen or of an audit, `thinned` to a distance), adds them to the samples
and trains the current network further. ``python -m benchmarks.fit --part targets`` measures how much this lowers the
largest error, and compares it with adding as many *random* points (docs/evidence/fits.md, "Refinement at the worst points").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.limit import Limit
from supnorm.networks import Network
from supnorm.results.settings import Settings
from supnorm.training.levenberg_marquardt import LevenbergMarquardt
from supnorm.training.optimiser import Optimiser
from supnorm.training.quasi_newton import QuasiNewton
from supnorm.training.train import Trained, optimise

Array = NDArray[np.float64]
Ask = Callable[[Network, int], tuple[Array, Array]]


@dataclass(frozen=True)
class ArgmaxRefinement(Settings):
    """Rounds of adding the worst points and training further.

    Args:
        rounds: number of rounds.
        optimiser: by default Levenberg-Marquardt up to 300 weights, self-scaled Broyden above.
    """

    rounds: int = 4  # `benchmarks.fit --part refinement` guards
    optimiser: Optimiser | None = None

    def run(self, network: Network, x: Array, y: Array, ask: Ask, limit: Limit) -> Trained:
        """Refine ``network`` on samples ``x (n, d)``, ``y (n, m)`` and the samples that ``ask(network, round)`` adds.

        ``limit`` is for all rounds together.

        >>> from supnorm.networks import Scaling
        >>> f = lambda x: 1.0 / (1.0 + 25.0 * x**2)
        >>> x, grid = np.linspace(-1.0, 1.0, 15)[:, None], np.linspace(-1.0, 1.0, 501)[:, None]
        >>> start = Network.init(np.random.default_rng(0), 1, 1, 8, 1, scaling=Scaling.of_data(x, f(x)))
        >>> def worst(network, round):
        ...     gap = np.abs(network.value(grid) - f(grid))[:, 0]
        ...     rows = thinned(grid, np.argsort(-gap), 0.02, 5)
        ...     return grid[rows], f(grid[rows])
        >>> first = optimise(start, x, f(x), limit=Limit(evaluations=60)).network
        >>> better = ArgmaxRefinement(3).run(first, x, f(x), worst, Limit(evaluations=180)).network
        >>> before, after = (float(np.abs(n.value(grid) - f(grid)).max()) for n in (first, better))
        >>> after < 0.5 * before
        True
        """
        small = network.size <= 300
        chosen = self.optimiser or (LevenbergMarquardt() if small else QuasiNewton())
        trained: Trained | None = None
        for i, part in enumerate(limit.parts(self.rounds)):
            more_x, more_y = ask(network, i)
            x, y = np.concatenate([x, more_x]), np.concatenate([y, more_y])
            trained = optimise(network, x, y, chosen, part)
            network = trained.network
        assert trained is not None
        return trained


def thinned(u: Array, order: NDArray[np.intp], distance: float, most: int) -> list[int]:
    """The first rows of ``u (n, d)`` in ``order`` that are at least ``distance`` away from all rows taken before.

    >>> thinned(np.array([[0.0], [0.001], [0.5]]), np.array([1, 0, 2]), 0.01, 5)
    [1, 2]
    """
    taken: list[int] = []
    for i in order:
        if not taken or np.linalg.norm(u[taken] - u[i], axis=1).min() > distance:
            taken.append(int(i))
        if len(taken) == most:
            break
    return taken
