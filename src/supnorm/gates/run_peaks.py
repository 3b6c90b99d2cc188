"""Which peaks of two runs are the same, which moved, which are new and which are gone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Axis
from supnorm.results.audit import AuditRecord, PeakRecord
from supnorm.results.compare_runs import PeakChangeRecord

MOST = 10  # peaks of each run; each is a call of the other model, and pages list ten worst points too
# Shares of an axis. Searches of 400 evaluations with two seeds end within 2e-3 of each other at a smooth peak, and one that
# is a twentieth away is another peak (tests/gates/test_run_comparison.py).
NEAR, FAR = 0.01, 0.05


def peak_changes(
    old: AuditRecord, new: AuditRecord, old_there: Sequence[float], new_there: Sequence[float]
) -> tuple[PeakChangeRecord, ...]:
    """Pair the peaks of two runs, the nearest pairs first; rows of a table are the same if their numbers are.

    Args:
        old, new: the runs.
        old_there: errors of the old model at the new peaks (the first `MOST`); NaN where they are not known.
        new_there: errors of the new model at the old peaks.
    """
    before, now = old.peaks[:MOST], new.peaks[:MOST]
    distances = _distances(old, before, now)
    partner: dict[int, int] = {}
    for one, other in _nearest(distances):
        if one not in partner and other not in partner.values():
            partner[one] = other
    changes = []
    for i, peak in enumerate(before):
        if i not in partner:
            changes.append(_change("gone", peak.output, peak, None, peak.error, _known(new_there, i)))
        else:
            match = now[partner[i]]
            word = "same" if distances[i, partner[i]] <= NEAR else "moved"
            changes.append(_change(word, match.output, peak, match, peak.error, match.error))
    for j, peak in enumerate(now):
        if j not in partner.values():
            changes.append(_change("new", peak.output, None, peak, _known(old_there, j), peak.error))
    return tuple(changes)


def _change(
    word: str,
    output: str,
    before: PeakRecord | None,
    now: PeakRecord | None,
    old: float | None,
    new: float | None,
) -> PeakChangeRecord:
    return PeakChangeRecord(
        change=word,
        output=output,
        x_old=None if before is None else before.x,
        x_new=None if now is None else now.x,
        old=old,
        new=new,
        row=next((peak.row for peak in (now, before) if peak is not None), None),
    )


def _known(errors: Sequence[float], i: int) -> float | None:
    return errors[i] if i < len(errors) and not np.isnan(errors[i]) else None


def _distances(
    record: AuditRecord, before: Sequence[PeakRecord], now: Sequence[PeakRecord]
) -> NDArray[np.float64]:
    """Largest distances along an axis, as shares of it; infinite between different outputs, and between different rows."""
    u, v = (_in_unit_box(record, side) for side in (before, now))
    distances = np.full((len(before), len(now)), np.inf)
    for i, p in enumerate(before):
        for j, q in enumerate(now):
            if p.output == q.output and p.row == q.row:
                distances[i, j] = 0.0 if p.row is not None else float(np.max(np.abs(u[i] - v[j])))
    return distances


def _in_unit_box(record: AuditRecord, peaks: Sequence[PeakRecord]) -> NDArray[np.float64]:
    axes = [Axis(a.low, a.high, scale=a.scale, values=a.values) for a in record.axes]
    columns = [
        axis.to_unit(np.array([peak.x[a.name] for peak in peaks]))
        for axis, a in zip(axes, record.axes, strict=True)
    ]
    return np.stack(columns, axis=1)


def _nearest(distances: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs that may be one peak, the nearest first."""
    order = np.argsort(distances, axis=None, kind="stable")
    pairs = [(int(k) // distances.shape[1], int(k) % distances.shape[1]) for k in order]
    return [pair for pair in pairs if distances[pair] <= FAR]
