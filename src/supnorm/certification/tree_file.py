"""The order of `tree_order` for leaves in a file: groups that are too large for memory are halved in the file.

The leaves are copied once, and the records of a group change places among themselves; so the file is never longer.
Cost: each leaf is read and written as often as its group is halved until the group fits into memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from supnorm.certification.boxes import Integers
from supnorm.certification.leaf import Leaves
from supnorm.certification.shelf import BLOCK, Records, Stored, Stretch, leaves_of
from supnorm.certification.tree_order import TreeOrder, tree_order
from supnorm.results import Contradiction

Group = tuple[Leaves, TreeOrder, list[int]]


def groups_in_order(leaves: Leaves | Stored, folder: Path | None = None) -> Iterator[Group]:
    """Groups of leaves in memory, one after the other in the order of the tree; how each is ordered; halvings before it.

    Args:
        leaves: they tile the box.
        folder: where the file is in which leaves are halved; None for the system's folder of temporary files.

    Raises:
        Contradiction: when the leaves do not tile the box.
    """
    if isinstance(leaves, Leaves):
        yield leaves, tree_order(leaves.boxes.level, leaves.boxes.index, leaves.level), []
        return
    shelf = leaves.shelf.another(folder)
    for records in leaves.blocks():
        shelf.put(records)
    begun: list[int] = []
    groups = [(Stretch(shelf, 0, len(leaves)), np.zeros(shelf.kind["level"].shape[0], dtype=np.int64), begun)]
    while groups:  # the last one comes next
        group, depth, before = groups.pop()
        if len(group) <= shelf.most:
            some = leaves_of(group.read(0, len(group)))
            yield some, tree_order(some.boxes.level, some.boxes.index, some.level, depth), before
            continue
        axis = _axis(group, depth)
        first, second = _halved(group, axis, depth[axis])
        if not (len(first) and len(second)):
            raise Contradiction("the leaves of a proof leave a gap")
        deeper = depth + (np.arange(len(depth)) == axis)
        groups += [(second, deeper, []), (first, deeper, [*before, axis])]


def _halved(group: Stretch, axis: int, depth: int) -> tuple[Stretch, Stretch]:
    """The leaves of the first and those of the second half of a cell, after their records have changed places.

    Blocks are read from the end where less is free, and what was read is written to the ends, as far as they are free.
    """
    shelf, ends = group.shelf, [group.start, group.stop]  # of what is not read yet
    free, held = [group.start, group.stop], [group.read(0, 0), group.read(0, 0)]
    while ends[0] < ends[1] or len(held[0]) or len(held[1]):
        size = min(BLOCK, ends[1] - ends[0])
        if ends[0] - free[0] <= free[1] - ends[1]:
            records, ends[0] = shelf.read(ends[0], ends[0] + size), ends[0] + size
        else:
            records, ends[1] = shelf.read(ends[1] - size, ends[1]), ends[1] - size
        second = _in_second_half(records, axis, depth)
        held = [np.concatenate([old, records[second == half]]) for half, old in enumerate(held)]
        if ends[0] == ends[1]:  # all is read
            ends = [free[0] + len(held[0])] * 2
        count = min(len(held[0]), ends[0] - free[0])
        shelf.write(free[0], held[0][:count])
        free[0], held[0] = free[0] + count, held[0][count:]
        count = min(len(held[1]), free[1] - ends[1])
        shelf.write(free[1] - count, held[1][:count])
        free[1], held[1] = free[1] - count, held[1][count:]
    return Stretch(shelf, group.start, free[0]), Stretch(shelf, free[0], group.stop)


def _in_second_half(records: Records, axis: int, depth: int) -> Integers:
    """1 for each leaf in the second half of its cell, 0 for the others."""
    level = records["level"][:, axis].astype(np.int64)
    return np.asarray((records["index"][:, axis] >> (level - depth - 1)) & 1)


def _axis(group: Stretch, depth: Integers) -> int:
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
