"""Domains known only by data: stay inside the balls round the points, or on the surface they suggest.

The bounding box of data on a curved surface is almost all off the surface, and a search of the box returns
errors there. Two restrictions: points are pulled back into the ball (radius r95) of the nearest data point, and,
for half of the ascents, moves are projected onto the local tangent space, the leading principal components of the
nearest data points.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Cloud

Array = NDArray[np.float64]
NEIGHBOURS = 16  # row *2-D manifold in 16-D, data only* guards
VARIANCE = 0.95  # share that the tangent directions must explain


def pull_back(cloud: Cloud, u: Array) -> Array:
    """The points moved into the ball of their nearest data point where they lie outside; ``u`` (n, d)."""
    distance, nearest = cloud.tree.query(u)
    centre = cloud.points[nearest]
    # A little inside, so that rounding does not put the point outside again.
    share = np.minimum(1.0, (1 - 1e-9) * cloud.radius / np.maximum(distance, 1e-300))
    inside: Array = centre + share[:, None] * (u - centre)
    return inside


def onto_tangent(cloud: Cloud, u: Array, v: Array) -> Array:
    """Directions ``v`` (n, d) at ``u`` (n, d) projected onto the local tangent spaces of the data."""
    k = min(NEIGHBOURS, len(cloud.points))
    _, index = cloud.tree.query(u, k=k)
    near = cloud.points[index]
    near = near - near.mean(axis=1, keepdims=True)
    _, sizes, directions = np.linalg.svd(near, full_matrices=False)
    share = np.cumsum(sizes**2, axis=1) / np.maximum((sizes**2).sum(axis=1, keepdims=True), 1e-300)
    # The directions before the share is reached, and the one that reaches it.
    kept = np.concatenate([np.ones((len(u), 1), bool), share[:, :-1] < VARIANCE], axis=1)
    parts = np.einsum("nkd,nd->nk", directions, v) * kept
    projected: Array = np.einsum("nk,nkd->nd", parts, directions)
    return projected
