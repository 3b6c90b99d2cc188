"""How far a model that runs in float32 can be from its program in exact arithmetic, on boxes.

Running error analysis: with the local rules of `single_local`, w - v = P (w - v) + delta for the vector of all features of
the program, where P is known up to intervals and strictly lower triangular. Hence an output is off by sum_i S_i delta_i, S
being the sum over all paths of products of factors. S is enclosed backwards, from the output, in midpoint-radius arithmetic
(Rump, BIT 39, 1999), so that weights of different signs cancel: products of |weights| are larger by orders of magnitude.
The intervals of values come from the affine models of the box, widened by a forward bound of w - v.

Cost: as an affine model, and a product of the weights with one row for each output, for each box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from supnorm.certification.affine_model import AffineModel
from supnorm.certification.node_models import models_of
from supnorm.certification.rounding import Array, U
from supnorm.certification.single_local import (
    FLUSHED,
    LARGEST,
    SINGLE,
    Computed,
    Factor,
    kink,
    narrowed,
    of_affine,
    of_constant,
    of_function,
    reciprocal,
    slope,
)
from supnorm.program import Node, Program
from supnorm.program.single_precision import Kernel

ROOM = 1.0 + 1e-9  # sums and products of non-negative float64 numbers lose less
CELLS = 400_000  # numbers in one array of factors


@dataclass(frozen=True, eq=False)
class _Step:
    """What one node does to errors: its own rounding ``(B, w)``, and its factors, one for each argument if it has some."""

    local: Array
    factors: tuple[Factor, ...] = ()


def rounding_in_single(
    program: Program, centre: Array, half: Array, kernels: dict[str, Kernel]
) -> tuple[Array, Array]:
    """Bounds of |float32 value - exact value| of each output on boxes, and how strongly each axis bends the program.

    The float32 program gets the nearest float32 numbers of points of the box.

    Args:
        program: the program that float32 arithmetic runs.
        centre, half: boxes in units of the axes, shapes ``(B, d)``.
        kernels: the accuracy of the functions; an operation without an entry has no bound.

    Returns:
        Shapes ``(B, m)`` (infinite where there is no bound) and ``(B, d)``.
    """
    widest = program.m * max(node.width for node in program.nodes)
    step = max(CELLS // widest, 8)
    parts = [
        _rounding(program, centre[i : i + step], half[i : i + step], kernels)
        for i in range(0, len(centre), step)
    ]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _rounding(
    program: Program, centre: Array, half: Array, kernels: dict[str, Kernel]
) -> tuple[Array, Array]:
    with np.errstate(all="ignore"):
        models = models_of(program, centre, half)
        known: list[Computed] = []
        steps: list[_Step] = []
        bend = np.zeros_like(centre)
        for node, model in zip(program.nodes, models, strict=True):
            args = [known[a] for a in node.args]
            if node.op not in ("affine", "take", "concat", "neg", "add", "sub"):
                for a in node.args:
                    bend = np.maximum(bend, np.abs(models[a].J).max(axis=1))
            step, values = _forward(node, args, model, kernels)
            steps.append(step)
            known.append(values)
        total = _backward(program, steps)
        total = np.where(np.isnan(total), np.inf, total * ROOM)
        # A value that overflows has no bound, wherever it is.
        broken = np.any(
            [~np.isfinite(v.off).all(axis=1) | (v.most > LARGEST).any(axis=1) for v in known], axis=0
        )
        return np.where(broken[:, None], np.inf, total), bend


def _forward(
    node: Node, args: list[Computed], model: AffineModel, kernels: dict[str, Kernel]
) -> tuple[_Step, Computed]:
    """Step and enclosure of one node."""
    reach = model.reach[:, 0] + 4.0 * U * np.abs(model.c)
    low, high = model.c - reach, model.c + reach
    x = args[0] if args else None
    if node.op == "input":
        step = _Step(SINGLE * np.maximum(np.abs(low), np.abs(high)) + FLUSHED)
        return step, Computed(low, high, step.local)
    if node.op == "constant":
        step = _Step(of_constant(node, low))
        return step, Computed(low, high, step.local)
    assert x is not None
    none = np.zeros_like(low)
    if node.op == "affine":
        off = x.off @ np.abs(np.asarray(node.weight)).T
        step = _Step(of_affine(node, x))
        return step, Computed(low, high, (off + step.local) * ROOM)
    if node.op == "take":
        return _Step(none), Computed(low, high, x.off[:, node.columns])
    if node.op == "concat":
        return _Step(none), Computed(low, high, np.concatenate([a.off for a in args], 1))
    low, high = narrowed(node.op, low, high, x)
    step = _elementwise(node, args, Computed(low, high, none), kernels)
    off = step.local + sum(f.size * a.off for f, a in zip(step.factors, args, strict=True))
    return step, Computed(low, high, off * ROOM)


def _elementwise(node: Node, args: list[Computed], out: Computed, kernels: dict[str, Kernel]) -> _Step:
    """A function or an arithmetic operation, feature by feature."""
    op, x, y = node.op, args[0], args[-1]
    one = np.ones_like(out.low)
    plus, minus = Factor(one, 0.0 * one), Factor(-one, 0.0 * one)
    if op in ("add", "sub"):
        local = SINGLE * (out.size + x.off + y.off) + FLUSHED
        return _Step(local, (plus, plus if op == "add" else minus))
    if op == "neg":
        return _Step(0.0 * one, (minus,))
    if op == "mul":  # w1 w2 - v1 v2 = w2 (w1 - v1) + v1 (w2 - v2)
        second, first = Factor.between(*y.wide), Factor.between(x.low, x.high)
        return _Step(SINGLE * x.most * y.most + FLUSHED, (second, first))
    if op == "div":  # w1/w2 - v1/v2 = (w1 - v1)/w2 - (v1/v2)/w2 (w2 - v2)
        inverse, largest = reciprocal(y)
        quotient = Factor.between(out.low, out.high)
        other = Factor(0.0 * one, quotient.size * inverse.size * (1.0 + 1e-12))
        local = 2.01 * SINGLE * x.most * largest + FLUSHED * (1.0 + x.most)
        return _Step(local, (inverse, other))
    if op in ("min", "max"):
        return _Step(0.0 * one, _chosen(op, x, y))
    if op in ("abs", "relu", "leaky_relu"):
        bent = kink(op, node.parameter, x)
        local = 0.0 * one
        if op == "leaky_relu":
            s = float(node.parameter or 0.0)
            stored = 0.0 if float(np.float32(s)) == s else SINGLE * abs(s) + FLUSHED
            local = (SINGLE * abs(s) + stored) * x.most * (1.0 + 1e-6) + FLUSHED
        return _Step(local, (bent,))
    bent = slope(op, node.parameter, x) if op != "gelu_tanh" else Factor(one, np.inf * one)
    size = out.size + bent.size * x.off
    return _Step(of_function(op, node.parameter, size, x, kernels), (bent,))


def _chosen(op: str, x: Computed, y: Computed) -> tuple[Factor, Factor]:
    """max(w) - max(v) is between the differences of both arguments; it is that of one where this one is larger."""
    larger, smaller = x.wide[0] > y.wide[1], x.wide[1] < y.wide[0]  # neither where they overlap
    first, second = (larger, smaller) if op == "max" else (smaller, larger)
    least, most = np.where(first, 1.0, 0.0), np.where(second, 0.0, 1.0)
    return Factor.between(least, most), Factor.between(1.0 - most, 1.0 - least)


def _backward(program: Program, steps: list[_Step]) -> Array:
    """sum over all nodes of |S| times their rounding, shape ``(B, m)``."""
    boxes = len(steps[0].local)
    last, m = len(program.nodes) - 1, program.m
    mid: dict[int, Array] = {last: np.broadcast_to(np.eye(m), (boxes, m, m))}
    rad: dict[int, Array] = {last: np.zeros((boxes, m, m))}
    total = np.zeros((boxes, m))
    for position in range(last, -1, -1):
        if position not in mid:
            continue
        node, step = program.nodes[position], steps[position]
        s, r = mid.pop(position), rad.pop(position)
        total += np.einsum("bmw,bw->bm", np.abs(s) + r, step.local)
        for number, argument in enumerate(node.args):
            width = program.nodes[argument].width
            ds, dr = _carried(node, number, step, s, r, width, program)
            if argument in mid:
                mid[argument] = mid[argument] + ds
                rad[argument] = rad[argument] + dr + 2.0 * U * np.abs(mid[argument])
            else:
                mid[argument], rad[argument] = ds, dr
    return total


def _carried(
    node: Node, number: int, step: _Step, s: Array, r: Array, width: int, program: Program
) -> tuple[Array, Array]:
    """S of one argument from S of the node, as midpoint and radius, shapes ``(B, m, width)``."""
    if node.op == "affine":
        weight = np.asarray(node.weight)
        size = np.abs(weight)
        return s @ weight, (r + U * (len(weight) + 8.0) * np.abs(s)) @ size * ROOM
    if node.op == "take":
        ds, dr = np.zeros((*s.shape[:2], width)), np.zeros((*s.shape[:2], width))
        room = r + U * (node.width + 4.0) * np.abs(s)
        for i, column in enumerate(np.asarray(node.columns).tolist()):
            ds[:, :, column] += s[:, :, i]
            dr[:, :, column] += room[:, :, i]
        return ds, dr
    if node.op == "concat":
        start = sum(program.nodes[a].width for a in node.args[:number])
        return s[:, :, start : start + width], r[:, :, start : start + width]
    p = step.factors[number]
    pm, pr = p.mid[:, None], p.rad[:, None]
    return s * pm, (np.abs(s) * (pr + 4.0 * U * np.abs(pm)) + r * (np.abs(pm) + pr)) * ROOM
