"""The waiting boxes that are not in memory: a priority queue in sorted runs of a file.

The boxes in memory come before all of these, so most steps read nothing. The order is that of a proof in memory: the largest
bound first, among boxes without any bound the deepest, among equals the one that waits longest. For the last each record
has a number: halves that are made while others wait here get larger ones than all before, and what is moved here from
memory, which comes before all of these, smaller ones.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.boxes import Integers
from supnorm.certification.leaf import Leaves
from supnorm.certification.rounding import Array
from supnorm.certification.shelf import BLOCK, Closed, Records, Shelf, Stored, Stretch, leaves_of

MOST_RUNS = 32  # beyond them the smaller half becomes one; each run that is read needs a block of its own
LEAST = 64  # records that are read of each run at once, at least


def worst_first(upper: Array, level: Integers, number: Integers | None = None) -> NDArray[np.intp]:
    """The order in which boxes are bounded; equals in the order of their numbers, or as they stand."""
    depth = np.where(np.isfinite(upper), 0, level.sum(1, dtype=np.int64))
    keys = (-depth, -upper)
    return np.lexsort(keys if number is None else (number, *keys))


def _sorted(records: Records) -> Records:
    return records[worst_first(records["upper"], records["level"], records["number"])]


@dataclass(frozen=True, eq=False)
class Run(Stretch):
    """Waiting boxes, the worst one first."""

    @property
    def top(self) -> tuple[float, int]:
        """Bound of the first box; its depth, if it has no bound."""
        first = self.read(0, 1)[0]
        return float(first["upper"]), int(first["level"].sum(dtype=np.int64)) * int(np.isinf(first["upper"]))

    @property
    def largest(self) -> float:
        """The largest bound."""
        return self.top[0]

    def above(self, target: float) -> int:
        """How many boxes have a bound above the target."""
        return bisect_left(range(len(self)), True, key=lambda i: not self.read(i, i + 1)["upper"][0] > target)

    def volume_below(self, target: float, first: int = 0) -> float:
        """Fraction of the domain where the bound is proved and at most the target."""
        return super().volume_below(target, max(first, self.above(target)))


def run_of(shelf: Shelf, records: Records) -> Run:
    """The records as a run."""
    stretch = shelf.put(_sorted(records))
    return Run(shelf, stretch.start, stretch.stop)


@dataclass(frozen=True, eq=False)
class Far:
    """The runs. It is frozen, as a bracket is.

    Attributes:
        runs: none is empty.
        least, beyond: the numbers of all records are at least ``least`` and below ``beyond``.
        depths: how many boxes have which depth.
    """

    runs: tuple[Run, ...]
    least: int = 0
    beyond: int = 0
    depths: Mapping[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self.runs))

    def above(self, target: float) -> int:
        """How many boxes have a bound above the target."""
        return sum(run.above(target) for run in self.runs)

    def behind(self, leaves: Leaves) -> NDArray[np.bool_]:
        """Which of some new boxes come after the first one of these."""
        upper, level = leaves.boxes.upper, leaves.boxes.level
        if not self.runs:
            return np.zeros(len(upper), dtype=bool)
        bound, deep = max(run.top for run in self.runs)
        depth = np.where(np.isfinite(upper), 0, level.sum(1))
        return np.asarray((upper < bound) | ((upper == bound) & (depth <= deep)))

    def with_new(self, shelf: Shelf, leaves: Leaves) -> Far:
        """With new boxes, which wait for a shorter time than all others."""
        number = self.beyond + np.arange(len(leaves))
        return self._with(shelf, leaves, number, self.least, self.beyond + len(leaves))

    def with_first(self, shelf: Shelf, leaves: Leaves) -> Far:
        """With boxes that come before all of these, in their order."""
        least = self.least - len(leaves)
        return self._with(shelf, leaves, least + np.arange(len(leaves)), least, self.beyond)

    def _with(self, shelf: Shelf, leaves: Leaves, number: Integers, least: int, beyond: int) -> Far:
        if not len(leaves):
            return self
        runs = [*self.runs, run_of(shelf, shelf.records(leaves, number))]
        if len(runs) > MOST_RUNS:
            runs.sort(key=len)
            runs = [merged(shelf, runs[: MOST_RUNS // 2]), *runs[MOST_RUNS // 2 :]]
        depths = Counter(self.depths)
        depths.update(leaves.boxes.level.sum(1).tolist())
        return Far(tuple(runs), least, beyond, depths)

    def without_worst(self, count: int) -> tuple[Leaves, Far]:
        """The worst boxes in their order, and the others."""
        taken, runs = [], self.runs
        while count > 0 and runs:
            records, runs = _worst(runs, count)
            taken.append(records)
            count -= len(records)
        worst = leaves_of(np.concatenate(taken))
        depths = Counter(self.depths)
        depths.subtract(worst.boxes.level.sum(1).tolist())
        return worst, Far(runs, self.least, self.beyond, +depths)


def _worst(runs: Sequence[Run], count: int) -> tuple[Records, tuple[Run, ...]]:
    """Some of the worst records of all runs in their order, at least one and at most ``count``; and the rest of the runs."""
    size = max(LEAST, count // len(runs) + 1)
    heads = [run.read(0, size) for run in runs]
    records = np.concatenate(heads)
    lengths = np.array([len(head) for head in heads])
    order = worst_first(records["upper"], records["level"], records["number"])
    # What follows the last record of a head, in a run that goes on, is not known yet.
    open_ends = np.cumsum(lengths)[lengths < [len(run) for run in runs]] - 1
    known = int(np.isin(order, open_ends).argmax()) + 1 if len(open_ends) else len(order)
    order = order[: min(known, count)]
    gone = np.bincount(np.repeat(np.arange(len(runs)), lengths)[order], minlength=len(runs))
    rest = (Run(r.shelf, r.start + int(n), r.stop) for r, n in zip(runs, gone, strict=True) if n < len(r))
    return records[order], tuple(rest)


def merged(shelf: Shelf, runs: Sequence[Run], ranked: bool = False) -> Run:
    """Several runs as one; ``ranked``: their places in it become their numbers."""
    stretches: list[Stretch] = []
    for records in _merge(runs):
        if ranked:
            records["number"] = sum(map(len, stretches)) + np.arange(len(records))
        stretches.append(shelf.put(records))
    return Run(shelf, stretches[0].start, stretches[-1].stop)


def _merge(runs: Sequence[Run]) -> Iterator[Records]:
    while runs:
        records, runs = _worst(runs, max(BLOCK, runs[0].shelf.most // 2))
        yield records


def divided(leaves: Stored, target: float) -> tuple[tuple[Closed, ...], Far]:
    """All leaves of a proof anew: closed ones, and those whose bound is above the target as waiting ones."""
    shelf = leaves.shelf
    closed: list[Closed] = []
    runs: list[Run] = []
    depths: Counter[int] = Counter()
    done, open_ones = (_Gathered(shelf.most), _Gathered(shelf.most))
    beyond = sum(len(piece) for piece in leaves.pieces if isinstance(piece, Stretch))
    for records in leaves.blocks(beyond):
        high = records["upper"] > target
        depths.update(records["level"][high].sum(1, dtype=np.int64).tolist())
        closed += [Closed.of(shelf.put(r)) for r in done.with_more(records[~high])]
        runs += [run_of(shelf, r) for r in open_ones.with_more(records[high])]
    closed += [Closed.of(shelf.put(r)) for r in done.rest()]
    runs += [run_of(shelf, r) for r in open_ones.rest()]
    if len(runs) > MOST_RUNS:
        runs = [merged(shelf, runs)]
    return tuple(closed), Far(tuple(runs), 0, len(leaves), depths)


class _Gathered:
    """Records that are collected until there are ``most``."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: list[Records] = []
        self._count = 0  # of all that is held: a file may give one record at a time

    def with_more(self, records: Records) -> Iterator[Records]:
        """Take more; what was collected, if it is enough."""
        self._held.append(records)
        self._count += len(records)
        if self._count >= self._most:
            yield from self.rest()

    def rest(self) -> Iterator[Records]:
        """What was collected."""
        held, self._held, self._count = [r for r in self._held if len(r)], [], 0
        if held:
            yield np.concatenate(held)


def all_waiting(shelf: Shelf, blocks: Iterator[Records]) -> Far:
    """Records that are numbered from 0 on, all as one run."""
    runs: list[Run] = []
    depths: Counter[int] = Counter()
    gathered = _Gathered(shelf.most)
    for records in blocks:
        depths.update(records["level"].sum(1, dtype=np.int64).tolist())
        runs += [run_of(shelf, r) for r in gathered.with_more(records)]
    runs += [run_of(shelf, r) for r in gathered.rest()]
    return Far((merged(shelf, runs),) if runs else (), 0, sum(map(len, runs)), depths)
