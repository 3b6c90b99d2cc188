"""The ReLU networks of the constructive proofs: squares, products, and Taylor polynomials on a partition of unity.

Source: Yarotsky, Error bounds for approximations with deep ReLU networks (2017), Propositions 2 and 3, Theorem 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from supnorm.networks import Architecture, Network, Part, Scaling

Array = NDArray[np.float64]
Layer = tuple[Array, Array]
# The tooth g(u) = 2 r(u) - 4 r(u - 1/2) + 2 r(u - 1) of [0, 1], from the three units that it takes; the fourth unit of a
# layer carries the sum so far.
TOOTH = np.array([2.0, -4.0, 2.0, 0.0])
ENTER = np.array([[1.0], [1.0], [1.0], [1.0]])
SHIFTS = np.array([0.0, -0.5, -1.0, 0.0])


def relu_network(layers: Sequence[Layer], name: str) -> Network:
    """A plain ReLU network from its layers, the last one linear."""
    widths = tuple(len(w) for w, _ in layers[:-1])
    shape = Architecture(layers[0][0].shape[1], len(layers[-1][0]), widths, ("relu",) * len(widths))
    part = Part(shape, tuple(layers))
    return Network((part,), Scaling.none(shape.d, shape.m), name=name)


def squares(levels: int, channels: int = 1) -> list[Layer]:
    """Layers that map ``u`` in [0, 1]^channels to ``f(u)``, channel by channel: f = u - sum_{s <= levels} g_s(u) / 4^s.

    ``f`` interpolates u^2 at the multiples of 2^-levels, so 0 <= f - u^2 <= 2^(-2 levels - 2), with equality at the
    midpoints. The last layer is linear. All weights are powers of two: in float64 nothing is rounded but the input.
    """
    every = np.eye(channels)
    first = np.kron(every, ENTER), np.tile(SHIFTS, channels)
    layers = [first]
    for s in range(1, levels):
        carried = np.array([0.0, 0.0, 0.0, 1.0]) - TOOTH / 4.0**s
        layers.append((np.kron(every, np.stack([TOOTH, TOOTH, TOOTH, carried])), first[1]))
    last = np.array([[0.0, 0.0, 0.0, 1.0]]) - TOOTH[None] / 4.0**levels
    return [*layers, (np.kron(every, last), np.zeros(channels))]


def before(matrix: Array, bias: Array, layers: Sequence[Layer]) -> list[Layer]:
    """The layers after a linear map, which their first one absorbs."""
    (w, b), *rest = layers
    return [(w @ matrix, w @ bias + b), *rest]


def after(layers: Sequence[Layer], matrix: Array, bias: Array) -> list[Layer]:
    """The layers before a linear map, which their last one absorbs."""
    *rest, (w, b) = layers
    return [*rest, (matrix @ w, matrix @ b + bias)]


def square_network(levels: int) -> Network:
    """The network of Proposition 2 on [0, 1]."""
    return relu_network(squares(levels), f"square network, {levels} levels")


def product_network(levels: int) -> Network:
    """The network of Proposition 3 on [-1, 1]^2: xy = 2 (((x+y)/2)^2 - (x/2)^2 - (y/2)^2), each square by `squares`.

    Its error lies between -4 and 2 times 2^(-2 levels - 2), because each square is overestimated by at most that.
    """
    absolute = np.array([[0.5, 0.5], [-0.5, -0.5], [0.5, 0.0], [-0.5, 0.0], [0.0, 0.5], [0.0, -0.5]])
    joined = np.kron(np.eye(3), np.ones((1, 2)))  # |t| = r(t) + r(-t)
    core = before(joined, np.zeros(3), squares(levels, 3))
    core = after(core, np.array([[2.0, -2.0, -2.0]]), np.zeros(1))
    return relu_network([(absolute, np.zeros(6)), *core], f"product network, {levels} levels")


def taylor_network(
    f: Callable[[Array], Array], slope: Callable[[Array], Array], parts: int, levels: int
) -> Network:
    """The network of Theorem 1 for one input and n = 2 on [0, 1]: sum over m of psi_m(x) (f(m/N) + f'(m/N) (x - m/N)).

    psi_m is the trapezoid that is 1 within 1/(3N) of m/N and 0 beyond 2/(3N); its products with the linear terms are
    product networks on ``[-1, 1]^2`` with the factor ``x - m/N`` multiplied by N, so that both factors are within 1.

    Args:
        f, slope: the function and its derivative; arrays ``(n,)`` to ``(n,)``.
        parts: N.
        levels: of the squares.
    """
    nodes = np.arange(parts + 1) / parts
    count = len(nodes)
    # The first layer: the four ReLUs of each trapezoid, and x itself, which is not negative.
    edges = np.array([-2.0, -1.0, 1.0, 2.0]) / (3.0 * parts)
    first = np.ones((4 * count + 1, 1)), np.append(-(nodes[:, None] + edges).ravel(), 0.0)
    psi = np.hstack(
        [np.kron(np.eye(count), 3.0 * parts * np.array([[1.0, -1.0, -1.0, 1.0]])), np.zeros((count, 1))]
    )
    scaled = np.zeros((count, 4 * count + 1))
    scaled[:, -1] = parts
    # The second layer: psi, and z = N (x - m/N) cut to [-1, 1] as r(z + 1) - r(z - 1) - 1; where it is cut, psi is zero.
    offset = -nodes * parts
    second = np.vstack([psi, scaled, scaled]), np.concatenate([np.zeros(count), offset + 1.0, offset - 1.0])
    one, zero = np.eye(count), np.zeros((count, count))
    own, cut = np.hstack([one, zero, zero]), np.hstack([zero, one, -one])  # psi, and z + 1
    # The third layer: absolute values of (psi + q)/2 and q/2 with q = (f(m/N) + f'(m/N) (x - m/N)) / scale within [-1, 1];
    # psi/2 is not negative.
    values, slopes = f(nodes), slope(nodes) / parts
    scale = np.maximum(np.abs(values) + np.abs(slopes), 1e-300)
    q, shift = cut * (slopes / scale)[:, None], (values - slopes) / scale
    third = (
        np.vstack([(own + q) / 2, -(own + q) / 2, own / 2, q / 2, -q / 2]),
        np.concatenate([shift / 2, -shift / 2, np.zeros(count), shift / 2, -shift / 2]),
    )
    joined = np.vstack(
        [
            np.hstack([one, one, zero, zero, zero]),
            np.hstack([zero, zero, one, zero, zero]),
            np.hstack([zero, zero, zero, one, one]),
        ]
    )
    core = before(joined, np.zeros(3 * count), squares(levels, 3 * count))
    summed = 2.0 * np.hstack([scale, -scale, -scale])[None]
    return relu_network(
        [first, second, third, *after(core, summed, np.zeros(1))],
        f"Taylor network, N = {parts}, {levels} levels",
    )


def weights(network: Network) -> tuple[int, int]:
    """Parameters in all, and those that are not zero."""
    return network.size, int(np.count_nonzero(network.flat))
