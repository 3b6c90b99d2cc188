"""What is seen of the fields while they are stepped: peaks, typical errors, quantiles, and the first step of each fault.

Infinite is the error of a cell where the model has no finite value and the reference has one. Where the reference has none,
nothing is compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.rollout_settings import RolloutSettings
from supnorm.fields.rollout_state import Array, Fields
from supnorm.results.rollout import FirstRecord, OriginRecord, PeakRecord, StepRecord

LEVELS = (0.5, 0.99, 0.999)  # quantiles that are reported
Index = tuple[int, ...]


@dataclass
class Limits:
    """What is asked of the fields: tolerances and bounds by variable."""

    tolerance: Mapping[str, float]
    bounds: Mapping[str, tuple[float, float]]


@dataclass
class Trail:
    """Where the largest error of a run and variable was, as long as it did not jump."""

    index: Index
    step: int
    start: Index
    error: float

    def followed(self, index: Index, step: int, error: float, near: bool) -> Trail:
        """The trail after one more step."""
        return Trail(index, self.step, self.start, self.error) if near else Trail(index, step, index, error)


@dataclass
class Compared:
    """One variable of one run after a step, ``model`` against ``reference``."""

    run: int
    name: str
    model: Array
    reference: Array
    # Infinite without a value of the model, NaN without one of the reference.
    error: Array = field(init=False)

    def __post_init__(self) -> None:
        with np.errstate(invalid="ignore", over="ignore"):
            error = np.asarray(np.abs(self.model - self.reference))  # of a state that is a number, too
        # Differences of infinities are NaN: what is finite is asked of the two values themselves.
        error[~np.isfinite(self.model)] = math.inf
        error[~np.isfinite(self.reference)] = math.nan
        self.error = error

    @property
    def finite(self) -> Array:
        """The finite errors, in one row."""
        return self.error[np.isfinite(self.error)]

    def peak(self, where: NDArray[np.bool_] | None = None) -> Index | None:
        """The cell of the largest error, the first of equal ones; None where no cell counts."""
        counts = ~np.isnan(self.error) if where is None else where
        if not counts.any():
            return None
        flat = int(np.argmax(np.where(counts, self.error, -1.0)))
        return tuple(int(k) for k in np.unravel_index(flat, self.error.shape))


@dataclass
class Tally:
    """All that is remembered of a roll-out; it does not grow with the size of the fields."""

    settings: RolloutSettings
    limits: Limits
    worst: dict[str, PeakRecord] = field(default_factory=dict)
    worst_finite: dict[str, PeakRecord] = field(default_factory=dict)
    # RMS and range at the worst finite error.
    typical: dict[str, tuple[float, float]] = field(default_factory=dict)
    pictures: dict[str, dict[str, Any]] = field(default_factory=dict)
    first: dict[str, FirstRecord] = field(default_factory=dict)
    hit: dict[str, set[int]] = field(default_factory=dict)  # the runs in which a fault happened
    trails: dict[tuple[int, str], Trail] = field(default_factory=dict)
    of_run: dict[int, tuple[float, PeakRecord, str]] = field(default_factory=dict)
    shown: frozenset[int] = frozenset()
    rows: list[StepRecord] = field(default_factory=list)

    def add(self, step: int, name: str, several: list[Compared], ended: bool) -> None:
        """Take one variable of all runs that go on, after a step.

        Args:
            step: number of steps taken, from 1.
            name: the variable.
            several: one for each run.
            ended: whether a run of the model has ended at an earlier step.
        """
        pooled = np.concatenate([one.finite for one in several]) if several else np.zeros(0)
        with np.errstate(over="ignore"):
            rms = float(np.sqrt(np.mean(np.square(pooled)))) if pooled.size else math.nan
        low, high = _ends(several)
        sup, missing, outside = (math.inf if ended else -math.inf), 0, 0
        for one in several:
            sup = max(sup, self._one(step, one, rms, high - low))
            missing += int(np.isinf(one.error).sum())
            outside += int(self._beyond(one).sum())
        while self.rows and self.rows[-1].step < step and self.rows[-1].step not in self.shown:
            self.rows.pop()
        quantiles = (
            tuple(map(float, np.quantile(pooled, LEVELS))) if pooled.size else (math.nan,) * len(LEVELS)
        )
        self.rows.append(
            StepRecord(
                step=step,
                variable=name,
                sup=sup if sup >= 0 else math.nan,
                rms=rms,
                quantiles=quantiles,
                low=low,
                high=high,
                not_finite=missing,
                outside=outside,
                going=len(several),
            )
        )

    def _one(self, step: int, one: Compared, rms: float, reach: float) -> float:
        """Take one run; returns its largest error."""
        index = one.peak()
        if index is None:
            return -math.inf
        peak = self.record(step, one, index)
        self._faults(step, one, rms, reach)
        finite = one.peak(np.isfinite(one.error))
        if finite is not None:
            smooth = self.record(step, one, finite)
            known = self.worst_finite.get(one.name)
            if known is None or smooth.error > known.error:
                self.worst_finite[one.name] = smooth
                self.typical[one.name] = (rms, reach)
                self.pictures[one.name] = {"model": one.model.copy(), "reference": one.reference.copy()}
            trail, error = self.trails.get((one.run, one.name)), float(one.error[finite])
            near = trail is not None and (
                self.settings.distance(trail.index, finite, one.error.shape) <= self.settings.reach
            )
            trail = trail or Trail(finite, step, finite, error)
            self.trails[one.run, one.name] = trail.followed(finite, step, error, near)
        known = self.worst.get(one.name)
        if known is None or peak.error > known.error:
            self.worst[one.name] = peak
        size = peak.error / reach if reach > 0 else math.inf if peak.error > 0 else 0.0
        if one.run not in self.of_run or size > self.of_run[one.run][0]:
            self.of_run[one.run] = size, peak, one.name
        return peak.error

    def record(self, step: int, one: Compared, index: Index) -> PeakRecord:
        """A cell as a record."""
        return PeakRecord(
            error=float(one.error[index]),
            run=one.run,
            step=step,
            index=index,
            at=self.settings.at(index),
            model=float(one.model[index]),
            reference=float(one.reference[index]),
        )

    def _beyond(self, one: Compared) -> NDArray[np.bool_]:
        """Cells where the model, and not the reference, is beyond the bounds."""
        low, high = self.limits.bounds.get(one.name, (-math.inf, math.inf))
        with np.errstate(invalid="ignore"):
            wrong = (one.model < low) | (one.model > high)
            same = (one.reference < low) | (one.reference > high)
        return wrong & ~same

    def _faults(self, step: int, one: Compared, rms: float, reach: float) -> None:
        tolerance = self.limits.tolerance.get(one.name, math.inf)
        error = one.error
        with np.errstate(invalid="ignore"):
            kinds = {
                "not-finite": np.isinf(error),
                "bound": self._beyond(one),
                "tolerance": error > tolerance,
                "signal": error > reach,
                "outlier": np.isfinite(error) & (error > self.settings.kappa * rms),
            }
        for kind, where in kinds.items():
            if where.any():
                self._fault(kind, step, one, where)

    def _fault(self, kind: str, step: int, one: Compared, where: NDArray[np.bool_]) -> None:
        self.hit.setdefault(kind, set()).add(one.run)
        known = self.first.get(kind)
        trail = self.trails.get((one.run, one.name))
        index = self._nearest(where, trail.index) if kind == "not-finite" and trail else one.peak(where)
        assert index is not None
        peak = self.record(step, one, index)
        if known is not None and (known.peak.step < step or known.peak.error >= peak.error):
            return
        self.first[kind] = FirstRecord(
            kind=kind,
            variable=one.name,
            peak=peak,
            cells=int(where.sum()),
            runs=1,
            origin=self._origin(trail, peak, index, one.error.shape),
        )

    def _nearest(self, where: NDArray[np.bool_], to: Index) -> Index:
        """The cell among these that is nearest to another one."""
        cells = [tuple(map(int, cell)) for cell in np.argwhere(where)[:10_000]]
        return min(cells, key=lambda cell: self.settings.distance(cell, to, where.shape))

    def _origin(self, trail: Trail | None, peak: PeakRecord, index: Index, shape: Index) -> OriginRecord:
        if trail is None or self.settings.distance(trail.index, index, shape) > self.settings.reach:
            return OriginRecord(step=peak.step, at=peak.at, error=peak.error)
        return OriginRecord(step=trail.step, at=self.settings.at(trail.start), error=trail.error)

    def failed(self, step: int, run: int, message: str, fields: Fields) -> None:
        """The model raised at this step: it has no value in any cell of ``fields``, the state of the reference."""
        self.hit.setdefault("failed", set()).add(run)
        shown: list[tuple[float, str, FirstRecord]] = []
        for name, reference in fields.items():
            trail = self.trails.get((run, name))
            index = trail.index if trail else (0,) * reference.ndim
            one = Compared(run, name, np.full_like(reference, math.nan), reference)
            peak = self.record(step, one, index)
            if name not in self.worst or self.worst[name].error < math.inf:
                self.worst[name] = peak
            origin = self._origin(trail, peak, index, reference.shape)
            first = FirstRecord(
                kind="failed", variable="", peak=peak, cells=0, runs=1, origin=origin, message=message
            )
            shown.append((trail.error if trail else 0.0, name, first))
        _, name, first = max(shown, key=lambda one: one[0])
        self.of_run[run] = math.inf, first.peak, name
        self.first.setdefault("failed", first)


def _ends(several: list[Compared]) -> tuple[float, float]:
    """Least and largest value of the reference."""
    parts = [one.reference[np.isfinite(one.reference)] for one in several]
    parts = [part for part in parts if part.size]
    if not parts:
        return math.nan, math.nan
    return min(float(p.min()) for p in parts), max(float(p.max()) for p in parts)
