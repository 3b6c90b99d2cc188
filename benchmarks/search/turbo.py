"""TuRBO-1 (Eriksson, Pearce, Gardner, Turner and Poloczek 2019) with BoTorch's Gaussian process and sampling.

A trust region round the best point, its sides in the ratio of the process's length scales, doubled after three
batches with success and halved after ceil(max(4, d) / q) without; candidates in it are drawn by Thompson sampling.
When the region has shrunk to 2^-7 the run starts again somewhere else.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from benchmarks.search.objective import Objective

Array = NDArray[np.float64]
BATCH = 4
LONGEST, FIRST, SHORTEST = 1.6, 0.8, 0.5**7
CANDIDATES = 2000


def turbo(objective: Objective, seed: int) -> None:
    """One trust region after the other until the budget is used up."""
    import torch

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    while True:
        _region(objective, rng)


def _region(objective: Objective, rng: np.random.Generator) -> None:
    d = objective.d
    u = rng.random((2 * d, d))
    y = objective.batch(u)
    side, won, lost = FIRST, 0, 0
    patience = math.ceil(max(4.0, float(d)) / BATCH)
    while side >= SHORTEST:
        fresh = _propose(u, y, side, rng)
        score = objective.batch(fresh)
        better = score.max() > y.max() + 1e-3 * abs(y.max())
        won, lost = (won + 1, 0) if better else (0, lost + 1)
        u, y = np.concatenate([u, fresh]), np.concatenate([y, score])
        if won == 3:
            side, won = min(2 * side, LONGEST), 0
        elif lost == patience:
            side, lost = side / 2, 0


def _propose(u: Array, y: Array, side: float, rng: np.random.Generator) -> Array:
    import torch
    from botorch.fit import fit_gpytorch_mll
    from botorch.generation import MaxPosteriorSampling
    from botorch.models import SingleTaskGP
    from gpytorch.mlls import ExactMarginalLogLikelihood

    x = torch.tensor(u)
    z = torch.tensor((y - y.mean()) / max(float(y.std()), 1e-12))[:, None]
    process = SingleTaskGP(x, z, covar_module=_matern(u.shape[1]))
    fit_gpytorch_mll(ExactMarginalLogLikelihood(process.likelihood, process))
    scale = process.covar_module.base_kernel.lengthscale.detach().numpy().ravel()
    scale = scale / np.exp(np.log(scale).mean())
    best = u[np.argmax(y)]
    low, high = np.clip(best - scale * side / 2, 0, 1), np.clip(best + scale * side / 2, 0, 1)
    drawn = low + (high - low) * rng.random((CANDIDATES, u.shape[1]))
    moved = rng.random(drawn.shape) < min(20 / u.shape[1], 1.0)
    candidates = torch.tensor(np.where(moved, drawn, best))
    with torch.no_grad():
        chosen = MaxPosteriorSampling(model=process, replacement=False)(candidates, num_samples=BATCH)
    return np.asarray(chosen.numpy())


def _matern(d: int) -> object:
    from gpytorch.constraints import Interval
    from gpytorch.kernels import MaternKernel, ScaleKernel

    inner = MaternKernel(nu=2.5, ard_num_dims=d, lengthscale_constraint=Interval(0.005, 4.0))
    return ScaleKernel(inner)
