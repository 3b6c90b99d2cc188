"""What the state of a variable says: its record, with the events described from the data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.bits import brackets
from supnorm.fields.events import Event, Events, find_events
from supnorm.fields.grid import Grid
from supnorm.fields.moments import hours
from supnorm.fields.pairing import Pair
from supnorm.fields.points import Points
from supnorm.fields.settings import EventOptions
from supnorm.fields.spectra import Spectrum
from supnorm.fields.state import FieldState
from supnorm.fields.units import suspicion
from supnorm.fields.work import Share
from supnorm.results import BadInput
from supnorm.results.fields import (
    FieldBoundsRecord,
    FieldPointRecord,
    FieldSupRecord,
    FieldVariableRecord,
    FirstBadRecord,
    GridRecord,
    InvalidRecord,
    LeadRecord,
    LevelRecord,
    SpectrumRecord,
)
from supnorm.results.printable import one_line

LEVELS = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)  # quantiles that are reported
PICTURED = 6  # events with a picture of both fields
FIRST_BAD = 50  # inits named
MAP = (180, 360)  # cells of the picture of the largest errors


@dataclass(frozen=True)
class Judged:
    """A variable: what was paired, what was compared, and how it is judged."""

    pair: Pair
    share: Share
    complete: bool
    tolerance: float | None
    bounds_by: str
    options: EventOptions

    @property
    def state(self) -> FieldState:
        """What is known of all pairs of fields."""
        return self.share.state

    def record(self) -> FieldVariableRecord:
        """The record; the fields of the worst places are read again."""
        pair, state = self.pair, self.state
        events = find_events(state, self.options.kappa, self.options.threshold, max(self.options.most, 1))
        chosen = _chosen(events, self.options.most)
        points = Points(pair, state)
        largest = state.largest()
        worst = None if largest is None else points.point(largest)
        counts, sums = state.counts.sum(axis=(0, 1)), state.sums.sum(axis=(0, 1))
        found = np.nan if largest is None else largest.error
        if worst is not None and worst.error != found:
            raise BadInput(
                f"variable {one_line(pair.name, 60)}: the data have changed while they were compared: an error of "
                f"{found:.6g} is now {worst.error:.6g}; start again without --resume"
            )
        missing = state.pair_missing_key[state.pair_missing_key >= 0]
        return FieldVariableRecord(
            name=pair.name,
            truth_name=pair.truth_name,
            unit=pair.unit,
            tolerance=self.tolerance,
            grid=_grid(pair),
            fields=self.share.compared,
            of=pair.pairs,
            n=int(counts[0]),
            sup=self._sup(worst, missing=int(counts[1])),
            rms=state.rms(),
            bias=_over(sums[3], sums[0]),
            quantiles=_quantiles(state.histograms.sum(axis=0), found),
            gradient_ratio=_root(sums[6], sums[7]),
            missing=int(counts[1]),
            truth_missing=int(counts[2]),
            first_missing=points.at(int(missing.min())) if len(missing) else {},
            invalid=self._invalid(points),
            bounds=self._bounds(points),
            by_lead=tuple(self._lead(k) for k in range(len(pair.leads))),
            by_level=tuple(self._level(k, points) for k in range(len(pair.levels)) if pair.levels[k]),
            events=tuple(points.event(e, i < PICTURED) for i, e in enumerate(chosen)),
            events_by_ratio=tuple(sorted(range(len(chosen)), key=lambda i: -chosen[i].ratio)),
            all_events=events.count,
            kappa=self.options.kappa,
            threshold=self.options.threshold,
            first_bad=self._first_bad(points),
            spectrum=_spectrum(self.share.spectrum),
            sup_map=_coarse(state.largest_map) | {"across": _across(pair.grid)},
            notes=(*pair.notes, *self._notes(events, sums)),
        )

    def _sup(self, worst: FieldPointRecord | None, missing: int) -> FieldSupRecord:
        """A prediction without a value is wrong by an unknown amount: no bound holds there."""
        whole = self.complete and worst is not None and not missing
        return FieldSupRecord(
            lower=math.inf if missing else math.nan if worst is None else worst.error,
            upper=worst.error if whole and worst is not None else None,
            upper_kind="exact" if whole else "none",
            witness=worst,
        )

    def _lead(self, k: int) -> LeadRecord:
        state, sums = self.state, self.state.sums[k].sum(axis=0)
        counts = state.counts[k].sum(axis=0)
        own = len(state.histograms) > 1 or len(self.pair.leads) == 1
        sup = max(float(state.pair_error[:, k].max()), 0.0) if counts[0] else math.nan
        return LeadRecord(
            lead=self.pair.leads[k],
            hours=hours(self.pair.lead_values[k]),
            n=int(counts[0]),
            rms=state.rms(k),
            sup=sup,
            bias=_over(sums[3], sums[0]),
            prediction_mean=_over(sums[1], sums[0]),
            truth_mean=_over(sums[2], sums[0]),
            quantiles=_quantiles(state.histograms[k if len(state.histograms) > 1 else 0], sup)
            if own
            else None,
            gradient_ratio=_root(sums[6], sums[7]),
            missing=int(counts[1]),
            outside=int(counts[3] + counts[4]),
        )

    def _level(self, k: int, points: Points) -> LevelRecord:
        state = self.state
        lead = int(np.argmax(state.level_error[:, k]))
        key = int(state.level_key[lead, k])
        return LevelRecord(
            level=self.pair.levels[k],
            rms=state.rms(level=k),
            sup=max(float(state.level_error[lead, k]), 0.0) if key >= 0 else math.nan,
            at=points.at(key) if key >= 0 else {},
        )

    def _bounds(self, points: Points) -> FieldBoundsRecord | None:
        state = self.state
        if not math.isfinite(state.low) and not math.isfinite(state.high):
            return None
        there = state.worst_outside_key >= 0
        return FieldBoundsRecord(
            low=state.low,
            high=state.high,
            by=self.bounds_by,
            below=int(state.counts[..., 3].sum()),
            above=int(state.counts[..., 4].sum()),
            worst=state.worst_outside if there else None,
            at=points.at(state.worst_outside_key) if there else {},
        )

    def _invalid(self, points: Points) -> tuple[InvalidRecord, ...]:
        sides = (("prediction", self.pair.prediction), ("truth", self.pair.truth))
        return tuple(
            InvalidRecord(
                side=name,
                n=found.n,
                at=points.at(found.first),
                low=side.validity.low,
                high=side.validity.high,
                fills=side.validity.fills,
            )
            for (name, side), found in zip(sides, self.share.invalid, strict=True)
            if found.n
        )

    def _first_bad(self, points: Points) -> tuple[FirstBadRecord, ...]:
        state, found, large = self.state, [], self._large()
        for init in range(state.sizes.inits):
            for lead in range(state.sizes.leads):
                bad = self._bad(init, lead, points, large)
                if bad is not None:
                    found.append((lead, init, bad))
                    break
        return tuple(bad for _, _, bad in sorted(found, key=lambda f: f[:2])[:FIRST_BAD])

    def _large(self) -> dict[tuple[int, int], int]:
        """For each init and lead time with an error above `kappa` RMS errors of its level the place of the largest one."""
        state, sizes = self.state, self.state.sizes
        found: dict[tuple[int, int], int] = {}
        sums = state.sums
        with np.errstate(invalid="ignore", divide="ignore"):
            least = self.options.kappa * np.sqrt(sums[..., 4] / sums[..., 0])
        for lead in range(sizes.leads):
            size, unit = np.abs(state.errors[lead]), state.keys[lead] // state.grid.size
            beyond = size > least[lead, unit // sizes.members % sizes.levels]
            keys, size = state.keys[lead][beyond], size[beyond]
            init = unit[beyond] // (sizes.members * sizes.levels * sizes.leads)
            order = np.lexsort((keys, -size, init))
            first = order[np.diff(init[order], prepend=-1) > 0]
            found |= {(int(i), lead): int(key) for i, key in zip(init[first], keys[first], strict=True)}
        return found

    def _bad(
        self, init: int, lead: int, points: Points, large: Mapping[tuple[int, int], int]
    ) -> FirstBadRecord | None:
        """What is wrong with an init at a lead time, if anything is: first what is certain, then what is merely large."""
        state = self.state
        both = (self.pair.inits[init], self.pair.leads[lead])
        for cause in ("missing", "outside"):
            n, key = (getattr(state, f"pair_{cause}{end}")[init, lead] for end in ("", "_key"))
            if n:
                return FirstBadRecord(
                    init=both[0], lead=both[1], cause=cause, at=points.at(int(key)), points=int(n)
                )
        if (init, lead) in large:
            at = points.at(large[init, lead])
            return FirstBadRecord(init=both[0], lead=both[1], cause="large", at=at, points=None)
        return None

    def _notes(self, events: Events, sums: NDArray[np.float64]) -> list[str]:
        notes, pair = [], self.pair
        if self.bounds_by == "usual" and pair.unit == "":
            notes.append("The prediction has no unit; the bounds are those of the usual one.")
        if pair.unit == "" and sums[0] > 0 and (what := suspicion(sums[1] / sums[0], sums[2] / sums[0])):
            notes.append(f"The means of prediction and truth differ by {what}: are both in the same unit?")
        if events.incomplete:
            names = ", ".join(self.pair.leads[k] or "all" for k in events.incomplete[:5])
            notes.append(
                f"More grid points than could be stored lie above {self.options.kappa:g} RMS errors (lead time {names}): "
                "smaller events are missing there, and large ones look smaller; --threshold N reports larger errors only."
            )
        if events.points > 1000 and events.dominated > 0.5:
            notes.append(
                f"One event has {events.dominated:.0%} of all grid points in events: --threshold N takes it apart."
            )
        return notes


def _chosen(events: Events, most: int) -> list[Event]:
    """The largest events by size and, for a quarter of the list, by ratio: early errors drown in late ones."""
    first = list(events.events[: max(most - most // 4, 0)])
    for event in [*events.by_ratio[: most // 4], *events.events]:
        if len(first) >= most:
            break
        if event not in first:
            first.append(event)
    return sorted(first, key=lambda e: (-e.peak.error, e.peak.init, e.peak.lead, e.peak.index))


def _grid(pair: Pair) -> GridRecord:
    grid = pair.grid
    weighed = float(np.ptp(grid.weights)) > 0
    return GridRecord(
        names=grid.names,
        rows=grid.shape[0],
        columns=grid.shape[1],
        first=(float(grid.y[0]), float(grid.x[0])),
        last=(float(grid.y[-1]), float(grid.x[-1])),
        sphere=grid.sphere,
        periodic=grid.periodic,
        weights="none" if not weighed else "area" if grid.sphere else "given",
    )


def _quantiles(histogram: NDArray[np.int64], largest: float) -> dict[str, tuple[float, float]]:
    """Brackets of the quantiles; none is above the largest error."""
    found = zip(LEVELS, brackets(histogram, LEVELS), strict=True)
    return {f"{level:g}": (low, largest if largest < high else high) for level, (low, high) in found}


def _over(a: float, b: float) -> float:
    return float(a) / float(b) if b > 0 else math.nan


def _root(a: float, b: float) -> float:
    return math.sqrt(float(a) / float(b)) if b > 0 else math.nan


def _spectrum(spectrum: Spectrum) -> SpectrumRecord | None:
    if not spectrum.fields:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        truth = np.where(spectrum.beyond_rounding, spectrum.truth, np.nan)[1:]
        power, error = (getattr(spectrum, name)[1:] / truth for name in ("prediction", "error"))
    found = spectrum.resolution()
    return SpectrumRecord(
        fields=spectrum.fields,
        skipped=spectrum.skipped,
        power_ratio=tuple(map(float, power)),
        error_ratio=tuple(map(float, error)),
        resolved=found.wavenumber,
        by=found.by,
    )


def _across(grid: Grid) -> tuple[float, float]:
    """Coordinates of the first and the last column without a jump."""
    first, last = float(grid.unwrapped[0]), float(grid.unwrapped[-1])
    turn = 360.0 if grid.sphere and max(first, last) > 360.0 else 0.0  # 180 to 535 is -180 to 175
    return first - turn, last - turn


def _coarse(largest: NDArray[np.float32]) -> dict[str, Any]:
    """The largest error in each cell of a coarser grid; None where nothing was compared."""
    rows, columns = (min(n, m) for n, m in zip(largest.shape, MAP, strict=True))
    row_cuts = np.linspace(0, largest.shape[0], rows + 1).astype(int)[:-1]
    column_cuts = np.linspace(0, largest.shape[1], columns + 1).astype(int)[:-1]
    cells = np.maximum.reduceat(np.maximum.reduceat(largest, row_cuts, axis=0), column_cuts, axis=1)
    values = [[None if v < 0 else float(f"{v:.4g}") for v in row] for row in cells.tolist()]
    return {"rows": rows, "columns": columns, "largest": values}
