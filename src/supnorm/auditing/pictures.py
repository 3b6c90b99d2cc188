"""Data of the page's charts: cuts through the worst point, maps, thumbnails, distribution, progress.

Pictures have a budget of their own. What they evaluate counts: a cut or a map cell may raise the worst error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape
from supnorm.auditing.recorder import BINS, Recorder
from supnorm.auditing.statistics import Sample
from supnorm.evaluation import Evaluator, PointStatus
from supnorm.problem import Axis, Domain
from supnorm.results.audit_points import AlongRecord
from supnorm.results.charts import (
    CutRecord,
    FineRecord,
    GridMapRecord,
    HistogramRecord,
    LevelsRecord,
    LineMapRecord,
    PairMapsRecord,
    PanelRecord,
    ProfileRecord,
    ProgressRecord,
    RandomRecord,
    SeriesRecord,
    ThumbnailRecord,
    counts,
    grid,
    numbers,
)
from supnorm.results.option import Allowed
from supnorm.results.settings import Limits, Settings

Array = NDArray[np.float64]
FINE = 161  # points of the model along an input, where the reference is called at few
CUTS = 60  # inputs that have a picture of their own
TRIALS = 8_000_000  # numbers of the points of one call for widths: 64 MB
WORDS = {
    PointStatus.OK: "ok",
    PointStatus.OUTSIDE: "outside",
    PointStatus.FAILED: "failed",
    PointStatus.MASKED: "masked",
}


@dataclass(frozen=True)
class Pictures(Settings):
    """Resolutions; all shrink together when the budget is small.

    Attributes:
        even: evenly spaced points of a cut.
        near: log-spaced points of a cut on each side of the worst point.
        line: points of the map of a one-input problem.
        grid: cells along a side of the map of a two-input problem.
        thumbnail: cells along a side of a peak's map.
        evaluations: for sizes of peaks and pictures together, at most about; None: as many for each of both as for the
            search, and no more than 130,000.

    Raises:
        BadInput: for a resolution that is no whole number of at least 2.
    """

    even: int = 241  # resolutions of pictures, drawn at 860 pixels: no result depends on them
    near: int = 60
    line: int = 4001
    grid: int = 140
    thumbnail: int = 41
    evaluations: int | None = None

    LIMITS: ClassVar[Limits] = (
        dict.fromkeys(("even", "near", "line"), Allowed(low=2, high=1_000_000, whole=True))
        | dict.fromkeys(("grid", "thumbnail"), Allowed(low=2, high=4000, whole=True))
        | {"evaluations": Allowed(low=0, whole=True)}
    )

    def cells(self, d: int) -> int:
        """Cells along a side of a pair's grid."""
        return self.grid if d == 2 else 26 if d <= 4 else 16

    def budget(self, evaluations: int | None, most: int) -> int:
        """Evaluations of a part of them: ``most``, but never more than the search had, and less when calls are expensive."""
        if self.evaluations is not None:  # both halves: sizes of peaks, and pictures
            most = min(most, self.evaluations // 2)
        if evaluations is None:
            return most
        return min(most, evaluations if evaluations >= 2000 else max(evaluations // 4, 25))


def cuts(
    landscape: Landscape, u: Array, output: int, width: Array, share: int, p: Pictures
) -> list[CutRecord]:
    """One input varies, the others stay at ``u``: over its whole range, and close to ``u``.

    Of many inputs those `CUTS` along which the peak is narrowest.

    Args:
        u: the worst point in the unit box, shape ``(d,)``.
        width: half-height widths along each axis in the unit box, shape ``(d,)``.
        share: evaluations for all cuts together.
    """
    domain = landscape.evaluator.problem.domain
    shown = sorted(np.argsort(width, kind="stable")[:CUTS].tolist())
    scale = min(1.0, share / (len(shown) * (2 * p.even + 2 * p.near)))
    even, near = max(9, int(p.even * scale)), max(3, int(p.near * scale))
    positions: dict[int, list[Array]] = {}
    for i in shown:
        axis = domain.axes[i]
        steps = np.logspace(-9, 0, near)
        t = np.concatenate([np.linspace(0, 1, even), [u[i]], u[i] - steps, u[i] + steps])
        reach = max(2.4 * width[i], 1e-9 if axis.values is None else 1 / len(axis.values))
        lo, hi = max(0.0, u[i] - reach), min(1.0, u[i] + reach)
        close = np.concatenate([np.linspace(lo, hi, even), [u[i]]])
        positions[i] = [_apart(axis, t[(t >= 0) & (t <= 1)]), _apart(axis, close)]
    charts: list[CutRecord] = []
    # Between two batches workers would wait: all axes that fit into one, and one after the other where time is limited.
    at_once = max(1, landscape.evaluator.rows() // (2 * (even + near))) if landscape.limit.endless else 1
    for begin in range(0, len(shown), at_once):
        some = shown[begin : begin + at_once]
        if landscape.limit.affords < 2 * (even + near):
            break
        series = _along(landscape, u, {i: positions[i] for i in some}, output)
        if landscape.late:  # the last points may be missing
            break
        charts += [
            CutRecord(axis=domain.names[i], whole=whole, close=close)
            for i, (whole, close) in zip(some, series, strict=True)
        ]
    return charts


def _apart(axis: Axis, t: Array) -> Array:
    """Positions ``t`` (n,) along an axis in order, each once; on a list of values the middles of their bands."""
    if axis.values is None:
        return np.unique(t)
    k = len(axis.values)
    return np.asarray((np.unique(np.minimum((t * k).astype(np.intp), k - 1)) + 0.5) / k)


def _along(
    landscape: Landscape, u: Array, positions: dict[int, list[Array]], output: int
) -> list[list[SeriesRecord]]:
    """For each axis the series at its lists of positions (n,). All points are called at once, none twice."""
    evaluator = landscape.evaluator
    every = {i: np.unique(np.concatenate(lists)) for i, lists in positions.items()}
    axes = np.repeat(list(every), [len(t) for t in every.values()])
    points = np.tile(u, (len(axes), 1))
    points[np.arange(len(axes)), axes] = np.concatenate(list(every.values()))
    together = _series(landscape, points, axes, output)
    if landscape.late:
        return []
    free = evaluator.reference.expensive and not evaluator.model.expensive
    names = [name for name, _ in together if name != "fine"]
    found, begin = [], 0
    for i, lists in positions.items():
        series = []
        for t in lists:
            rows = begin + np.searchsorted(every[i], t)
            one = together.changed(
                **{name: tuple(getattr(together, name)[k] for k in rows) for name in names}
            )
            if free and evaluator.problem.domain.axes[i].values is None:
                between = np.union1d(t, np.linspace(t[0], t[-1], FINE))
                one = one.changed(fine=_model_alone(evaluator, u, i, between, output))
            series.append(one)
        found.append(series)
        begin += len(every[i])
    return found


def _model_alone(evaluator: Evaluator, u: Array, axis: int, t: Array, output: int) -> FineRecord:
    """The model at positions ``t`` (n,) along an axis, as far as they lie in the domain: such calls cost nothing."""
    points = np.tile(u, (len(t), 1))
    points[:, axis] = t
    x = evaluator.problem.domain.from_unit(points)
    x = x[evaluator.problem.domain.contains(x)]
    y, messages = evaluator.model.values(x, "pictures")
    value = y[:, output].copy()
    value[list(messages)] = np.nan
    return FineRecord(x=numbers(x[:, axis]), model=numbers(value))


def _series(landscape: Landscape, points: Array, axes: NDArray[np.intp], output: int) -> SeriesRecord:
    """One output at points (n, d), and the input ``axes`` (n,) of each. Other outputs, perhaps many, are not kept."""
    rows, parts = landscape.evaluator.rows(), []
    for i in range(0, len(points), rows):
        done = landscape.look(points[i : i + rows])
        sides = (side[:, output].copy() for side in (done.model, done.reference))
        parts.append((done.x[np.arange(len(done)), axes[i : i + rows]], *sides, done.error, done.status))
        if landscape.late:
            break
    x, model, reference, error, status = (np.concatenate(part) for part in zip(*parts, strict=True))
    words = tuple(WORDS[PointStatus(s)] for s in status)
    return SeriesRecord(
        x=numbers(x),
        model=numbers(model),
        reference=numbers(reference),
        error=numbers(error),
        status=words,
    )


def half_widths(landscape: Landscape, u: Array, error: float, points: int = 40) -> Array:
    """Along each axis, how far from ``u`` the error stays above half of ``error``; unit box, shape (d,).

    The larger of both sides, from log-spaced distances: an upper end within a factor of about 1.7.
    """
    d = landscape.d
    steps = np.logspace(-9, 0, points)
    width = np.full(d, steps[0])
    at_once = max(1, TRIALS // (2 * points * d))
    for begin in range(0, d, at_once):
        owner = [(i, sign) for i in range(begin, min(begin + at_once, d)) for sign in (-1, 1)]
        flat = np.tile(u, (len(owner) * points, 1))
        for k, (i, sign) in enumerate(owner):
            flat[k * points : (k + 1) * points, i] = u[i] + sign * steps
        legal = np.all((flat >= 0) & (flat <= 1), axis=1)
        score = np.full(len(flat), -np.inf)
        score[legal] = landscape.score(flat[legal])
        above = (score >= error / 2).reshape(len(owner), points)
        for (i, _), row in zip(owner, above, strict=True):
            first = int(np.argmin(row)) if not row.all() else points - 1
            width[i] = max(width[i], steps[first] if first else steps[0])
    return width


def thumbnail(landscape: Landscape, u: Array, width: Array, cells: int) -> ThumbnailRecord:
    """The error round a peak in its two narrowest axes.

    A list of values is shown whole where each has a cell, and else from the first to the last one of a part.
    """
    domain = landscape.evaluator.problem.domain
    i, j = sorted(np.argsort(width, kind="stable")[:2].tolist())
    ranges, lines = [], []
    for axis in (i, j):
        k = len(domain.axes[axis].values or ())
        reach = 0.5 if 0 < k <= cells else min(0.5, max(4 * width[axis], 1e-8))
        lo = float(np.clip(u[axis] - reach, 0, max(0.0, 1 - 2 * reach)))
        hi = min(1.0, lo + 2 * reach)
        ends = np.array([lo, hi])
        if k:  # whole bands
            lo, hi = np.floor(lo * k + 1e-9) / k, np.ceil(hi * k - 1e-9) / k
            ends = np.array([lo, hi]) + np.array([0.5, -0.5]) / k
        lines.append(lo + (np.arange(cells) + 0.5) / cells * (hi - lo))
        ranges.append(domain.axes[axis].from_unit(ends))
    a, b = np.meshgrid(*lines)
    points = np.tile(u, (cells * cells, 1))
    points[:, i], points[:, j] = a.ravel(), b.ravel()
    score = landscape.score(points)
    error = np.where(score == -np.inf, np.nan, score).reshape(cells, cells)
    return ThumbnailRecord(
        axes=(domain.names[i], domain.names[j]),
        ranges=(numbers(ranges[0]), numbers(ranges[1])),
        shape=(cells, cells),
        values=rounded(error),
    )


def whole_map(
    landscape: Landscape, recorder: Recorder, data: Array | None, output: int, p: Pictures, share: int
) -> LineMapRecord | GridMapRecord | PairMapsRecord | None:
    """The whole picture: a line (d = 1), a grid (d = 2), or a panel for each pair of inputs; None without time."""
    domain = landscape.evaluator.problem.domain
    if domain.d == 1:
        n = int(np.clip(share, 101, p.line))
        if not landscape.limit.endless:
            n = min(n, max(share, 2))
        points = _apart(domain.axes[0], np.linspace(0, 1, n))[:, None]
        series = _series(landscape, points, np.zeros(len(points), dtype=np.intp), output)
        if landscape.late:  # the last points may be missing
            return None
        return LineMapRecord(kind="line", **dict(series), data=None if data is None else numbers(data))
    if domain.d == 2:
        _fill_empty(landscape, recorder, share)
    return recorded_map(domain, recorder)


def recorded_map(domain: Domain, recorder: Recorder) -> GridMapRecord | PairMapsRecord:
    """The largest error in each cell of everything evaluated: a grid (d = 2) or a panel for each pair."""
    if domain.d == 2:
        values = _in_bands(domain, (0, 1), recorder.panel(0))
        return GridMapRecord(kind="grid", **dict(_panel(domain, (0, 1), values)))
    panels = [(i, _in_bands(domain, pair, recorder.panel(i))) for i, pair in enumerate(recorder.pairs)]
    if domain.d > 10:  # the 45 panels that differ most within themselves
        spread = [
            float(np.nanstd(np.log(np.maximum(v, 1e-300)))) if np.isfinite(v).any() else 0 for _, v in panels
        ]
        panels = [panels[k] for k in sorted(np.argsort(spread)[::-1][:45])]
    drawn = (_panel(domain, recorder.pairs[i], values) for i, values in panels)
    return PairMapsRecord(kind="pairs", panels=tuple(drawn))


def _panel(domain: Domain, pair: Sequence[int], values: Array) -> PanelRecord:
    """The cells over a pair of inputs, which the axes name."""
    i, j = pair
    n, m = values.shape
    return PanelRecord(axes=(domain.names[i], domain.names[j]), shape=(n, m), values=rounded(values))


def _in_bands(domain: Domain, pair: tuple[int, ...], values: Array) -> Array:
    """A panel in which each of a list of values fills its band: they are evaluated in the middle of it only."""
    for direction, i in enumerate(pair):
        values = values.take(_holding(domain.axes[i], len(values)), axis=1 - direction)
    return values


def _holding(axis: Axis, n: int) -> NDArray[np.intp]:
    """For each of ``n`` cells along an axis the one that holds its points: of a list of values the middle of its band."""
    k = n if axis.values is None else len(axis.values)
    if k >= n:
        return np.arange(n)
    band = ((np.arange(n) + 0.5) / n * k).astype(np.intp)
    return np.asarray(((band + 0.5) / k * n).astype(np.intp))


def _fill_empty(landscape: Landscape, recorder: Recorder, share: int) -> None:
    """Cells that nothing was evaluated in get a value at their centre, as far as the share allows."""
    empty = np.argwhere(np.isnan(recorder.panel(0)))
    axes, n = landscape.evaluator.problem.domain.axes, recorder.cells
    across, up = (_holding(axis, n) == np.arange(n) for axis in axes)  # others never get a point
    empty = empty[across[empty[:, 1]] & up[empty[:, 0]]]
    if len(empty) > share:  # spread what is affordable evenly over the map
        empty = empty[np.linspace(0, len(empty) - 1, max(share, 1)).astype(int)]
    if len(empty):
        landscape.score((empty[:, ::-1] + 0.5) / n)


def rounded(values: Array) -> tuple[tuple[float, ...], ...]:
    """Map values to four digits: the page needs no more, and the file stays small."""
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = 10.0 ** np.minimum(3 - np.floor(np.log10(np.abs(values))), 300)
        short = np.where(np.isfinite(values) & (values != 0), np.floor(values * digits) / digits, values)
    return grid(short)


def profile(names: Sequence[str], worst: Array, rms: Array, rows: NDArray[np.intp]) -> ProfileRecord:
    """Largest and RMS error along the outputs: at the numbers that name them (wavelengths, times), else 1, 2, ...

    Args:
        rows: the outputs that are listed.
    """
    try:
        at = [float(name) for name in names]
    except ValueError:
        at = []
    named = len(at) == len(worst) and np.isfinite(at).all() and bool(np.all(np.diff(at) > 0))
    columns = np.array([at if named else range(1, len(worst) + 1), worst, rms])
    coordinate, worst, rms = columns[:, rows]
    return ProfileRecord(
        coordinate=numbers(coordinate), label="output", unit="", worst=numbers(worst), rms=numbers(rms)
    )


LOWEST, HIGHEST = 5e-324, 1.79e308  # of a scale: ten to its logarithm is a float still


def distribution(sample: Sample) -> tuple[HistogramRecord, LevelsRecord] | tuple[None, None]:
    """Histogram and share-above-a-level of the independent points; None where no error is positive."""
    positive = sample.errors[(sample.errors > 0) & np.isfinite(sample.errors)]
    if not len(positive):
        return None, None
    # The mean of two may be more than a float holds.
    middle = float(np.quantile(positive, 0.5, method="lower"))
    floor = max(middle * 1e-4, float(positive.min()))
    top = min(float(positive.max()) * 1.0000001, HIGHEST)
    floor = max(min(floor, top / 10), LOWEST)
    edges = np.logspace(np.log10(floor), np.log10(top), 61)
    inside = np.histogram(positive, edges)[0]
    below = int((sample.errors < edges[0]).sum())
    levels = np.logspace(np.log10(floor), np.log10(top), 90)
    above = (sample.errors[None] > levels[:, None]).sum(axis=1)
    beyond = int((sample.errors > edges[-1]).sum())
    at_most = [sample.exceedance(float(t)).fraction_at_most for t in levels]
    return (
        HistogramRecord(edges=numbers(edges), counts=counts(inside), below=below, above=beyond),
        LevelsRecord(level=numbers(levels), count=counts(above), at_most=numbers(at_most), n=sample.n),
    )


def progress(
    history: list[tuple[int, float]], total: int, sample: Sample, rng: np.random.Generator
) -> ProgressRecord:
    """Best so far of the search, which ended after ``total`` evaluations, beside random orders of the sample."""
    history = [h for h in history if h[0] <= total]
    search = (*history, *([(total, history[-1][1])] if history else []))
    if not sample.n:
        return ProgressRecord(search=search, random=None)
    n = np.unique(np.logspace(0, np.log10(sample.n), 60).astype(int))
    orders = np.stack([np.maximum.accumulate(rng.permutation(sample.errors))[n - 1] for _ in range(20)])
    low, median, high = np.quantile(orders, [0.05, 0.5, 0.95], axis=0, method="nearest")
    random = RandomRecord(n=counts(n), median=numbers(median), low=numbers(low), high=numbers(high))
    return ProgressRecord(search=search, random=random)


def by_axis(domain: Domain, recorder: Recorder) -> list[AlongRecord]:
    """Where points were evaluated, failed or did not exist, along each input."""
    recorder.flush()
    return [
        AlongRecord(
            axis=name,
            edges=numbers(domain.axes[i].from_unit(np.linspace(0, 1, BINS + 1))),
            evaluated=counts(recorder.evaluated[i]),
            failed=counts(recorder.failed[i]),
            outside=counts(recorder.outside[i]),
        )
        for i, name in enumerate(domain.names)
    ]
