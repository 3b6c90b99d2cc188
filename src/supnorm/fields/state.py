"""What is known of a variable after any number of pairs of fields: a state that grows with the grid and not with the data.

States of parts are merged in any order and are the same bit for bit then. So the work can be shared, stopped and resumed,
or done inside of a model's own loop:

>>> import numpy as np
>>> from supnorm.fields import FieldState, Grid
>>> grid = Grid(np.arange(4.0), np.arange(6.0))
>>> state = FieldState.empty(grid, inits=2, leads=2)
>>> truth = np.zeros(grid.shape)
>>> for lead in range(2):
...     state = state.add(truth + 0.1 * lead, truth, lead=lead)
>>> wrong = truth.copy()
>>> wrong[2, 3] = 5.0
>>> other = FieldState.empty(grid, inits=2, leads=2).add(wrong, truth, init=1, lead=1)
>>> merged = state.merge(other)
>>> merged.largest().error, merged.largest().lead, merged.grid.coordinates(merged.largest().index)
(5.0, 1, {'y': 2.0, 'x': 3.0})
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.accumulated import COUNTS, SUMS, Accumulated, Setting
from supnorm.fields.bits import BINS, whole_weights
from supnorm.fields.exact_sums import ExactSums
from supnorm.fields.grid import Grid
from supnorm.fields.scan import likely_threshold, points_above, scan, setting, unmasked
from supnorm.fields.sizes import Added, FieldPoint, Sizes
from supnorm.results import BadInput

Array = NDArray[np.float64]
NEVER = 2**31 - 1  # the number of a pair that is later than every other
# Lead times that have a histogram each; more share one. 64 histograms are 17 MB.
HISTOGRAMS = 64
# Grid points with the largest errors that are stored one by one, of all lead times of a variable together: 16 MB.
VOXELS = 1_000_000


@dataclass(eq=False)
class FieldState:
    """Sums, counts, extremes and maps of one variable.

    Attributes:
        grid, sizes: what the state was made for.
        low, high: bounds of the prediction.
        added: which pairs of fields are in it.
        exact: sums of each lead time and level, shape ``(leads, levels, 8)``: see `supnorm.fields.accumulated.SUMS`.
        counts: the same, shape ``(leads, levels, 5)``: see `supnorm.fields.accumulated.COUNTS`.
        histograms: shape ``(leads, BINS)``, or ``(1, BINS)`` for more than `HISTOGRAMS` lead times.
        largest_map, when, missing, outside: maps, see `supnorm.fields.accumulated.Accumulated`.
        pair_error, pair_key: of each init and lead time: the largest error, and where: the number of the pair of fields
            times the number of points, plus that of the point; -1 for none.
        level_error, level_key: the same of each lead time and level.
        pair_missing, pair_missing_key, pair_outside, pair_outside_key: how many values of the prediction are missing
            where the truth has one, or are outside of its bounds, and the first such place.
        worst_outside, worst_outside_key: the value furthest outside, of all.
        keys, errors: for each lead time the places with the largest errors, ascending, and their errors with sign.
        quota: how many of them a lead time keeps.
    """

    grid: Grid
    sizes: Sizes
    low: float
    high: float
    added: Added
    exact: ExactSums
    counts: NDArray[np.int64]
    histograms: NDArray[np.int64]
    largest_map: NDArray[np.float32]
    when: NDArray[np.int32]
    missing: NDArray[np.int32]
    outside: NDArray[np.int32]
    pair_error: Array
    pair_key: NDArray[np.int64]
    level_error: Array
    level_key: NDArray[np.int64]
    pair_missing: NDArray[np.int64]
    pair_missing_key: NDArray[np.int64]
    pair_outside: NDArray[np.int64]
    pair_outside_key: NDArray[np.int64]
    worst_outside: float
    worst_outside_key: int
    keys: list[NDArray[np.int64]]
    errors: list[Array]
    quota: int
    _waiting: list[list[tuple[NDArray[np.int64], Array]]] = field(default_factory=list)
    _threshold: Array = field(default_factory=lambda: np.empty(0))
    _setting: Setting | None = None

    @classmethod
    def empty(
        cls,
        grid: Grid,
        *,
        inits: int = 1,
        leads: int = 1,
        levels: int = 1,
        members: int = 1,
        bounds: tuple[float, float] = (-math.inf, math.inf),
        voxels: int = VOXELS,
    ) -> Self:
        """A state of no fields.

        Args:
            grid: of the fields.
            inits, leads, levels, members: how many there will be at most.
            bounds: between which the prediction has to be.
            voxels: how many grid points with the largest errors are stored one by one, of all lead times.

        Raises:
            BadInput: for sizes that cannot be numbered.
        """
        sizes, shape = Sizes(inits, leads, levels, members), grid.shape
        if sizes.pairs * grid.size >= 2**62:
            raise BadInput(
                f"{sizes.pairs:,} pairs of fields of {grid.size:,} points cannot be numbered: choose a part"
            )
        each = (inits, leads)
        return cls(
            grid=grid,
            sizes=sizes,
            low=float(bounds[0]),
            high=float(bounds[1]),
            added=Added(sizes),
            exact=ExactSums((leads, levels, len(SUMS))),
            counts=np.zeros((leads, levels, len(COUNTS)), dtype=np.int64),
            histograms=np.zeros((leads if leads <= HISTOGRAMS else 1, BINS), dtype=np.int64),
            largest_map=np.full(shape, -1.0, dtype=np.float32),
            when=np.full(shape, NEVER, dtype=np.int32),
            missing=np.zeros(shape, dtype=np.int32),
            outside=np.zeros(shape, dtype=np.int32),
            pair_error=np.full(each, -1.0),
            pair_key=np.full(each, -1, dtype=np.int64),
            level_error=np.full((leads, levels), -1.0),
            level_key=np.full((leads, levels), -1, dtype=np.int64),
            pair_missing=np.zeros(each, dtype=np.int64),
            pair_missing_key=np.full(each, -1, dtype=np.int64),
            pair_outside=np.zeros(each, dtype=np.int64),
            pair_outside_key=np.full(each, -1, dtype=np.int64),
            worst_outside=math.nan,
            worst_outside_key=-1,
            keys=[np.empty(0, dtype=np.int64) for _ in range(leads)],
            errors=[np.empty(0) for _ in range(leads)],
            quota=max(voxels // leads, 100),
        )

    def add(
        self, prediction: Any, truth: Any, *, init: int = 0, lead: int = 0, level: int = 0, member: int = 0
    ) -> Self:
        """Add one pair of fields; the state itself is changed and returned.

        Args:
            prediction, truth: arrays of the grid's shape, of real numbers; what a masked array masks is missing.
            init, lead, level, member: which pair it is, from 0.

        Raises:
            BadInput: for another shape or type, a number beyond its size, or a pair that was added before.
        """
        unit, shape = self.sizes.unit(init, lead, level, member), self.grid.shape
        arrays = [unmasked(prediction), unmasked(truth)]
        for name, array in zip(("prediction", "truth"), arrays, strict=True):
            if array.shape != shape or array.dtype.kind not in "fiu":
                raise BadInput(
                    f"the {name} must be an array of real numbers of the grid's shape {shape}, got {array.dtype} of "
                    f"shape {array.shape}"
                )
        self.added.demand_new(unit)
        if self._setting is None:
            self._setting = setting(self.grid, whole_weights(self.grid.weights), self.low, self.high)
            self._waiting = [[] for _ in range(self.sizes.leads)]
            self._threshold = np.array([self._least(k) for k in range(self.sizes.leads)])
        sums = np.zeros(len(SUMS))
        into = Accumulated(
            sums,
            self.counts[lead, level],
            self.histograms[lead if len(self.histograms) > 1 else 0],
            self.largest_map,
            self.when,
            self.missing,
            self.outside,
        )
        before = self.counts[lead, level].copy()
        least = float(self._threshold[lead])
        guess = least if self._any(lead) else likely_threshold(arrays[0], arrays[1], self.quota)
        found = scan(arrays[0], arrays[1], unit, max(guess, least), into, self._setting)
        if guess > least and len(found.indices) < self.quota:  # the sample was not like the field
            found = replace(found, **points_above(arrays[0], arrays[1], least))
        self.added.note(unit)
        self.exact.add((lead, level), sums)
        base = unit * self.grid.size
        if found.index >= 0:
            _larger(self.pair_error, self.pair_key, (init, lead), found.error, base + found.index)
            _larger(self.level_error, self.level_key, (lead, level), found.error, base + found.index)
        news = self.counts[lead, level] - before
        if news[1]:
            self._note(
                self.pair_missing,
                self.pair_missing_key,
                init,
                lead,
                int(news[1]),
                base + found.first_missing,
            )
        if found.outside_index >= 0:
            count = int(news[3] + news[4])
            self._note(
                self.pair_outside, self.pair_outside_key, init, lead, count, base + found.outside_index
            )
            self._further(found.worst_outside, base + found.outside_index)
        if len(found.indices):
            self._waiting[lead].append((base + found.indices, found.errors))
            if sum(len(keys) for keys, _ in self._waiting[lead]) > self.quota:
                self._keep_largest(lead)
        return self

    def _any(self, lead: int) -> bool:
        """Whether places of a lead time are stored."""
        return bool(len(self.keys[lead]) or self._waiting[lead])

    def merge(self, other: Self) -> Self:
        """Add another state of the same grid and sizes; the state itself is changed and returned.

        Raises:
            BadInput: for another grid, other sizes or bounds, or a pair of fields that both have.
        """
        mine, others = ((s.grid.shape, s.sizes, s.low, s.high, s.quota) for s in (self, other))
        same = (np.array_equal(getattr(self.grid, n), getattr(other.grid, n)) for n in ("y", "x", "weights"))
        if mine != others or not all(same):
            raise BadInput("merge: both states must have been made for the same grid, sizes and bounds")
        self.added.demand_others(other.added)
        self.added.merge(other.added)
        self.exact.merge(other.exact)
        newer = (other.largest_map > self.largest_map) | (
            (other.largest_map == self.largest_map) & (other.when < self.when)
        )
        self.largest_map[newer], self.when[newer] = other.largest_map[newer], other.when[newer]
        for name in ("counts", "histograms", "missing", "outside"):
            getattr(self, name)[...] += getattr(other, name)
        for name in ("pair", "level"):
            errors, keys = (getattr(other, f"{name}_{end}") for end in ("error", "key"))
            mine_errors, mine_keys = (getattr(self, f"{name}_{end}") for end in ("error", "key"))
            for at in zip(*np.nonzero(keys >= 0), strict=True):
                _larger(mine_errors, mine_keys, at, float(errors[at]), int(keys[at]))
        for what in ("missing", "outside"):
            n, keys = (getattr(other, f"pair_{what}{end}") for end in ("", "_key"))
            for i, k in zip(*np.nonzero(n), strict=True):
                mine_n, mine_key = (getattr(self, f"pair_{what}{end}") for end in ("", "_key"))
                self._note(mine_n, mine_key, i, k, int(n[i, k]), int(keys[i, k]))
        if other.worst_outside_key >= 0:
            self._further(other.worst_outside, other.worst_outside_key)
        self.settled()
        other.settled()
        for lead in range(self.sizes.leads):
            self.keys[lead] = np.concatenate([self.keys[lead], other.keys[lead]])
            self.errors[lead] = np.concatenate([self.errors[lead], other.errors[lead]])
            self._cut(lead)
        self.settled()
        if len(self._threshold):
            self._threshold = np.array([self._least(k) for k in range(self.sizes.leads)])
        return self

    @property
    def sums(self) -> Array:
        """The sums of each lead time and level, rounded once: shape ``(leads, levels, 8)``."""
        return self.exact.values

    def settled(self) -> Self:
        """With all stored places in `keys`, in order."""
        for lead, waiting in enumerate(self._waiting):
            if waiting:
                self._keep_largest(lead)
        for lead, keys in enumerate(self.keys):
            order = np.argsort(keys, kind="stable")
            self.keys[lead], self.errors[lead] = keys[order], self.errors[lead][order]
        return self

    def resumed(self) -> Self:
        """After `keys` and `errors` were taken from a file: the thresholds follow from them."""
        if len(self._threshold):
            self._threshold = np.array([self._least(k) for k in range(self.sizes.leads)])
        return self

    def largest(self) -> FieldPoint | None:
        """The largest error of all, at the earliest place that has it; None if no point has both values."""
        if not (self.pair_key >= 0).any():
            return None
        best = self.pair_error == self.pair_error.max()
        return self.point(int(self.pair_key[best].min()), float(self.pair_error.max()))

    def point(self, key: int, error: float) -> FieldPoint:
        """The place of a number in `pair_key` or `keys`."""
        unit, point = divmod(key, self.grid.size)
        return FieldPoint(*self.sizes.of(unit), point, error)

    def rms(self, lead: int | None = None, level: int | None = None) -> float:
        """Root mean square error, area-weighted, of one lead time and level or of all; NaN where nothing was compared."""
        leads, levels = (slice(None) if n is None else slice(n, n + 1) for n in (lead, level))
        sums = self.sums[leads, levels]
        weight, square = float(sums[..., 0].sum()), float(sums[..., 4].sum())
        return math.sqrt(square / weight) if weight > 0 else math.nan

    @staticmethod
    def _note(
        n: NDArray[np.int64], keys: NDArray[np.int64], init: int, lead: int, count: int, key: int
    ) -> None:
        n[init, lead] += count
        if keys[init, lead] < 0 or key < keys[init, lead]:
            keys[init, lead] = key

    def _further(self, value: float, key: int) -> None:
        def off(v: float) -> float:
            return max(self.low - v, v - self.high)

        now = -1.0 if self.worst_outside_key < 0 else off(self.worst_outside)
        if off(value) > now or (off(value) == now and key < self.worst_outside_key):
            self.worst_outside, self.worst_outside_key = value, key

    def _keep_largest(self, lead: int) -> None:
        waiting = self._waiting[lead]
        self.keys[lead] = np.concatenate([self.keys[lead], *(keys for keys, _ in waiting)])
        self.errors[lead] = np.concatenate([self.errors[lead], *(errors for _, errors in waiting)])
        waiting.clear()
        self._cut(lead)
        self._threshold[lead] = self._least(lead)

    def _cut(self, lead: int) -> None:
        """Keep the quota: the largest, the earliest of equal ones, in any order."""
        keys, errors = self.keys[lead], self.errors[lead]
        if len(keys) > self.quota:
            size = np.abs(errors)
            least = np.partition(size, len(size) - self.quota)[len(size) - self.quota]
            larger, equal = np.flatnonzero(size > least), np.flatnonzero(size == least)
            chosen = equal[np.argsort(keys[equal], kind="stable")[: self.quota - len(larger)]]
            index = np.concatenate([larger, chosen])
            self.keys[lead], self.errors[lead] = keys[index], errors[index]

    def _least(self, lead: int) -> float:
        """Above which errors are stored: none that is 0; later those as large as the least stored one, which may tie."""
        errors = self.errors[lead]
        if len(errors) < self.quota:
            return 0.0
        return float(np.nextafter(np.abs(errors).min(), 0.0))


def _larger(errors: Array, keys: NDArray[np.int64], at: tuple[int, int], error: float, key: int) -> None:
    """Write an error if it is larger than what is there, or equal and earlier."""
    if error > errors[at] or (error == errors[at] and key < keys[at]):
        errors[at], keys[at] = error, key
