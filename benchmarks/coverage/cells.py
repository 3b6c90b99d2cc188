"""The cases: problems whose shares, peaks and volumes are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from supnorm.auditing.distinct import cluster_sizes
from supnorm.auditing.explore import explored
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.plants import Bump, Sheet, planted_problem
from supnorm.auditing.region import RegionVolume
from supnorm.auditing.search import ScreenAndAscent
from supnorm.auditing.statistics import unseen_peaks
from supnorm.evaluation import Evaluator
from supnorm.evaluation.limit import Limit
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Law, Problem

Array = NDArray[np.float64]
QUICK = 500  # evaluations of a trial of exceedance: a fifth are the independent points


def box(d: int) -> Domain:
    """The unit box."""
    return Domain(**{f"x{i + 1}": (0.0, 1.0) for i in range(d)})


def zero(x: Array) -> Array:
    """The reference of problems whose model is the error."""
    return np.zeros(len(x))


# -- exceedance -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exceedance:
    """A problem and the share of its law above a level; without a level the sample's own 99.9 % quantile."""

    name: str
    problem: Problem
    share_above: Callable[[float], float]
    level: float | None

    def holds(self, seed: int) -> bool:
        """Whether the limit of one run covers the truth."""
        evaluator = Evaluator(self.problem)
        rng = np.random.default_rng(seed)
        sample = explored(evaluator, ScreenAndAscent(), QUICK, rng).sample
        assert sample is not None
        level = sample.quantile(0.999) if self.level is None else self.level
        return self.share_above(level) <= sample.exceedance(level).fraction_at_most


def _ramp(domain: Domain) -> Problem:
    """Error = first input in the unit box, so that a share s lies above 1 - s."""
    return Problem(lambda x: domain.to_unit(x)[:, 0], zero, domain)


def _exceedances() -> list[Exceedance]:
    plain: Callable[[float], float] = lambda t: 1 - t  # noqa: E731
    ramp = _ramp(box(2))
    cases = [
        Exceedance(f"share {s:g} of two inputs", ramp, plain, 1 - s) for s in (0.5, 0.1, 0.03, 0.01, 1e-3)
    ]
    cases.append(Exceedance("level = the sample's 99.9 % quantile", ramp, plain, None))
    disc = Domain([lambda x: (x**2).sum(axis=1) <= 1], x=(-1.0, 1.0), y=(-1.0, 1.0))
    radius = Problem(lambda x: (x**2).sum(axis=1), zero, disc)
    cases.append(Exceedance("share 0.03 under a constraint (disc)", radius, plain, 0.97))
    log = _ramp(Domain(p=Axis(1e4, 1e8, "Pa", scale="log"), T=(0.0, 1.0)))
    cases.append(Exceedance("share 0.03, log axis and its law", log, plain, 0.97))
    line = box(1)
    beta = Law.from_sampler(lambda n, rng: rng.beta(2.0, 5.0, (n, 1)), line, "beta(2, 5)")
    own = Problem(lambda x: x[:, 0], zero, line, law=beta)
    above: Callable[[float], float] = lambda t: float(1 - _beta(2.0, 5.0, t))  # noqa: E731
    cases.append(Exceedance("a law of one's own, beta(2, 5), above 0.6", own, above, 0.6))
    relative = replace(ramp, model=lambda x: 2 + 2 * x[:, 0], reference=lambda x: 2 + zero(x))
    relative = replace(relative, error=ErrorMeasure("relative", floor=0.0), tolerance=None)
    cases.append(Exceedance("share 0.03, relative error", relative, plain, 0.97))
    return cases


def _beta(a: float, b: float, t: float) -> float:
    from scipy.special import betainc

    return float(betainc(a, b, t))


EXCEEDANCE = _exceedances()


# -- unseen peaks -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Climbed:
    """A problem with many peaks; each trial's ascents are the independent ones of a run of the search."""

    name: str
    problem: Problem
    evaluations: int = 6000

    def hold(self, first: int, trials: int) -> list[bool]:
        """For each trial whether the limit covers the chance of an unseen peak; truth from all ascents together."""
        strategy = replace(
            ScreenAndAscent(),
            screen=0.05,
            restart_share=0.8,
            evolution=0.0,
            polish_share=0.0,
            discontinuity_share=0.0,
        )
        ends = []
        for seed in range(first, first + trials):
            evaluator = Evaluator(self.problem)
            search = explored(evaluator, strategy, self.evaluations, np.random.default_rng(seed))
            ends.append(np.concatenate(search.restart_ends))
        radius = 0.01 * math.sqrt(self.problem.domain.d)
        peak = _together(np.concatenate(ends), radius)
        mass = np.bincount(peak) / len(peak)
        held, begin = [], 0
        for ascents in ends:
            seen = np.unique(peak[begin : begin + len(ascents)])
            begin += len(ascents)
            found = unseen_peaks(cluster_sizes(ascents, radius))
            held.append(found is not None and 1 - float(mass[seen].sum()) <= found.at_most)
        return held


def _together(u: Array, radius: float) -> NDArray[np.intp]:
    """Which ends of ascents lie together, by single linkage: a label for each."""
    grid, label = np.unique(np.round(u / (radius / 20)), axis=0, return_inverse=True)
    pairs = cKDTree(grid * (radius / 20)).query_pairs(radius, output_type="ndarray")
    ones = np.ones(len(pairs), dtype=np.int8)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(grid), len(grid)))
    peak: NDArray[np.intp] = connected_components(graph, directed=False)[1][label.ravel()]
    return peak


def _bumps(d: int, count: int, power: float, seed: int) -> Problem:
    """``count`` bumps of unequal widths at random places: their basins share the ascents unequally."""
    rng = np.random.default_rng(seed)
    centre, height = rng.random((count, d)), rng.uniform(0.5, 1.0, count)
    width = 0.25 * np.arange(1, count + 1) ** (-power / d)

    def both(x: Array) -> tuple[Array, Array]:
        gap = x[:, None] - centre
        each = height * np.exp(-(gap**2).sum(axis=2) / (2 * width**2))
        return each.sum(axis=1), -(each[..., None] * gap / width[:, None] ** 2).sum(axis=1)

    return _problem(both, d)


def _waves(d: int, k: float) -> Problem:
    """A product of cosines: many equal peaks, and halves of them at the faces."""

    def both(x: Array) -> tuple[Array, Array]:
        c, s = np.cos(2 * np.pi * k * x), np.sin(2 * np.pi * k * x)
        y = c.prod(axis=1)
        others = np.stack([np.delete(c, i, axis=1).prod(axis=1) for i in range(d)], axis=1)
        return y, -2 * np.pi * k * s * others

    return _problem(both, d)


def _problem(both: Callable[[Array], tuple[Array, Array]], d: int) -> Problem:
    def vjp(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        y, slope = both(x)
        return y[:, None], lambda w: w * slope

    none = Function(
        lambda x: np.zeros((len(x), 1)),
        vjp=lambda x: (np.zeros((len(x), 1)), lambda w: np.zeros((len(x), d)) * w),
    )
    return Problem(Function(lambda x: both(x)[0][:, None], vjp=vjp), none, box(d))


CLIMBED = [
    Climbed("30 bumps, two inputs", _bumps(2, 30, 0.0, 1)),
    Climbed("60 bumps of unequal basins, two inputs", _bumps(2, 60, 1.0, 2)),
    Climbed("60 bumps, three inputs", _bumps(3, 60, 0.5, 3)),
    Climbed("200 bumps, four inputs", _bumps(4, 200, 0.5, 4)),
    Climbed("waves, 25 peaks and those of the faces, two inputs", _waves(2, 3.0)),
    Climbed("waves, hundreds of peaks, three inputs", _waves(3, 3.0)),
]


def _shares(weights: Array) -> Array:
    value: Array = weights / weights.sum()
    return value


MASSES: dict[str, Array] = {
    "one": np.ones(1),
    **{f"{k} equal": np.full(k, 1 / k) for k in (2, 5, 20, 50, 100, 400)},
    **{f"geometric {r}": _shares(r ** np.arange(200.0)) for r in (0.5, 0.8, 0.95)},
    **{f"Zipf {s}": _shares(np.arange(1.0, 300.0) ** -s) for s in (1.0, 1.5, 2.0)},
    "one large, ten rare": np.r_[0.99, np.full(10, 1e-3)],
    "two large, a hundred rare": np.r_[0.5, 0.49, np.full(100, 1e-4)],
    "two scales": np.r_[np.full(10, 0.05), np.full(50, 0.01)],
}
ASCENTS = (10, 20, 50, 100, 200)


def simulated(masses: Array, ascents: int, seed: int, trials: int) -> list[bool]:
    """The limit for ascents that end on peaks with these chances."""
    reached = np.random.default_rng([seed, ascents, len(masses)]).multinomial(ascents, masses, size=trials)
    unseen = np.where(reached == 0, masses, 0.0).sum(axis=1)
    found = [unseen_peaks(row[row > 0].tolist()) for row in reached]
    return [f is not None and bool(truth <= f.at_most) for f, truth in zip(found, unseen, strict=True)]


# -- size of a place --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlaceSize:
    """A planted ball, or a sheet of constant height, of known volume; measured from its top."""

    name: str
    d: int
    plant: Bump | Sheet

    def hold(self, first: int, trials: int) -> dict[str, list[bool]]:
        """Lower limits, and upper limits where the region is said to be measured as a whole."""
        held: dict[str, list[bool]] = {"at least": [], "at most": []}
        flat = Problem(zero, zero, box(self.d))
        for seed in range(first, first + trials):
            rng = np.random.default_rng([seed, self.d])
            top = rng.uniform(0.3, 0.7, self.d)
            if isinstance(self.plant, Bump):
                plant: Bump | Sheet = replace(self.plant, centre=top)
                problem, truth = planted_problem(flat, plant, "model"), self.plant.volume
            else:
                normal = rng.standard_normal(self.d)
                normal /= np.linalg.norm(normal)
                plant = replace(self.plant, normal=normal, centre=top - 0.5 * self.plant.width * normal)
                problem = planted_problem(flat, plant, "both")
                truth = self.plant.width * _section(normal, top)
            landscape = Landscape(Evaluator(problem), Limit(evaluations=40_000))
            width = np.full(self.d, 0.05)
            region = RegionVolume().measure(landscape, top, self.plant.height, width, rng)
            if region is None or region.volume <= 0:
                continue
            held["at least"].append(region.low <= truth)
            if region.whole:
                held["at most"].append(truth <= region.high)
        return {side: rows for side, rows in held.items() if len(rows) >= 50}


def _section(normal: Array, through: Array) -> float:
    """Length of the section of the unit square by a line with this normal (two inputs)."""
    along = np.array([-normal[1], normal[0]])
    with np.errstate(divide="ignore"):
        ends = np.stack([(0 - through) / along, (1 - through) / along])
    return float(ends.max(axis=0).min() - ends.min(axis=0).max())


PLACES = [
    PlaceSize("ball of 1e-3, two inputs", 2, Bump(1.0, 1e-3)),
    PlaceSize("ball of 1e-5, four inputs", 4, Bump(1.0, 1e-5)),
    PlaceSize("ball of 1e-6, six inputs", 6, Bump(1.0, 1e-6)),
    PlaceSize("oblique sheet 1e-4 thin, two inputs", 2, Sheet(1.0, 1e-4)),
]
