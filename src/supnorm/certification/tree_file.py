"""The order of `tree_order` for leaves in a file: groups that are too large for memory are halved from file to file.

Cost: each leaf is read and written as often as its group is halved until the group fits into memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from supnorm.certification.boxes import Integers
from supnorm.certification.leaf import Leaves
from supnorm.certification.shelf import Stored, Stretch
from supnorm.certification.tree_order import TreeOrder, tree_order
from supnorm.results import Contradiction

Group = tuple[Leaves, TreeOrder, list[int]]


def groups_in_order(leaves: Leaves | Stored) -> Iterator[Group]:
    """Groups of leaves in memory, one after the other in the order of the tree; how each is ordered; halvings before it.

    Raises:
        Contradiction: when the leaves do not tile the box.
    """
    if isinstance(leaves, Leaves):
        yield leaves, tree_order(leaves.boxes.level, leaves.boxes.index, leaves.level), []
        return
    shelf = leaves.shelf.another()
    d = shelf.kind["level"].shape[0]
    yield from _groups(Stored(shelf, leaves.pieces), np.zeros(d, dtype=np.int64), [])


def _groups(group: Stored, depth: Integers, before: list[int]) -> Iterator[Group]:
    """The groups of the leaves in a cell of the level ``depth``."""
    shelf = group.shelf
    if len(group) <= shelf.most:
        leaves = group.whole
        yield leaves, tree_order(leaves.boxes.level, leaves.boxes.index, leaves.level, depth), before
        return
    axis = _axis(group, depth)
    halves: tuple[list[Stretch], list[Stretch]] = ([], [])
    for records in group.blocks():
        level = records["level"][:, axis].astype(np.int64)
        second = (records["index"][:, axis] >> (level - depth[axis] - 1)) & 1
        for half, into in enumerate(halves):
            if (second == half).any():
                into.append(shelf.put(records[second == half]))
    if not all(halves):
        raise Contradiction("the leaves of a proof leave a gap")
    deeper = depth + (np.arange(len(depth)) == axis)
    yield from _groups(Stored(shelf, tuple(halves[0])), deeper, [*before, axis])
    yield from _groups(Stored(shelf, tuple(halves[1])), deeper, [])


def _axis(group: Stored, depth: Integers) -> int:
    """The axis along which a group is halved: see `tree_order`."""
    level = needed = np.full(len(depth), 255)
    for records in group.blocks():
        levels, proved = records["level"], records["proof_level"]
        inside = np.asarray((proved > depth).any(axis=1))
        level = np.minimum(level, levels.min(axis=0))
        needed = np.minimum(needed, np.where(inside[:, None], proved, levels).min(axis=0))
    room = np.asarray(level > depth)
    if not room.any():
        raise Contradiction("the leaves of a proof overlap")
    better = np.asarray(room & (needed > depth))
    return int(better.argmax() if better.any() else room.argmax())
