"""The usual enclosures as peers: interval arithmetic, the mean value form, an interval Hessian.

Vectorised over boxes in NumPy, in the spirit of fair play: same branch and bound, same witness, same batches.
They cover tanh networks against a reference of sums, products, sin and exp. Rounding is ignored, in their
favour. CROWN (auto_LiRPA) is measured by `crown`, in an environment of its own.

Every value is a truncated Taylor jet of intervals: value, gradient and Hessian enclosures, shapes (B, w),
(B, w, d), (B, w, d, d) for lower and upper ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.certify.targets import own_methods
from supnorm.certification.boxes import Boxes
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.leaf import Batch, Bounded
from supnorm.program import Program


@dataclass
class Interval:
    """Intervals by centre and radius: linear maps are then two matrix products."""

    c: np.ndarray
    r: np.ndarray

    def __add__(self, other):
        return Interval(self.c + other.c, self.r + other.r)

    def __neg__(self):
        return Interval(-self.c, self.r)

    def __mul__(self, other):
        r = np.abs(self.c) * other.r + self.r * np.abs(other.c) + self.r * other.r
        return Interval(self.c * other.c, r)

    def map(self, weight, axis):
        return Interval(_along(self.c, weight, axis), _along(self.r, np.abs(weight), axis))

    def at(self, index):
        return Interval(self.c[index], self.r[index])

    @classmethod
    def hull(cls, low, high):
        return cls(0.5 * (low + high), 0.5 * (high - low))


def _along(x, weight, axis):
    return np.moveaxis(np.tensordot(weight, x, axes=(1, axis)), 0, axis)


def _square(x):
    low, high = np.abs(x.c) - x.r, np.abs(x.c) + x.r
    return Interval.hull(np.maximum(low, 0.0) ** 2, high**2)


def _monotone(f, x):
    return Interval.hull(f(x.c - x.r), f(x.c + x.r))


def _sine(x, shift=0.0):
    """sin(x + shift): the ends, and +-1 where a peak is inside."""
    a, b = x.c - x.r + shift, x.c + x.r + shift
    low, high = np.minimum(np.sin(a), np.sin(b)), np.maximum(np.sin(a), np.sin(b))
    top = np.floor((b - np.pi / 2) / (2 * np.pi)) >= (a - np.pi / 2) / (2 * np.pi)
    bottom = np.floor((b + np.pi / 2) / (2 * np.pi)) >= (a + np.pi / 2) / (2 * np.pi)
    return Interval.hull(np.where(bottom, -1.0, low), np.where(top, 1.0, high))


def _derivatives(op, x):
    """phi, phi', phi'' on intervals."""
    if op == "tanh":
        t = _monotone(np.tanh, x)
        square = _square(t)
        slope = Interval(1.0 - square.c, square.r)
        return t, slope, Interval(-2.0 * (t * slope).c, 2.0 * (t * slope).r)
    if op == "sin":
        s = _sine(x)
        return s, _sine(x, np.pi / 2), -s
    if op == "cos":
        c = _sine(x, np.pi / 2)
        return c, -_sine(x), -c
    if op == "exp":
        e = _monotone(np.exp, x)
        return e, e, e
    if op == "pow":
        two = Interval(np.full_like(x.c, 2.0), np.zeros_like(x.c))
        return _square(x), two * x, two
    raise ValueError(f"the peers do not know {op}")


@dataclass
class Jet:
    """Value, gradient and Hessian enclosures; the last two None where a peer does not need them."""

    v: Interval
    g: Interval | None
    h: Interval | None


def _each(order, v, g, h):
    return Jet(v, g() if order > 0 else None, h() if order > 1 else None)


def _outer(a, b):
    left, right = a.at((..., slice(None), None)), b.at((..., None, slice(None)))
    return left * right


def jets(program: Program, low: np.ndarray, high: np.ndarray, order: int) -> Jet:
    """Enclosures on boxes; ``order`` derivatives."""
    boxes, d = low.shape
    known: list[Jet] = []
    for node in program.nodes:
        args = [known[a] for a in node.args]
        known.append(_node(node, args, low, high, order, boxes, d))
    return known[-1]


def _node(node, args, low, high, order, boxes, d):
    def zero(shape):
        return Interval(np.zeros(shape), np.zeros(shape))

    if node.op == "input":
        eye = Interval(np.broadcast_to(np.eye(d), (boxes, d, d)).copy(), np.zeros((boxes, d, d)))
        return _each(order, Interval.hull(low, high), lambda: eye, lambda: zero((boxes, d, d, d)))
    if node.op == "constant":
        value = Interval(np.broadcast_to(node.value, (boxes, node.width)), np.zeros((boxes, node.width)))
        return _each(
            order, value, lambda: zero((boxes, node.width, d)), lambda: zero((boxes, node.width, d, d))
        )
    x = args[0]
    if node.op == "affine":
        value = x.v.map(node.weight, 1)
        value = Interval(value.c + node.bias, value.r)
        return _each(order, value, lambda: x.g.map(node.weight, 1), lambda: x.h.map(node.weight, 1))
    if node.op == "take":
        columns = (slice(None), node.columns)
        return _each(order, x.v.at(columns), lambda: x.g.at(columns), lambda: x.h.at(columns))
    if node.op in ("add", "sub"):
        y = args[1]
        y = y if node.op == "add" else _each(order, -y.v, lambda: -y.g, lambda: -y.h)
        return _each(order, x.v + y.v, lambda: x.g + y.g, lambda: x.h + y.h)
    if node.op == "neg":
        return _each(order, -x.v, lambda: -x.g, lambda: -x.h)
    one, two = (..., None), (..., None, None)
    if node.op == "mul":
        y = args[1]
        return _each(
            order, x.v * y.v, lambda: x.v.at(one) * y.g + y.v.at(one) * x.g,
            lambda: x.v.at(two) * y.h + y.v.at(two) * x.h + _outer(x.g, y.g) + _outer(y.g, x.g),
        )  # fmt: skip
    f, slope, bend = _derivatives(node.op, x.v)
    return _each(
        order, f, lambda: slope.at(one) * x.g,
        lambda: slope.at(two) * x.h + bend.at(two) * _outer(x.g, x.g),
    )  # fmt: skip


@dataclass(frozen=True)
class Enclosure:
    """Order 0: interval arithmetic; 1: mean value form; 2: second-order form with an interval Hessian."""

    order: int

    def bound(self, error: ErrorProgram, boxes: Boxes, target: float, lower: float) -> Bounded:
        """Bounds on a batch; the longest edge is halved."""
        centre, half = boxes.centre_and_half(error.low, error.high)
        (program,) = error.alternatives
        state = Batch.start(len(boxes), 1, error)
        jet = jets(program, centre - half, centre + half, self.order)
        low, high = jet.v.c - jet.v.r, jet.v.c + jet.v.r
        if self.order > 0:
            at = jets(program, centre, centre, self.order - 1)
            spread = self._spread(jet, at, half)
            middle = at.v.c
            low, high = np.maximum(low, middle - spread), np.minimum(high, middle + spread)
        state.bend = half
        state.offer(0, np.arange(len(boxes)), low, high, degree=0)
        return state.finish(target)

    def _spread(self, jet, at, half):
        if self.order == 1:
            return ((np.abs(jet.g.c) + jet.g.r) * half[:, None]).sum(-1)
        linear = (np.abs(at.g.c) * half[:, None]).sum(-1)
        curved = (np.abs(jet.h.c) + jet.h.r) * half[:, None, :, None] * half[:, None, None, :]
        return linear + 0.5 * curved.sum((-1, -2))


def methods(activation: str) -> dict[str, Any]:
    """All enclosures of the table for networks of an activation, by their names there; the peers know no kinks."""
    if activation == "relu":
        return own_methods(activation)
    peers = {
        "interval Hessian": Enclosure(2),
        "mean value": Enclosure(1),
        "interval arithmetic": Enclosure(0),
    }
    return own_methods(activation) | peers
