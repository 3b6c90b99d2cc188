"""The exact cells of a tiling, and the cuts inside them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any

from flint import arb, fmpq

from supnorm.checker.document import Document
from supnorm.checker.rejected import Rejected

Ball = Any
MOST_PARTS = 64  # of one cell; certify makes at most 16


def cell_of(
    document: Document, levels: tuple[int, ...], indices: tuple[int, ...]
) -> tuple[list[Ball], list[Ball]]:
    """Centre and half-widths of the exact cell."""
    centre, half = [], []
    for low, high, level, index in zip(document.low, document.high, levels, indices, strict=True):
        a, width = _rational(low), _rational(high) - _rational(low)
        centre.append(arb(a + width * fmpq(2 * index + 1, 2 ** (level + 1))))
        half.append(arb(width * fmpq(1, 2 ** (level + 1))))
    return centre, half


def inside(document: Document, levels: tuple[int, ...], indices: tuple[int, ...]) -> list[list[Any]]:
    """For each axis the ends of a cell and the cuts between them, exactly."""
    axes = []
    cuts = document.cuts or ((),) * len(levels)
    for low, high, level, index, knots in zip(
        document.low, document.high, levels, indices, cuts, strict=True
    ):
        a, width = _rational(low), (_rational(high) - _rational(low)) / 2**level
        first, last = a + width * index, a + width * (index + 1)
        near = _near(knots, first, last)
        if len(near) > MOST_PARTS + 2:
            raise Rejected(f"a cell has more than {MOST_PARTS} parts")
        between = (v for v in map(_rational, near) if first < v < last)
        axes.append([first, *between, last])
    return axes


def _near(knots: tuple[float, ...], first: Any, last: Any) -> tuple[float, ...]:
    """The cuts of an interval, and one more on each side."""
    low, high = float(arb(first)), float(arb(last))
    return knots[max(bisect_left(knots, low) - 1, 0) : bisect_right(knots, high) + 1]


def _rational(v: float) -> Any:
    return fmpq(*v.as_integer_ratio())
