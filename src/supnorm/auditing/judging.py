"""The stage after the pictures: the worst point of all stands first, and other sources are asked about each peak."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from supnorm.auditing.compared import is_table
from supnorm.auditing.data_findings import data_distances
from supnorm.auditing.joint import with_output
from supnorm.auditing.labels import suspect_rows
from supnorm.auditing.peak import Peak, where_in
from supnorm.auditing.recheck import recheck
from supnorm.auditing.run import Run
from supnorm.evaluation import Evaluator
from supnorm.evaluation.limit import Limit

SAME = 0.01  # of the box's diagonal: nearer than this the worst point belongs to a peak


def judge(run: Run) -> Run:
    """The peaks in order, each with the verdict of the second reference, its distance to the data and suspect labels."""
    run = replace(run, peaks=crowned(run.evaluator, run.peaks))
    if not run.halted:
        run = _rechecked(run)
    rows = tuple(int(row) + 1 for row in suspect_rows(run.evaluator, run.search.compared))
    return replace(run, suspects=rows, peaks=_with_suspects(run.peaks, rows))


def crowned(evaluator: Evaluator, peaks: tuple[Peak, ...]) -> tuple[Peak, ...]:
    """The worst point of everything evaluated stands first, with the values that gave its error, as the peak it lies on.

    After this ``sup.lower``, the error of the first peak, is at least every error computed in the run.
    """
    # A row of a table is compared once: the same inputs may stand in another row with another value.
    witness = evaluator.top if is_table(evaluator.problem) else evaluator.witness()
    top = max((p.witness.error for p in peaks), default=-np.inf)
    if witness is not None and witness.error > top:
        witness = with_output(evaluator.problem.error, witness)
        domain = evaluator.problem.domain
        u = domain.to_unit(witness.x[None])[0].clip(0.0, 1.0)
        gaps = [float(np.linalg.norm(p.u - u)) for p in peaks]
        near = int(np.argmin(gaps)) if gaps and min(gaps) <= SAME * np.sqrt(len(u)) else None
        if near is None and witness.error <= top * (1 + 1e-12):  # on a plateau rounding makes no other peak
            near = int(np.argmax([p.witness.error for p in peaks]))
        if near is None:
            witness = replace(witness, tags=(where_in(domain, u, witness.x),))
            peak = Peak(u, witness, np.full(len(u), 0.1))
        else:
            values = {name: getattr(witness, name) for name in ("x", "model", "reference", "error", "output")}
            peak = replace(peaks[near], u=u, witness=replace(peaks[near].witness, **values))
            peaks = (*peaks[:near], *peaks[near + 1 :])
        peaks = (peak, *peaks)
    return tuple(sorted(peaks, key=lambda p: -p.witness.error))


def _rechecked(run: Run) -> Run:
    """Verdicts of the second reference, and distances to the data, for every peak."""
    problem = run.problem
    limit = run.clock_for("second reference") if problem.recheck is not None else Limit()
    witnesses, failures, late = recheck(run.evaluator, [p.witness for p in run.peaks], limit)
    off = None
    if problem.data is not None and witnesses:
        off = data_distances(problem.domain, problem.data, np.stack([w.x for w in witnesses]))
    if off is not None:
        witnesses = [
            replace(w, off_data=float(r), tags=(*w.tags, "off-data") if r > 1 else w.tags)
            for w, r in zip(witnesses, off, strict=True)
        ]
    peaks = tuple(replace(p, witness=w) for p, w in zip(run.peaks, witnesses, strict=True))
    return replace(run, peaks=peaks, recheck_failures=tuple(failures), recheck_late=late)


def _with_suspects(peaks: tuple[Peak, ...], rows: tuple[int, ...]) -> tuple[Peak, ...]:
    """Peaks that are rows (from 1) with suspect labels say so."""
    return tuple(
        replace(p, witness=replace(p.witness, tags=(*p.witness.tags, "suspect-label")))
        if p.witness.row in rows
        else p
        for p in peaks
    )
