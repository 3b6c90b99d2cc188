"""The graded certificate: polynomials of total degree in 3 to 6 inputs and beyond, with proved constants.

On a box the graded model (`graded_model`) says that e = N - f is within delta(D) of a polynomial of total
degree D; least squares at the nodes of a rule (`graded_rule`), whose constant Lambda is proved, find a
polynomial p with

    sup |e| <= range of p + (1 + Lambda) delta(D) + Lambda (evaluation error) + rounding of the coefficients

(`graded_bound` for the range). Each box takes the degree of least expected cost; boxes where no degree reaches
the allowance are split. Cost: C(D + d, d) to twice as many point evaluations instead of (n + 1)^d: 4-D degree 9 needs
1256 points. The number of boxes hardly depends on how small the error is and grows by about 8 per input.
Choose it for analytic activations in 3 inputs or more; in 1 and 2 inputs `ChebyshevCertificate` is faster.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.boxes import Boxes
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.graded import TOP, Graded
from supnorm.certification.graded_bound import polynomial_range
from supnorm.certification.graded_model import Enclosed, enclose, linear
from supnorm.certification.graded_rule import LARGEST_RULE, Rule, rule
from supnorm.certification.leaf import Batch, Bounded, Task, affine_range
from supnorm.certification.rounding import Array, outward
from supnorm.results import BadInput
from supnorm.results.settings import NONE_TOO, Limits, Settings

Rows = NDArray[np.intp]
POINTS = 100_000  # points evaluated at once
LARGEST_GRID = 70_000  # points of one product grid of a box and output: 0.6 MB
MOST_INPUTS = 8  # for which there are rules of the degrees in the menu
ROOM = 1e-9  # part of a bound left to the checker, whose arithmetic is another


@dataclass(frozen=True)
class GradedCertificate(Settings):
    """Settings of the method.

    Attributes:
        degrees: total degrees that are tried in 3, 4, 5, 6 and more dimensions.
        tighten: degree of the tightening rule; 0 means no tightening, which is faster up to three hidden layers.
        share: part of the gap between target and the error of the witness that tail and rounding together may use.
        far: part of the distance between the target and the error on a box that they may use instead, if it is more.
        grids: nodes per axis of the product grids, tried in order.
    """

    # Any degree gives a true bound. The table of `benchmarks.certify` guards boxes and time.
    degrees: tuple[tuple[int, ...], ...] = (
        (5, 7, 9, 11),
        (4, 6, 7, 8, 9, 11),
        (4, 6, 7, 8, 9),
        (3, 5, 6, 7, 8, 9),
    )
    tighten: int = 0
    # The numbers are boxes of three proofs for tanh networks, shifted as in `benchmarks.certify`, whose table guards them:
    # two in 3-D, one in 4-D to a ratio of 1.5. With the values below they took 269, 255 and 723 boxes.
    share: float = 0.3  # 0.15: 261, 237, 723; 0.6: 283, 285, 723
    far: float = 0.85  # 0.43: 301, 267, 661; 0.95: 267, 249, 779
    # 6 and 8: 889, 901, and no proof in 4-D; 12 and 16: 269, 255, and no proof in 4-D; 24 as well: 207, 183, 723.
    grids: tuple[int, ...] = (6, 8, 12, 16)

    LIMITS: ClassVar[Limits] = {"tighten": NONE_TOO}

    def __post_init__(self) -> None:
        super().__post_init__()
        every = [D for menu in self.degrees for D in menu] + ([self.tighten] if self.tighten else [])
        if len(self.degrees) != 4 or not all(2 <= D < TOP for D in every):
            raise BadInput(f"degrees of graded certificates are from 2 to {TOP - 1}, for 3, 4, 5, 6 inputs")

    def bound(self, error: ErrorProgram, boxes: Boxes, target: float, lower: float) -> Bounded:
        """Bounds of the error on a batch of boxes; see `ChebyshevCertificate.bound`."""
        if error.declared:
            raise BadInput(
                "graded certificates need programs of model and reference; for functions with declared bounds use "
                "ChebyshevCertificate"
            )
        if error.d > MOST_INPUTS:
            raise BadInput(
                f"graded certificates are for at most {MOST_INPUTS} inputs, got {error.d}; use LinearBounds"
            )
        state = Batch.start(len(boxes), len(error.alternatives), error)
        for task in Task.all_of(error, boxes, target, lower, state):
            self._one(task)
        return state.finish(target)

    def menu(self, d: int) -> tuple[int, ...]:
        """Degrees in ``d`` dimensions; for more than six only degrees with at most `LARGEST_RULE` coefficients."""
        table = self.degrees[min(max(d, 3), 6) - 3]
        return tuple(D for D in table if d <= 6 or math.comb(D + d, d) <= LARGEST_RULE) or (2,)

    def _one(self, task: Task) -> None:
        a, centre, half, target, state = task.a, task.centre, task.half, task.target, task.state
        d, menu, m = task.d, self.menu(task.d), self.tighten
        tight = rule(d, m) if m else None
        enclosed = enclose(task.program, centre, half, tight)
        affine, bend = linear(task.program, centre, half, state.error.low, enclosed)
        state.begin(a, affine.err, bend)
        every = np.arange(len(centre))
        state.offer(a, every, *affine_range(affine), degree=0)
        g = enclosed.graded
        state.offer(a, every, *model_range(g), degree=1, graded=m)
        todo = task.todo
        if tight is not None and len(todo):
            assert enclosed.values is not None
            values = enclosed.values[todo]
            state.remember(centre[todo, None] + half[todo, None] * tight.nodes, values)
            self._offer(task, tight, values, enclosed, todo)
            todo = task.todo
        if len(todo):
            counts = state.open_outputs(a, todo, np.isfinite(g.rem[todo]), target)
            degree = self._degrees(task, enclosed, tight, todo, counts)
            for D in menu:
                self._polynomials(task, rule(d, D), enclosed, todo[degree == D])

    def _degrees(
        self, task: Task, enclosed: Enclosed, tight: Rule | None, todo: Rows, counts: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """For each box the degree of least expected cost, or 0.

        A degree is returned if its tail fits for the outputs that count, or if rounding prevents a smaller bound.
        """
        g, d, target, lower = enclosed.graded, task.d, task.target, task.lower

        def largest(v: Array, rows: Rows | slice = slice(None)) -> Array:
            return np.asarray(np.max(v, 1, where=counts[rows], initial=0.0))

        err = largest(enclosed.affine.err[todo])
        gap = max(self.share * (target - lower), 1e-4 * target)
        size = largest(self._sampled(task, todo))
        far = self.far * (target - 1.1 * size)  # the largest error of a box may exceed the sampled one
        allowance = np.maximum(np.maximum(gap, far), 1e-290)
        degree = np.zeros(len(todo), dtype=np.int64)
        least, needs = np.full(len(todo), np.inf), np.full(len(todo), np.inf)
        for D in self.menu(d):
            r = rule(d, D)
            loss = (1.0 + r.lebesgue) * largest(g.tail(D)[todo]) + r.lebesgue * err
            over = np.where(counts.any(1), loss / allowance, np.inf)
            boxes = np.where(over <= 1.0, 1.0, np.maximum(over ** (d / (D + 1.0)), 2.0))
            needs = np.fmin(needs, boxes)
            cost = (len(r.nodes) + 800.0) * boxes
            better = cost < least
            least = np.where(better, cost, least)
            degree = np.where(better, np.where(over <= 1.0, D, 0), degree)
        task.state.needs[todo] = needs
        D = self.menu(d)[-1]
        tail = largest(g.tail(D)[todo])
        # Once there is a witness, an error above the target is real and not caused by rounding.
        reachable = (size <= 1.1 * target + err) | (lower == 0.0)
        suspect = counts.any(1) & (degree == 0) & (tail <= 1e6 * err) & np.isfinite(err) & reachable
        if suspect.any():  # the tail that remains on a far smaller box is rounding
            rows, factor = todo[suspect], rule(d, D).lebesgue
            floor = enclose(task.program, task.centre[rows], 1e-3 * task.half[rows], tight).graded.rem
            floor = largest(floor, np.flatnonzero(suspect))
            too_much = (1.0 + factor) * floor + factor * err[suspect] > 0.5 * allowance[suspect]
            drowned = too_much & (tail[suspect] <= 4.0 * floor)
            task.state.limit(rows, drowned)
            degree[np.flatnonzero(suspect)[drowned]] = D
        return degree

    def _sampled(self, task: Task, rows: Rows) -> Array:
        """The largest error at the nodes of the smallest rule on the boxes ``rows``, shape ``(n, m)``; an estimate."""
        r = rule(task.d, self.menu(task.d)[0])
        parts = [task.state.error.one_sided(values).max(1) for _, values in _at_nodes(task, r, rows)]
        return np.concatenate(parts)

    def _polynomials(self, task: Task, r: Rule, enclosed: Enclosed, rows: Rows) -> None:
        for part, values in _at_nodes(task, r, rows):
            self._offer(task, r, values, enclosed, part)

    def _offer(self, task: Task, r: Rule, values: Array, enclosed: Enclosed, rows: Rows) -> None:
        """Offer the ranges that follow from values ``(B, N, m)`` at the rule's nodes on the boxes ``rows``."""
        a, target, state = task.a, task.target, task.state
        coefficients = r.coefficients(values)
        largest = np.abs(values).max(1)
        tail, err = enclosed.graded.tail(r.D)[rows], enclosed.affine.err[rows]
        loss = projection_loss(r, largest, tail, err)
        sampled = state.error.one_sided(values).max(1)
        counts = state.open_outputs(a, rows, np.isfinite(tail), target)
        degrees = r.exponents.sum(1)
        for grid, part in self._ranges(r):
            open_ = state.still_open(a, rows, counts, target)
            if grid:  # a grid can succeed only where the sampled values are below the target
                rest = np.abs(coefficients[:, degrees > part]).sum(1)
                open_ &= (~counts | (sampled + rest + loss <= target)).all(1)
            if not open_.any():
                continue
            state.offer(
                a,
                rows[open_],
                *projected_range(r, coefficients[open_], loss[open_], tail[open_], grid, part),
                degree=r.D,
                grid=100 * grid + part,
                graded=self.tighten,
            )

    def _ranges(self, r: Rule) -> list[tuple[int, int]]:
        """Product grids and the degrees of the parts on them, cheapest first; (0, 0) stands for univariate grids."""
        fit = [grid for grid in self.grids if grid**r.d <= LARGEST_GRID]
        return [
            (0, 0),
            *((grid, part) for grid in fit for part in (2, 3, 4) if 2 * part <= grid and part <= r.D),
        ]


def model_range(g: Graded) -> tuple[Array, Array]:
    """Range of a graded model by its parts alone, shapes ``(B, m)``."""
    reach = outward(g.slope + g.bent + g.rem + ROOM * np.abs(g.c)) * (1.0 + ROOM)
    return g.c - reach, g.c + reach


def projection_loss(r: Rule, largest: Array, tail: Array, err: Array) -> Array:
    """How far the polynomial of the computed coefficients may be from the error, shapes ``(B, m)``.

    Args:
        r: the rule.
        largest: |values| at its nodes are at most this.
        tail: distance of the error from the polynomials of the rule's degree.
        err: what evaluation in float64 adds to a value.
    """
    return outward((1.0 + r.lebesgue) * tail + r.lebesgue * err + r.rounding(largest))


def projected_range(
    r: Rule, coefficients: Array, loss: Array, tail: Array, grid: int, part: int
) -> tuple[Array, Array]:
    """Range of the error from the coefficients ``(B, M, m)`` of its polynomial, shapes ``(B, m)``."""
    low, high = polynomial_range(coefficients, r.exponents, grid, part)
    size = np.maximum(np.abs(low), np.abs(high)) + loss
    extra = outward(loss + 1.01 * r.defect * (size + tail) + ROOM * size)
    return low - extra, high + extra


def _at_nodes(task: Task, r: Rule, rows: Rows) -> Iterator[tuple[Rows, Array]]:
    """Values ``(B, N, m)`` at a rule's nodes on the boxes ``rows``, some boxes at a time; remembers the largest value."""
    step = max(POINTS // len(r.nodes), 1)
    for i in range(0, len(rows), step):
        part = rows[i : i + step]
        points = task.centre[part, None] + task.half[part, None] * r.nodes
        values = task.program.value(points.reshape(-1, r.d)).reshape(len(part), len(r.nodes), -1)
        task.state.remember(points, values)
        yield part, values
