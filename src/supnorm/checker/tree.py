"""The tiling of a certificate in lines: halvings of the box, in order, so that the cells tile it by construction.

Some cells wait for their leaves; at first it is the whole box. The next leaf is in the cell that waits last: each of its
axes halves this cell, the second half waits, and what is left of the first half at the end is the cell of the leaf. So
after every leaf the cells of the leaves so far and the waiting ones tile the box, and all of it is covered when none waits.
What is kept is the way from the box to the present cell, as many entries as it has halvings.
"""

from __future__ import annotations

from typing import Any

from supnorm.checker.leaf import DEEPEST
from supnorm.checker.rejected import Rejected


class Tree:
    """Cells one after the other.

    Args:
        d: number of axes.

    Attributes:
        whole: whether the cells so far cover the box.
    """

    def __init__(self, d: int) -> None:
        self.whole = False
        self._level, self._index = [0] * d, [0] * d
        self._axes: list[int] = []  # of the halvings between the box and the present cell
        self._second: list[bool] = []  # whether the cell is in the second half of each

    def next(self, halvings: list[Any], position: int) -> tuple[list[int], list[int]]:
        """Level and index of the cell of the next leaf, on each axis.

        Args:
            halvings: the axes along which the waiting cell is halved.
            position: of the leaf, for messages.

        Raises:
            Rejected: for a leaf when none waits, an axis that does not exist, or a cell that is too deep.
        """
        if self.whole:
            raise Rejected("leaves overlap: the leaves before this one cover the box", position)
        if type(halvings) is not list:
            raise Rejected("malformed leaf", position)
        level, index = self._level, self._index
        for axis in halvings:
            if type(axis) is not int or not 0 <= axis < len(level):
                raise Rejected("a leaf is halved along an axis that does not exist", position)
            if level[axis] >= DEEPEST:
                raise Rejected(f"a leaf is deeper than level {DEEPEST}", position)
            level[axis] += 1
            index[axis] *= 2
            self._axes.append(axis)
            self._second.append(False)
        cell = list(level), list(index)
        self._go_on()
        return cell

    def demand_whole(self) -> None:
        """Check that the cells cover the box.

        Raises:
            Rejected: when one still waits.
        """
        if not self.whole:
            raise Rejected("gap in the tiling: the leaves end before they cover the box")

    def _go_on(self) -> None:
        """Go to the cell that waits last: the second half of the last halving whose first half is done."""
        while self._second and self._second[-1]:
            self._second.pop()
            axis = self._axes.pop()
            self._level[axis] -= 1
            self._index[axis] //= 2
        if not self._second:
            self.whole = True
            return
        self._second[-1] = True
        self._index[self._axes[-1]] += 1
