"""Events: grid points with large errors that touch each other, in space, in level and in lead time.

The points come from the state (the largest errors of each lead time). Neighbours are found by sorted numbers of places, so
the dense grid is never built, an event crosses the date line where the grid is periodic, and pieces of the data need no
stitching. Points join across one level and one lead time; never across inits or members.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from supnorm.fields.sizes import FieldPoint
from supnorm.fields.state import FieldState

Array = NDArray[np.float64]
# An error counts as part of an event from so many RMS errors of its lead time and level on. Of Gaussian errors 6e-7 of the
# points are beyond 5: none or few in a field of 10^6 points.
KAPPA = 5.0


@dataclass(frozen=True)
class Event:
    """Grid points with large errors that touch each other.

    Attributes:
        peak: the point with the largest error.
        error: prediction minus truth there, with sign.
        ratio: its size over the RMS error of its lead time and level.
        points: number of points, of all levels and lead times.
        area: of the points, of all levels and lead times: km² on a sphere, else their number.
        leads, levels: first and last number of each.
        rows, columns: first and last of each; the first column is after the last where the event crosses the border.
        same_sign: share of the points whose error has the sign of the peak's.
    """

    peak: FieldPoint
    error: float
    ratio: float
    points: int
    area: float
    leads: tuple[int, int]
    levels: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]
    same_sign: float


@dataclass(frozen=True)
class Events:
    """The events of a variable, and what limited them.

    Attributes:
        events: those with the largest errors, the largest first.
        by_ratio: those with the largest errors in units of the RMS error of their lead time and level.
        count: number of all events.
        points: number of points in all of them.
        level: size of the error from which a point was taken, of each lead time and level; infinite where none could be.
        incomplete: lead times of which not all points above `kappa` RMS could be stored.
        dominated: share of the points that the largest event by points takes.
    """

    events: tuple[Event, ...]
    by_ratio: tuple[Event, ...]
    count: int
    points: int
    level: Array
    incomplete: tuple[int, ...]
    dominated: float


def find_events(
    state: FieldState, kappa: float = KAPPA, threshold: float | None = None, most: int = 100
) -> Events:
    """The events of a state.

    Args:
        state: of one variable.
        kappa: points count from so many RMS errors of their lead time and level on.
        threshold: or from this size of the error on.
        most: how many are described, by size and by ratio.
    """
    state.settled()
    level = _levels(state, kappa, threshold)
    keys, errors, incomplete = [], [], []
    for lead in range(state.sizes.leads):
        k, e = state.keys[lead], state.errors[lead]
        size = np.abs(e)
        wanted = size >= level[lead, (k // state.grid.size // state.sizes.members) % state.sizes.levels]
        keys.append(k[wanted])
        errors.append(e[wanted])
        if len(k) >= state.quota and len(k) and float(size.min()) > float(level[lead].min()):
            incomplete.append(lead)
    every, values = np.concatenate(keys), np.concatenate(errors)
    order = np.argsort(every, kind="stable")
    every, values = every[order], values[order]
    if not len(every):
        return Events((), (), 0, 0, level, tuple(incomplete), 0.0)
    labels = _labels(state, every)
    parts = _Components.of(state, every, values, labels)
    size, ratio = np.abs(values[parts.peaks]), parts.ratios
    by_size, by_ratio = (_largest(v, every[parts.peaks], most) for v in (size, ratio))
    largest, relative = (
        tuple(parts.event(state, every, values, int(i)) for i in chosen) for chosen in (by_size, by_ratio)
    )
    share = float(parts.counts.max()) / len(every)
    return Events(largest, relative, len(parts.counts), len(every), level, tuple(incomplete), share)


def _largest(values: Array, keys: NDArray[np.int64], most: int) -> NDArray[np.intp]:
    """Indices of the largest values, the largest first, of equal ones the earliest; only those are sorted."""
    least = np.partition(values, len(values) - most)[len(values) - most] if len(values) > most else -np.inf
    chosen = np.flatnonzero(values >= least)
    return chosen[np.lexsort((keys[chosen], -values[chosen]))][:most]


def _levels(state: FieldState, kappa: float, threshold: float | None) -> Array:
    weight, square = state.sums[..., 0], state.sums[..., 4]
    if threshold is not None:
        return np.where(weight > 0, threshold, np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        rms = np.sqrt(square / weight)
    return np.where((weight > 0) & (rms > 0), kappa * rms, np.inf)


def _labels(state: FieldState, keys: NDArray[np.int64]) -> NDArray[np.int32]:
    """The number of the component of each place; ``keys`` ascend."""
    first: list[NDArray[np.int64]] = []
    second: list[NDArray[np.int64]] = []
    rows, columns = state.grid.shape
    unit, point = np.divmod(keys, state.grid.size)
    row, column = np.divmod(point, columns)
    inner = unit // state.sizes.members
    level, lead = inner % state.sizes.levels, inner // state.sizes.levels % state.sizes.leads
    index = np.arange(len(keys))

    def join(mask: NDArray[np.bool_], other: NDArray[np.int64]) -> None:
        wanted = other[mask]
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        there = keys[at] == wanted
        first.append(index[mask][there])
        second.append(at[there])

    start = keys - column
    for down, along in ((0, 1), (1, -1), (1, 0), (1, 1)):
        beside = column + along
        inside = row + down < rows
        if state.grid.periodic:
            beside = beside % columns
        else:
            inside &= (beside >= 0) & (beside < columns)
        join(inside, start + down * columns + beside)
    step = state.grid.size * state.sizes.members
    join(level + 1 < state.sizes.levels, keys + step)
    join(lead + 1 < state.sizes.leads, keys + step * state.sizes.levels)
    a, b = np.concatenate(first), np.concatenate(second)
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(len(keys), len(keys)))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels


@dataclass(frozen=True, eq=False)
class _Components:
    """All components as arrays; an `Event` is made only of those that are reported.

    Attributes:
        order: indices of the points, one component after the other, each from its peak on.
        starts, counts: of each component in ``order``.
        peaks: index of the peak of each.
        ratios: error over RMS error at the peaks.
        columns, spans, areas, same: of each point, or of each component.
    """

    order: NDArray[np.intp]
    starts: NDArray[np.intp]
    counts: NDArray[np.intp]
    peaks: NDArray[np.intp]
    ratios: Array
    columns: NDArray[np.int64]
    spans: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]
    areas: Array
    same: Array

    @classmethod
    def of(
        cls, state: FieldState, keys: NDArray[np.int64], errors: Array, labels: NDArray[np.int32]
    ) -> _Components:
        """From the number of the component of each point."""
        # Stable, and keys ascend: of equal errors the earliest is first.
        order = np.lexsort((-np.abs(errors), labels))
        starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
        counts, peaks = np.diff([*starts, len(order)]), order[starts]
        rows, columns = np.divmod(keys % state.grid.size, state.grid.shape[1])
        inner = keys // state.grid.size // state.sizes.members
        levels, leads = inner % state.sizes.levels, inner // state.sizes.levels % state.sizes.leads
        weight = state.sums[..., 0]
        rms = np.sqrt(state.sums[..., 4] / np.where(weight > 0, weight, np.inf))[leads[peaks], levels[peaks]]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(rms > 0, np.abs(errors[peaks]) / rms, np.inf)
        sign = np.sign(errors[order]) == np.repeat(np.sign(errors[peaks]), counts)
        spans = {
            name: (np.minimum.reduceat(v[order], starts), np.maximum.reduceat(v[order], starts))
            for name, v in (("leads", leads), ("levels", levels), ("rows", rows), ("columns", columns))
        }
        areas = np.add.reduceat(state.grid.cell_areas[rows[order]], starts)
        same = np.add.reduceat(sign.astype(np.int64), starts) / counts
        return cls(order, starts, counts, peaks, ratios, columns, spans, areas, same)

    def event(self, state: FieldState, keys: NDArray[np.int64], errors: Array, i: int) -> Event:
        """Component ``i`` as an event."""
        peak = int(self.peaks[i])
        ends = {name: (int(low[i]), int(high[i])) for name, (low, high) in self.spans.items()}
        if state.grid.periodic and ends["columns"] == (0, state.grid.shape[1] - 1):
            points = self.order[self.starts[i] : self.starts[i] + self.counts[i]]
            ends["columns"] = _around(self.columns[points], state.grid.shape[1])
        top = state.point(int(keys[peak]), abs(float(errors[peak])))
        return Event(
            peak=top, error=float(errors[peak]), ratio=float(self.ratios[i]), points=int(self.counts[i]),
            area=float(self.areas[i]), same_sign=float(self.same[i]), **ends,
        )  # fmt: skip


def _around(columns: Sequence[int] | NDArray[np.int64], size: int) -> tuple[int, int]:
    """First and last column of an event that crosses the border: the widest gap lies between last and first."""
    used = np.unique(np.asarray(columns))
    gaps = np.diff([*used, used[0] + size])
    widest = int(np.argmax(gaps))
    return int(used[(widest + 1) % len(used)]), int(used[widest])
