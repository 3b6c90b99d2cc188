"""The intrinsic dimension of a set of inputs: TwoNN and MLE, corrected for their bias, at three scales.

TwoNN (Facco et al. 2017): the ratio mu of the distances to the second and first neighbour has the law
``1 - mu^-d``; d = (n-1) / sum log mu (largest 10 % left out, with the matching correction). MLE (Levina and
Bickel 2004, MacKay's average): d^-1 = mean over points and over j < k of log(r_k / r_j), k = 20. Both read
low from dimension 6 on, because few points fill a cube badly; a low d makes a budget optimistic. So the
*upper end* counts: the same estimators run on uniform cubes of known dimension with as many points, and that curve
is inverted. Where the estimates on N, N/4 and N/16 points differ by more than those of simulated cubes, there is no
single dimension. Cost: O(N^2 d) for N at most 2000, and 20 simulated cubes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.results import BadInput

Array = NDArray[np.float64]
# `test_truth_is_inside_and_never_above` fails with 3 neighbours and with 200 points.
NEIGHBOURS = 20
MOST_POINTS = 2000
# Corrected MLE, N against N/16 points: below this for cubes, spheres and rolls, above it for decaying Gaussians
# (tests/planning/test_profile_dimension.py).
GROWTH = 1.10
GRID = (1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 50)


@dataclass(frozen=True)
class IntrinsicDimension:
    """Dimension of the law of the inputs.

    Attributes:
        two_nn, mle: the estimates.
        lower, upper: ends after the correction for bias; plan with ``upper``.
        linear: directions needed for all but 1e-3 of the variation (an upper bound for flat sets).
        scales: ``(points, TwoNN, MLE)`` for N, N/4, N/16.
        single: whether the scales agree; if not, there is no single dimension: do not use ``upper``.
        points: points used.
    """

    two_nn: float
    mle: float
    lower: float
    upper: float
    linear: int
    scales: tuple[tuple[int, float, float], ...]
    single: bool
    points: int


def neighbour_distances(x: Array, k: int) -> Array:
    """Distances to the k nearest other points, rising, shape ``(n, k)``."""
    from scipy.spatial import cKDTree
    from scipy.spatial.distance import cdist

    if x.shape[1] <= 8:
        distances: Array = cKDTree(x).query(x, k=k + 1)[0][:, 1:]
        return distances
    rows = [
        np.sort(np.partition(cdist(part, x), k, axis=1)[:, : k + 1], axis=1) for part in np.array_split(x, 8)
    ]
    return np.concatenate(rows)[:, 1:]


def two_nn(distances: Array) -> float:
    """TwoNN from neighbour distances, shape ``(n, k)``, k at least 2."""
    logs = np.sort(np.log(distances[:, 1] / distances[:, 0]))
    used = int(0.9 * len(logs))
    # A censored exponential sample: the left-out ones count with the largest of the others.
    return float((used - 1) / (logs[:used].sum() + (len(logs) - used) * logs[used - 1]))


def mle(distances: Array) -> float:
    """Levina-Bickel estimate with MacKay's average, from neighbour distances, shape ``(n, k)``."""
    k = distances.shape[1]
    inverse = np.log(distances[:, -1:] / distances[:, :-1]).sum(axis=1) / (k - 1)
    return float(1.0 / inverse.mean())


def estimates(x: Array) -> tuple[float, float]:
    """TwoNN and MLE of a set of points, shape ``(n, d)``."""
    distances = neighbour_distances(x, min(NEIGHBOURS, len(x) - 1))
    distances = distances[distances[:, 0] > 0]
    return two_nn(distances), mle(distances)


def intrinsic_dimension(x: Array, rng: np.random.Generator) -> IntrinsicDimension:
    """Estimate the dimension of the set that the rows of ``x``, shape ``(N, d)``, lie on.

    Raises:
        BadInput: for fewer than 100 distinct rows.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.random((800, 2)) @ rng.standard_normal((2, 10))
    >>> law = intrinsic_dimension(x, rng)
    >>> bool(law.lower <= 2 <= law.upper < 3), law.linear, law.single
    (True, 2, True)
    """
    x = np.unique(np.asarray(x, dtype=float), axis=0)
    if len(x) < 100:
        raise BadInput(f"the intrinsic dimension needs at least 100 distinct points, got {len(x)}")
    x = rng.permutation(x)[:MOST_POINTS]
    sizes = [n for n in (len(x), len(x) // 4, len(x) // 16) if n >= 60]
    scales = tuple((n, *_mean_estimates(x, n)) for n in sizes)
    curve = _bias_curve(len(x), x.shape[1], rng)
    corrected = [_invert(curve, estimate, j) for j, estimate in enumerate(scales[0][1:])]
    margin = 2.0 / np.sqrt(len(x)) + 0.05  # sampling error of either estimate, and the scatter of the curve
    values = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    linear = int(np.searchsorted(np.cumsum(values**2) / (values**2).sum(), 1.0 - 1e-6) + 1)
    upper = max(*corrected, *scales[0][1:]) * (1.0 + margin)
    return IntrinsicDimension(
        two_nn=scales[0][1],
        mle=scales[0][2],
        lower=min(*corrected, *scales[0][1:]) * (1.0 - margin),
        upper=upper,
        linear=linear,
        scales=scales,
        single=_flat(scales, curve, x.shape[1], rng),
        points=len(x),
    )


def _mean_estimates(x: Array, n: int) -> tuple[float, float]:
    parts = [estimates(x[i * n : (i + 1) * n]) for i in range(max(min(len(x) // n, 8), 1))]
    first, second = np.mean(parts, axis=0)
    return float(first), float(second)


def _bias_curve(n: int, d: int, rng: np.random.Generator) -> Array:
    """Rows ``(true, TwoNN, MLE)`` for uniform cubes with ``n`` points."""
    dims = [g for g in GRID if g <= max(2 * d, 2)]
    return np.array([(g, *np.mean([estimates(rng.random((n, g))) for _ in range(2)], axis=0)) for g in dims])


def _invert(curve: Array, estimate: float, column: int) -> float:
    seen = np.maximum.accumulate(curve[:, 1 + column])
    if estimate >= seen[-1]:
        return float(curve[-1, 0] * estimate / seen[-1])
    return float(np.interp(estimate, seen, curve[:, 0])) if estimate > seen[0] else float(estimate / seen[0])


def _flat(
    scales: tuple[tuple[int, float, float], ...], curve: Array, d: int, rng: np.random.Generator
) -> bool:
    """Whether the corrected dimension is the same at all scales, and both methods agree."""
    pairs = []
    for n, first, second in scales:
        at = curve if n == scales[0][0] else _bias_curve(n, d, rng)
        pairs.append((_invert(at, first, 0), _invert(at, second, 1)))
    two, by_mle = np.array(pairs).T
    growth = by_mle[0] / by_mle[-1]
    return bool(0.7 < growth < GROWTH and 1 / 1.35 < two[0] / by_mle[0] < 1.35)
