"""The peers: general optimisers, each started again with new seeds until the budget is used up.

All maximise the same counted objective on the unit box. Whole generations go through one batch call where the
program supports it; gradients are given to those that take them. What a peer saw counts, not what it returns.
"""

from __future__ import annotations

import importlib.util
import itertools
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.search.objective import Exhausted, Objective
from benchmarks.search.process import plain_process
from benchmarks.search.turbo import turbo

Array = NDArray[np.float64]


def sobol(objective: Objective, seed: int) -> None:
    """Scrambled Sobol points and nothing else."""
    from scipy.stats import qmc

    points = qmc.Sobol(objective.d, rng=np.random.default_rng(seed))
    while True:
        objective.batch(points.random(8192))


def scipy_de(objective: Objective, seed: int) -> None:
    """SciPy differential evolution, a generation a call, polished, started again."""
    from scipy.optimize import differential_evolution

    def negative(u: Array) -> Array | float:
        return -objective.batch(u.T) if u.ndim == 2 else -objective.single(u)

    for again in itertools.count():
        differential_evolution(
            negative,
            [(0, 1)] * objective.d,
            rng=np.random.default_rng([seed, again]),
            vectorized=True,
            updating="deferred",
            polish=True,
            maxiter=100_000,
        )


def scipy_direct(objective: Objective, seed: int) -> None:
    """SciPy DIRECT: locally biased first, the original when that ends early. It has no seed."""
    from scipy.optimize import direct

    for biased in (True, False):
        direct(
            lambda v: -objective.single(v),
            [(0, 1)] * objective.d,
            maxfun=10 * objective.evaluations,
            maxiter=10**6,
            vol_tol=0,
            len_tol=1e-9,
            locally_biased=biased,
        )


def scipy_dual_annealing(objective: Objective, seed: int) -> None:
    """SciPy dual annealing, its local search with gradients where there are any."""
    from scipy.optimize import dual_annealing

    local = {"method": "L-BFGS-B", "bounds": [(0, 1)] * objective.d}
    if objective.differentiable:
        local["jac"] = lambda v: -objective.slope(np.atleast_2d(v))[1][0]
    for again in itertools.count():
        dual_annealing(
            lambda v: -objective.single(v),
            [(0, 1)] * objective.d,
            maxiter=10**6,
            maxfun=10 * objective.evaluations,
            minimizer_kwargs=local,
            rng=np.random.default_rng([seed, again]),
        )


def scipy_shgo(objective: Objective, seed: int) -> None:
    """SciPy SHGO with growing numbers of points; Sobol triangulations up to 3 inputs, simplices above."""
    from scipy.optimize import shgo

    options: dict[str, object] = {"maxfev": objective.evaluations}
    if objective.differentiable:
        options["jac"] = lambda v: -objective.slope(np.atleast_2d(v))[1][0]
    for doubled in itertools.count():
        shgo(
            lambda v: -objective.single(v),
            [(0, 1)] * objective.d,
            n=2 ** (7 + doubled),
            iters=1,
            options=options,
            sampling_method="sobol" if objective.d <= 3 else "simplicial",
        )


def gradient_ascent(objective: Objective, seed: int) -> None:
    """Multistart projected gradient ascent (PGD): 40 normalised steps from 0.1 down to 1e-4, 128 starts a call."""
    rng = np.random.default_rng(seed)
    while True:
        u = rng.random((128, objective.d))
        for step in np.geomspace(0.1, 1e-4, 40):
            _, slope = objective.slope(u)
            length = np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-300)
            u = np.clip(u + step * slope / length, 0.0, 1.0)


def screen_and_climb(objective: Objective, seed: int) -> None:
    """Half of the evaluations for Sobol points, then normalised gradient ascent from the best of them; not tuned."""
    from scipy.stats import qmc

    points = qmc.Sobol(objective.d, rng=np.random.default_rng(seed))
    while True:
        u = points.random(max(objective.left // 2, 2))
        score = np.concatenate([objective.batch(part) for part in np.array_split(u, 1 + len(u) // 8192)])
        u = u[np.argsort(-score)[: max(objective.left // (3 * 40), 1)]]
        for step in np.geomspace(0.5 * len(score) ** (-1 / objective.d), 1e-6, 40):
            _, slope = objective.slope(u)
            length = np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-300)
            u = np.clip(u + step * slope / length, 0.0, 1.0)


def scipy_lbfgsb(objective: Objective, seed: int) -> None:
    """A quarter of the evaluations for Sobol points, then SciPy's L-BFGS-B from the best ones, one after the other.

    With gradients where there are any, else with its own differences.
    """
    from scipy.optimize import minimize
    from scipy.stats import qmc

    points = qmc.Sobol(objective.d, rng=np.random.default_rng(seed))

    def negative(v: Array) -> tuple[float, Array]:
        value, slope = objective.slope(np.atleast_2d(v))
        return -float(value[0]), -slope[0]

    while True:
        u = points.random(max(objective.left // 4, 2))
        score = np.concatenate([objective.batch(part) for part in np.array_split(u, 1 + len(u) // 8192)])
        for start in u[np.argsort(-score)[:100]]:
            if objective.differentiable:
                minimize(negative, start, jac=True, method="L-BFGS-B", bounds=[(0, 1)] * objective.d)
            else:
                minimize(
                    lambda v: -objective.single(v), start, method="L-BFGS-B", bounds=[(0, 1)] * objective.d
                )


def cma_restarts(objective: Objective, seed: int) -> None:
    """pycma with bounds and BIPOP restarts, a generation a call."""
    import cma

    rng = np.random.default_rng(seed)
    for again in itertools.count(1):
        cma.fmin2(
            None,
            lambda: rng.random(objective.d),
            0.3,
            options={
                "bounds": [0, 1],
                "seed": 1000 * (seed + 1) + again,
                "verbose": -9,
                "maxfevals": 10 * objective.evaluations,
            },
            restarts=9,
            bipop=True,
            parallel_objective=lambda points: (-objective.batch(np.asarray(points))).tolist(),
        )


def nevergrad_ngopt(objective: Objective, seed: int) -> None:
    """nevergrad's NGOpt, told its whole budget, asked for 32 points at a time."""
    import nevergrad

    points = nevergrad.p.Array(init=np.full(objective.d, 0.5)).set_bounds(0.0, 1.0)
    points.random_state.seed(seed)
    optimiser = nevergrad.optimizers.NGOpt(points, budget=objective.evaluations, num_workers=32)
    while True:
        asked = [optimiser.ask() for _ in range(32)]
        for candidate, error in zip(asked, objective.batch(np.stack([a.value for a in asked])), strict=True):
            optimiser.tell(candidate, -float(error))


@dataclass(frozen=True)
class Peer:
    """A program to compare with.

    Attributes:
        run: ends only by `Exhausted`, or when it can do no more.
        package: what must be installed.
        derivatives: whether it needs gradients.
        few: whether it is made for few evaluations, and runs in the rows of expensive references only.
    """

    name: str
    run: Callable[[Objective, int], None]
    package: str = "scipy"
    derivatives: bool = False
    few: bool = False

    @property
    def installed(self) -> bool:
        """Whether its package can be imported."""
        return importlib.util.find_spec(self.package) is not None


PEERS = (
    Peer("Sobol", sobol),
    Peer("SciPy DE", scipy_de),
    Peer("DIRECT", scipy_direct),
    Peer("dual annealing", scipy_dual_annealing),
    Peer("SHGO", scipy_shgo),
    Peer("PGD", gradient_ascent, derivatives=True),
    Peer("Sobol + ascent", screen_and_climb, derivatives=True),
    Peer("Sobol + L-BFGS-B", scipy_lbfgsb),
    Peer("cma", cma_restarts, "cma"),
    Peer("NGOpt", nevergrad_ngopt, "nevergrad"),
    Peer("TuRBO", turbo, "botorch", few=True),
    Peer("plain GP", plain_process, "sklearn", few=True),
)


def quietly(peer: Peer, objective: Objective, seed: int) -> None:
    """Run a peer without its warnings; one that fails by an error of its own is started again, 20 times."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for again in range(20):
            try:
                peer.run(objective, seed + 100_000 * again)
                return
            except Exhausted:
                raise
            except Exception:
                # nevergrad 1.0.12 raises TypeError in its metamodel under numpy 2.4, for one.
                objective.crashes += 1
