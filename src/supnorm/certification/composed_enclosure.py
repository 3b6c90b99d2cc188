"""The Chebyshev model of a program on boxes, operation by operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.composed_grid import Grid, Sizes, grid
from supnorm.certification.composed_logs import (
    add,
    constant,
    divide,
    multiply,
    only_where,
    smooth,
    subtract,
    without_relative,
)
from supnorm.certification.composed_model import ChebyshevModel, affine, relu, scale
from supnorm.certification.majorants import REMAINDER
from supnorm.certification.rounding import Array, U, outward
from supnorm.program import Node, Program

CELLS = 100_000  # numbers in one array of values: a few of these stay in the cache
_TANH_GELU, _CUBIC = 0.7978845608028654, 0.044715  # the float64 constants are the definition of gelu_tanh


def enclose(program: Program, centre: Array, half: Array, n: int) -> ChebyshevModel:
    """The model of the program's output, of degree ``n``, on boxes ``(B, d)``; some boxes at a time."""
    g = grid(n, centre.shape[1])
    widest = max(node.width for node in program.nodes)
    step = max(CELLS // (len(g.nodes) * widest), 4)
    rows = [slice(i, i + step) for i in range(0, max(len(centre), 1), step)]
    parts = [_enclose(program, centre[r], half[r], g) for r in rows]
    values, rem, err = (np.concatenate([getattr(p, k) for p in parts]) for k in ("values", "rem", "err"))
    return ChebyshevModel(g, values, rem, err)


def _enclose(program: Program, centre: Array, half: Array, g: Grid) -> ChebyshevModel:
    nodes = program.nodes
    uses = {a: i for i, node in enumerate(nodes) for a in node.args}
    models: dict[int, ChebyshevModel] = {}
    with np.errstate(all="ignore"):
        start = variables(centre, half, g)
        for i, node in enumerate(nodes):
            models[i] = apply(node, [models[a] for a in node.args], start)
            for a in set(node.args):
                if uses[a] == i:
                    del models[a]
    last = models[len(nodes) - 1]
    known = np.isfinite(last.values).all(-1, keepdims=True)
    return replace(last, rem=np.where(known, last.rem, np.inf))


def variables(centre: Array, half: Array, g: Grid) -> ChebyshevModel:
    """The inputs."""
    values = np.ascontiguousarray(np.swapaxes(centre[:, None] + half[:, None] * g.nodes, 1, 2))
    err = 12.0 * U * (np.abs(centre) + half)  # of the nodes, of the product and of the sum
    parts = np.zeros((*centre.shape, g.d, g.n + 1))
    parts[..., 0] = half[..., None]
    for j in range(g.d):
        parts[:, j, j, 0] = 0.0
        parts[:, j, j, 1] = half[:, j]
    return ChebyshevModel(g, values, np.zeros((*centre.shape, g.d)), err, Sizes(centre, parts))


def apply(node: Node, args: list[ChebyshevModel], start: ChebyshevModel) -> ChebyshevModel:
    """The model of one node, with what its runtime adds to rounding."""
    moved = sum(a.moved for a in node.discrepancies)
    if moved:
        args = [replace(args[0], err=outward(args[0].err + moved * (args[0].size + args[0].err))), *args[1:]]
    model = _operation(node, args, start)
    for discrepancy in node.discrepancies:
        if discrepancy.above is None:
            room: Array | float = discrepancy.absolute
            if discrepancy.argument:
                room = room + discrepancy.argument * args[0].size
            if discrepancy.value:
                room = room + discrepancy.value * (model.size + model.err)
            model = without_relative(replace(model, err=outward(model.err + room)))
    return model


def _operation(node: Node, args: list[ChebyshevModel], start: ChebyshevModel) -> ChebyshevModel:
    if node.op == "input":
        return start
    if node.op == "constant":
        return constant(np.asarray(node.value), start)
    if node.op == "affine":
        return affine(args[0], np.asarray(node.weight), np.asarray(node.bias))
    if node.op == "take":
        return _select(args[0], np.asarray(node.columns))
    if node.op == "concat":
        return _joined(args)
    if node.op in REMAINDER:
        extra = node.parameters
        return smooth(node.op, args[0], *extra)
    if node.parameter is not None:
        return leaky_relu(args[0], node.parameter)
    return _COMPOSED[node.op](*args)


def _select(x: ChebyshevModel, columns: NDArray[np.intp]) -> ChebyshevModel:
    known = None if x.known is None else Sizes(x.known.c[:, columns], x.known.parts[:, columns])
    logs = tuple(x.logs[k] for k in columns) if x.logs else ()
    return ChebyshevModel(x.grid, x.values[:, columns], x.rem[:, columns], x.err[:, columns], known, logs)


def _joined(args: list[ChebyshevModel]) -> ChebyshevModel:
    values, rem, err = (np.concatenate([getattr(a, k) for a in args], 1) for k in ("values", "rem", "err"))
    known = None
    if all(a.known is not None for a in args):
        c, parts = (np.concatenate([getattr(a.sizes, k) for a in args], 1) for k in ("c", "parts"))
        known = Sizes(c, parts)
    logs = tuple(log for a in args for log in a.logs or (None,) * a.values.shape[1])
    return ChebyshevModel(args[0].grid, values, rem, err, known, logs)


def absolute(x: ChebyshevModel) -> ChebyshevModel:
    """|x| = 2 relu(x) - x; on boxes where x is positive x itself, with all that is known of it."""
    folded = subtract(scale(relu(x), 2.0), x)
    sure = x.sizes.c > x.reach
    return ChebyshevModel(
        grid=x.grid,
        values=np.where(sure[..., None], x.values, folded.values),
        rem=np.where(sure[..., None], x.rem, folded.rem),
        err=np.where(sure, x.err, folded.err),
        logs=only_where(np.isfinite(x.reach), x.logs),  # where there is a logarithm x is positive
        inside=x,
    )


def leaky_relu(x: ChebyshevModel, slope: float) -> ChebyshevModel:
    """slope x + (1 - slope) max(x, 0)."""
    return add(scale(x, slope), scale(relu(x), 1.0 - slope))


def gelu_tanh(x: ChebyshevModel) -> ChebyshevModel:
    """x (1 + tanh(k (x + 0.044715 x^3))) / 2."""
    inner = scale(add(x, scale(smooth("pow", x, 3.0), _CUBIC)), _TANH_GELU)
    raised = add(constant(np.ones(x.values.shape[1]), x), smooth("tanh", inner))
    return multiply(scale(x, 0.5), raised)


def where(z: ChebyshevModel, above: ChebyshevModel, other: ChebyshevModel) -> ChebyshevModel:
    """``above`` where z > 0, else ``other``, where the sign of z is certain, also as it is rounded."""
    wide = outward(z.reach + z.err)
    on, off = z.sizes.c > wide, z.sizes.c <= -wide
    return ChebyshevModel(
        grid=z.grid,
        values=np.where(on[..., None], above.values, np.where(off[..., None], other.values, 0.0)),
        rem=np.where(on[..., None], above.rem, np.where(off[..., None], other.rem, np.inf)),
        err=np.where(on, above.err, np.where(off, other.err, np.inf)),
    )


_COMPOSED: dict[str, Callable[..., ChebyshevModel]] = {
    "add": add,
    "sub": subtract,
    "mul": multiply,
    "div": divide,
    "neg": lambda x: scale(x, -1.0),
    "relu": relu,
    "abs": absolute,
    "max": lambda x, y: add(y, relu(subtract(x, y))),
    "min": lambda x, y: subtract(x, relu(subtract(x, y))),
    "gelu_tanh": gelu_tanh,
    "where": where,
}
