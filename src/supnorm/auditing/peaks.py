"""The distinct peaks as witnesses: recomputed alone, with size, prominence and tags."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.distinct import distinct
from supnorm.auditing.glitches import GlitchRule, mark, prominences
from supnorm.auditing.joint import with_output
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.peak import INFINITE, PEAKS, Peak, where_in
from supnorm.auditing.pictures import half_widths
from supnorm.auditing.polish import Polish
from supnorm.auditing.region import RegionVolume
from supnorm.auditing.statistics import Sample
from supnorm.auditing.strategy import Search
from supnorm.auditing.thinning import thin
from supnorm.problem import Problem
from supnorm.results import Witness

Array = NDArray[np.float64]
SAME = 1e-6  # errors that differ by this share have one region


def find_peaks(landscape: Landscape, search: Search, sample: Sample, rng: np.random.Generator) -> list[Peak]:
    """The distinct peaks of a search, worst first, measured and marked."""
    ends = search.ends if len(search.ends.u) else search.pool
    u, score = ends.u, ends.score
    if score.max(initial=0.0) == np.inf:
        u, score = _with_finite(landscape, search, rng)
    region = RegionVolume().least(landscape.d)
    left, polish = landscape.affordable(), Polish()
    known = 0 < score.max(initial=0.0) < np.inf
    if known and left >= 4 * region and polish.adapts(landscape, left // 16):
        # Without gradients the size of a peak would be measured beside its top, and find worse points until the end.
        top = np.array([score.argmax()])
        highest, height = polish.run(landscape, u[top], score[top], left // 16, rng)
        u, score = np.concatenate([u, highest]), np.concatenate([score, height])
    chosen = distinct(landscape, u, score, PEAKS)
    if not landscape.late:  # each is called alone, and so is the worst point of all: on workers all at once
        landscape.evaluator.begin_alone([_point(landscape, u[i]) for i in chosen])
    # Half of the budget waits for worse points that turn up meanwhile; what they leave goes to peaks without a size.
    left = landscape.affordable()
    half = landscape
    if left >= 4 * region:
        whole = landscape.limit
        half = replace(landscape, limit=whole.within(0.5).upto(whole.evaluations - left // 2))
    peaks = [measure(half, u[i], float(score[i]), rng) for i in chosen]
    for _ in range(3):  # what looked at a peak may have seen a worse point, if only by rounding
        peaks, changed = worst_first(landscape, peaks, rng)
        if not changed:
            break
    for i, peak in enumerate(peaks):
        if peak.witness.volume is None and landscape.affordable() >= 2 * region:
            peaks[i] = measure(landscape, peak.u, peak.witness.error, rng, peak.witness.x)
    peaks, _ = worst_first(landscape, peaks, rng)
    peaks.sort(key=lambda p: -p.witness.error)
    return marked(landscape, peaks, sample, rng)


def _with_finite(landscape: Landscape, search: Search, rng: np.random.Generator) -> tuple[Array, Array]:
    """A few infinite ends and the best finite points, polished.

    A plateau without a model value fills every list of the best: the largest finite error is news as well.
    """
    u = np.concatenate([search.ends.u, search.pool.u])
    score = np.concatenate([search.ends.score, search.pool.score])
    plateau = np.flatnonzero(score == np.inf)
    # A few of them: lines between thousands would take the evaluations for everything else.
    plateau = plateau[thin(u[plateau], score[plateau], 1e-2 * np.sqrt(landscape.d), 8 * INFINITE, fill=False)]
    plateau = plateau[distinct(landscape, u[plateau], score[plateau], INFINITE)]
    finite = np.flatnonzero(np.isfinite(score))
    if not len(finite):
        return u[plateau], score[plateau]
    starts = finite[thin(u[finite], score[finite], 1e-2 * np.sqrt(landscape.d), 8)]
    budget = landscape.affordable() // 8
    polished, peak = Polish().run(landscape, u[starts], score[starts], budget, rng)
    below = np.isfinite(peak)  # an ascent that has reached the plateau is no finite peak
    return (
        np.concatenate([u[plateau], polished[below], u[starts]]),
        np.concatenate([score[plateau], peak[below], score[starts]]),
    )


def measure(
    landscape: Landscape, u: Array, score: float, rng: np.random.Generator, x: Array | None = None
) -> Peak:
    """A peak with its tags, widths and volume; ``x`` is its exact point where ``u`` is rounded."""
    witness, width = describe_peak(landscape, u, score, x)
    # The limits of all peaks hold together with 95 % confidence: their floor of the RMS takes the best one.
    region = RegionVolume(confidence=1 - 0.05 / PEAKS).measure(landscape, u, witness.error, width, rng)
    if region is not None and region.volume > 0:
        most = region.high if region.whole else None
        witness = replace(witness, volume=region.volume, volume_at_least=region.low, volume_at_most=most)
    return Peak(u, witness, width)


def worst_first(landscape: Landscape, peaks: list[Peak], rng: np.random.Generator) -> tuple[list[Peak], bool]:
    """Put the worst point of everything evaluated first; it replaces peaks that it stands on."""
    evaluator = landscape.evaluator
    # A value recomputed alone may differ by rounding from the one seen in a batch.
    top = max((p.witness.error for p in peaks), default=-np.inf)
    if evaluator.top is None or evaluator.worst <= top * (1 + 1e-12):
        return peaks, False
    x, worst = evaluator.top.x, evaluator.worst
    u = evaluator.problem.domain.to_unit(x[None])[0].clip(0, 1)
    reach = 0.01 * np.sqrt(len(u))
    others = [p for p in peaks if np.linalg.norm(p.u - u) > reach]
    # Higher by rounding alone, a peak keeps its size: measuring it again could find the budget used up.
    level = worst / (1 + SAME)
    for p in peaks:
        if np.linalg.norm(p.u - u) <= reach and p.witness.error >= level and p.witness.volume is not None:
            new = with_output(evaluator.problem.error, landscape.recompute(x, worst))
            old = p.witness
            kept = replace(
                new,
                tags=old.tags,
                off_data=old.off_data,
                volume=old.volume,
                volume_at_least=old.volume_at_least,
                volume_at_most=old.volume_at_most,
            )
            return [replace(p, u=u, witness=kept), *others], True
    return [measure(landscape, u, worst, rng, x), *others], True


def marked(landscape: Landscape, peaks: list[Peak], sample: Sample, rng: np.random.Generator) -> list[Peak]:
    """Prominences, and which peaks are glitches."""
    measured = prominences(landscape, [p.u for p in peaks], [p.witness for p in peaks], sample, rng)
    return [
        replace(p, witness=mark(replace(p.witness, prominence=m), sample, GlitchRule()))
        for p, m in zip(peaks, measured, strict=True)
    ]


def _point(landscape: Landscape, u: Array) -> Array:
    """A point (d,) of the unit box in the domain."""
    x: Array = landscape.evaluator.problem.domain.from_unit(u[None])[0]
    return x


def side_of_fault(problem: Problem, u: Array, width: Array, output: int, landscape: Landscape) -> str | None:
    """Which of the two has the larger curvature at the peak, on the scale of its width.

    Second differences along each axis over one width: ``"model-side"`` or ``"reference-side"``, None when
    neither is more than twice the other.
    """
    domain = problem.domain
    d = domain.d
    frame = np.diag(np.minimum(width, 0.25))
    centre = np.clip(u, np.diag(frame), 1 - np.diag(frame))
    points = np.concatenate([centre[None], centre + frame, centre - frame])
    done = landscape.look(points)
    bend = []
    for y in (done.model[:, output], done.reference[:, output]):
        second = y[1 : d + 1] + y[d + 1 :] - 2 * y[0]
        bend.append(np.abs(second[np.isfinite(second)]).max(initial=0.0))
    if bend[0] > 2 * bend[1]:
        return "model-side"
    if bend[1] > 2 * bend[0]:
        return "reference-side"
    return None


def describe_peak(
    landscape: Landscape, u: Array, score: float, x: Array | None = None
) -> tuple[Witness, Array]:
    """A peak as a witness with tags, and its half-height widths along the axes (unit box)."""
    evaluator = landscape.evaluator
    problem: Problem = evaluator.problem
    x = _point(landscape, u) if x is None else x
    witness = with_output(problem.error, landscape.recompute(x, score))
    if np.isfinite(witness.error) and landscape.affordable() > 100 * len(u):
        width = half_widths(
            landscape, u, witness.error, max(8, min(40, landscape.affordable() // (40 * len(u))))
        )
        fault = side_of_fault(problem, u, width, witness.output, landscape)
    else:
        width, fault = np.full(len(u), 0.1), None
    tags = [where_in(problem.domain, u, x)] + ([fault] if fault else [])
    off = None
    if problem.domain.cloud is not None:
        off = float(problem.domain.data_distance(x[None])[0])
    return replace(witness, tags=tuple(tags), off_data=off), width
