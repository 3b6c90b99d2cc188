"""Where to look first: Sobol points, points on faces, kinks of the first layer.

* Scrambled Sobol points fill the box (Owen 1997; scipy.stats.qmc).
* Face snapping: each point draws q ~ U(0, 1) and puts each coordinate on a bound with probability q. Trained
  networks in 8 and more inputs have their worst points on faces and corners.
* Filled gaps, in one input: points that leave the narrowest widest gap between those that are there.
* Vertex seeds: d random neurons of the first layer, the point where all d are zero. Training crowds kinks
  where the function is sharp, so the weights betray the place.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Domain
from supnorm.problem.sobol import sobol

Array = NDArray[np.float64]
Single = NDArray[np.float32]
VERTICES = 6  # inputs up to which vertices of the first layer are seeds; from there on places where four neurons vanish
STARTS = 8  # random points that are moved to one such place
MIDDLE = np.float32(0.8)  # of each axis, where they lie: more of them end inside the box than from all of it
BLOCK = 1 << 19  # bytes of the systems that give kinks of the first layer at once: they stay in the cache


def sobol_sequence(d: int, rng: np.random.Generator) -> Callable[[int], Array]:
    """A scrambled Sobol sequence in the unit box: each call gives its next ``n`` points, shape ``(n, d)``.

    >>> sobol_sequence(2, np.random.default_rng(0))(5).shape
    (5, 2)
    """
    sequence = sobol(d, rng)

    def following(n: int) -> Array:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # balance needs powers of two; here any n will do
            return np.asarray(sequence.random(n))

    return following


def snap_to_faces(u: Array, rng: np.random.Generator, power: float = 1.0) -> Array:
    """The same points with coordinates put on bounds, each with a probability of its own point's.

    That probability is a uniform number to this ``power``: below 1 favours corners.

    >>> bool(np.isin(snap_to_faces(np.full((9, 3), 0.5), np.random.default_rng(0)), [0, 0.5, 1]).all())
    True
    """
    q = rng.random((len(u), 1)) ** power
    draw = rng.random(u.shape)
    return u * (draw >= q) + (draw < q / 2)


def fill_gaps(t: Array, n: int) -> Array:
    """At most ``n`` points of [0, 1] that split the gaps between ``t`` (k,) into parts of one greatest length.

    >>> fill_gaps(np.array([0.2]), 4).round(9)
    array([0.4, 0.6, 0.8])
    """
    ends = np.concatenate([[0.0], np.sort(t), [1.0]])
    gap = np.diff(ends)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        few = np.ceil(gap / middle).clip(1).sum() - len(gap) <= n
        low, high = (low, middle) if few else (middle, high)
    parts = np.ceil(gap / high * (1 - 1e-12)).clip(1).astype(int)
    first = np.repeat(np.cumsum(parts - 1) - (parts - 1), parts - 1)
    k = np.arange(len(first)) - first + 1
    rows = np.repeat(np.arange(len(gap)), parts - 1)
    return np.asarray(ends[rows] + gap[rows] * k / parts[rows])


def vertex_seeds(first_layer: tuple[Array, Array], domain: Domain, n: int, rng: np.random.Generator) -> Array:
    """Up to ``n`` points where k first-layer neurons are zero at once, in the unit box, shape ``(m, d)``.

    With ``k = d`` (d <= `VERTICES`) these are the vertices of the first layer. In more inputs most vertices lie far
    outside the box: there random points are moved, along the shortest way, to where k = 4 neurons vanish.

    Args:
        first_layer: ``W`` (h, d) and ``b`` (h,) in the inputs' own units.
    """
    weights, bias = first_layer
    h, d = weights.shape
    k = d if d <= VERTICES else 4
    if h < k or n < 1:
        return np.empty((0, d))
    n = min(n, math.comb(h, k)) if k == d else n  # there are no more vertices
    # In units of the axes the rows are far from comparable; solve in the unit box's coordinates.
    low = np.array([a.low for a in domain.axes])
    width = np.array([a.high - a.low for a in domain.axes])
    scaled, shifted = weights * width, bias + weights @ low
    found: list[Array | Single] = []
    have = drawn = 0
    starts, number = (1, 8) if k == d else (STARTS, 4)
    size = -(-min(max(256, BLOCK // (number * d * (k + 1))), 2 * n) // starts)
    if k < d:  # the same points for all blocks: it is the neurons that must differ
        points = 0.5 + MIDDLE * (rng.random((size, d, STARTS), dtype=np.float32) - np.float32(0.5))
        normals = _normals(scaled, shifted)
    while have < n and drawn < 8 * n:  # many vertices of a wide layer lie outside the box
        chosen = rng.integers(h, size=(k, size))
        t = _vertices(scaled, shifted, chosen) if k == d else _meet(normals, chosen, points)
        inside = np.flatnonzero(np.all((t >= 0) & (t <= 1), axis=0))
        found.append(t.take(inside, axis=1))
        have, drawn = have + found[-1].shape[1], drawn + t.shape[1]
        if drawn >= 2 * n and have < 0.02 * drawn:
            break
    t = np.concatenate(found, axis=1)[:, :n].T.astype(np.float64, order="C")
    if any(a.log or a.values is not None for a in domain.axes):  # then the unit box is another coordinate
        t = np.clip(domain.to_unit(low + t * width), 0.0, 1.0)
    return t


def _vertices(w: Array, b: Array, chosen: NDArray[np.intp]) -> Array:
    """Where the ``chosen`` (d, n) neurons of ``w . t + b`` vanish, shape ``(d, n)``."""
    system = np.column_stack([w, -b]).T.take(chosen, axis=1)
    return _solved(system.swapaxes(0, 1))[:, 0]


def _normals(w: Array, b: Array) -> Single:
    """Unit normals of ``w . t + b = 0`` and offsets, shape ``(d + 1, h)``; dead neurons end as NaN.

    In single precision, which is ample for a place to start from and takes two thirds of the time.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        normals: Single = (np.column_stack([w, b]).T / np.linalg.norm(w, axis=1)).astype(np.float32)
    return normals


def _meet(normals: Single, chosen: NDArray[np.intp], points: Single) -> Single:
    """``points`` (n, d, s) moved to the nearest place where the ``chosen`` (k, n) neurons vanish, shape ``(d, s n)``."""
    k, d = len(chosen), points.shape[1]
    plane = normals.take(chosen, axis=1)  # (d + 1, k, n)
    with np.errstate(invalid="ignore", over="ignore"):
        for i in range(k):  # orthonormal normals, by Gram and Schmidt
            unit, others = plane[:, i], plane[:, i + 1 :]
            square = np.einsum("in,in->n", unit[:d], unit[:d])
            square[square < 1e-8] = np.nan  # parallel to those before, such as one neuron twice
            unit /= np.sqrt(square)
            others -= unit[:, None] * (unit[:d, None] * others[:d]).sum(axis=0)
        plane = plane.transpose(2, 1, 0).copy()
        normal = plane[:, :, :d]
        moved = points - normal.swapaxes(1, 2) @ (normal @ points + plane[:, :, d:])
    return moved.transpose(1, 2, 0).reshape(d, -1)


def _solved(system: Array) -> Array:
    """Solutions (k, s, n) of ``n`` linear systems (k, k + s, n), ``s`` right sides last, by elimination in place.

    All systems at once, which LAPACK does not do; without pivots: what that spoils lies outside the box as a rule
    and is dropped, as are singular systems (a neuron chosen twice), which end as NaN.
    """
    k = len(system)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for p in range(k - 1):
            factor = system[p + 1 :, p] / system[p, p]
            system[p + 1 :, p + 1 :] -= factor[:, None] * system[p, p + 1 :]
        for p in reversed(range(k)):
            system[p, k:] /= system[p, p]
            system[:p, k:] -= system[:p, p, None] * system[p, k:]
    return system[:, k:]
