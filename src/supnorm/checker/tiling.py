"""Checks that the leaves tile the box exactly, with integers alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from supnorm.checker.rejected import Rejected

Cell = tuple[tuple[int, ...], tuple[int, ...]]


class Placed(Protocol):
    """A cell by its level and index on each axis."""

    @property
    def level(self) -> tuple[int, ...]:
        """How often each axis is halved."""

    @property
    def index(self) -> tuple[int, ...]:
        """Which of the parts it is on each axis."""


def verify_tiling(leaves: Sequence[Placed]) -> None:
    """Check the tiling by undoing the halvings: a set of cells tiles a cell if it is that cell, or if some axis separates it
    into two sets that tile the halves.

    Raises:
        Rejected: for a gap, an overlap, or a cell outside the box.
    """
    if not leaves:
        raise Rejected("the certificate has no leaves")
    d = len(leaves[0].level)
    work: list[tuple[Cell, list[int]]] = [(((0,) * d, (0,) * d), list(range(len(leaves))))]
    while work:
        cell, members = work.pop()
        if not members:
            raise Rejected(f"gap in the tiling: nothing covers the cell level {cell[0]}, index {cell[1]}")
        if len(members) == 1 and (leaves[members[0]].level, leaves[members[0]].index) == cell:
            continue
        work.extend(_halves(cell, members, leaves))


def _halves(cell: Cell, members: list[int], leaves: Sequence[Placed]) -> list[tuple[Cell, list[int]]]:
    level, index = cell
    for axis in range(len(level)):
        if all(leaves[k].level[axis] > level[axis] for k in members):
            parts: list[list[int]] = [[], []]
            for k in members:
                side = leaves[k].index[axis] >> (leaves[k].level[axis] - level[axis] - 1)
                if side not in (2 * index[axis], 2 * index[axis] + 1):
                    raise Rejected("a leaf lies outside its cell", k)
                parts[side - 2 * index[axis]].append(k)
            deeper = tuple(v + (a == axis) for a, v in enumerate(level))
            return [
                ((deeper, tuple(2 * v + s if a == axis else v for a, v in enumerate(index))), parts[s])
                for s in (0, 1)
            ]
    raise Rejected("leaves overlap", members[0])
