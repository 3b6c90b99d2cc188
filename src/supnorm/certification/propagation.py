"""Affine Taylor models of all nodes of a program (`affine_model`), from the inputs to the output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.affine_model import (
    COMPOSED,
    SUBNORMAL,
    AffineModel,
    of_node,
    variables,
    with_room,
    with_root,
)
from supnorm.certification.majorants import REMAINDER
from supnorm.certification.roots_at_zero import ROOTS, on_boxes
from supnorm.certification.rounding import Array, U, outward
from supnorm.program import Node, Program

CELLS = 50_000  # numbers in one array of remainders: a few such arrays fit into the processor's cache
AS_COMPUTED = 16.0  # rounding of another order of the sums, with a factor of 4 to spare


def propagate(
    program: Program,
    centre: Array,
    half: Array,
    scales: Array,
    branches: bool = False,
    low: Array | None = None,
    units: float = 1.0,
    outside: float = 0.0,
) -> tuple[AffineModel, Array]:
    """The model of the output on boxes, and how strongly each axis bends the program.

    Args:
        program: any program.
        centre, half: the boxes, shapes ``(B, d)``.
        scales: A of the polydiscs, shape ``(S,)``; the first must be 1 (the real box).
        branches: whether ``err`` bounds, besides rounding, the branches of the code that the program does not take.
        low: the lower ends of the domain, shape ``(d,)``: then roots of what is at least zero have bounds at zero too.
        units: the rounding of the tests of ``where``, in units of ``err``; above 1 for code in lower precision.
        outside: how far arguments as they are computed may lie outside their real remainder, in units of ``err``; above 0
            for code in lower precision, of which products of two roundings and slopes beside the real box count.

    Returns:
        The model of the output, and the largest |J_j| that enters a nonlinear operation, shape ``(B, d)``. The
        axis to split is the one where this number is largest.
    """
    widest = max(node.width for node in program.nodes)
    step = max(CELLS // (len(scales) * widest), 8)
    rows = [slice(i, i + step) for i in range(0, max(len(centre), 1), step)]
    parts = [_propagate(program, centre[r], half[r], scales, branches, low, units, outside) for r in rows]
    if len(parts) == 1:
        return parts[0]
    c, J, eps, err = (np.concatenate([getattr(m, n) for m, _ in parts]) for n in ("c", "J", "eps", "err"))
    return AffineModel(c, J, eps, err, scales), np.concatenate([bend for _, bend in parts])


def _propagate(
    program: Program,
    centre: Array,
    half: Array,
    scales: Array,
    branches: bool,
    low: Array | None,
    units: float,
    outside: float,
) -> tuple[AffineModel, Array]:
    models: list[AffineModel] = []
    known: list[NDArray[np.bool_]] = []
    bend = np.zeros_like(centre)
    with np.errstate(all="ignore"):
        start = variables(centre, half, scales, low)
        for node in program.nodes:
            args = [models[a] for a in node.args]
            if node.op == "where":  # only its test, and only where it is open
                args[0] = replace(args[0], err=units * args[0].err)
                open_ = np.abs(args[0].c) <= args[0].reach[:, 0]
                bend = np.maximum(bend, (np.abs(args[0].J) * open_[..., None]).max(axis=1))
            elif node.op in REMAINDER or node.op in COMPOSED or node.op in ("mul", "div", "relu"):
                for arg in args:
                    bend = np.maximum(bend, np.abs(arg.J).max(axis=1))
                if outside:
                    args = [_as_computed(arg, outside) for arg in args]
            models.append(of_node(node, args, start, branches, units))
            if node.op in ROOTS and not _all_above(args[0]):
                models[-1] = _with_root_on_boxes(program.nodes, models, args[0], known, units)
                models[-1] = with_room(node, models[-1], args, branches)
    return models[-1], bend


def _as_computed(x: AffineModel, outside: float) -> AffineModel:
    """The model with room on the real box for what is ``outside`` of it, in units of ``err``."""
    eps = x.eps.copy()
    eps[:, 0] = outward(eps[:, 0] + outside * x.err)
    return replace(x, eps=eps)


def _all_above(x: AffineModel) -> bool:
    """Whether all is known of these features' signs, or nothing is asked."""
    return x.nonnegative is None or bool(x.nonnegative.all())


def _with_root_on_boxes(
    nodes: Sequence[Node],
    models: list[AffineModel],
    x: AffineModel,
    known: list[NDArray[np.bool_]],
    units: float,
) -> AffineModel:
    """The last model, that of a root, by chords also where its argument x is only on the box known to be at least zero."""
    node, model = nodes[len(models) - 1], models[-1]
    (argument,) = node.args
    rooted = with_root(node.op, x, model, np.ones(node.width, dtype=bool))
    if not (rooted.eps[:, 0] != model.eps[:, 0]).any():
        return model
    above = on_boxes(
        nodes[: argument + 1], lambda i: _positive(models[i], units), models[0].nonnegative, known
    )
    return replace(with_root(node.op, x, model, above), nonnegative=model.nonnegative)


def _positive(x: AffineModel, units: float) -> NDArray[np.bool_]:
    """Which features are above zero on each box, as they are computed too, with rounding in these ``units`` of ``err``."""
    reach = x.reach[:, 0]
    room = AS_COMPUTED * units * x.err + 16.0 * U * (np.abs(x.c) + reach) + SUBNORMAL
    return np.asarray(x.c - reach > room)
