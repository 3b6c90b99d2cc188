"""The loop of a local search without derivatives: many chains at once, of which the worse half is given up now and then.

What a chain draws, and what it learns from the errors of these points, is the affair of each search (`evolution`,
`covariance`). Here is what they share: chains that have converged leave, the budget goes to the promising ones, and the best
point that a chain has met is its result.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


class Chains(Protocol):
    """The state of the chains that go on. ``rows`` (k,) are numbers of starts; ``i`` is the step, from 0."""

    @property
    def each(self) -> int:
        """Evaluations of one chain and step."""

    def moving(self, best: Array, i: int) -> Rows:
        """The chains that have not converged, by the best errors of all starts."""

    def queued(self, rows: Rows) -> Rows:
        """The order in which chains are served while the budget lasts."""

    def drawn(self, rows: Rows, u: Array, i: int) -> Array:
        """``each`` points of each of these chains, ``(k, each, d)``; the others are given up. ``u`` are the best points."""

    def learn(self, trials: Array, scores: Array, better: NDArray[np.bool_], i: int) -> None:
        """Take in the errors ``(k, each)`` of the points that were drawn, and whose best point is better than before."""


class ChainSearch(ABC):
    """A local search that needs no derivatives.

    Attributes:
        steps: at most, for each chain.
        halve_every: steps after which the worse half of the chains is given up; 0 never does.
    """

    steps: int
    halve_every: int

    @property
    def fewest(self) -> int:
        """Chains that are never given up."""
        return 1

    def between(self, d: int) -> int:
        """Steps in ``d`` inputs after which the worse half of the chains is given up; 0 for never."""
        return self.halve_every

    @abstractmethod
    def begun(self, landscape: Landscape, u: Array, first_step: float, rng: np.random.Generator) -> Chains:
        """A chain at each start ``u`` (k, d)."""

    def run(
        self,
        landscape: Landscape,
        u: Array,
        score: Array,
        first_step: float,
        rng: np.random.Generator,
        budget: int | None = None,
    ) -> tuple[Array, Array]:
        """Ascend from starts ``u`` (k, d) with known errors ``score`` (k,) while the budget lasts.

        Args:
            first_step: in the unit box.
            budget: evaluations; None for all that the landscape has left.

        Returns:
            The best points (k, d) and their errors (k,).
        """
        u, best = u.copy(), score.copy()
        chains = self.begun(landscape, u, first_step, rng)
        left = landscape.remaining if budget is None else min(budget, landscape.remaining)
        between = self.between(u.shape[1])
        for i in range(self.steps):
            rows = chains.moving(best, i)
            if between and i and i % between == 0 and len(rows) > self.fewest:
                rows = rows[np.argsort(-best[rows], kind="stable")[: (len(rows) + 1) // 2]]
            rows = chains.queued(rows)[: max(0, min(left, landscape.remaining)) // chains.each]
            if not len(rows):
                break
            drawn = chains.drawn(rows, u, i)
            trials = landscape.inside(drawn.reshape(-1, u.shape[1]))
            scores = landscape.score(trials).reshape(len(rows), -1)
            trials = trials.reshape(drawn.shape)
            left -= scores.size
            top = np.argmax(scores, axis=1)
            line = np.arange(len(rows))
            better = scores[line, top] > best[rows]
            u[rows[better]] = trials[line, top][better]
            best[rows[better]] = scores[line, top][better]
            chains.learn(trials, scores, better, i)
        return u, best
