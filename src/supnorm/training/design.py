"""The points of samples: space-filling, denser towards the faces, some of them on faces and in corners.

The points are Owen-scrambled Sobol points in the unit box. A coin chooses half of them; these are moved by
u -> (1 - cos(pi u)) / 2 towards the faces, where polynomials and networks are worst, and each of their coordinates
lies on the nearer face with probability a quarter. The worst error of a smooth fit is usually on a face, an edge or
in a corner, and only one of ten thousand random points comes near a corner of five inputs. Every sixteenth point is a
corner until all 2^d are used (up to 10 inputs). The first n points are a prefix of the first 2 n. A coin is needed,
because every second point of a Sobol sequence lies in one half of the box.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.sobol import sobol

Array = NDArray[np.float64]
# Every `EVERY`-th point is a corner, as long as there are corners. In half of the other points each coordinate lies at an
# end of its axis with probability `ON_FACE`. The largest errors of networks of width 12 after 400 iterations, medians of 3
# seeds of I.6.2, I.10.7 and I.13.12 of `benchmarks.fit`, were 2.2e-4, 5.4e-4 and 0.10. `EVERY` 8: 2.1e-4, 5.8e-4, 0.09; 32:
# 2.2e-4, 4.7e-4, 0.12. `ON_FACE` 0.125: 2.0e-4, 4.3e-4, 0.10; 0.5: 1.8e-4, 6.5e-4, 0.08.
ON_FACE = 0.25
EVERY = 16


def unit_design(n: int, d: int, seed: int) -> Array:
    """``n`` points of the unit box, shape ``(n, d)``; a prefix of the points for any larger ``n``.

    >>> u = unit_design(64, 2, seed=0)
    >>> bool((u[:16] == unit_design(16, 2, seed=0)).all()), u[:64:16].tolist()
    (True, [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    """
    sequence = sobol(d, np.random.default_rng(seed))
    even: Array = sequence.random_base2(max(int(np.ceil(np.log2(n))), 1))[:n]
    coins = np.random.default_rng([seed, 1]).random((n, d + 1))
    towards = 0.5 - 0.5 * np.cos(np.pi * even)
    pinned = coins[:, 1:] < ON_FACE
    pinned &= ~pinned.all(axis=1, keepdims=True)  # each corner comes once, below
    inner = np.where(coins[:, :1] < 0.5, np.where(pinned, np.round(towards), towards), even)
    corners = _corners(d, -(-n // EVERY))
    at = EVERY * np.arange(len(corners))
    u = np.empty((n, d))
    rest = np.delete(np.arange(n), at)
    u[rest], u[at] = inner[: len(rest)], corners
    return u


def _corners(d: int, most: int) -> Array:
    """Corners in opposite pairs, so that the first few span the box; no corners for more than 10 inputs."""
    if d > 10:
        return np.empty((0, d))
    half = np.indices((2,) * d).reshape(d, -1).T[: 2 ** (d - 1)].astype(np.float64)
    half = half[np.argsort(half.sum(axis=1), kind="stable")]
    return np.stack([half, 1.0 - half], axis=1).reshape(-1, d)[:most]
