"""Certificates of composed formulas by Chebyshev models, in one to four inputs.

On a box the error E is within a proved remainder of its interpolant p of degree n at tensor nodes (`composed_model`), so

    sup |E| <= max |p| + remainder + Lebesgue constant * evaluation error,

with the maximum of p as in `chebyshev_certificate`. That one bounds the interpolation error of the whole program at once,
by an affine model on complex neighbourhoods; this one operation by operation, knowing the polynomial that enters each.
It is needed where formulas are composed (logarithms of quotients, powers of sums, iterations written out), on logarithmic
axes, and for errors relative to a reference that varies by decades.
Boxes are halved along the axis whose part of the remainder is largest.

Cost: (n + 1)^d values and a few cosine transforms for each operation; on networks, whose features are many, the other
certificates are faster.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.certification import chebyshev
from supnorm.certification.boxes import Boxes
from supnorm.certification.composed_enclosure import enclose
from supnorm.certification.composed_model import ChebyshevModel
from supnorm.certification.cut_parts import BY_PARTS, cut, joined
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.leaf import Batch, Bounded, Task, fits_a_leaf
from supnorm.certification.rounding import Array, outward
from supnorm.results import BadInput
from supnorm.results.settings import Settings

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]
MOST_INPUTS = 4  # for which there are degrees in the menu
ROOM = 1e-9  # part of a bound left to the checker, whose arithmetic is another
ANY = 1e9  # boxes into which one may have to be halved, at most, where that is estimated


@dataclass(frozen=True)
class ComposedCertificate(Settings):
    """Hyper-parameters.

    Attributes:
        degrees: that are tried in 1, 2, 3 and 4 inputs, the smallest first.
        gain: by what factor the next degree is expected to make a remainder smaller: where more is needed, a box is halved.
        grids: K of the Ehlich-Zeller grids, tried in order after the sum of coefficients.
        share: part of the gap between target and witness that remainder and rounding together may use.
    """

    # Any degree gives a true bound. `benchmarks.certify` (formulas) guards boxes and time.
    degrees: tuple[tuple[int, ...], ...] = ((6, 12, 18), (5, 8, 12), (4, 6, 8), (3, 5))
    gain: float = 100.0
    grids: tuple[int, ...] = (3, 12, 40)
    share: float = 1.0 / 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.degrees) != MOST_INPUTS or not all(n >= 2 for menu in self.degrees for n in menu):
            raise BadInput("degrees of composed certificates are at least 2, for 1, 2, 3, 4 inputs")

    def bound(self, error: ErrorProgram, boxes: Boxes, target: float, lower: float) -> Bounded:
        """Bounds of the error on a batch of boxes; see `ChebyshevCertificate.bound`."""
        if error.declared:
            raise BadInput(
                "composed certificates need programs of model and reference; use ChebyshevCertificate for "
                "functions with declared bounds"
            )
        if error.d > MOST_INPUTS:
            raise BadInput(f"composed certificates are for at most {MOST_INPUTS} inputs, got {error.d}")
        state = Batch.start(len(boxes), len(error.alternatives), error)
        state.needs[:] = np.inf
        for task in Task.all_of(error, boxes, target, lower, state):
            self._one(task, self._by_parts(task))
        return state.finish(target)

    def _by_parts(self, task: Task) -> Rows:
        """Bound the boxes that knots of tables cut by their parts; returns the others."""
        rows, state = task.todo, task.state
        state.err[rows, task.a] = np.inf
        if not any(len(k) for k in state.error.cuts):
            return rows
        owner, centre, half = cut(state.error, task.centre[rows], task.half[rows])
        mine = np.unique(rows[owner])
        state.needs[mine] = 2.0
        left, owner = mine, rows[owner]
        for n in self._degrees(task):
            some = np.isin(owner, left)
            if not some.any():
                break
            self._parts(
                task,
                left,
                owner[some],
                enclose(task.program, centre[some], half[some], n),
                centre[some],
                half[some],
            )
            left = left[state.upper()[left] > task.target]
        return np.setdiff1d(rows, mine)

    def _parts(
        self, task: Task, rows: Rows, owner: Rows, model: ChebyshevModel, centre: Array, half: Array
    ) -> None:
        """Offer what models of one degree on the parts of the boxes ``rows`` prove."""
        state, a, g = task.state, task.a, model.grid
        state.remember(centre[:, None] + half[:, None] * g.nodes, np.swapaxes(model.values, 1, 2))
        state.err[rows, a] = np.fmin(state.err[rows, a], joined(owner, rows, model.err, True))
        bend = joined(owner, rows, model.rem.max(1), True)
        bounded = np.isfinite(bend)
        wide = task.half[rows] / (state.error.high - state.error.low)
        largest = np.where(bounded, bend, 0.0).max(1, keepdims=True)
        # Of axes without a bound the widest; else the one with the largest remainder, and the widest of equal ones.
        state.bend[rows] = np.where(bounded, bend + 1e-9 * largest * wide, (1.0 + largest) * (1.0 + wide))
        loss = remainder_loss(model)
        for grid in (0, *self.grids):
            if (grid * g.n) ** g.d > chebyshev.LARGEST_GRID or not fits_a_leaf(task.program, g.n, grid):
                return
            if not (state.upper()[rows] > task.target).any():
                return
            low, high = composed_range(model, loss, grid)
            state.offer(
                a,
                rows,
                joined(owner, rows, low, False),
                joined(owner, rows, high, True),
                degree=g.n,
                rho=BY_PARTS,
                grid=grid,
            )

    def _degrees(self, task: Task) -> list[int]:
        return [n for n in self.degrees[task.d - 1] if fits_a_leaf(task.program, n)]

    def _one(self, task: Task, rows: Rows) -> None:
        for n in self._degrees(task):
            if not len(rows):
                return
            rows = self._degree(task, rows, enclose(task.program, task.centre[rows], task.half[rows], n))

    def _degree(self, task: Task, rows: Rows, model: ChebyshevModel) -> Rows:
        """Offer what models of one degree prove on the boxes ``rows``; those that the next degree may prove."""
        state, a, target, g = task.state, task.a, task.target, model.grid
        values = np.swapaxes(model.values, 1, 2)
        state.remember(task.centre[rows, None] + task.half[rows, None] * g.nodes, values)
        state.err[rows, a] = np.fmin(state.err[rows, a], model.err)
        noise, loss = rounding_loss(model), remainder_loss(model)
        counts = state.open_outputs(a, rows, np.isfinite(loss), target)

        def largest_of(v: Array) -> Array:
            return np.asarray(np.max(v, 1, where=counts, initial=0.0))

        here = np.stack([state.error.one_sided(values[:, i]) for i in range(values.shape[1])]).max(0)
        worst, size = largest_of(loss), largest_of(here)
        allowance = np.maximum(self._gap(task), 0.5 * (target - size))
        known = counts.any(1)
        with np.errstate(divide="ignore"):
            needs = np.minimum(worst / allowance, ANY) ** (g.d / (g.n + 1.0))
        self._split(task, rows, model, np.where(known, needs, ANY))
        drowned = self._drowned(task, rows, model, known & (largest_of(noise) > 0.25 * allowance), allowance)
        drowned &= (size <= 1.1 * target + worst) | (task.lower == 0.0)
        state.limit(rows, drowned)
        good = known & ((worst <= allowance) | drowned)
        self._ranges(task, rows, model, good, counts, loss)
        return rows[known & ~good & (worst <= self.gain * allowance) & (size <= target)]

    def _gap(self, task: Task) -> float:
        """What remainder and rounding may use where the error is near its maximum."""
        return max(self.share * (task.target - task.lower), 1e-4 * task.target, 1e-290)

    def _split(self, task: Task, rows: Rows, model: ChebyshevModel, needs: Array) -> None:
        """Along the axis with the largest part of the remainder; of those without a bound, the one that is widest."""
        state = task.state
        better = needs < state.needs[rows]
        part = model.rem.max(1)
        unknown = ~np.isfinite(part)
        wide = task.half[rows] / (0.5 * (state.error.high - state.error.low))
        infinite = np.where(unknown, wide, 0.0)
        finite = np.where(
            unknown, 0.0, part / np.maximum(np.where(unknown, 0.0, part).max(1), 1e-300)[:, None]
        )
        bend = np.where(unknown.any(1)[:, None], infinite, finite)
        first = ~np.isfinite(state.needs[rows])
        state.bend[rows] = np.where((better | first)[:, None], bend, state.bend[rows])
        state.needs[rows] = np.fmin(needs, state.needs[rows])

    def _drowned(
        self, task: Task, rows: Rows, model: ChebyshevModel, suspect: Mask, allowance: Array
    ) -> Mask:
        """Where rounding alone is too much on a far smaller box as well, and nearly all that is left."""
        drowned = np.zeros(len(rows), dtype=bool)
        if not suspect.any():
            return drowned
        n = self.degrees[task.d - 1][0]
        at = rows[suspect]
        small = enclose(task.program, task.centre[at], 1e-3 * task.half[at], n)
        floor = small.rest + small.grid.lebesgue * small.err
        left = model.rest[suspect] + model.grid.lebesgue * model.err[suspect]
        drowned[suspect] = ((floor > 0.25 * allowance[suspect, None]) & (left <= 8.0 * floor)).any(1)
        return drowned

    def _ranges(
        self, task: Task, rows: Rows, model: ChebyshevModel, good: Mask, counts: Mask, loss: Array
    ) -> None:
        """Ranges of the interpolants of the boxes ``rows[good]`` on finer and finer grids, while they may help."""
        g, state = model.grid, task.state
        rows, counts, loss = rows[good], counts[good], loss[good]
        if not len(rows):
            return
        model = replace(model, values=model.values[good])
        for grid in (0, *self.grids):
            if (grid * g.n) ** g.d > chebyshev.LARGEST_GRID or not fits_a_leaf(task.program, g.n, grid):
                return
            open_ = state.still_open(task.a, rows, counts, task.target)
            if not open_.any():
                return
            some = replace(model, values=model.values[open_])
            low, high = composed_range(some, loss[open_], grid)
            state.offer(task.a, rows[open_], low, high, degree=g.n, grid=grid)


def rounding_loss(model: ChebyshevModel) -> Array:
    """How far rounding takes the computed interpolant from the exact one, shape ``(B, w)``."""
    g, largest = model.grid, np.abs(model.values).max(-1) + model.err
    return outward(g.lebesgue * model.err + chebyshev.transform_rounding(g.n, g.d, largest))


def remainder_loss(model: ChebyshevModel) -> Array:
    """How far the computed interpolant is from the feature, shape ``(B, w)``."""
    return outward(model.rest + rounding_loss(model))


def composed_range(model: ChebyshevModel, loss: Array, grid: int) -> tuple[Array, Array]:
    """Range of features within ``loss`` of their computed interpolants, with room for another arithmetic; ``(B, w)``."""
    g = model.grid
    flat = np.swapaxes(g.coefficients(model.values), 1, 2)
    coefficients = flat.reshape(len(flat), *(g.n + 1,) * g.d, -1)
    low, high = chebyshev.polynomial_range(coefficients, g.n, g.d, grid)
    extra = outward(loss * (1.0 + ROOM) + ROOM * np.maximum(np.abs(low), np.abs(high)))
    return low - extra, high + extra
