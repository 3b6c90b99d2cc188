"""The proof that a barycentric denominator of one input has no zero in [-1, 1], for the numbers that are stored.

It halves intervals until a lower bound is positive on each of them: the value in the middle, less what the slope there and
the largest second derivative can change up to the ends, less the rounding of all of it. So a pole is excluded by an
inequality, and not by points at which none was seen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
EPS = 2.0**-52
MOST = 20_000  # intervals of one proof; a denominator that needs more has a pole very near, and is refused
BLOCK = 1 << 22  # numbers of a table


def positive_barycentric(nodes: Array, weights: Array) -> bool:
    """Whether ``sum_j weights_j / (t - nodes_j)`` is proved to have no zero for t in [-1, 1]; the nodes increase.

    Between two neighbours a < b, with weights w_a > 0 > w_b, (t - a) (b - t) times the sum is
    ``w_a (b - t) - w_b (t - a) + (t - a) (b - t) R(t)``, where R has no pole there. Both first terms are positive. Outside
    of all nodes one neighbour is missing.

    >>> at = np.linspace(-1.0, 1.0, 5)
    >>> [positive_barycentric(at, np.array(w)) for w in ([1.0, -1, 1, -1, 1], [1.0, -9, 1, -9, 1], [1.0, -1, 9, -1, 1])]
    [True, True, False]
    """
    if not (np.isfinite(weights).all() and (weights[:-1] * weights[1:] < 0).all()):
        return False
    n, ends = len(nodes), np.concatenate([[-1.0], nodes, [1.0]])
    wide = ends[1:] > ends[:-1]
    low, high, gap = ends[:-1][wide], ends[1:][wide], np.arange(-1, n)[wide]
    spent = 0
    while len(low):
        spent += len(low)
        if spent > MOST + 50 * n:
            return False
        middle = 0.5 * (low + high)
        open_ = np.concatenate(
            [
                _open(nodes, weights, low[rows], middle[rows], high[rows], gap[rows])
                for rows in np.array_split(np.arange(len(low)), 1 + len(low) * n // BLOCK)
            ]
        )
        if (open_ & ((middle <= low) | (middle >= high))).any():
            return False  # nothing is left to halve
        left = gap[open_]
        low, high = _halves(low[open_], middle[open_], high[open_])
        gap = np.concatenate([left, left])
    return True


def _open(
    nodes: Array, weights: Array, low: Array, middle: Array, high: Array, gap: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """On which intervals, each between the nodes ``gap`` and ``gap + 1``, the sign is not proved."""
    n, rows = len(nodes), np.arange(len(low))
    down = 1 - 8 * EPS
    sign = np.where(gap >= 0, np.sign(weights[gap]), -np.sign(weights[0]))
    others = np.ones((len(low), n), dtype=bool)
    has_left, has_right = gap >= 0, gap + 1 < n
    others[rows[has_left], gap[has_left]] = False
    others[rows[has_right], gap[has_right] + 1] = False
    at = np.where(others, middle[:, None] - nodes, 1.0)
    radius = np.maximum(high - middle, middle - low) * (1 + 4 * EPS)
    near = np.where(others, np.maximum(np.abs(at) * down - radius[:, None], 0.0), 1.0)  # least distance
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        terms = np.where(others, weights / at, 0.0)
        steep = np.where(others, terms / at, 0.0)
        bends = np.where(others, np.abs(weights) / near**3, 0.0)  # half of the second derivative
        rest = sign * terms.sum(axis=1) - (n + 8) * EPS * np.abs(terms).sum(axis=1)
        slope = np.abs(steep.sum(axis=1)) + (n + 8) * EPS * np.abs(steep).sum(axis=1)
        rest -= radius * (slope + radius * bends.sum(axis=1) * (1 + (n + 8) * EPS)) * (1 + 8 * EPS)
    a, b = nodes[np.maximum(gap, 0)], nodes[np.minimum(gap + 1, n - 1)]
    wa, wb = np.abs(weights[np.maximum(gap, 0)]), np.abs(weights[np.minimum(gap + 1, n - 1)])
    from_a = [np.where(has_left, end - a, 1.0) for end in (low, high)]
    to_b = [np.where(has_right, b - end, 1.0) for end in (low, high)]
    # The first two terms are linear in t: the least is at an end. A neighbour that is missing has no term.
    ends = [
        np.where(has_left, wa * t_b, 0.0) + np.where(has_right, wb * t_a, 0.0)
        for t_a, t_b in zip(from_a, to_b, strict=True)
    ]
    least = np.minimum(*ends) * down
    factor = from_a[1] * to_b[0] * (1 + 8 * EPS)
    room = least + np.minimum(factor * rest, 0.0) * (1 + 8 * EPS)
    result: NDArray[np.bool_] = ~(room > 0.0)
    return result


def _halves(low: Array, middle: Array, high: Array) -> tuple[Array, Array]:
    return np.concatenate([low, middle]), np.concatenate([middle, high])
