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

Array = NDArray[np.float64]
VERTICES = 6  # inputs up to which vertices of the first layer are seeds; from there on places where four neurons vanish
STARTS = 8  # random points that are moved to one such place
BLOCK = 1 << 19  # bytes of the systems that give kinks of the first layer at once: they stay in the cache


def sobol_sequence(d: int, rng: np.random.Generator) -> Callable[[int], Array]:
    """A scrambled Sobol sequence in the unit box: each call gives its next ``n`` points, shape ``(n, d)``.

    >>> sobol_sequence(2, np.random.default_rng(0))(5).shape
    (5, 2)
    """
    from scipy.stats import qmc

    sequence = qmc.Sobol(d, rng=rng)

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
    found: list[Array] = []
    have = drawn = 0
    starts, number = (1, 8) if k == d else (STARTS, 4)
    size = -(-min(max(256, BLOCK // (number * d * (k + 1))), 2 * n) // starts)
    while have < n and drawn < 8 * n:  # many vertices of a wide layer lie outside the box
        chosen = rng.integers(h, size=(k, size))
        t = _vertices(scaled, shifted, chosen) if k == d else _meet(scaled, shifted, chosen, rng)
        inside = np.flatnonzero(np.all((t >= 0) & (t <= 1), axis=0))
        found.append(t.take(inside, axis=1))
        have, drawn = have + found[-1].shape[1], drawn + t.shape[1]
        if drawn >= 2 * n and have < 0.02 * drawn:
            break
    t = np.concatenate(found, axis=1)[:, :n].T
    u = domain.to_unit(low + t * width)  # on log axes the unit box is another coordinate
    clipped: Array = np.clip(u, 0.0, 1.0)
    return clipped


def _vertices(w: Array, b: Array, chosen: NDArray[np.intp]) -> Array:
    """Where the ``chosen`` (d, n) neurons of ``w . t + b`` vanish, shape ``(d, n)``."""
    system = np.column_stack([w, -b]).T.take(chosen, axis=1)
    return _solved(system.swapaxes(0, 1))[:, 0]


def _meet(w: Array, b: Array, chosen: NDArray[np.intp], rng: np.random.Generator) -> Array:
    """Random points, `STARTS` for each, moved to the nearest place where the ``chosen`` (k, n) neurons vanish.

    In single precision, which is ample for a place to start from and takes two thirds of the time; shape
    ``(d, STARTS * n)``.
    """
    w, b = w.astype(np.float32), b.astype(np.float32)
    k, n = chosen.shape
    start = rng.random((n, w.shape[1], STARTS), dtype=w.dtype)
    rows = w.take(chosen.T, axis=0)
    system = np.empty((k, k + STARTS, n), dtype=w.dtype)
    (w @ w.T).ravel().take(chosen[:, None] * len(w) + chosen, out=system[:, :k])
    system[:, k:] = (rows @ start + b.take(chosen.T)[..., None]).transpose(1, 2, 0)
    start -= rows.swapaxes(1, 2) @ _solved(system).transpose(2, 0, 1)
    return start.transpose(1, 2, 0).reshape(w.shape[1], -1)


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
