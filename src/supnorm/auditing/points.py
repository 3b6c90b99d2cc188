"""Where to look first: Sobol points, points on faces, kinks of the first layer, neighbours of data.

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
    """Up to ``n`` points where d first-layer neurons are zero at once, in the unit box, shape ``(k, d)``.

    Args:
        first_layer: ``W`` (h, d) and ``b`` (h,) in the inputs' own units.
    """
    weights, bias = first_layer
    h, d = weights.shape
    if h < d:
        return np.empty((0, d))
    # In units of the axes the rows are far from comparable; solve in the unit box's coordinates.
    low = np.array([a.low for a in domain.axes])
    width = np.array([a.high - a.low for a in domain.axes])
    scaled, shifted = weights * width, bias + weights @ low
    found: list[Array] = []
    for _ in range(8):  # most vertices of a wide layer lie outside the box: draw more
        draw = min(4 * n, 20_000)
        chosen = rng.random((draw, h)).argpartition(d - 1, axis=1)[:, :d]
        with np.errstate(all="ignore"):
            matrix, right = scaled[chosen], -shifted[chosen]
            regular = np.abs(np.linalg.det(matrix)) > 1e-12 * np.abs(matrix).max(axis=(1, 2)) ** d
            t = np.linalg.solve(matrix[regular], right[regular][..., None])[..., 0]
        t = t[np.all((t >= 0) & (t <= 1), axis=1)]
        found.append(t)
        if sum(map(len, found)) >= n:
            break
    t = np.concatenate(found)[:n]
    u = domain.to_unit(low + t * width)  # on log axes the unit box is another coordinate
    clipped: Array = np.clip(u, 0.0, 1.0)
    return clipped


def neighbours_of_data(points: Array, radius: float, n: int, rng: np.random.Generator) -> Array:
    """``n`` points uniform in the balls of ``radius`` round data points (unit box), clipped to the box."""
    d = points.shape[1]
    direction = rng.standard_normal((n, d))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    length = radius * rng.random((n, 1)) ** (1.0 / d)
    moved: Array = np.clip(points[rng.integers(len(points), size=n)] + length * direction, 0.0, 1.0)
    return moved
