"""Where to look first: Sobol points, points on faces, kinks of the first layer.

* Scrambled Sobol points fill the box (Owen 1997; scipy.stats.qmc).
* Face snapping: each point draws q ~ U(0, 1) and puts each coordinate on a bound with probability q. Trained
  networks in 8 and more inputs have their worst points on faces and corners.
* Vertex seeds: d random neurons of the first layer, the point where all d are zero. Training crowds kinks
  where the function is sharp, so the weights betray the place.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Domain

Array = NDArray[np.float64]


def sobol_points(n: int, d: int, rng: np.random.Generator) -> Array:
    """``n`` scrambled Sobol points in the unit box, shape ``(n, d)``.

    >>> sobol_points(5, 2, np.random.default_rng(0)).shape
    (5, 2)
    """
    from scipy.stats import qmc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # balance needs powers of two; here any n will do
        points: Array = qmc.Sobol(d, rng=rng).random(n)
    return points


def snap_to_faces(u: Array, rng: np.random.Generator) -> Array:
    """The same points with coordinates put on bounds, each with a probability of its own point's.

    >>> bool(np.isin(snap_to_faces(np.full((9, 3), 0.5), np.random.default_rng(0)), [0, 0.5, 1]).all())
    True
    """
    q = rng.random((len(u), 1))
    snap = rng.random(u.shape) < q
    return np.where(snap, rng.integers(2, size=u.shape).astype(float), u)


def vertex_seeds(first_layer: tuple[Array, Array], domain: Domain, n: int, rng: np.random.Generator) -> Array:
    """Up to ``n`` points where k first-layer neurons are zero at once, in the unit box, shape ``(m, d)``.

    With ``k = d`` (d <= 6) these are the vertices of the first layer. In more inputs most vertices lie far
    outside the box: there a random point is moved, along the shortest way, to where k = 4 neurons vanish.

    Args:
        first_layer: ``W`` (h, d) and ``b`` (h,) in the inputs' own units.
    """
    weights, bias = first_layer
    h, d = weights.shape
    k = d if d <= 6 else 4
    if h < k or n < 1:
        return np.empty((0, d))
    # In units of the axes the rows are far from comparable; solve in the unit box's coordinates.
    low = np.array([a.low for a in domain.axes])
    width = np.array([a.high - a.low for a in domain.axes])
    scaled, shifted = weights * width, bias + weights @ low
    found: list[Array] = []
    drawn = 0
    for _ in range(4):  # many vertices of a wide layer lie outside the box: draw more
        chosen = rng.random((2 * n, h)).argpartition(k - 1, axis=1)[:, :k]
        start = np.zeros((2 * n, d)) if k == d else rng.random((2 * n, d))
        t = _meet(scaled[chosen], shifted[chosen], start)
        drawn += 2 * n
        found.append(t[np.all((t >= 0) & (t <= 1), axis=1)])
        have = sum(map(len, found))
        if have >= n or have < 0.02 * drawn:
            break
    t = np.concatenate(found)[:n]
    u = domain.to_unit(low + t * width)  # on log axes the unit box is another coordinate
    clipped: Array = np.clip(u, 0.0, 1.0)
    return clipped


def _meet(rows: Array, offset: Array, start: Array) -> Array:
    """The points nearest to ``start`` (n, d) where ``rows`` (n, k, d) . t + ``offset`` (n, k) vanish."""
    miss = offset + np.einsum("nkd,nd->nk", rows, start)
    gram = np.einsum("nkd,njd->nkj", rows, rows)
    # A tiny ridge keeps nearly parallel neurons solvable; their point then lies far outside and is dropped.
    gram += 1e-12 * np.trace(gram, axis1=1, axis2=2)[:, None, None] * np.eye(rows.shape[1])
    return np.asarray(start - np.einsum("nkd,nk->nd", rows, np.linalg.solve(gram, miss[..., None])[..., 0]))
