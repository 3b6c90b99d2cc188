"""Writes down an audit: everything that was measured as one document (schema ``supnorm.audit/1``)."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import pictures as charts
from supnorm.auditing.clock import Clock
from supnorm.auditing.cost import cost_json, cost_notes
from supnorm.auditing.enumeration import Listed, unlisted_json
from supnorm.auditing.explain import explain
from supnorm.auditing.facts import (
    axes_json,
    computed_json,
    domain_json,
    failures_json,
    finite_json,
    finite_note,
    measure_json,
    noise_notes,
    notes,
    output_names,
    output_units,
    place_json,
    points_table,
    rows_json,
    side_json,
    workers_note,
)
from supnorm.auditing.findings import data_distances, findings, suspect_rows
from supnorm.auditing.forecast import Forecast
from supnorm.auditing.glitches import rms_floor
from supnorm.auditing.halt import interrupted
from supnorm.auditing.joint import is_joint, with_output
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.peaks import cluster_sizes
from supnorm.auditing.pictures import Pictures, picture_budget
from supnorm.auditing.places import Place, judge, settle, where_in
from supnorm.auditing.power import Planted
from supnorm.auditing.recheck import recheck
from supnorm.auditing.recorder import Recorder
from supnorm.auditing.report import AuditReport
from supnorm.auditing.search import SearchState
from supnorm.auditing.statistics import QUANTILES, Sample, unseen_peaks
from supnorm.auditing.table import Compared, is_table
from supnorm.auditing.tally import WholeSample
from supnorm.auditing.verdict import verdict
from supnorm.evaluation import Evaluator
from supnorm.problem import Problem, fingerprint
from supnorm.results import versions

Array = NDArray[np.float64]
THUMBNAILS = 6
SAME = 0.01  # of the box's diagonal: nearer than this the worst point belongs to a place


@dataclass
class Run:
    """A finished search, before it is written down."""

    evaluator: Evaluator
    recorder: Recorder
    sample: Sample
    state: SearchState
    places: list[Place]
    pictures: Pictures
    rng: np.random.Generator
    power: Planted = field(default_factory=Planted)
    surrogate: bool = False
    in_order: bool = True  # of that: what workers answer was taken in the order in which it was asked
    listed: Listed | None = None  # where the points of a finite domain were evaluated one by one
    compared: Compared | None = None  # the rows of a table
    failures: dict[str, Any] | None = None  # of that: what is evaluated once more for pictures is left out
    clock: Clock | None = None  # limits the pictures
    planned: Forecast | None = None  # None where only time limits the search
    recheck_failures: Sequence[str] = ()  # what happened where the second reference gave no value
    halted: str = ""  # why the audit was cut short
    searched: int = (
        0  # evaluations when the search ended: later ones are pictures, rechecks and planted errors
    )


def build(run: Run, *, seed: int, budget: tuple[int | None, float | None], start: float) -> AuditReport:
    """Draw the charts, recompute the witness, and write everything down."""
    evaluator = run.evaluator
    problem: Problem = evaluator.problem
    table = is_table(problem)
    if not table:
        _settle(
            run, budget[0]
        )  # planted errors are searched for on the pair: such a run may have seen a worse point
    drawn = _table_charts(run) if table else _charts(run, budget[0])
    if not table:
        _settle(run, budget[0])
        _thumbnails(run, budget[0])
    _crown(run)
    run.places.sort(key=lambda p: -p.witness.error)
    if not run.halted:
        _recheck(run)
    suspects = suspect_rows(evaluator, run.compared)
    _mark_suspects(run, suspects)
    shown = run.places[:THUMBNAILS] if problem.domain.d > 1 else []
    names = output_names(problem, evaluator)
    if run.recorder.by_output is not None:
        drawn["profile"] = charts.profile(names, run.recorder.by_output, run.sample.moments.rms())
    drawn["thumbnails"] = [p.thumbnail for p in shown]
    witness = run.places[0].witness if run.places else None
    joint = witness is not None and is_joint(problem.error, witness)
    sample = run.sample
    rms = sample.rms()
    places = [place_json(p.witness, problem, names) for p in run.places]
    if run.compared is not None:
        places = rows_json(run.compared, places)
    ends = np.concatenate(run.state.independent) if run.state.independent else np.empty((0, problem.domain.d))
    unseen = unseen_peaks(cluster_sizes(ends, 0.01 * np.sqrt(problem.domain.d)))
    limit = problem.error.limit
    sup = witness.error if witness is not None else float("nan")
    levels = [limit] if limit is not None else [sample.quantile(0.999)]
    levels += [q for q in (10 * rms.value,) if np.isfinite(q)]
    uniform = not table and problem.law is not None and problem.law.even
    floor = rms_floor([p.witness for p in run.places]) if uniform else 0.0
    status = (
        interrupted(run.halted, evaluator, witness, limit)
        if run.halted
        else verdict(
            problem, witness, sample, evaluator, run.searched, run.recheck_failures, run.listed, run.compared
        )
    )
    kind = "exact" if isinstance(sample, WholeSample) else "sample"
    counts = evaluator.counts
    document: dict[str, Any] = {
        "schema": "supnorm.audit/1",
        "status": {"code": status.code, "advice": status.advice, "exit": int(status.exit)},
        "title": problem.title,
        "command": "",
        "tolerance": limit,
        "law": sample.law,
        "law_uniform": uniform,
        "model": side_json(problem.model),
        "reference": side_json(problem.reference),
        "recheck": None if problem.recheck is None else side_json(problem.recheck),
        "axes": axes_json(problem),
        "domain": domain_json(problem),
        "outputs": [{"name": n, "unit": u} for n, u in zip(names, output_units(problem, names), strict=True)],
        "measure": measure_json(problem, names) | {"joint": joint},
        "search": unlisted_json(problem.domain)
        if run.listed is None
        else run.listed.to_json(problem.domain.names),
        "sup": {"lower": sup, **computed_json(evaluator, table), "upper": None, "upper_kind": "none"},
        "witness": None if witness is None else dict(places[0]),
        "rms": {"value": rms.value, "kind": kind, "n": rms.n, "at_least": floor},
        "finite": finite_json(sample, evaluator, run.compared),
        "mean": {"value": sample.mean().value, "kind": kind, "n": sample.n},
        "norms": sample.norms() | {"sup": sup},
        "norms_over_outputs": sample.moments.norms() | {"sup": sup} if len(names) > 1 and not joint else None,
        "explanation": "",
        "quantiles": {str(q): sample.quantile(q) if sample.carries(q) else None for q in QUANTILES},
        "plain_sample": {
            "n": sample.n,
            "drawn": sample.drawn,
            "worst": sample.worst(),
        },
        "exceedance": [sample.exceedance(t) for t in levels],
        "unseen_peak_mass": None if unseen is None else vars(unseen),
        "power": list(run.power.rows),
        "power_left_out": run.power.left_out,
        "places": places,
        "glitches": [p for p in places if "glitch" in p["tags"]],
        "findings": findings(
            evaluator,
            witness,
            sample,
            [p.witness for p in run.places],
            suspects,
            run.recheck_failures,
            run.compared,
        ),
        "table_only": table,
        "table": None if run.compared is None else run.compared.to_json(problem),
        "failures": run.failures or failures_json(evaluator, run.recorder),
        "evaluations": {
            "search": counts.get("search", 0) + counts.get("probe", 0),
            **{k: counts.get(k, 0) for k in ("statistics", "pictures", "power", "recheck")},
            "failed": sum(evaluator.failures.without_value.values()),
        },
        "planned": None if run.planned is None else run.planned.to_json(),
        "cost": None if table else cost_json(evaluator),
        "seconds": time.perf_counter() - start,
        "model_seconds": evaluator.model.seconds,
        "reference_seconds": evaluator.reference.seconds,
        "seconds_per_point": {
            side.side: side.seconds / side.called if side.called else side.cost
            for side in (evaluator.model, evaluator.reference)
        },
        "seed": seed,
        "gradients": evaluator.gradients,
        "regime": "table" if table else regime(run),
        "budget": {"evaluations": None if table else budget[0], "seconds": None if table else budget[1]},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "versions": versions(),
        "fingerprint": fingerprint(problem),
        "notes": notes(problem, budget[1], run.listed is not None and run.listed.exhaustive)
        + noise_notes(evaluator)
        + ([] if table else cost_notes(evaluator, run.surrogate and not run.in_order))
        + workers_note(evaluator)
        + ([] if table or run.listed else finite_note(problem.domain)),
        "charts": drawn,
    }
    document["explanation"] = explain(document)
    return AuditReport(document, points_table(run, names))


def _settle(run: Run, evaluations: int | None) -> None:
    """The charts may have seen a worse point: it becomes the first place, without more pictures."""
    landscape = Landscape(
        run.evaluator,
        run.evaluator.spent("pictures") + picture_budget(evaluations, 8000),
        "pictures",
        clock=run.clock,
    )
    places, changed = settle(landscape, run.places, run.rng)
    if changed:
        run.places = judge(landscape, places, run.sample, run.rng)


def _thumbnails(run: Run, evaluations: int | None) -> None:
    """A picture of each of the first places that has none yet."""
    budget = 0.35 * picture_budget(evaluations, 60_000)
    if run.clock is not None:
        budget = min(budget, 0.5 * run.clock.affords)
    cells = int(min(run.pictures.thumbnail, (budget / THUMBNAILS) ** 0.5))
    if run.evaluator.problem.domain.d == 1 or cells < 9:
        return
    limit = run.evaluator.spent("pictures") + THUMBNAILS * cells**2
    landscape = Landscape(run.evaluator, limit, "pictures", clock=run.clock)
    for i, place in enumerate(run.places[:THUMBNAILS]):
        if place.thumbnail is None:
            picture = charts.thumbnail(landscape, place.u, place.width, cells)
            if landscape.late:  # the last points may be missing
                break
            run.places[i] = replace(place, thumbnail=picture)


def _recheck(run: Run) -> None:
    """Verdicts of the second reference, and distances to the data, for every reported place."""
    problem: Problem = run.evaluator.problem
    witnesses, run.recheck_failures = recheck(run.evaluator, [p.witness for p in run.places])
    off = None
    if problem.data is not None and witnesses:
        off = data_distances(problem.domain, problem.data, np.stack([w.x for w in witnesses]))
    if off is not None:
        witnesses = [
            replace(w, off_data=float(r), tags=(*w.tags, "off-data") if r > 1 else w.tags)
            for w, r in zip(witnesses, off, strict=True)
        ]
    run.places = [replace(p, witness=w) for p, w in zip(run.places, witnesses, strict=True)]


def _mark_suspects(run: Run, rows: NDArray[np.intp]) -> None:
    """Places that are rows with suspect labels say so."""
    if not len(rows):
        return
    for i, place in enumerate(run.places):
        if place.witness.row is not None and place.witness.row - 1 in rows:
            witness = replace(place.witness, tags=(*place.witness.tags, "suspect-label"))
            run.places[i] = replace(place, witness=witness)


def _table_charts(run: Run) -> dict[str, Any]:
    """Charts that need no evaluation beyond the rows of the table."""
    drawn: dict[str, Any] = {"cuts": [], "map": None, "output": None}
    domain = run.evaluator.problem.domain
    if domain.d > 1:
        drawn["map"] = charts.recorded_map(domain, run.recorder)
    drawn |= charts.distribution(run.sample)
    drawn["progress"] = charts.progress(run.evaluator.history, run.searched, run.sample, run.rng)
    return drawn


def regime(run: Run) -> str:
    """A: both sides have derivatives; B: the model; C: neither; D: a process stands in for the reference.

    ``"enumeration"`` where the points of a finite domain were evaluated one by one.
    """
    if run.listed is not None:
        return "enumeration"
    return "D" if run.surrogate else {"both": "A", "model": "B", "none": "C"}[run.evaluator.gradients]


def _crown(run: Run) -> None:
    """The worst point of everything evaluated stands first, with the values that gave its error, as the place it lies in.

    After this ``sup.lower``, the error of the first place, is at least every error computed in the run.
    """
    evaluator = run.evaluator
    # A row of a table is compared once: the same inputs may stand in another row with another value.
    witness = evaluator.top if is_table(evaluator.problem) else evaluator.witness()
    top = max((p.witness.error for p in run.places), default=-np.inf)
    if witness is None or witness.error <= top:
        return
    witness = with_output(run.evaluator.problem.error, witness)
    domain = run.evaluator.problem.domain
    u = domain.to_unit(witness.x[None])[0].clip(0.0, 1.0)
    apart = [float(np.linalg.norm(p.u - u)) for p in run.places]
    near = int(np.argmin(apart)) if apart and min(apart) <= SAME * np.sqrt(len(u)) else None
    if near is None and witness.error <= top * (
        1 + 1e-12
    ):  # on a plateau rounding alone makes no other place
        near = int(np.argmax([p.witness.error for p in run.places]))
    if near is not None:
        place = run.places.pop(near)
        known = place.witness
        witness = replace(
            known,
            **{name: getattr(witness, name) for name in ("x", "model", "reference", "error", "output")},
        )
        place = replace(place, u=u, witness=witness)
    else:
        witness = replace(witness, tags=(where_in(domain, u, witness.x),))
        place = Place(u, witness, np.full(len(u), 0.1))
    run.places = [place, *run.places]


def _charts(run: Run, evaluations: int | None) -> dict[str, Any]:
    budget = picture_budget(evaluations, 60_000)
    evaluator, p = run.evaluator, run.pictures
    if run.clock is not None:
        budget = min(budget, run.clock.affords)
    landscape = Landscape(evaluator, evaluator.spent("pictures") + budget, "pictures", clock=run.clock)
    drawn: dict[str, Any] = {"cuts": [], "map": None, "output": None}
    problem: Problem = evaluator.problem
    if run.places:
        first = run.places[0]
        output = first.witness.output
        drawn["output"] = output_names(problem, evaluator)[output]
        drawn["cuts"] = charts.cuts(landscape, first.u, output, first.width, int(0.3 * budget), p)
        _thumbnails(run, evaluations)
        data = None if problem.data is None else np.asarray(problem.data)[:, 0]
        drawn["map"] = charts.whole_map(
            landscape, run.recorder, data if problem.domain.d == 1 else None, output, p, int(0.3 * budget)
        )
    drawn |= charts.distribution(run.sample)
    drawn["progress"] = charts.progress(evaluator.history, run.searched, run.sample, run.rng)
    return drawn
