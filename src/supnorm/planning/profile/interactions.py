"""Which inputs act together: the largest mixed differences of second order, for sums and for products.

For inputs i, j and two values of each, the rest fixed: ``f + f_ij - f_i - f_j`` is zero for all points
exactly when f is a sum of a part without i and a part without j. And ``(f-c)(f_ij-c) - (f_i-c)(f_j-c)`` is
zero when f - c is such a *product*; expanding, c = (f f_ij - f_i f_j) / (f + f_ij - f_i - f_j) is then the
same number for all points, which a fit gives. Connected inputs form blocks. Variance-based
indices bound only the mean square: an input with an index of 1e-6 can still carry any error in the sup norm,
so the maximum decides. Cost: 4 * samples calls a pair, d(d-1)/2 pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
EXACT = 1e-9  # of half the range: a smaller interaction is rounding (1e-16 fails `test_interaction_graph`)


@dataclass(frozen=True)
class Interactions:
    """Pairwise interactions relative to half the range of the function.

    Attributes:
        additive: largest mixed difference of each pair, shape ``(d, d)``; a *lower* estimate of its supremum.
        additive_rms: root mean square of the same.
        product: largest product residual of each pair after the shift, shape ``(d, d)``.
        shift: the c of the product form, in the unit of the function.
        floor: what noise alone produces.
        samples: points a pair.
    """

    additive: Array
    additive_rms: Array
    product: Array
    shift: float
    floor: float
    samples: int

    def blocks(self, threshold: float | None = None) -> list[list[int]]:
        """Groups of inputs between which no mixed difference exceeds ``threshold`` (exact: round-off)."""
        return connected(self.additive > max(threshold or EXACT, self.floor))

    def factors(self, threshold: float | None = None) -> list[list[int]]:
        """Groups of inputs whose parts multiply."""
        return connected(self.product > max(threshold or EXACT, self.floor))


def connected(edges: NDArray[np.bool_]) -> list[list[int]]:
    """Connected components of a graph, each sorted.

    >>> connected(np.array([[0, 0, 1], [0, 0, 0], [1, 0, 0]], dtype=bool))
    [[0, 2], [1]]
    """
    from scipy.sparse.csgraph import connected_components

    count, label = connected_components(edges, directed=False)
    return [np.flatnonzero(label == i).tolist() for i in range(count)]


def largest_clique(edges: NDArray[np.bool_]) -> int:
    """The size of the largest set of inputs that all interact with each other.

    >>> largest_clique(np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=bool))
    3
    """
    neighbours = [set(np.flatnonzero(row).tolist()) - {i} for i, row in enumerate(edges)]

    def grow(size: int, candidates: set[int], best: int) -> int:
        best = max(best, size)
        while candidates and size + len(candidates) > best:
            i = candidates.pop()
            best = grow(size + 1, candidates & neighbours[i], best)
        return best

    return grow(0, set(range(len(edges))), 0)


def interactions(
    f: Callable[[Array], Array],
    d: int,
    samples: int,
    half_range: float,
    noise: float,
    rng: np.random.Generator,
) -> Interactions:
    """Test all pairs of inputs.

    Args:
        f: the function on the unit cube; points without a value are left out.
        d: inputs.
        samples: points a pair.
        half_range: half the range of the function.
        noise: standard deviation of the noise on its values.
        rng: draws the points.

    >>> rng = np.random.default_rng(0)
    >>> acting = interactions(lambda u: u[:, 0] * u[:, 1] + u[:, 2] ** 2, 3, 100, 1.0, 0.0, rng)
    >>> acting.blocks()
    [[0, 1], [2]]
    """
    pairs = [(i, j) for i in range(d) for j in range(i + 1, d)]
    quads = {pair: _four_values(f, d, pair, samples, rng) / half_range for pair in pairs}
    shift = _shift(list(quads.values())) if pairs else 0.0
    additive, mean, product = np.zeros((d, d)), np.zeros((d, d)), np.zeros((d, d))
    for (i, j), v in quads.items():
        if not v.size:
            additive[i, j] = additive[j, i] = product[i, j] = product[j, i] = np.inf
            continue
        mixed = v[0] + v[3] - v[1] - v[2]
        w = v - shift
        size = max(float(np.abs(w).max()), 1.0)
        additive[i, j] = additive[j, i] = np.abs(mixed).max()
        mean[i, j] = mean[j, i] = np.sqrt(np.mean(mixed**2))
        product[i, j] = product[j, i] = np.abs(w[0] * w[3] - w[1] * w[2]).max() / size
    return Interactions(additive, mean, product, shift * half_range, 12.0 * noise / half_range, samples)


def _four_values(
    f: Callable[[Array], Array], d: int, pair: tuple[int, int], samples: int, rng: np.random.Generator
) -> Array:
    """f, f_i, f_j, f_ij at random points, shape ``(4, n)``, n at most ``samples``."""
    x, other = rng.random((samples, d)), rng.random((samples, 2))
    # A quarter of the points sits on faces: interactions are often strongest in corners.
    edge = rng.random(samples) < 0.25
    for k, axis in enumerate(pair):
        x[edge, axis] = np.round(x[edge, axis])
        other[edge, k] = 1.0 - x[edge, axis]
    points = np.repeat(x[None], 4, axis=0)
    points[1, :, pair[0]] = points[3, :, pair[0]] = other[:, 0]
    points[2, :, pair[1]] = points[3, :, pair[1]] = other[:, 1]
    values = f(points.reshape(-1, d)).reshape(4, samples)
    complete: Array = values[:, np.isfinite(values).all(axis=0)]
    return complete


def _shift(quads: list[Array]) -> float:
    """The c that makes most pairs products: the fits of single pairs and 0 compete."""
    fits = []
    for v in quads:
        mixed = v[0] + v[3] - v[1] - v[2]
        weight = float(mixed @ mixed)
        if weight > 1e-18 * v.shape[1]:
            fits.append(float(mixed @ (v[0] * v[3] - v[1] * v[2])) / weight)

    def residuals(c: float) -> Array:
        shifted = [v - c for v in quads if v.size]
        return np.array(
            [np.abs(w[0] * w[3] - w[1] * w[2]).max() / max(np.abs(w).max(), 1.0) for w in shifted]
        )

    def merit(c: float) -> tuple[int, float]:
        r = residuals(c)
        return int((r <= EXACT).sum()), -float(np.log(np.maximum(r, EXACT)).sum())

    # Rounding scatters the fits of equal pairs; the plain product wins ties.
    return max([0.0, *fits], key=merit)
