"""A plain Gaussian process of the reference (scikit-learn), as anybody would write it: the peer for few dear calls.

It knows what supnorm knows: the model may be called as often as wanted (`Objective.model`, counted), the reference is
dear. The next points are those where |model - mean of the process| + 2 deviations is largest among Sobol points and
around the best of them. Nothing in it is tuned.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.search.objective import Objective

Array = NDArray[np.float64]
FIRST, BATCH, CANDIDATES = 20, 4, 4096


def plain_process(objective: Objective, seed: int) -> None:
    """Fit, look where the model is furthest from the process, evaluate there, until the calls are used up."""
    from scipy.stats import qmc
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel

    rng = np.random.default_rng(seed)
    points = qmc.Sobol(objective.d, rng=rng)
    u = points.random(FIRST)
    _, f = objective.sides(u)
    kernel = ConstantKernel(1.0) * RBF(np.full(objective.d, 0.3), (0.02, 10.0))
    while True:
        process = GaussianProcessRegressor(kernel, alpha=1e-8, normalize_y=True, random_state=seed).fit(u, f)
        tried = points.random(CANDIDATES)
        for width in (0.1, 0.01, 0.001):
            score = _worth(objective, process, tried)
            best = tried[np.argsort(-score)[:20]]
            near = np.repeat(best, 50, axis=0) + width * rng.standard_normal((1000, objective.d))
            tried = np.concatenate([tried, np.clip(near, 0.0, 1.0)])
        score = _worth(objective, process, tried)
        chosen: list[Array] = []
        for v in tried[np.argsort(-score)]:
            if len(chosen) < BATCH and all(np.linalg.norm(v - w) > 0.02 for w in chosen):
                chosen.append(v)
        fresh = np.stack(chosen)
        _, values = objective.sides(fresh)
        u, f = np.concatenate([u, fresh]), np.concatenate([f, values])


def _worth(objective: Objective, process: object, u: Array) -> Array:
    mean, deviation = process.predict(u, return_std=True)  # type: ignore[attr-defined]
    return np.abs(objective.model(u) - mean) + 2 * deviation
