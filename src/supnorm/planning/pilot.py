"""Pilot fits: every classical tool on a quarter and on half of the sample budget, and what it would reach with all of it.

Rules tell which tool *should* work. Where several could, a small fit of each shows which one does. Each tool gets m/2 and m
samples, where m is half of the sample budget (at most 1024); the errors are the largest on common test points and on local
ascents from the worst of them. With ``s = log2(e(m/2) / e(m))`` the error for a budget of B samples is expected at ``e(m)
(B/m)^(-0.8 s)``, never more than 8 times beyond m: an extrapolation from two points, without an interval, which can choose
between tools and nothing else. Where no tool is expected to reach the tolerance and half of the budget is more than 1024,
the tools that choose their own points, a grid and a tensor train, are tried again with up to 16 times as many: they cost
next to nothing to fit, and two sizes that small may show no slope at all. Cost: at most 4 m + 50,000 calls, with the second
try twice the planning's share of one kind of sample more, and some seconds of fitting (a Gaussian process of 1024 samples:
one second).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants import (
    Approximation,
    ChebyshevTensor,
    GaussianProcess,
    NotApplicable,
    PiecewiseChebyshev,
    PolynomialLeastSquares,
    SparseLegendre,
    TensorTrain,
)
from supnorm.planning.learning_curve.on_function import largest_by_ascent
from supnorm.planning.names import GAUSSIAN_PROCESS, PIECEWISE, SPARSE_POLYNOMIAL, TENSOR, TRAIN
from supnorm.planning.profile.target import Target
from supnorm.problem import Domain
from supnorm.results.budget import TrialRecord

Array = NDArray[np.float64]
MOST = 1024  # samples of a tool: a Gaussian process of so many takes a second
FURTHEST = 8.0  # times the samples of the trial: the error is not expected to fall beyond
CAUTION = 0.8  # of the slope, chosen on the design bank of benchmarks/budget
LARGER = 16  # times MOST in the second try
ROUNDING = 1e-12  # of half the range: below it errors are rounding, and tools cannot be compared
LARGEST_CUBE = 6  # inputs: 1024 points are no grid of 3^7


@dataclass(frozen=True)
class PilotSizes:
    """What a pilot may spend: ``m`` samples for each tool, ``test`` points, ``ascents`` local ascents."""

    m: int
    test: int
    ascents: int


def pilot_plan(sample_budget: int, calls: int) -> PilotSizes | None:
    """The sizes for a sample budget and ``calls`` evaluations of planning; None when that is too little.

    >>> pilot_plan(2000, 200_000)
    PilotSizes(m=1000, test=10000, ascents=8)
    >>> pilot_plan(100_000, 500) is None
    True
    """
    m = int(min(sample_budget // 2, MOST, calls // 10))
    test = int(min(10_000, calls // 20))
    if m < 64 or test < 100:
        return None
    return PilotSizes(m, test, 8 if calls >= 100_000 else 0)


def pilot_calls(sample_budget: int, calls: int) -> int:
    """The approximate number of evaluations of a `pilot`, without ascents and the second try.

    >>> pilot_calls(100_000, 500), pilot_calls(100_000, 4000)
    (0, 1800)
    """
    plan = pilot_plan(sample_budget, calls)
    return 0 if plan is None else 4 * plan.m + plan.test


def pilot(
    target: Target, eps: float, p: float, sample_budget: int, calls: int, rng: np.random.Generator
) -> tuple[TrialRecord, ...]:
    """Try the classical tools on one output; the tool with the smallest expected error comes first.

    Args:
        target: the function on the unit cube; it must have a value everywhere.
        eps: absolute tolerance; a tensor train gets a tenth of it.
        p: the norm of the errors.
        sample_budget: samples that the surrogate may spend.
        calls: evaluations of the whole planning; the pilot takes about a tenth for each kind of sample.
        rng: draws the samples.

    >>> from supnorm.evaluation.caller import Caller
    >>> from supnorm.problem import as_function
    >>> f = as_function(lambda x: np.exp(x[:, 0] * x[:, 1]), "f")
    >>> target = Target(Caller(f, "f"), Domain(a=(-1.0, 1.0), b=(-1.0, 1.0)))
    >>> trials = pilot(target, 1e-6, np.inf, 500, 20_000, np.random.default_rng(0))
    >>> bool(trials[0].expected < 1e-6 < trials[-1].expected)
    True
    """
    plan = pilot_plan(sample_budget, calls)
    if plan is None:
        return ()
    x = rng.random((max(plan.m, plan.test), target.d))
    test = rng.random((plan.test, target.d))
    y, truth = target(x[: plan.m]), target(test)
    if not (np.isfinite(y).all() and np.isfinite(truth).all()):
        return ()
    cube = Domain.from_axes({f"x{i}": (0.0, 1.0) for i in range(target.d)})
    tools = _tools(target, cube, x, y, eps / max(target.largest, eps), rng)

    def tried(names: Iterable[str], plan: PilotSizes) -> dict[str, TrialRecord]:
        trials = {}
        for tool in names:
            made = [_pair(build, target, plan, (test, truth), p, rng) for build in tools[tool]]
            pairs = [pair for pair in made if pair is not None]
            if pairs:
                best = min(pairs, key=lambda pair: pair[1])
                # It uses no more samples.
                most = GaussianProcess().most if tool == GAUSSIAN_PROCESS else sample_budget
                trials[tool] = _trial(
                    tool, best, plan.m, min(sample_budget, most), ROUNDING * target.half_range
                )
        return trials

    trials = tried(tools, plan)
    larger = int(min(LARGER * plan.m, sample_budget // 2, calls // 10))
    if larger > plan.m and not any(t.expected <= eps for t in trials.values()):
        trials |= tried([tool for tool in (TENSOR, TRAIN) if tool in tools], replace(plan, m=larger))
    return tuple(sorted(trials.values(), key=lambda t: t.expected))


def _tools(
    target: Target, cube: Domain, x: Array, y: Array, relative: float, rng: np.random.Generator
) -> dict[str, list[Callable[[int], Approximation]]]:
    def column(u: Array) -> Array:
        return target(u)[:, None]

    if target.d == 1:
        return {PIECEWISE: [lambda n: PiecewiseChebyshev().from_function(column, cube, n)]}
    tools: dict[str, list[Callable[[int], Approximation]]] = {}  # the earlier wins a tie
    if target.d <= LARGEST_CUBE:
        tools[TENSOR] = [lambda n: ChebyshevTensor().from_function(column, cube, n)]
    tools[SPARSE_POLYNOMIAL] = [
        lambda n: SparseLegendre().from_samples(x[:n], y[:n, None], cube, rng),
        lambda n: PolynomialLeastSquares().from_samples(x[:n], y[:n, None], cube, rng),
    ]
    tools[TRAIN] = [lambda n: TensorTrain(tolerance=0.1 * relative).from_function(column, cube, n)]
    tools[GAUSSIAN_PROCESS] = [lambda n: GaussianProcess().from_samples(x[:n], y[:n, None], cube, rng)]
    return tools


def _pair(
    build: Callable[[int], Approximation],
    target: Target,
    plan: PilotSizes,
    known: tuple[Array, Array],
    p: float,
    rng: np.random.Generator,
) -> tuple[float, float] | None:
    """Errors at points with ``known`` values, for half of the samples (NaN: too few) and for all; None when too few."""
    test, truth = known
    sizes = []
    for n in (plan.m // 2, plan.m):
        try:
            model = build(n).function
        except NotApplicable:
            sizes.append(np.nan)
            continue

        def error(u: Array, model: Callable[[Array], Array] = model.value) -> Array:
            return np.abs(model(u)[:, 0] - target(u))

        values = np.abs(model.value(test)[:, 0] - truth)
        values = np.where(np.isfinite(values), values, np.inf)
        size = float(values.max()) if np.isinf(p) else float(np.mean(values**p) ** (1.0 / p))
        if plan.ascents and np.isinf(p) and np.isfinite(size):
            size = max(size, largest_by_ascent(error, test, values, plan.ascents, rng))
        sizes.append(size)
    return None if np.isnan(sizes[1]) else (sizes[0], sizes[1])


def _trial(tool: str, pair: tuple[float, float], m: int, sample_budget: int, rounding: float) -> TrialRecord:
    smaller, error = pair
    slope = 0.0
    if np.isfinite(smaller) and error > 0:
        slope = float(np.clip(np.log2(max(smaller, 1e-300) / error), 0.0, 4.0))
    ahead = min(max(sample_budget / m, 1.0), FURTHEST)
    expected = max(error * ahead ** (-CAUTION * slope), rounding)
    return TrialRecord(tool=tool, samples=m, smaller=smaller, error=error, expected=expected)
