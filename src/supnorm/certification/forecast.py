"""Estimates how many boxes branch and bound still has to try, from the part of its tree that was tried.

Knuth (Estimating the efficiency of backtrack programs, Math. Comp. 29, 1975): with s_l the share of the boxes
of depth l that were halved, a box of depth l costs on average T_l = 1 + 2 s_l T_{l+1} boxes. At depths that were
tried too rarely, s_l is assumed to fall by half per level; where every second box is halved the tree keeps its width,
and so does the estimate. This is a forecast and no bound; its error is about a factor of two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SEEN = 8  # the share of a depth counts once this many of its boxes were tried


@dataclass(frozen=True)
class Tree:
    """Counts for each depth: how many boxes were bounded, and how many of them were halved."""

    bounded: Mapping[int, int] = field(default_factory=dict)
    halved: Mapping[int, int] = field(default_factory=dict)

    @property
    def tried(self) -> int:
        """Boxes bounded."""
        return sum(self.bounded.values())

    def with_batch(self, depth: NDArray[np.int64], halved: NDArray[np.bool_]) -> Tree:
        """The counts plus those of a batch."""
        bounded, split = Counter(self.bounded), Counter(self.halved)
        bounded.update(depth.tolist())
        split.update(depth[halved].tolist())
        return Tree(bounded, split)

    @property
    def widening(self) -> bool:
        """Whether more than half of the boxes of the deepest level that is known were halved: then no forecast is worth
        anything, because nobody has seen the depth at which boxes become rarer.

        >>> Tree().with_batch(np.zeros(8, dtype=int), np.arange(8) < 6).widening
        True
        """
        last = max((k for k, n in self.bounded.items() if n >= SEEN), default=None)
        return last is None or 2 * self.halved.get(last, 0) > self.bounded[last]

    def share(self, depth: int) -> float:
        """The share of the boxes of a depth that are halved."""
        known = [k for k in self.bounded if k <= depth]
        last = max([k for k in known if self.bounded[k] >= SEEN] or known, default=None)
        if last is None:
            return 0.5
        return float(self.halved.get(last, 0) / self.bounded[last] * 0.5 ** (depth - last))

    def remaining(self, depths: Mapping[int, int]) -> float:
        """Boxes still to be bounded below pending boxes, so many of each depth.

        >>> tree = Tree().with_batch(np.zeros(8, dtype=int), np.arange(8) < 4)
        >>> round(tree.remaining({1: 2}), 1)
        3.3
        """
        costs = self._costs(min(depths), max(depths)) if depths else {}
        return float(sum(costs[depth] * count for depth, count in sorted(depths.items())))

    def _costs(self, least: int, most: int) -> dict[int, float]:
        """What a box of each depth costs."""
        cost, costs = 1.0, {}
        for level in range(max(most, *self.bounded, 0) + 8, least - 1, -1):
            cost = 1.0 + 2.0 * self.share(level) * cost
            costs[level] = cost
        return costs
