"""Affine models of every operation of a program on real boxes, for what looks inside it."""

from __future__ import annotations

import numpy as np

from supnorm.certification import affine_model
from supnorm.certification.affine_model import AffineModel
from supnorm.certification.rounding import Array
from supnorm.program import Program

BOUNDED = {  # middle and half-width of the values
    "tanh": (0.0, 1.0),
    "erf": (0.0, 1.0),
    "erfc": (1.0, 1.0),
    "sin": (0.0, 1.0),
    "cos": (0.0, 1.0),
    "sigmoid": (0.5, 0.5),
}


def models_of(program: Program, centre: Array, half: Array) -> list[AffineModel]:
    """The models of all operations on real boxes, shapes ``(B, d)``.

    A bounded function whose remainder is no smaller than its range is taken as this range, as the checker does.
    """
    models: list[AffineModel] = []
    with np.errstate(all="ignore"):
        start = affine_model.variables(centre, half, np.ones(1))
        for node in program.nodes:
            model = affine_model.of_node(node, [models[a] for a in node.args], start)
            if node.op in BOUNDED:
                model = _within_range(model, *BOUNDED[node.op])
            models.append(model)
    return models


def _within_range(model: AffineModel, middle: float, half: float) -> AffineModel:
    wide = ~(model.eps[:, 0] < half)
    return AffineModel(
        np.where(wide, middle, model.c),
        np.where(wide[..., None], 0.0, model.J),
        np.where(wide[:, None], half, model.eps),
        model.err,
        model.scales,
    )


def first_infinite(program: Program, centre: Array, half: Array) -> str | None:
    """The first operation without a finite range on a box ``(1, d)``; None where all have one."""
    models: list[AffineModel] = []
    with np.errstate(all="ignore"):
        start = affine_model.variables(centre, half, np.ones(1))
        for node in program.nodes:
            models.append(affine_model.of_node(node, [models[a] for a in node.args], start))
            if not np.isfinite(models[-1].size).all():
                return node.op
    return None
