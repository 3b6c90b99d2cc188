"""The stage that draws: data of the page's charts, and pictures of the first peaks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from supnorm.auditing import pictures as charts
from supnorm.auditing.many_outputs import Outputs, output_names
from supnorm.auditing.peaks import marked, worst_first
from supnorm.auditing.run import Run
from supnorm.auditing.unused_inputs import with_unused_inputs
from supnorm.evaluation.limit import Limit
from supnorm.results.charts import ChartsRecord, CutRecord, GridMapRecord, LineMapRecord, PairMapsRecord

THUMBNAILS = 6  # maps of peaks on the page: two rows of three


@dataclass(frozen=True)
class _Drawn:
    """What was drawn of the functions: cuts through the worst point, the whole picture, and which output they show."""

    cuts: tuple[CutRecord, ...] = ()
    whole: LineMapRecord | GridMapRecord | PairMapsRecord | None = None
    output: str | None = None


def draw(run: Run) -> Run:
    """Evaluate and keep what the page draws; what is evaluated may raise the worst error, which then is drawn."""
    clock = run.clock_for("pictures")
    if run.table:
        return replace(run, charts=_table_charts(run))
    # Planted errors are searched for on the pair: such a run may have seen a worse point.
    run = _charts(_with_worst(run, clock), clock)
    return with_unused_inputs(_thumbnails(_with_worst(run, clock), clock), clock)


def _with_worst(run: Run, clock: Limit) -> Run:
    """The worst point of everything evaluated becomes the first peak."""
    landscape = run.landscape(run.asked.pictures.budget(run.evaluations, 8000), clock)
    peaks, changed = worst_first(landscape, list(run.peaks), run.asked.rng)
    if not changed:
        return run
    return replace(run, peaks=tuple(marked(landscape, peaks, run.sample, run.asked.rng)))


def _charts(run: Run, clock: Limit) -> Run:
    """Cuts through the worst point, pictures of the first peaks, the map of everything, and the statistics."""
    p = run.asked.pictures
    budget = min(p.budget(run.evaluations, 60_000), clock.affords)
    landscape = run.landscape(budget, clock)
    problem, drawn = run.problem, _Drawn()
    if run.peaks:
        first = run.peaks[0]
        output = first.witness.output
        name = output_names(problem, run.evaluator)[output]
        cuts = charts.cuts(landscape, first.u, output, first.width, int(0.3 * budget), p)
        run = _thumbnails(run, clock)
        data = None if problem.data is None or problem.domain.d > 1 else np.asarray(problem.data)[:, 0]
        whole = charts.whole_map(landscape, run.recorder, data, output, p, int(0.3 * budget))
        drawn = _Drawn(tuple(cuts), whole, name)
    return replace(run, charts=_with_sample(run, drawn))


def _table_charts(run: Run) -> ChartsRecord:
    """Charts that need no evaluation beyond the rows of the table."""
    domain = run.problem.domain
    picture = charts.recorded_map(domain, run.recorder) if domain.d > 1 else None
    compared = run.search.compared
    rows = None if compared is None else compared.statistics.plotted
    return _with_sample(run, _Drawn(whole=picture)).changed(rows=rows)


def _with_sample(run: Run, drawn: _Drawn) -> ChartsRecord:
    """With the distribution of the error, and the progress of the search beside that of random points."""
    histogram, levels = charts.distribution(run.sample)
    return ChartsRecord(
        cuts=drawn.cuts,
        map=drawn.whole,
        output=drawn.output,
        histogram=histogram,
        levels=levels,
        progress=charts.progress(run.evaluator.history, run.searched, run.sample, run.asked.rng),
        thumbnails=(),
    )


def _thumbnails(run: Run, clock: Limit) -> Run:
    """A picture of each of the first peaks that has none yet."""
    whole = run.asked.pictures.budget(run.evaluations, 60_000)
    budget = min(0.35 * whole, 0.5 * clock.affords)
    cells = int(min(run.asked.pictures.thumbnail, (budget / THUMBNAILS) ** 0.5))
    if run.problem.domain.d == 1 or cells < 9:
        return run
    landscape = run.landscape(THUMBNAILS * cells**2, clock)
    peaks = list(run.peaks)
    for i, peak in enumerate(peaks[:THUMBNAILS]):
        if peak.thumbnail is None:
            picture = charts.thumbnail(landscape, peak.u, peak.width, cells)
            if landscape.late:  # the last points may be missing
                break
            peaks[i] = replace(peak, thumbnail=picture)
    return replace(run, peaks=tuple(peaks))


def chart_data(run: Run, outputs: Outputs) -> ChartsRecord:
    """All charts, with the errors along the outputs where there are several, and the pictures of the first peaks."""
    assert run.charts is not None
    profile = None
    if outputs.worst is not None:
        rows = outputs.rows if outputs.each else np.arange(len(outputs.worst))
        profile = charts.profile(outputs.names, outputs.worst, outputs.rms, rows)
    # In one input the line shows all peaks.
    shown = run.peaks[:THUMBNAILS] if run.problem.domain.d > 1 else ()
    return run.charts.changed(profile=profile, thumbnails=tuple(peak.thumbnail for peak in shown))
