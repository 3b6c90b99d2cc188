"""How much of a branch and bound is left, from the part of its tree that was seen.

Knuth (Estimating the efficiency of backtrack programs, Math. Comp. 29, 1975): with s_l the share of the boxes
of depth l that were halved, a box of depth l costs on average T_l = 1 + 2 s_l T_{l+1} boxes. Below the depths
that were seen often enough, s_l is taken to fall by half per level: at depths where every second box is halved
the tree stays as wide as it is, and so does the estimate. A forecast, not a bound: its error is a factor of two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SEEN = 8  # boxes of a depth after which its share counts


@dataclass(frozen=True)
class Tree:
    """Counts by depth of boxes that were bounded, and of those that were halved."""

    bounded: Mapping[int, int] = field(default_factory=dict)
    halved: Mapping[int, int] = field(default_factory=dict)

    @property
    def tried(self) -> int:
        """Boxes bounded."""
        return sum(self.bounded.values())

    def with_batch(self, depth: NDArray[np.int64], halved: NDArray[np.bool_]) -> Tree:
        """The counts with those of a batch added."""
        bounded, split = Counter(self.bounded), Counter(self.halved)
        bounded.update(depth.tolist())
        split.update(depth[halved].tolist())
        return Tree(bounded, split)

    def share(self, depth: int) -> float:
        """Share of the boxes of a depth that are halved."""
        known = [k for k in self.bounded if k <= depth]
        last = max([k for k in known if self.bounded[k] >= SEEN] or known, default=None)
        if last is None:
            return 0.5
        return float(self.halved.get(last, 0) / self.bounded[last] * 0.5 ** (depth - last))

    def remaining(self, depth: NDArray[np.int64]) -> float:
        """Boxes still to be bounded below pending boxes of these depths.

        >>> tree = Tree().with_batch(np.zeros(8, dtype=int), np.arange(8) < 4)
        >>> round(tree.remaining(np.array([1, 1])), 1)
        3.3
        """
        if not len(depth):
            return 0.0
        cost, costs = 1.0, {}
        for level in range(max(int(depth.max()), *self.bounded, 0) + 8, int(depth.min()) - 1, -1):
            cost = 1.0 + 2.0 * self.share(level) * cost
            costs[level] = cost
        return float(sum(costs[k] for k in depth.tolist()))
