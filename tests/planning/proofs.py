"""What the proofs of the theory build and count: only the tests need it, which check that the proofs are true."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.theory import bump as bumps
from supnorm.planning.theory.bump import bump
from supnorm.planning.theory.statement import Adversary

Array = NDArray[np.float64]
Layers = tuple[tuple[Array, Array], ...]


def packed_bumps(weights: Array, scales: Sequence[float]) -> Adversary:
    """A member of the ball in the span of all disjoint bumps: what the bounds on weights rest on.

    Args:
        weights: in [-1, 1], one for each node of a grid that includes the faces, shape ``(K,) * d``.
        scales: ``L_0 .. L_n``.
    """
    d, width, n = weights.ndim, len(weights) - 1, len(scales) - 1
    height = bumps.bump_height(width, scales, d)

    def value(z: Array) -> Array:
        index = np.rint(z * width).astype(int)
        weighted: Array = height * weights[tuple(index.T)] * bump(z, index / width, width, n)
        return weighted

    largest = np.unravel_index(int(np.abs(weights).argmax()), weights.shape)
    peak = np.array(largest, dtype=float) / width
    return Adversary(value, height * float(np.abs(weights).max()), peak)


def packed_cones(signs: Array, scale: float) -> Adversary:
    """Cones of both signs at all nodes, Lipschitz (order 1) with constant ``scale``; see `packed_bumps`.

    Only for order 1: two touching cones of order s < 1 and opposite sign have a constant 2^(1-s) times
    larger.

    Args:
        signs: in [-1, 1], shape ``(K,) * d``.
        scale: the constant of the class.
    """
    width = len(signs) - 1
    height = 0.5 * scale / width

    def value(z: Array) -> Array:
        index = np.rint(z * width).astype(int)
        cone: Array = np.maximum(height - scale * np.abs(z - index / width).max(axis=1), 0.0)
        signed: Array = signs[tuple(index.T)] * cone
        return signed

    largest = np.unravel_index(int(np.abs(signs).argmax()), signs.shape)
    return Adversary(value, height * float(np.abs(signs).max()), np.array(largest, dtype=float) / width)


def unmet_share(x: Array, width: int) -> float:
    """The share of the bumps at the nodes of a grid of spacing ``1/width`` that no sample meets.

    Args:
        x: samples in the unit cube, shape ``(m, d)``.
        width: N.

    >>> unmet_share(np.array([[0.1], [0.12]]), 3)
    0.75
    """
    met = {tuple(i) for i in np.rint(x * width).astype(int)}
    return float(1.0 - len(met) / float(width + 1) ** x.shape[1])


def randomised_error(x: Array, scales: Sequence[float], width: int) -> float:
    """The mean error that a random bump and sign force on any method that sees these samples."""
    return bumps.bump_height(width, scales, x.shape[1]) * unmet_share(x, width)


def interpolating_network(f: Callable[[Array], Array], d: int, parts: int) -> Layers:
    """The network, layer by layer; f maps ``(n, d) -> (n,)`` on the unit cube."""
    nodes = np.array(list(itertools.product(range(parts + 1), repeat=d)), dtype=float) / parts
    n, k = len(nodes), float(parts)
    first = np.zeros((2 * n + d - 1, d))
    first[:n, 0], first[n : 2 * n, 0] = k, -k
    first[2 * n + np.arange(d - 1), 1 + np.arange(d - 1)] = 1.0
    layers = [(first, np.concatenate([-k * nodes[:, 0], k * nodes[:, 0], np.zeros(d - 1)]))]
    held = 1  # units a node and side that add up to the maximum so far
    for axis in range(1, d):
        layers.append(_next(nodes[:, axis], k, held, d - axis))
        held = 2
    hat = np.concatenate([-_summed(n, held, side, 2 * held * n)[None] for side in (0, 1)]).sum(axis=0)
    layers.append((hat, np.ones(n)))
    layers.append((f(nodes)[None, :], np.zeros(1)))
    return tuple(layers)


def _next(position: Array, k: float, held: int, carried: int) -> tuple[Array, Array]:
    """One more input joins both maxima; ``carried`` inputs come in, the first is used, the others go on."""
    n = len(position)
    wide = 2 * held * n + carried
    weights, biases = [], []
    for side, sign in ((0, k), (1, -k)):
        so_far = _summed(n, held, side, wide)
        gain = -so_far.copy()
        gain[:, 2 * held * n] = sign
        weights += [so_far, gain]
        biases += [np.zeros(n), -sign * position]
    onward = np.zeros((carried - 1, wide))
    onward[np.arange(carried - 1), 2 * held * n + 1 + np.arange(carried - 1)] = 1.0
    return np.concatenate([*weights, onward]), np.concatenate([*biases, np.zeros(carried - 1)])


def _summed(n: int, held: int, side: int, wide: int) -> Array:
    """Rows that add the ``held`` units of each node on one side; units are ordered by side, part, node."""
    rows = np.zeros((n, wide))
    for part in range(held):
        rows[np.arange(n), (side * held + part) * n + np.arange(n)] = 1.0
    return rows


def cosine_network(frequencies: Array, phases: Array, norm: float) -> Callable[[Array], Array]:
    """``C/N sum_i cos(w_i.x + theta_i)`` for frequencies ``(N, d)`` drawn from the law |F| / C."""
    return lambda x: norm * np.cos(x @ frequencies.T + phases).mean(axis=1)
