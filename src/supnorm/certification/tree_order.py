"""The order of the leaves in a file in lines: that of the halvings which make them from the box.

All leaves start in one group, the box; each group is halved along an axis on which no leaf of it is cut, the first half
before the second, until each group is one leaf. An axis that cuts no cell of a proof either is preferred, so that leaves
which share a proof stand together. The order depends on the leaves alone, and not on how they were found.
Cost: one pass over the leaves for each level of the deepest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.boxes import Integers
from supnorm.results import Contradiction

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class TreeOrder:
    """Leaves in the order of a tree.

    Attributes:
        rows: the leaves in this order, shape ``(B,)``.
        axes: the axes of all halvings, those of the first leaf first, shape ``(B - 1,)``.
        ends: where the halvings of each leaf end in ``axes``, shape ``(B,)``.
    """

    rows: Rows
    axes: Rows
    ends: Rows

    def halvings(self, start: int, stop: int) -> list[list[int]]:
        """The halvings of the leaves from ``start`` to ``stop``: how the cell that waits last becomes that of the leaf."""
        ends = [int(self.ends[start - 1]) if start else 0, *self.ends[start:stop].tolist()]
        axes = self.axes[ends[0] : ends[-1]].tolist()
        return [axes[a - ends[0] : b - ends[0]] for a, b in pairwise(ends)]


def tree_order(
    level: Integers, index: Integers, proof_level: Integers, begun: Integers | None = None
) -> TreeOrder:
    """The order of leaves that tile the box, or a cell of level ``begun``: their levels and indices, shapes ``(B, d)``.

    ``proof_level`` are levels of the cells that their proofs are about.

    Raises:
        Contradiction: when they do not tile it.

    >>> order = tree_order(*(np.array(v) for v in ([[1, 1], [1, 0], [1, 1]], [[1, 1], [0, 0], [1, 0]], [[0, 0]] * 3)))
    >>> order.rows.tolist(), order.halvings(0, 3)
    ([1, 2, 0], [[0], [1], []])
    """
    count, d = level.shape
    rows = np.zeros(count, dtype=np.intp)
    starts: list[Rows] = []  # of the groups that are halved: the position of their first leaf in the order
    axes: list[Rows] = []
    depth = np.zeros((1, d), dtype=np.int64) if begun is None else begun[None].copy()
    start = np.zeros(1, dtype=np.intp)
    left, size = np.arange(count), np.array([count])  # group by group, and how many each has
    while len(left):
        if not size.all():
            raise Contradiction("the leaves of a proof leave a gap")
        group, first = np.repeat(np.arange(len(size)), size), np.cumsum(size) - size
        # Columns: with rows of a few numbers NumPy takes twice as long.
        levels, proved = [level[left, j] for j in range(d)], [proof_level[left, j] for j in range(d)]
        # A leaf whose proof is about the whole group, or more, may be cut off from the others that share it.
        inside = np.logical_or.reduce([cell > depth[group, j] for j, cell in enumerate(proved)])
        needed = [np.where(inside, cell, leaf) for cell, leaf in zip(proved, levels, strict=True)]
        room = _least(levels, first) > depth
        better = room & (_least(needed, first) > depth)
        full = np.asarray(~room.any(axis=1))
        if (full & (size > 1)).any():
            raise Contradiction("the leaves of a proof overlap")
        axis = np.where(better.any(axis=1), better.argmax(axis=1), room.argmax(axis=1))
        rows[start[full]] = left[first[full]]
        starts.append(start[~full])
        axes.append(axis[~full])
        left, group = left[~full[group]], group[~full[group]]
        along = axis[group]
        second = ((index[left, along] >> (level[left, along] - depth[group, along] - 1)) & 1) == 1
        depth[np.arange(len(depth)), axis] += 1
        depth, start, size = np.repeat(depth[~full], 2, axis=0), np.repeat(start[~full], 2), size[~full]
        left, low = _second_last(left, second, size)
        start[1::2] += low
        size = np.stack([low, size - low], axis=1).ravel()
    at, along = np.concatenate(starts), np.concatenate(axes)
    return TreeOrder(
        rows,
        along[np.argsort(at, kind="stable")],
        np.cumsum(np.bincount(at, minlength=count)).astype(np.intp),
    )


def _least(columns: Sequence[Integers], first: Rows) -> Integers:
    """The least number of each group in each column, shape ``(groups, d)``; groups begin at ``first``."""
    return np.stack([np.minimum.reduceat(column, first) for column in columns], axis=1)


def _second_last(left: Rows, second: NDArray[np.bool_], size: Rows) -> tuple[Rows, Rows]:
    """Leaves group by group, within each those of its first half first, in their order; and how many these are."""
    begin = np.cumsum(size) - size
    before = np.concatenate([[0], np.cumsum(second)])  # leaves of second halves before each leaf
    low = size - np.diff(before[np.append(begin, len(left))])
    here = before[:-1] - np.repeat(before[begin], size)
    moved = np.empty_like(left)
    moved[np.where(second, np.repeat(begin + low, size) + here, np.arange(len(left)) - here)] = left
    return moved, low
