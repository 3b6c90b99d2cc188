"""What flags a face at which the flux of a network is not to be trusted: the true flux takes it.

All of them are fixed before any roll-out. What a guard learns from is said with each; only the error model and the guard of
supnorm see values of the reference away from the training run.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import KDTree

import supnorm as sn
from reproduce.miniweather.equations import Array
from reproduce.miniweather.samples import Samples, box_inputs, ranges_of, true_fluxes

Flag = Callable[[Array], Array]
Model = Callable[[Array], Array]
NEIGHBOURS = 5000  # points of the training run that distances are measured to


def in_ranges(train: Samples) -> Flag:
    """Flags what is beyond the training ranges of one of the four values."""
    low, high = ranges_of(train.x).T
    return lambda x: np.any((x[:, :4] < low) | (x[:, :4] > high), axis=1)


def mahalanobis(train: Samples, level: float = 0.9999) -> Flag:
    """Flags distances from the mean of the training run, in units of its covariance, above those of a share of it."""
    mean = train.x[:, :4].mean(0)
    root = np.linalg.inv(np.linalg.cholesky(np.cov(train.x[:, :4].T)))
    distance: Flag = lambda x: np.linalg.norm((x[:, :4] - mean) @ root.T, axis=1)  # noqa: E731
    cut = np.quantile(distance(train.x), level)
    return lambda x: distance(x) > cut


def nearest(train: Samples, level: float = 0.999) -> Flag:
    """Flags distances to the nearest of some training points, beyond those of a share of the others."""
    scale = train.x[:, :5].std(0)
    n = min(NEIGHBOURS, len(train) // 2)
    tree = KDTree(train.x[:n, :5] / scale)
    cut = np.quantile(tree.query(train.x[n:, :5] / scale)[0], level)
    return lambda x: tree.query(x[:, :5] / scale, distance_upper_bound=cut)[0] == np.inf


def disagreement(train: Samples, one: Model, other: Model, scale: Array, level: float = 0.999) -> Flag:
    """Flags where two networks of other seeds differ by more than they do on a share of the training run."""
    gap: Flag = lambda x: np.max(np.abs(one(x) - other(x)) / scale, axis=1)  # noqa: E731
    cut = np.quantile(gap(train.x), level)
    return lambda x: gap(x) > cut


def error_samples(train: Samples, model: Model, scale: Array, n: int, rng: np.random.Generator) -> Samples:
    """Points of the training run and of two boxes, and the logarithm of the error there."""
    parts = [train.x[rng.choice(len(train), n // 2, replace=False)]]
    for factor in (1.5, 4.0):
        parts.append(box_inputs(rng.random((n // 4, 5)), ranges_of(train.x, factor)))
    x = np.concatenate(parts)
    error = np.max(np.abs(model(x) - true_fluxes(x)) / scale, axis=1)
    return Samples(x, np.log10(np.maximum(error, 1e-6))[:, None])


def expected(log_error: Model, cut: float) -> Flag:
    """Flags where a network that has learned the error expects more than ``cut``."""
    return lambda x: log_error(x)[:, 0] > np.log10(cut)


def either(*flags: Flag) -> Flag:
    """Flags what one of several flags."""
    return lambda x: np.any([flag(x) for flag in flags], axis=0)


def random(share: float, seed: int = 0) -> Flag:
    """Flags a share of the faces by chance: what any guard has to beat."""
    rng = np.random.default_rng(seed)
    return lambda x: rng.random(len(x)) < share


def by_supnorm(
    model: Model, scale: Array, train: Samples, reject: float, evaluations: int = 8000, seed: int = 0
) -> Flag:
    """`supnorm.guard` in the box of the training ranges, half as wide again; it rejects a share of the training run."""
    low, high = ranges_of(train.x, 1.5).T
    names = ("density", "normal", "tangential", "density_theta")
    axes = {name: (a, b) for name, a, b in zip(names, low, high, strict=True)}
    domain = sn.Domain(**axes, height=(0.0, 1.0))
    span = np.append(high - low, 1.0)
    start = np.append(low, 0.0)

    def inputs(p: Array) -> Array:
        return box_inputs((p - start) / span, np.column_stack([low, high]))

    heights = np.linspace(0, 1, 2001)
    densities = box_inputs(np.column_stack([np.full((2001, 4), 0.5), heights]), np.zeros((4, 2)))[:, 4]

    def points(x: Array) -> Array:
        height = np.interp(x[:, 4], densities[::-1], heights[::-1])
        return np.column_stack([x[:, :4], height])

    run = points(train.x)
    law = sn.Law("faces of the training run", lambda n, rng: run[rng.integers(len(run), size=n)])
    error = sn.ErrorMeasure("scaled", scale=tuple(map(float, scale)))
    problem = sn.Problem(
        lambda p: model(inputs(p)), lambda p: true_fluxes(inputs(p)), domain, error=error, law=law
    )
    safe = sn.guard(problem, reject=reject, evaluations=evaluations, seed=seed)
    return lambda x: np.asarray(safe(points(x), fallback=False).flag != 0)
