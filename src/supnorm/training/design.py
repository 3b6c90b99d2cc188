"""Where to put samples: space-filling, denser towards the faces, some on them, and the corners.

Sobol points in the unit box (Owen-scrambled). Every second one is mapped by u -> (1 - cos(pi u)) / 2 towards
the faces, where polynomials and networks are worst, and each of its coordinates lies on the nearer face with
probability a quarter: the worst error of a smooth fit usually sits on a face, an edge or a corner, and
a random point comes near a corner of five inputs once in ten thousand times. Every sixteenth
point is a corner until all 2^d are used (up to 10 inputs). The first n points are a prefix of the first 2 n.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ON_FACE = 0.25
EVERY = 16


def unit_design(n: int, d: int, seed: int) -> Array:
    """``n`` points of the unit box, shape ``(n, d)``; a prefix of those for any larger ``n``.

    >>> u = unit_design(64, 2, seed=0)
    >>> bool((u[:16] == unit_design(16, 2, seed=0)).all()), u[:64:16].tolist()
    (True, [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    """
    from scipy.stats import qmc

    sobol = qmc.Sobol(d, rng=np.random.default_rng(seed))
    u: Array = sobol.random_base2(max(int(np.ceil(np.log2(n))), 1))[:n]
    drawn = np.random.default_rng([seed, 1]).random((n, d))
    towards = 0.5 - 0.5 * np.cos(np.pi * u[1::2])
    pinned = drawn[1::2] < ON_FACE
    pinned &= ~pinned.all(axis=1, keepdims=True)  # corners come below, once each
    u[1::2] = np.where(pinned, np.round(towards), towards)
    corners = _corners(d, -(-n // EVERY))
    u[: EVERY * len(corners) : EVERY] = corners
    return u


def _corners(d: int, most: int) -> Array:
    """Corners in opposite pairs, so that the first few already span the box; none above 10 inputs."""
    if d > 10:
        return np.empty((0, d))
    half = np.indices((2,) * d).reshape(d, -1).T[: 2 ** (d - 1)].astype(np.float64)
    half = half[np.argsort(half.sum(axis=1), kind="stable")]
    return np.stack([half, 1.0 - half], axis=1).reshape(-1, d)[:most]
