"""Samples that a promise needs if the function is known only to be a ReLU network of a certain shape.

Class: L >= 3 affine layers, width B, all weights and biases at most c in size (norm "max"), or weights and
biases together at most c in Frobenius norm per layer (norm "frobenius"). It contains narrow peaks, built
here. First layer: for each input the three units relu(c (x_i - tau)), tau = t_i - r, t_i, t_i + r; second
layer: relu(sum_i (u_1 - 2 u_2 + u_3)/2 - (d-1) r ...), which is a multiple of (r - |x - t|_1)_+; further
layers multiply. With ``k = floor(B/(4d))`` copies (3 d k units for the hats, d k constant units for the bias)
and r = 1/(2M) the peak has height ``Omega/M`` and vanishes outside the cell of width 1/M round t:

    max norm:   Omega = (c^2/4) k (c B)^(L-2)
    Frobenius:  Omega(M) = c^L / (12 d sqrt(1 + (d-1)^2 c^2 / (144 d^2 M^2)))

The output layer may change its sign, so fewer than (M+1)^d samples (`nodes`) leave an error of Omega/M:

    sup norm:  m >= (M+1)^d, M = max{M : Omega/M > eps};
    L^p norm:  m >= M^d, M = max{M : Omega/M (M^-d G(p+1)/G(d+p+1))^(1/p) > eps}   (peaks inside cells)

since the integral of (r - |y|_1)_+^p is (2r)^d r^p G(p+1)/G(d+p+1). The exponent of 1/eps is d in the sup
norm and d/(1+d/p), below p, in L^p: a promise in the worst case costs exponentially more. Shape of the
result: Berner, Grohs and Voigtlaender, "Learning ReLU networks to high uniform accuracy is intractable"
(2023); the construction and its constants are ours. Cost: O(1); building a network O(L B^2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.theory.nodes import empty_cell, empty_node, nodes_per_side
from supnorm.planning.theory.statement import GUARANTEE, Adversary, ClassBound
from supnorm.results import BadInput
from supnorm.results.numbers import num

Array = NDArray[np.float64]
Layers = tuple[tuple[Array, Array], ...]


@dataclass(frozen=True)
class NetworkClass:
    """ReLU networks of a given shape with bounded weights.

    Attributes:
        layers: affine layers, at least 3.
        width: of every hidden layer; at least 4 times the inputs for ``"max"``, 3 times for ``"frobenius"``.
        size: the bound c on the weights.
        norm: ``"max"`` (every weight and bias) or ``"frobenius"`` (each layer's weights with biases).
    """

    layers: int
    width: int
    size: float
    norm: str = "max"

    def check(self, d: int) -> None:
        """Raise `BadInput` where the peak does not fit into the class."""
        if self.norm not in ("max", "frobenius"):
            raise BadInput(f'network norm must be "max" or "frobenius", got {self.norm!r}')
        need = (4 if self.norm == "max" else 3) * d
        if self.layers < 3 or self.width < need or self.size <= 0:
            raise BadInput(
                f"the network class needs at least 3 affine layers, width {need} for {d} inputs and a "
                f"positive bound on the weights, got layers = {self.layers}, width = {self.width}, "
                f"size = {num(self.size, 6)}"
            )

    def log10_height(self, d: int, inverse_width: float) -> float:
        """log10 of the height of the peak of width ``1/inverse_width``; falls with ``inverse_width``."""
        c, log_c = self.size, math.log10(self.size)
        if self.norm == "max":
            copies = self.width // (4 * d)
            log_omega = (
                2 * log_c + math.log10(copies / 4) + (self.layers - 2) * (log_c + math.log10(self.width))
            )
        else:
            bias = (d - 1) ** 2 * c**2 / (144.0 * d**2 * inverse_width**2)
            log_omega = self.layers * log_c - math.log10(12.0 * d) - 0.5 * math.log10(1.0 + bias)
        return log_omega - math.log10(inverse_width)


def hats(d: int, centre: Array, r: float, slope: float, copies: int) -> tuple[Array, Array]:
    """First layer: units ``slope * relu(x_i - tau)``, three an input, ``copies`` times."""
    tau = np.stack([centre - r, centre, centre + r], axis=1)
    weights = np.zeros((d, 3, d))
    weights[np.arange(d), :, np.arange(d)] = slope
    active = tau < 1.0  # a unit that starts at or beyond the face never fires inside the cube
    flat = (weights * active[:, :, None]).reshape(3 * d, d)
    biases = np.where(active, -slope * tau, 0.0).reshape(3 * d)
    return np.tile(flat, (copies, 1)), np.tile(biases, copies)


def max_norm_peak(shape: NetworkClass, d: int, centre: Array, inverse_width: int) -> Layers:
    """The peak with all weights and biases at most ``shape.size``."""
    c, r, copies, width = shape.size, 0.5 / inverse_width, shape.width // (4 * d), shape.width
    w1, b1 = np.zeros((width, d)), np.zeros(width)
    count = 3 * d * copies
    w1[:count], b1[:count] = hats(d, centre, r, c, copies)
    b1[count : count + d * copies] = c
    row = np.zeros(width)
    row[:count] = c * np.tile([0.5, -1.0, 0.5], d * copies)
    row[count : count + d * copies] = -c * (d - 1) * r / (2.0 * d)
    layers = [(w1, b1), (np.tile(row, (width, 1)), np.zeros(width))]
    layers += [(np.full((width, width), c), np.zeros(width)) for _ in range(shape.layers - 3)]
    return (*layers, (np.full((1, width), c), np.zeros(1)))


def frobenius_peak(shape: NetworkClass, d: int, centre: Array, inverse_width: int) -> Layers:
    """The peak with weights and biases of each layer at most ``shape.size`` in Frobenius norm."""
    c, r = shape.size, 0.5 / inverse_width
    slope = c / math.sqrt(6.0 * d)
    second = c / math.sqrt(6.0 * d + ((d - 1) * r * slope) ** 2)
    first = hats(d, centre, r, slope, 1)
    row = second * np.tile([1.0, -2.0, 1.0], d)[None, :]
    layers = [first, (row, np.array([-second * slope * (d - 1) * r]))]
    layers += [(np.full((1, 1), c), np.zeros(1)) for _ in range(shape.layers - 2)]
    return tuple(layers)


def evaluate(layers: Layers, x: Array) -> Array:
    """A ReLU network with one output at points of shape ``(n, d)``; returns shape ``(n,)``."""
    for w, b in layers[:-1]:
        x = np.maximum(x @ w.T + b, 0.0)
    w, b = layers[-1]
    value: Array = (x @ w.T + b)[:, 0]
    return value


def hidden_network(x: Array, shape: NetworkClass, p: float = math.inf) -> Adversary:
    """A network of the class that vanishes at all samples ``x``, shape ``(m, d)``, in the unit cube.

    Its ``height`` is its L^p norm (the largest value for the sup norm).
    """
    d = x.shape[1]
    shape.check(d)
    if math.isinf(p):
        inverse_width = nodes_per_side(len(x), d) - 1
        centre = empty_node(x, inverse_width + 1)
    else:
        inverse_width = nodes_per_side(len(x), d)
        centre = empty_cell(x, inverse_width)
    build = max_norm_peak if shape.norm == "max" else frobenius_peak
    layers = build(shape, d, centre, inverse_width)
    height = 10.0 ** (shape.log10_height(d, inverse_width) + log10_peak_norm(d, inverse_width, p))
    return Adversary(lambda z: evaluate(layers, z), height, centre, layers)


def log10_peak_norm(d: int, inverse_width: float, p: float) -> float:
    """log10 of the L^p norm of a whole peak of height 1 and width ``1/inverse_width``."""
    if math.isinf(p):
        return 0.0
    gammas = (math.lgamma(p + 1) - math.lgamma(d + p + 1)) / math.log(10.0)
    return (gammas - d * math.log10(inverse_width)) / p


def peaks_per_side(d: int, shape: NetworkClass, eps: float, p: float) -> float:
    """``M``: the largest integer for which the peak of width 1/M has a norm above ``eps``; 0 if none."""
    log_eps = math.log10(eps)

    def log10_norm(log_m: float) -> float:
        m = 10.0**log_m
        return shape.log10_height(d, m) + log10_peak_norm(d, m, p)

    low, high = 0.0, 1.0
    if log10_norm(0.0) <= log_eps:
        return 0.0
    while log10_norm(high) > log_eps:
        high *= 2.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if log10_norm(middle) > log_eps else (low, middle)
    if low > 14.0:
        return float(10.0**low)
    m = math.floor(10.0**low) + 1
    while m > 1 and log10_norm(math.log10(m)) <= log_eps + 1e-13:
        m -= 1
    return float(m)


def network_class_samples(d: int, shape: NetworkClass, eps: float, p: float = math.inf) -> ClassBound:
    """The statement for ``d`` inputs and absolute tolerance ``eps`` in L^p.

    >>> shape = NetworkClass(layers=3, width=32, size=1.0)
    >>> bound = network_class_samples(1, shape, 0.01)
    >>> round(10**bound.log10)
    6400
    """
    shape.check(d)
    m = peaks_per_side(d, shape, eps, p)
    sup = math.isinf(p)
    side = m + 1.0 if sup else m
    return ClassBound.of(
        name="samples, networks of this shape, " + ("sup norm" if sup else f"L^{num(p, 6)} norm"),
        line=GUARANTEE,
        quantity="samples",
        log10=d * math.log10(side) if m else 0.0,
        rate=f"eps^(-{d})" if sup else f"eps^(-{num(d / (1 + d / p))})",
        class_=(
            f"ReLU networks, {shape.layers} affine layers, width {shape.width}, weights at most "
            f"{num(shape.size, 6)} in {shape.norm} norm, d = {d}"
        ),
        assumptions=("exact function values", "deterministic method, adaptive allowed")
        + (() if sup else ("uniform law",)),
        source="proved here: a peak network in an empty cell, constants ours (Berner, Grohs, Voigtlaender)",
        status="proved",
        vacuous=not m or (not sup and m <= 1),
        build=lambda x: hidden_network(x, shape, p),
    )
