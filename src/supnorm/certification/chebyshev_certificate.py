"""The Chebyshev certificate: on each box a polynomial near the error, and the maximum of this polynomial.

On a box, e = N - f is its affine part plus a remainder bounded by M on polydiscs (`affine_model`), so the
tensor Chebyshev interpolant p of degree n is within a known tail of e (`chebyshev`), and

    sup |e| <= max |p| + tail + Lebesgue constant * evaluation error.

A box whose affine model is small enough needs no polynomial. A box is split if no degree up to the limit reaches the
allowance. Cost: a few thousand point evaluations per box in 2-D. The number of boxes depends on the poles of the
activations and hardly on the size of the error.
Choose it for analytic activations (tanh, sigmoid, softplus, SiLU, GELU, sin) in 1 to 3 inputs; it works in
more inputs at a cost of (n + 1)^d points a box. On a box that kinks cross, only the affine bound is available.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.certification import chebyshev
from supnorm.certification.affine_model import AffineModel
from supnorm.certification.beyond import Beyond
from supnorm.certification.boxes import Boxes
from supnorm.certification.bracket import UNDERFLOW
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.fine_nodes import Rule, bound_again, most_fine
from supnorm.certification.leaf import Batch, Bounded, Task, affine_range, fits_a_leaf
from supnorm.certification.propagation import propagate
from supnorm.certification.roots_at_zero import asked
from supnorm.certification.rounding import Array, outward
from supnorm.program import Program
from supnorm.results.option import Allowed
from supnorm.results.settings import NONE_TOO, Limits, Settings

POINTS = 200_000  # points evaluated at once

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class ChebyshevCertificate(Settings):
    """Settings of the method.

    Attributes:
        rho: parameters of the ellipses that are tried; each box takes the best one.
        degrees: largest degree in 1, 2, 3 and more dimensions, tuned on 2x32 and 3x64 tanh networks.
        grids: K of the Ehlich-Zeller grids, tried in order after the sum of coefficients.
        share: part of the gap between target and the error of the witness that tail and rounding together may use.
        fine: bound every box that stays open by nodes of higher precision (`fine_nodes`), not only those where float64 is
            seen to be the obstacle.
    """

    # The numbers are boxes of three proofs for tanh networks of 2 layers of width 32, shifted as in `benchmarks.certify`,
    # whose table guards them: one in 1-D, two in 2-D. With the values below they took 15, 251 and 119 boxes. Every second
    # rho: 17, 255, 119; twice as many: 13, 247, 117.
    rho: tuple[float, ...] = (1.4, 1.7, 2.1, 2.7, 3.5, 4.6, 6.2, 8.5, 12.0, 18.0, 32.0, 80.0)
    # Half of the degrees: 23, 799, 255; about 1.7 times the degrees: 11, 183, 69 in the same time, as a box costs more.
    degrees: tuple[int, ...] = (24, 18, 12, 6)
    # A file has ellipses from above 1 to below 1e6.
    LIMITS: ClassVar[Limits] = {"degrees": NONE_TOO, "rho": Allowed(above=1.0, high=999_999.0)}
    # K = 3 alone: 23, 259, 147; 3 and 12: as with 40; half and twice the numbers: 15, 251, 119.
    grids: tuple[int, ...] = (3, 12, 40)
    share: float = 1.0 / 3.0  # 1/6: 15, 251, 133; 2/3: 15, 251, 111
    fine: bool = False

    def bound(self, error: ErrorProgram, boxes: Boxes, target: float, lower: float) -> Bounded:
        """Bounds of the error on a batch of boxes.

        Args:
            error: what is bounded.
            boxes: the batch.
            target: a box is done when its bound is at most this.
            lower: the error of the witness so far: no allowance below ``share * (target - lower)`` is needed.
        """
        state = Batch.start(len(boxes), len(error.alternatives), error)
        for task in Task.all_of(error, boxes, target, lower, state):
            self._one(task)
        return state.finish(target)

    def _one(self, task: Task) -> None:
        a, centre, half, target, state = task.a, task.centre, task.half, task.target, task.state
        error = state.error
        rho = np.asarray(self.rho)
        low = asked(
            task.program, error.low
        )  # linear bounds are the only ones of a box in which a root reaches zero
        model, bend = on_ellipses(task.program, centre, half, ellipse_scales(rho), low)
        state.begin(a, model.err, bend)
        if not error.declared:
            state.offer(a, np.arange(len(centre)), *affine_range(model), degree=0)
        todo = task.todo
        if len(todo):
            other = Beyond(error.declared, centre[todo], half[todo])
            bounded = np.asarray(np.isfinite(model.eps[todo]).any(1))
            counts = state.open_outputs(a, todo, bounded, target)
            here = np.zeros(counts.shape) if other.parts else error.one_sided(model.c[todo])
            above = todo[here.max(1) > target]
            # No bound of these boxes can reach the target: a better witness will be found in them.
            if above.size:
                state.remember(centre[above], model.c[above])
            degree, best, tail, noise, limited = self._degrees(task, model, todo, counts, here, other)
            state.bend[todo] = other.bend(state.bend[todo], self._gap(task))
            for n in np.unique(degree[degree > 0]):
                rows = degree == n
                self._polynomials(task, int(n), todo[rows], rho[best[rows]], tail[rows] + noise[rows])
            if not error.declared:
                limited = self._less_rounding(task, model, todo, counts, limited | self.fine)
            state.limit(todo, limited)

    def _less_rounding(
        self,
        task: Task,
        model: AffineModel,
        todo: NDArray[np.intp],
        counts: NDArray[np.bool_],
        limited: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Bound boxes again, more exactly, where rounding stands in the way; says where it still does."""
        few = np.flatnonzero(limited & (task.state.upper()[todo] > task.target))
        if not len(few):
            return limited
        rows, unknown = todo[few], task.target <= UNDERFLOW
        rho, d = np.asarray(self.rho), task.d
        flat = np.max(np.abs(model.c[rows]) + model.slope[rows], 1, where=counts[few], initial=0.0)
        allowance = np.maximum(self._gap(task), 0.5 * (task.target - flat))
        M = outward(model.eps[rows, 1:])
        best, chosen = np.full(len(few), np.inf), {}
        usual = self.degrees[min(d, len(self.degrees)) - 1]
        for n in range(2, max(usual, most_fine(task.program)) + 1):
            if not fits_a_leaf(task.program, n):
                break
            tails = outward(M * chebyshev.tail_factor(n, rho, d)[:, None])
            column = np.max(tails, 2, where=counts[few][:, None], initial=0.0).argmin(1)
            one = tails[np.arange(len(few)), column]
            worst = np.max(one, 1, where=counts[few], initial=0.0)
            better = (worst < best) & (best > (0.0 if unknown else 0.5 * allowance))
            for k in np.flatnonzero(better):
                chosen[k] = Rule(
                    int(rows[k]), n, float(rho[column[k]]), one[k], 0.0 if unknown else allowance[k]
                )
            best = np.where(better, worst, best)
        fits = np.flatnonzero((best <= 0.5 * allowance) | (unknown & np.isfinite(best)))
        still = limited.copy()
        still[few] = False  # a box whose tail is too large is halved
        still[few[fits]] = bound_again(task, [chosen[k] for k in fits], self.grids)
        return still

    def _degrees(
        self,
        task: Task,
        model: AffineModel,
        todo: NDArray[np.intp],
        counts: NDArray[np.bool_],
        here: Array,
        other: Beyond,
    ) -> tuple[Integers, NDArray[np.intp], Array, Array, NDArray[np.bool_]]:
        """The smallest degree whose tail and rounding fit for the outputs that count; 0 where none fits.

        ``here`` is the error at the centre by this alternative alone; the alternative proves nothing where it is above
        the target.
        """
        rho, d, target = np.asarray(self.rho), other.d, task.target
        largest = self.degrees[min(d, len(self.degrees)) - 1]
        possible = counts.any(1)

        def largest_of(v: Array) -> Array:
            return np.asarray(np.max(v, -1, where=counts, initial=0.0))

        M = outward(model.eps[todo, 1:])
        err = model.err[todo]
        flat = np.abs(model.c[todo]) + model.slope[todo]
        allowance = np.full(len(todo), self._gap(task))
        if not other.parts:
            allowance = np.maximum(allowance, 0.5 * (target - largest_of(flat)))
        degree = np.zeros(len(todo), dtype=np.int64)
        best = np.zeros(len(todo), dtype=np.intp)
        tail, noise = np.full(err.shape, np.inf), np.full(err.shape, np.inf)
        limited = np.zeros(len(todo), dtype=bool)
        size = model.size[todo] + err
        for n in other.degrees(largest):
            if not fits_a_leaf(task.program, n):
                break
            tails, loss = interpolation_loss(n, d, rho, M, err, size)
            column = np.max(tails, 2, where=counts[:, None], initial=0.0).argmin(1)
            one = tails[np.arange(len(todo)), column] + other.tail(n)
            worst = largest_of(loss)
            drowned = (worst > 0.25 * allowance) & (largest_of(one) <= worst) & np.isfinite(worst)
            # Once there is a witness, an error above the target is real and not caused by rounding.
            drowned &= (largest_of(here) <= target + worst) | (task.lower == 0.0)
            good = (degree == 0) & possible & ((largest_of(one + loss) <= allowance) | drowned)
            limited |= good & drowned
            degree[good], best[good], tail[good], noise[good] = n, column[good], one[good], loss[good]
        return degree, best, tail, noise, limited

    def _gap(self, task: Task) -> float:
        """The allowance for tail and rounding where the error is near its maximum."""
        return max(self.share * (task.target - task.lower), 1e-4 * task.target)

    def _polynomials(self, task: Task, n: int, rows: NDArray[np.intp], rho: Array, slack: Array) -> None:
        """Interpolants of degree ``n`` on the boxes ``rows``, whose tails are within ``slack``."""
        d, centre, half, state = task.d, task.centre, task.half, task.state
        grid = chebyshev.tensor_nodes(n, d)
        step = max(POINTS // len(grid), 1)
        for i in range(0, len(rows), step):
            part = rows[i : i + step]
            points = centre[part, None] + half[part, None] * grid
            values = task.program.value(points.reshape(-1, d)).reshape(len(part), len(grid), -1)
            loss = slack[i : i + step]
            if state.error.declared:
                other = Beyond(state.error.declared, centre[part], half[part])
                values, noise = other.add(n, values)
                state.limit(part, noise.max(1) > 0.25 * task.target)
                loss = loss + noise
            values = values.reshape(len(part), *(n + 1,) * d, -1)
            state.remember(points, values)
            coefficients = chebyshev.along_axes(chebyshev.transform(n), values, d)
            self._maximum(task, n, coefficients, part, rho[i : i + step], loss)

    def _maximum(
        self, task: Task, n: int, coefficients: Array, rows: NDArray[np.intp], rho: Array, slack: Array
    ) -> None:
        """Ranges of the interpolants on finer and finer grids, as long as a finer grid may help."""
        a, d, target, state = task.a, task.d, task.target, task.state
        for grid in (0, *self.grids):
            if (grid * n) ** d > chebyshev.LARGEST_GRID or not fits_a_leaf(task.program, n, grid):
                return
            counts = state.open_outputs(a, rows, np.isfinite(slack), target)
            open_ = state.still_open(a, rows, counts, target)
            if not open_.any():
                return
            low, high = chebyshev.polynomial_range(coefficients[open_], n, d, grid)
            extra = slack[open_]
            state.offer(a, rows[open_], low - extra, high + extra, degree=n, rho=rho[open_], grid=grid)


def ellipse_scales(rho: Array) -> Array:
    """A of the polydiscs that hold the ellipses."""
    return np.asarray(0.5 * (rho + 1.0 / rho) * (1.0 + 1e-15))


def interpolation_loss(n: int, d: int, rho: Array, M: Array, err: Array, size: Array) -> tuple[Array, Array]:
    """How far the computed interpolant of degree ``n`` may be from the error.

    Args:
        n, d: degree and number of inputs.
        rho: of the ellipses, shape ``(R,)``.
        M: bound of what is not affine on each ellipse, shape ``(B, R, m)``.
        err: what evaluation in float64 adds to a value, shape ``(B, m)``.
        size: bound of the values, shape ``(B, m)``.

    Returns:
        The tails, shape ``(B, R, m)``, and what rounding does, shape ``(B, m)``.
    """
    tails = outward(M * chebyshev.tail_factor(n, rho, d)[:, None])
    return tails, outward(chebyshev.lebesgue(n, d) * err + chebyshev.transform_rounding(n, d, size))


# Ellipses tried at once; 2 and 8 gave the same boxes, in times that differed by less than a quarter.
TOGETHER = 4


def on_ellipses(
    program: Program, centre: Array, half: Array, scales: Array, low: Array | None = None
) -> tuple[AffineModel, Array]:
    """Models on the real boxes and on growing polydiscs; beyond a pole they are infinite without being computed.

    ``low`` is that of `propagate`, of the real boxes.
    """
    model, bend = propagate(program, centre, half, np.concatenate([[1.0], scales[:TOGETHER]]), low=low)
    eps = np.full((len(centre), 1 + len(scales), model.c.shape[1]), np.inf)
    eps[:, : 1 + TOGETHER] = model.eps
    rows = np.arange(len(centre))
    for start in range(TOGETHER, len(scales), TOGETHER):
        rows = rows[np.isfinite(eps[rows, start]).any(1)]
        if not len(rows):
            break
        some = scales[start : start + TOGETHER]
        beyond, _ = propagate(program, centre[rows], half[rows], np.concatenate([[1.0], some]))
        eps[rows, start + 1 : start + 1 + len(some)] = beyond.eps[:, 1:]
    return AffineModel(model.c, model.J, eps, model.err, np.concatenate([[1.0], scales])), bend
