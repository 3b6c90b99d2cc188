"""Linear bounds with branch and bound: for networks with kinks (relu, abs, min, max), any dimension.

Each box gets the affine model on the real box alone: error = c + J.y + remainder, where every kink inside the
box is relaxed by its chord (Singh et al., 2018) and smooth parts by their linear remainder. On a box that no
kink crosses the network is exact and only the curvature of the reference is left, so the remainder falls like
h^2 there and like h at kinks; the search spends boxes only where the error is close to its maximum.
Cost: d + 2 products with the weights per layer and box: about ten times less than a polynomial's.
Choose it for piecewise linear networks; for smooth ones the Chebyshev certificate needs far fewer boxes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from supnorm.certification.affine_model import propagate
from supnorm.certification.boxes import Boxes
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.leaf import Batch, Bounded, affine_range


@dataclass(frozen=True)
class LinearBounds:
    """No hyper-parameters: boxes are halved along the axis that bends the network most."""

    def bound(self, error: ErrorProgram, boxes: Boxes, target: float, lower: float) -> Bounded:
        """Bounds of the error on a batch of boxes; see `ChebyshevCertificate.bound`."""
        centre, half = boxes.centre_and_half(error.low, error.high)
        state = Batch.start(len(boxes), len(error.alternatives), error)
        middle = np.full(state.bounds.shape, np.inf)
        for a, program in enumerate(error.alternatives):
            model, bend = propagate(program, centre, half, np.ones(1))
            state.bend = np.maximum(state.bend, bend)
            state.rounding = np.maximum(state.rounding, model.err.max(1))
            state.offer(a, np.arange(len(boxes)), *affine_range(model), degree=0)
            middle[:, a] = error.one_sided(model.c)
        upper = state.upper()
        rounded = upper - middle.min(1).max(1) <= 4.0 * state.rounding
        state.limited = rounded & np.isfinite(state.rounding)
        finite = np.where(np.isfinite(upper), upper, 0.0)
        state.points.append(centre[np.argsort(-finite)[:4]])
        return state.finish(target)
