"""The Taylor network of two inputs: sum over the nodes of psi(x) psi(y) q(x, y), by two layers of products.

Source: Yarotsky, Error bounds for approximations with deep ReLU networks (2017), Theorem 1, for d = 2 and n = 2. The
trapezoids sum to 1, and each is zero where |x_k - m_k / N| > 2 / (3 N). So the error is at most the largest remainder of a
linear Taylor polynomial there, (2 / (3 N))^2 times half the sum of the four second derivatives: at most 8/9 N^-2 for second
derivatives within 1, and what the products add.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from reproduce.expressivity.networks import Layer, after, before, relu_network, squares
from supnorm.networks import Network

Array = NDArray[np.float64]


def plane_network(
    f: Callable[[Array], Array], slopes: Callable[[Array], Array], parts: int, levels: int
) -> Network:
    """The network on [0, 1]^2.

    Args:
        f: the function; ``(n, 2)`` to ``(n,)``.
        slopes: its derivatives; ``(n, 2)`` to ``(n, 2)``.
        parts: N.
        levels: of the squares.
    """
    side = parts + 1
    nodes = np.arange(side) / parts
    # First layer: the four ReLUs of each trapezoid of x and of y, then x and y themselves, which are not negative.
    edges = (nodes[:, None] + np.array([-2.0, -1.0, 1.0, 2.0]) / (3.0 * parts)).ravel()
    lines = len(edges)
    first = (
        np.vstack([np.kron(np.eye(2), np.ones((lines, 1))), np.eye(2)]),
        np.concatenate([-edges, -edges, np.zeros(2)]),
    )
    # Second layer: psi of each node of x and of y, then x and y.
    tooth = np.kron(np.eye(side), 3.0 * parts * np.array([[1.0, -1.0, -1.0, 1.0]]))
    second = _blocks(tooth, tooth, np.eye(2)), np.zeros(2 * side + 2)
    # Products psi(x) psi(y) for all pairs, beside x and y.
    pairs = side * side
    one, other = np.repeat(np.eye(side), side, axis=0), np.tile(np.eye(side), (side, 1))
    u = np.hstack([one, np.zeros((pairs, side + 2))])
    v = np.hstack([np.zeros((pairs, side)), other, np.zeros((pairs, 2))])
    carry = np.hstack([np.zeros((2, 2 * side)), np.eye(2)])
    none = np.zeros(pairs)
    layers = _products((u, none), (v, none), np.ones(pairs), levels, carry)
    # The linear Taylor polynomials, divided by their largest size so that they lie within [-1, 1].
    at = np.stack([np.repeat(nodes, side), np.tile(nodes, side)], axis=1)
    values, gradients = f(at), slopes(at)
    scale = np.maximum(np.abs(values) + np.abs(gradients).sum(axis=1), 1e-300)
    q = np.hstack([np.zeros((pairs, pairs)), gradients / scale[:, None]])
    offset = (values - (gradients * at).sum(axis=1)) / scale
    product = np.hstack([np.eye(pairs), np.zeros((pairs, 2))])
    last = _products((product, none), (q, offset), scale, levels, np.zeros((0, pairs + 2)))
    total = after(last, np.ones((1, pairs)), np.zeros(1))
    joined = [first, second, *layers[:-1], *before(*layers[-1], total)]
    return relu_network(joined, f"Taylor network of two inputs, N = {parts}, {levels} levels")


def _products(one: Layer, other: Layer, scale: Array, levels: int, carry: Array) -> list[Layer]:
    """Layers for ``scale * u * v`` by channel, u in [0, 1] and v in [-1, 1] linear maps of the input, beside ``carry``.

    u v = 2 (((u + v)/2)^2 - (u/2)^2 - (v/2)^2). What is carried is not negative.
    """
    (u, p), (v, q) = one, other
    count, kept = len(u), len(carry)
    entry = (
        np.vstack([(u + v) / 2, -(u + v) / 2, u / 2, v / 2, -v / 2, carry]),
        np.concatenate([(p + q) / 2, -(p + q) / 2, p / 2, q / 2, -q / 2, np.zeros(kept)]),
    )
    eye, zero = np.eye(count), np.zeros((count, count))
    absolute = np.block(
        [
            [eye, eye, zero, zero, zero],
            [zero, zero, eye, zero, zero],
            [zero, zero, zero, eye, eye],
        ]
    )
    core = before(absolute, np.zeros(3 * count), squares(levels, 3 * count))
    core = after(core, 2.0 * np.hstack([np.diag(scale), -np.diag(scale), -np.diag(scale)]), np.zeros(count))
    beside = [(_blocks(w, np.eye(kept)), np.concatenate([b, np.zeros(kept)])) for w, b in core]
    return [entry, *beside]


def _blocks(*matrices: Array) -> Array:
    """A block-diagonal matrix."""
    made = np.zeros((sum(len(m) for m in matrices), sum(m.shape[1] for m in matrices)))
    row = column = 0
    for m in matrices:
        made[row : row + len(m), column : column + m.shape[1]] = m
        row, column = row + len(m), column + m.shape[1]
    return made
