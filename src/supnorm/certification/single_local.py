"""One operation of a program in float32: how much its own rounding is, and how it carries the errors of its arguments.

Let v be the exact value of a feature and w the value that float32 arithmetic computes. For an operation op,

    w - v = sum_j p_j (w_j - v_j) + delta,

where p_j lies between the derivatives of op on an interval that holds v_j and w_j (mean value theorem), and delta is the
rounding of this operation alone at the computed arguments. u = 2^-24, and `FLUSHED` covers underflow also where subnormal
numbers are flushed to zero.

* Sums of products of k terms, in any order, with or without fused multiply-add (Higham, Accuracy and Stability of Numerical
  Algorithms, 2nd ed., (4.3) and section 3.1): the error is at most u sum |terms| for the products, and u times the sizes of
  the k - 1 computed partial sums. A partial sum of exact terms is at most P, the larger of the sums of the positive and of
  the negative terms; a computed one is off by gamma_k sum |terms| at most.
* A quotient may be computed as the product with a rounded reciprocal: 2 u + u^2 of it.
* Functions are within the accuracy that `Kernel` states.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from supnorm.certification.elementary import AT_POINT, LEAST
from supnorm.certification.majorants import _sech2
from supnorm.certification.node_models import BOUNDED
from supnorm.certification.rounding import Array, U
from supnorm.program import Node
from supnorm.program.single_precision import Kernel

SINGLE = 2.0**-24  # float32: half the distance of 1 to the next number
FLUSHED = 2.0**-126  # the smallest normal number of float32; smaller ones may become 0
LARGEST = 3.4e38  # a little below the largest float32 number
ULP, LOST = 2.0**-23, 2.0**-120  # of `Kernel`
_NEAR = 64.0 * U  # relative error of the float64 functions below, with room
_BEND = {"silu": 0.5, "gelu": 0.798, "sin": 1.0, "cos": 1.0}  # sup |phi''|: 1/2, 2/sqrt(2 pi), 1, 1
_RISING: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "erf": special.erf,
    "sigmoid": special.expit,
    "softplus": lambda z: np.logaddexp(z, 0.0),
    "exp": np.exp,
}


@dataclass(frozen=True, eq=False)
class Computed:
    """Features on boxes, shapes ``(B, w)``: exact values lie in [low, high], computed ones within ``off`` of them."""

    low: Array
    high: Array
    off: Array

    @property
    def size(self) -> Array:
        """Bound of the exact values."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def most(self) -> Array:
        """Bound of the computed values."""
        return self.size + self.off

    @property
    def wide(self) -> tuple[Array, Array]:
        """Ends of the intervals that hold exact and computed values."""
        return self.low - self.off, self.high + self.off


@dataclass(frozen=True, eq=False)
class Factor:
    """How the error of an argument enters: |p - mid| <= rad, feature by feature, shapes ``(B, w)``."""

    mid: Array
    rad: Array

    @property
    def size(self) -> Array:
        """Bound of |p|."""
        return np.abs(self.mid) + self.rad

    @classmethod
    def between(cls, low: Array, high: Array) -> Factor:
        """p lies in [low, high], up to the rounding of both in float64."""
        mid = 0.5 * (low + high)
        return cls(mid, 0.5 * np.abs(high - low) + _NEAR * (np.abs(low) + np.abs(high)) + LEAST)


def narrowed(op: str, low: Array, high: Array, x: Computed) -> tuple[Array, Array]:
    """The range of op, the smaller one where the function rises or is bounded."""
    if op in _RISING:
        a, b = _RISING[op](x.low), _RISING[op](x.high)
        low = np.fmax(low, a - _NEAR * np.abs(a) - LEAST)
        high = np.fmin(high, b + _NEAR * np.abs(b) + LEAST)
    if op in BOUNDED:
        middle, half = BOUNDED[op]
        low, high = np.fmax(low, middle - half), np.fmin(high, middle + half)
    return low, high


def of_constant(node: Node, like: Array) -> Array:
    """Error of a constant that float32 does not hold, shape ``(B, w)``."""
    return np.broadcast_to(_stored(np.asarray(node.value)), (len(like), node.width))


def _stored(value: Array) -> Array:
    """How far a stored number is from the given one: nothing if float32 holds it, else half a unit."""
    with np.errstate(over="ignore"):
        exact = value.astype(np.float32).astype(np.float64) == value
    exact &= (value == 0.0) | (np.abs(value) >= FLUSHED)
    return np.where(exact, 0.0, np.where(np.abs(value) < LARGEST, SINGLE * np.abs(value) + FLUSHED, np.inf))


def of_affine(node: Node, x: Computed) -> Array:
    """Rounding of weight @ x + bias at computed x, shape ``(B, w)``; infinite where it may overflow."""
    weight, bias = np.asarray(node.weight), np.asarray(node.bias)
    low, high = x.wide
    up, down = np.maximum(high, 0.0), np.maximum(-low, 0.0)
    above, below = np.maximum(weight, 0.0).T, np.maximum(-weight, 0.0).T
    positive = up @ above + down @ below + np.maximum(bias, 0.0)
    negative = up @ below + down @ above + np.maximum(-bias, 0.0)
    total = x.most @ np.abs(weight).T + np.abs(bias)
    count = (weight != 0).sum(1) + (bias != 0)
    gamma = 1.001 * count * SINGLE / np.maximum(1.0 - count * SINGLE, 1e-3)
    partial = np.maximum(positive, negative) + gamma * total
    stored = x.most @ _stored(weight).T + _stored(bias)
    rounding = SINGLE * total + np.maximum(count - 1, 0) * SINGLE * partial
    error = (rounding + stored) * (1.0 + 1e-6) + 4.0 * count * FLUSHED
    return np.where((total < 0.499 * LARGEST) & (count * SINGLE < 0.499), error, np.inf)


def of_function(
    op: str, parameter: float | None, size: Array, x: Computed, kernels: dict[str, Kernel]
) -> Array:
    """Error of a function of the runtime at computed arguments; ``size`` bounds its exact values there."""
    kernel = kernels.get("square" if op == "pow" and parameter == 2.0 else op)
    if kernel is None:
        return np.full(size.shape, np.inf)
    most = x.most
    error = kernel.ulps * ULP * size + kernel.absolute + kernel.argument * most + LOST * (1.0 + most)
    return np.where(most <= kernel.most, error, np.inf)


def slope(op: str, parameter: float | None, x: Computed) -> Factor:
    """Between which numbers the derivative of a function lies at exact and computed arguments."""
    low, high = x.wide
    far, near = np.maximum(np.abs(low), np.abs(high)), np.maximum(np.maximum(low, -high), 0.0)
    if op == "tanh":
        return Factor.between(_sech2(far), _sech2(near))
    if op == "sigmoid":
        return Factor.between(0.25 * _sech2(0.5 * far), 0.25 * _sech2(0.5 * near))
    if op == "softplus":
        return Factor.between(special.expit(low), special.expit(high))
    if op == "erf":
        steep = 2.0 / np.sqrt(np.pi)
        a, b = steep * np.exp(-far * far), steep * np.exp(-near * near)
        return Factor.between(a * (1.0 - 8.0 * U * far * far), b * (1.0 + 8.0 * U * near * near))
    if op == "exp":
        return Factor.between(np.exp(low), np.exp(high))
    if op in _BEND:
        middle, reach = 0.5 * (low + high), 0.5 * (high - low)
        _, s, _, off = AT_POINT[op](middle)
        return Factor(s, off + _BEND[op] * (reach + 4.0 * U * far) * (1.0 + _NEAR))
    if op not in ("log", "sqrt", "pow"):  # nobody says how accurate others are in float32
        return Factor(np.zeros_like(far), np.full_like(far, np.inf))
    return _power(low, high, {"log": 0.0, "sqrt": 0.5}.get(op, parameter or 0.0), op)


def _power(low: Array, high: Array, p: float, op: str) -> Factor:
    """The derivative of z^p (or of log z), which is monotone on each side of zero."""
    whole = float(p).is_integer() and op == "pow"
    factor = 1.0 if op == "log" else p
    far = np.maximum(np.abs(low), np.abs(high))
    with np.errstate(all="ignore"):
        if whole and p >= 1.0:
            size = abs(p) * far ** (p - 1.0) * (1.0 + _NEAR * (1.0 + p))
            around = Factor.between(-size, size)
        else:
            around = Factor(np.zeros_like(far), np.full_like(far, np.inf))
        one_side = (low > 0.0) | (whole & (high < 0.0))
        a = factor * np.where(one_side, low, 1.0) ** (p - 1.0)
        b = factor * np.where(one_side, high, 1.0) ** (p - 1.0)
        # the rounding of p - 1 and of the power
        room = (
            8.0
            * U
            * (1.0 + abs(p))
            * (1.0 + np.abs(np.log(np.maximum(far, 1e-300))))
            * (np.abs(a) + np.abs(b))
        )
        inside = Factor.between(a, b)
    return Factor(
        np.where(one_side, inside.mid, around.mid), np.where(one_side, inside.rad + room, around.rad)
    )


def kink(op: str, parameter: float | None, x: Computed) -> Factor:
    """Factors of abs, relu and leaky_relu: the slopes of both sides, or one of them where the sign is certain."""
    below = {"abs": -1.0, "relu": 0.0}.get(op, parameter or 0.0)
    low, high = x.wide
    a = np.where(low > 0.0, 1.0, below)
    b = np.where(high < 0.0, below, 1.0)
    return Factor.between(a, b)


def reciprocal(x: Computed) -> tuple[Factor, Array]:
    """Interval of 1/w for the computed values of x, and a bound of 1/|v| for the exact ones; infinite around zero."""
    low, high = x.wide
    clear = (low >= FLUSHED) | (high <= -FLUSHED)
    with np.errstate(all="ignore"):
        inside = Factor.between(1.0 / np.where(clear, low, 1.0), 1.0 / np.where(clear, high, 1.0))
    rad = np.where(clear, inside.rad, np.inf)
    return Factor(np.where(clear, inside.mid, 0.0), rad), np.where(clear, inside.size, np.inf)
