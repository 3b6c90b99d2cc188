"""The peers of the rows BBOB, GKLS and SciPy with settings; without any they are those of `benchmarks.search.peers`.

Each is started again until its evaluations are used up. None gets gradients. What was tried and chosen stands in
`benchmarks.search.settings`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import differential_evolution, direct, dual_annealing, minimize
from scipy.stats import qmc

from benchmarks.search.objective import Objective

Array = NDArray[np.float64]
FINE = {  # of local methods: an error that is flat or almost 1 has small differences and slopes
    "L-BFGS-B": {"ftol": 1e-14, "gtol": 1e-10},
    "Nelder-Mead": {"fatol": 1e-15, "xatol": 1e-12, "adaptive": True},
    "Powell": {"ftol": 1e-12, "xtol": 1e-9},
}
BATCH = 8192  # points a call
KEPT = 2000  # points of a search that a polish may begin from
APART = (
    0.05,
    0.01,
    1e-3,
    1e-5,
)  # distances of its starts, one after the other until the evaluations are used up


class Enough(Exception):
    """The part of the evaluations that a method may use is used up."""


class Part:
    """A share of an objective's evaluations, with the points that were seen.

    Args:
        objective: what is maximised.
        share: after this share of its evaluations a call raises `Enough`.
    """

    def __init__(self, objective: Objective, share: float) -> None:
        self.objective, self.limit = objective, int(share * objective.evaluations)
        self.points: list[Array] = []
        self.scores: list[float] = []

    def single(self, v: Array) -> float:
        """The error at one point."""
        if self.objective.spent >= self.limit:
            raise Enough
        score = self.objective.single(v)
        self.points.append(np.array(v))
        self.scores.append(score)
        return score

    def batch(self, u: Array) -> Array:
        """Errors at many points."""
        if self.objective.spent >= self.limit:
            raise Enough
        score = self.objective.batch(u)
        self.points += [*u]
        self.scores += score.tolist()
        return score

    def best(self) -> Iterator[Array]:
        """The points that were seen, better ones first, each apart from all before it; then those in between, too."""
        order = np.argsort(-np.array(self.scores), kind="stable")[:KEPT]
        points = np.clip(np.array([self.points[i] for i in order]), 0.0, 1.0)
        given = np.empty((0, self.objective.d))
        for apart in APART:
            for point in points:
                if not _near(point, given, apart):
                    given = np.vstack([given, point])
                    yield point


def climb(
    single: Callable[[Array], float], start: Array, method: str, fine: bool, size: float = 0.0, **more: Any
) -> Array:
    """A local method from a point.

    Args:
        single: what is maximised.
        start: where it begins.
        method: of `scipy.optimize.minimize`.
        fine: whether it goes on to the last digits (`FINE`), or ends by the library's rules.
        size: edge of the first simplex of Nelder-Mead; 0 for the library's.
        more: `jac`, and `options` beside those.
    """
    options = dict(FINE[method] if fine else {}) | more.pop("options", {})
    if method == "Nelder-Mead" and size:
        step = np.where(start + size <= 1.0, size, -size)
        options["initial_simplex"] = np.vstack([start, start + np.diag(step)])
    bounds = [(0, 1)] * len(start)
    return np.array(
        minimize(lambda v: -single(v), start, method=method, bounds=bounds, options=options, **more).x
    )


def polish(objective: Objective, part: Part, methods: tuple[str, ...]) -> None:
    """Local methods, one after the other, from the best points of a search, until the evaluations are used up."""
    for start in part.best():
        point = start
        for method in methods:
            point = np.clip(climb(objective.single, point, method, True, 0.01), 0.0, 1.0)


def scipy_de(objective: Objective, seed: int, **settings: Any) -> None:
    """SciPy differential evolution; settings are its arguments. A generation a call, unless it updates immediately."""
    given = {"vectorized": True, "updating": "deferred", "polish": True, "maxiter": 100_000} | settings
    if given["updating"] == "immediate":
        given["vectorized"] = False

    def negative(u: Array) -> Array | float:
        return -objective.batch(u.T) if u.ndim == 2 else -objective.single(u)

    for again in itertools.count():
        differential_evolution(
            negative, [(0, 1)] * objective.d, rng=np.random.default_rng([seed, again]), **given
        )


def scipy_direct(
    objective: Objective,
    seed: int,
    biased: tuple[bool, ...] = (True, False),
    eps: float = 1e-4,
    len_tol: float = 1e-9,
    methods: tuple[str, ...] = (),
    share: float = 0.0,
) -> None:
    """SciPy DIRECT, and local methods from its best points.

    Args:
        objective: what is maximised.
        seed: it has none.
        biased: its variants, one after the other.
        eps: its argument.
        len_tol: its argument.
        methods: of the polish, one after the other.
        share: of the evaluations that is kept for the polish.
    """
    part = Part(objective, 1 - share)
    evaluate = part.single if methods else objective.single
    try:
        for local in biased:
            direct(
                lambda v: -evaluate(v),
                [(0, 1)] * objective.d,
                eps=eps,
                maxfun=10 * objective.evaluations,
                maxiter=10**6,
                vol_tol=0,
                len_tol=len_tol,
                locally_biased=local,
            )
    except Enough:
        pass
    if methods:
        polish(objective, part, methods)


def scipy_dual_annealing(
    objective: Objective, seed: int, method: str = "L-BFGS-B", fine: bool = False, **settings: Any
) -> None:
    """SciPy dual annealing; settings are its arguments."""
    local: dict[str, Any] = {"method": method, "bounds": [(0, 1)] * objective.d}
    if fine:
        local["options"] = FINE[method]
    given = {"maxiter": 10**6} | settings
    for again in itertools.count():
        dual_annealing(
            lambda v: -objective.single(v),
            [(0, 1)] * objective.d,
            maxfun=10 * objective.evaluations,
            minimizer_kwargs=local,
            rng=np.random.default_rng([seed, again]),
            **given,
        )


def scipy_lbfgsb(
    objective: Objective,
    seed: int,
    share: float = 0.25,
    starts: int = 100,
    method: str = "L-BFGS-B",
    fine: bool = False,
    apart: bool = False,
    finish: float = 0.0,
    **more: Any,
) -> None:
    """Sobol points, then a local method from the best ones, one after the other, again and again.

    Args:
        objective: what is maximised.
        seed: of the points.
        share: of the evaluations left that go to Sobol points, in each round.
        starts: at most so many in a round.
        method: of `scipy.optimize.minimize`.
        fine: whether it goes on to the last digits.
        apart: whether a point is passed over that has a better one nearby (multi-level single linkage).
        finish: share of the evaluations that is kept for Nelder-Mead from the best points.
        more: passed on to `climb`.
    """
    part = Part(objective, 1 - finish)
    target = part if finish else objective
    try:
        if apart:
            _linked(target, objective, seed, share, lambda v: climb(target.single, v, method, fine, **more))
        points = qmc.Sobol(objective.d, rng=np.random.default_rng(seed))
        while True:
            u = points.random(max(int(objective.left * share), 2))
            score = np.concatenate([target.batch(piece) for piece in np.array_split(u, 1 + len(u) // BATCH)])
            for start in u[np.argsort(-score)[:starts]]:
                climb(target.single, start, method, fine, **more)
    except Enough:
        polish(objective, part, ("Nelder-Mead",))


def _linked(
    target: Objective | Part, objective: Objective, seed: int, share: float, local: Callable[[Array], Array]
) -> None:
    """Multi-level single linkage (Rinnooy Kan and Timmer 1987): starts without a better point in a radius that shrinks.

    It ends by the exception of an objective that is used up.
    """
    points, d = qmc.Sobol(objective.d, rng=np.random.default_rng(seed)), objective.d
    u, score = np.empty((0, d)), np.empty(0)
    minima, started = np.empty((0, d)), set[int]()
    while True:
        # At least a twentieth of all, so that a function with one minimum does not take a thousand rounds.
        fresh = points.random(max(int(objective.left * share), objective.evaluations // 20, 2))
        u, score = np.vstack([u, fresh]), np.append(score, target.batch(fresh))
        n = len(u)
        volume = math.gamma(1 + d / 2) * 4 * math.log(n) / n  # sigma = 4, as its authors
        radius = volume ** (1 / d) / math.sqrt(math.pi)
        order = np.argsort(-score)[: max(n // 5, 1)]
        for place, i in enumerate(order):
            if i in started or _near(u[i], u[order[:place]], radius) or _near(u[i], minima, radius / 10):
                continue
            started.add(int(i))
            minima = np.vstack([minima, local(u[i])])


def _near(point: Array, others: Array, radius: float) -> bool:
    return bool(len(others)) and float(((others - point) ** 2).sum(axis=1).min()) < radius * radius


def cma_restarts(
    objective: Objective,
    seed: int,
    sigma0: float = 0.3,
    restarts: str = "BIPOP",
    popsize: float = 1.0,
    tol: float = 0.0,
    active: bool = True,
    penalty: bool = False,
    screen: float = 0.0,
) -> None:
    """pycma with bounds and restarts, a generation a call.

    Args:
        objective: what is maximised.
        seed: of all.
        sigma0: the first step length.
        restarts: "BIPOP", "IPOP", or "plain": each as the first.
        popsize: as a multiple of the library's.
        tol: `tolfun` and `tolfunhist`; 0 for those of the library.
        active: the library's CMA_active.
        penalty: BoundPenalty in place of BoundTransform.
        screen: share of the evaluations for Sobol points; the runs begin at the best of them, one after the other.
    """
    import cma

    rng = np.random.default_rng(seed)
    starts: list[Array] = []
    if screen:
        u = qmc.Sobol(objective.d, rng=rng).random(max(int(screen * objective.evaluations), 2))
        starts = [*u[np.argsort(objective.batch(u))]]  # the best last
    options: dict[str, Any] = {"bounds": [0, 1], "verbose": -9, "maxfevals": 10 * objective.evaluations}
    if popsize != 1.0:
        options["popsize"] = max(int(popsize * (4 + 3 * math.log(objective.d))), 4)
    if tol:
        options |= {"tolfun": tol, "tolfunhist": tol}
    if not active:
        options["CMA_active"] = False
    if penalty:
        options["BoundaryHandler"] = cma.BoundPenalty
    for again in itertools.count(1):
        cma.fmin2(
            None,
            lambda: starts.pop() if starts else rng.random(objective.d),
            sigma0,
            options=options | {"seed": 1000 * (seed + 1) + again},
            restarts=0 if restarts == "plain" else 9,
            bipop=restarts == "BIPOP",
            parallel_objective=lambda points: (-objective.batch(np.asarray(points))).tolist(),
        )


TUNABLE: dict[str, Callable[..., None]] = {
    "SciPy DE": scipy_de,
    "DIRECT": scipy_direct,
    "dual annealing": scipy_dual_annealing,
    "Sobol + L-BFGS-B": scipy_lbfgsb,
    "cma": cma_restarts,
}
