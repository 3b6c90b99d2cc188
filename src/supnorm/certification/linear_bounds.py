"""Linear bounds with branch and bound, and exact pieces: for networks with kinks (relu, abs, min, max).

Each box gets the affine model on the real box alone: error = c + J.y + remainder, where every kink inside the
box is relaxed by its chord (Singh et al., 2018) and smooth parts by their linear remainder. On a box that no
kink crosses, the model of the network is exact and only the curvature of the reference remains. So the remainder falls
like h^2 there and like h at kinks. Branch and bound spends boxes only where the error is close to its maximum.
In one and two inputs, boxes where chords would need many more boxes are cut into their exact linear pieces
(`pieces`), whose bound falls like h^2 everywhere. Roots whose argument reaches zero have their chord (`roots_at_zero`).
Cost: d + 2 products with the weights per layer and box, less than for a polynomial or for the pieces of a box.
Choose it for piecewise linear networks; for smooth ones the Chebyshev certificate needs far fewer boxes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.boxes import Boxes
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.leaf import PIECES, Batch, Bounded, affine_range
from supnorm.certification.pieces import piecewise_range
from supnorm.certification.propagation import propagate
from supnorm.certification.roots_at_zero import asked
from supnorm.certification.rounding import Array
from supnorm.results.option import Allowed
from supnorm.results.settings import Limits, Settings

# In what share of a box rounding alone keeps a choice between formulas open, if it does so in the whole box. As in
# `graded_certificate`; it only decides whether a box is halved once more.
SMALLER = 1e-3


@dataclass(frozen=True)
class LinearBounds(Settings):
    """Halves boxes along the axis that bends the network most.

    Attributes:
        worth: this many boxes of linear bounds cost as much as the pieces of one box; tuned on random and trained
            2x32 and 3x64 ReLU networks in 2-D.
    """

    # Two proofs for ReLU networks, as in `pieces.MOST`: 987 and 439 boxes; 5: 817 and 409; 20: 1,481 and 577; like times.
    worth: float = 10.0
    # Infinite: never by pieces, as in the benchmark of both.
    LIMITS: ClassVar[Limits] = {"worth": Allowed(low=0, infinite=True)}

    def bound(self, error: ErrorProgram, boxes: Boxes, target: float, lower: float) -> Bounded:
        """Bounds of the error on a batch of boxes; see `ChebyshevCertificate.bound`."""
        centre, half = boxes.centre_and_half(error.low, error.high)
        state = Batch.start(len(boxes), len(error.alternatives), error)
        middle = np.full(state.bounds.shape, np.inf)
        linear, seen = middle.copy(), np.full(middle.shape, -np.inf)
        for a, program in enumerate(error.alternatives):
            domain_low = asked(program, error.low)
            model, bend = propagate(program, centre, half, np.ones(1), low=domain_low)
            state.begin(a, model.err, bend)
            low, high = affine_range(model)
            state.offer(a, np.arange(len(boxes)), low, high, degree=0)
            middle[:, a], linear[:, a] = error.one_sided(model.c), state.size_of(low, high)
            if error.d <= 2:
                rows = self._worth(state.upper(), middle[:, a].max(1), target, error.d)
                if len(rows):
                    low, high = piecewise_range(program, centre[rows], half[rows], domain_low)
                    state.offer(a, rows, low, high, degree=PIECES)
                    seen[rows, a] = error.one_sided(program.value(centre[rows]))
        upper = state.upper()
        rounding = state.rounding()
        # Whether linear bounds are as near to their own middle as rounding lets them be, or those by pieces to the error at
        # the centre. Between chords the middle is no error at any point: the bound by pieces may be far below it on a box
        # that is still to be halved. Without pieces such a box is halved for ever.
        excess = linear.min(1).max(1) - middle.min(1).max(1)
        gap = np.fmin(excess, upper - seen.min(1).max(1))
        near = np.flatnonzero((gap <= 4.0 * rounding) & np.isfinite(rounding))
        if any(node.op == "where" for program in error.alternatives for node in program.nodes):
            near = near[gap[near] <= 4.0 * self._rounding_of_smaller(error, centre, half, state, near)]
        state.limited[near] = True
        finite = np.where(np.isfinite(upper), upper, 0.0)
        state.points.append(centre[np.argsort(-finite)[:4]])
        return state.finish(target)

    def _rounding_of_smaller(
        self, error: ErrorProgram, centre: Array, half: Array, state: Batch, rows: NDArray[np.intp]
    ) -> Array:
        """What rounding can add in the middle of boxes: a choice that is open on a whole box is none of rounding there.

        Where a ``where`` may be either formula on a box, so may be what float64 gives; on a smaller box it may be certain.
        """
        err = state.err.copy()
        for a, program in enumerate(error.alternatives):
            model, _ = propagate(
                program, centre[rows], SMALLER * half[rows], np.ones(1), low=asked(program, error.low)
            )
            err[rows, a] = model.err
        return state.rounding(err)[rows]

    def _worth(self, upper: Array, middle: Array, target: float, d: int) -> NDArray[np.intp]:
        """The boxes that linear bounds would split into more than ``worth`` boxes; the excess of a bound falls like h."""
        excess = (upper - middle) / np.maximum(target - middle, 1e-300)
        return np.flatnonzero((upper > target) & (excess > self.worth ** (1.0 / d)))
