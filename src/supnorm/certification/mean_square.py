"""Two-sided bounds of the mean square of an error over its box, from polynomials on cells.

On a cell the error E of an output is within s of a polynomial p: its tensor Chebyshev interpolant of degree n
(`chebyshev`), or its affine part (`affine_model`, n = 0). The mean of p^2 is exact in the coefficients, because the mean of
T_i T_j over [-1, 1] is 1/2 (1/(1 - (i+j)^2) + 1/(1 - (i-j)^2)) for even i + j and zero otherwise. By Minkowski's inequality
the root mean square of E on the cell is within s of that of p, so over cells of volume v that tile the box

    sum v max(|p| - s, 0)^2 <= mean of E^2 <= sum v (|p| + s)^2.

The mean is one over the coordinates of the box (of log x on a logarithmic axis), which is the law that problems have without
another one. The cells are the leaves of an ordinary certificate, each with its own proof, so that a file has nothing new.
Cost: that of a Chebyshev certificate whose allowance is a share of the root mean square instead of the largest error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.certification import chebyshev
from supnorm.certification.boxes import Boxes
from supnorm.certification.bracket import Bracket, BracketNarrowed
from supnorm.certification.chebyshev_certificate import (
    ChebyshevCertificate,
    ellipse_scales,
    interpolation_loss,
    on_ellipses,
)
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.leaf import Bounded, Leaves, fits_a_leaf
from supnorm.certification.roots_at_zero import asked
from supnorm.certification.rounding import Array, U, outward
from supnorm.evaluation.limit import Limit
from supnorm.interrupts import INTERRUPTS

BATCH = 256  # cells at once, as in `bracket`
DEGREES = (2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 21, 24)  # that are tried: any of them gives a true bound
MOST_INPUTS = 4  # in five inputs an interpolant of degree 6 has 16,807 nodes a cell
# An output gets no bound where it has none on a cell that was halved so often along every axis, by the number of inputs, and
# `THIN` times more along one. A face takes 256 to 1,024 such cells; more took minutes and found no bound either.
SMALL, THIN = (12, 8, 5, 3), 8
DEEPEST = 40  # halvings of an axis, as in `cells`


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells with what is known of the error on each.

    Attributes:
        boxes: the cells; their ``upper`` bounds the size of the error.
        degree, rho: of the interpolant; 0 for the affine part, -1 for nothing, shape ``(B,)``.
        low, high: bounds of the root mean square of each output, shape ``(B, m)``.
        axis: along which a cell is halved, shape ``(B,)``.
        rounding: how much float64 evaluation can add to the error, shape ``(B,)``.
    """

    boxes: Boxes
    degree: NDArray[np.int64]
    rho: Array
    low: Array
    high: Array
    axis: NDArray[np.intp]
    rounding: Array

    def take(self, rows: NDArray[np.bool_]) -> Cells:
        """Some of them."""
        names = (n for n in self.__dataclass_fields__ if n != "boxes")
        return Cells(boxes=self.boxes.take(rows), **{n: getattr(self, n)[rows] for n in names})

    def join(self, other: Cells) -> Cells:
        """Both together."""
        names = (n for n in self.__dataclass_fields__ if n != "boxes")
        both = {n: np.concatenate([getattr(self, n), getattr(other, n)]) for n in names}
        return Cells(boxes=self.boxes.join(other.boxes), **both)

    def mean_square(self) -> tuple[Array, Array]:
        """Bounds of the mean square of each output over the box, shapes ``(m,)``; volumes are powers of two."""
        volume = self.boxes.volume()[:, None]
        n = len(volume)
        low = (volume * self.low**2).sum(0) * (1.0 - 4.0 * U * (n + 8))
        high = outward((volume * self.high**2).sum(0), n + 8)
        return np.maximum(low, 0.0), high


def bound_mean_square(
    error: ErrorProgram,
    ratio: float,
    limit: Limit,
    guess: Array,
    observer: Callable[[BracketNarrowed], None] = lambda event: None,
) -> tuple[Cells, str]:
    """Cells that tile the box, halved until the upper root mean square is at most ``ratio`` times the lower one.

    Args:
        error: with one alternative and side "both".
        limit: of time, and of cells tried.
        guess: estimate of the root mean square of each output, shape ``(m,)``; it only decides which degree is tried.
        observer: gets a `BracketNarrowed` after each batch, of the output whose bracket is the widest.

    Returns:
        The cells, and why the work ended: "proved", "rounding", "seconds", "boxes", "interrupted", or "unbounded": an output
        has no bound on a cell that is small along every axis, and the brackets of the others are narrow enough.
    """
    share = (ratio - 1.0) / (ratio + 1.0)
    cells = _bounded(error, Boxes.root(error.d), share * guess)
    tried = 1
    try:
        while True:
            low, high = cells.mean_square()
            # Outputs that may get a bound.
            bounded = np.asarray(np.isfinite(cells.high[_small(cells.boxes)]).all(0))
            if np.all(high[bounded] <= ratio**2 * low[bounded]) and np.isfinite(high[bounded]).all():
                return cells, "proved" if bounded.all() else "unbounded"
            observer(_event(cells, low, high, bounded, ratio, tried, limit))
            if limit.over:
                return cells, "seconds"
            if tried >= limit.evaluations:
                return cells, "boxes"
            with np.errstate(invalid="ignore"):
                gap = cells.boxes.volume()[:, None] * (cells.high**2 - cells.low**2)
                gap = (gap / np.maximum(high, 1e-300))[:, bounded]
            gain = np.where(np.isfinite(gap), gap, np.inf).max(1)
            shallow = cells.boxes.level.max(1) < DEEPEST
            drowned = cells.high.max(1) - cells.low.max(1) <= 4.0 * cells.rounding  # halving does not help
            gain = np.where(shallow & ~(drowned & np.isfinite(gain)), gain, -1.0)
            rows = np.argsort(-gain, kind="stable")[:BATCH]
            top = gain[rows[0]]
            rows = rows[(gain[rows] > 0.02 * top) | (gain[rows] == top)]
            if not len(rows) or gain[rows[0]] <= 0.0:
                return cells, "rounding"
            chosen = np.zeros(len(gain), dtype=bool)
            chosen[rows] = True
            part = cells.take(chosen)
            halves = _bounded(error, part.boxes.split(_axes(part)), share * guess)
            cells, tried = cells.take(~chosen).join(halves), tried + len(halves.boxes)
    except KeyboardInterrupt:
        INTERRUPTS.taken()
        return cells, "interrupted"


def _small(boxes: Boxes) -> NDArray[np.bool_]:
    """Cells so small, along every axis and more along one, that an output without a bound on one of them is given up."""
    least = SMALL[min(boxes.level.shape[1], len(SMALL)) - 1]
    return np.asarray((boxes.level.min(1) >= least) & (boxes.level.max(1) >= least + THIN))


def _axes(cells: Cells) -> NDArray[np.intp]:
    """The axes along which cells are halved; one without a bound is not made thin (`narrowing.axes_to_halve`)."""
    level = cells.boxes.level
    ahead = np.take_along_axis(level, cells.axis[:, None], 1)[:, 0] - level.min(1)
    thin = ~np.isfinite(cells.high).all(1) & (ahead >= THIN)
    return np.where(thin, level.argmin(1), cells.axis)


def _event(
    cells: Cells, low: Array, high: Array, bounded: NDArray[np.bool_], ratio: float, tried: int, limit: Limit
) -> BracketNarrowed:
    """What an observer is told; a cell is proved whose own bracket is as narrow as that of the whole shall be."""
    with np.errstate(invalid="ignore", divide="ignore"):
        k = int(np.where(bounded, high / low, -1.0).argmax())
        narrow = cells.high[:, k] ** 2 - cells.low[:, k] ** 2 <= (ratio**2 - 1.0) * low[k]
    return BracketNarrowed(
        lower=float(np.sqrt(low[k])),
        upper=float(np.sqrt(high[k])),
        target=float(ratio * np.sqrt(low[k])),
        proved_volume=float(cells.boxes.volume()[narrow].sum()),
        boxes=tried,
        pending=int((~narrow).sum()),
        seconds=limit.spent,
        limit=limit.left,
    )


def as_bracket(error: ErrorProgram, cells: Cells) -> Bracket:
    """The cells as the leaves of a certificate of the largest error."""
    count, d = len(cells.boxes), error.d
    proof = Bounded.nothing(1, d)
    proof = replace(
        proof.take(np.zeros(count, dtype=np.intp)),
        upper=cells.boxes.upper,
        degree=cells.degree[:, None],
        rho=cells.rho[:, None],
        rounding=cells.rounding,
    )
    leaves = Leaves(cells.boxes, proof, cells.boxes.level)
    return Bracket(error, leaves.take(np.zeros(count, dtype=bool)), (leaves,), tried=count)


@np.errstate(all="ignore")
def _bounded(error: ErrorProgram, boxes: Boxes, allowance: Array) -> Cells:
    """What is known on each cell, by the smallest degree whose distance is within the allowance, or by the best one."""
    program, d, count = error.alternatives[0], error.d, len(boxes)
    centre, half = boxes.centre_and_half(error.low, error.high)
    rho = np.asarray(ChebyshevCertificate().rho)
    # Where a root reaches zero, the chord of its affine part is the only bound.
    model, bend = on_ellipses(program, centre, half, ellipse_scales(rho), asked(program, error.low))
    most = ChebyshevCertificate().degrees[min(d, 4) - 1]
    # The affine part first.
    square = outward(model.c**2 + (model.J**2).sum(-1) / 3.0, 4 * d + 8)
    slack = outward(model.eps[:, 0] + 8.0 * U * (np.abs(model.c) + model.slope))
    low, high = _around(square, slack, _beyond(boxes, half, error), model.size)
    cells = Cells(
        boxes=Boxes(boxes.level, boxes.index, model.size.max(1)),
        degree=np.where(np.isfinite(model.size).any(1), 0, -1),
        rho=np.zeros(count),
        low=low,
        high=high,
        axis=bend.argmax(1),
        rounding=model.err.max(1),
    )
    M, size = outward(model.eps[:, 1:]), model.size + model.err
    distance = np.where(np.isfinite(slack).all(1), (slack / allowance).max(1), np.inf)
    chosen, column = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.intp)
    for n in (n for n in DEGREES if n <= most and fits_a_leaf(program, n)):
        tails, loss = interpolation_loss(n, d, rho, M, model.err, size)
        shares = ((tails + loss[:, None]) / allowance).max(2)
        shares = np.where(np.isnan(shares), np.inf, shares)
        best = shares.argmin(1)
        share = shares[np.arange(count), best]
        better = (distance > 1.0) & (share < 0.5 * distance)
        chosen[better], column[better], distance[better] = n, best[better], share[better]
    for n in np.unique(chosen[chosen > 0]):
        rows = np.flatnonzero(chosen == n)
        tails, loss = interpolation_loss(int(n), d, rho, M[rows], model.err[rows], size[rows])
        slack = outward(tails[np.arange(len(rows)), column[rows]] + loss)
        _interpolated(error, cells, int(n), rows, centre[rows], half[rows], slack)
        cells.rho[rows] = rho[column[rows]]
    return cells


def _interpolated(
    error: ErrorProgram,
    cells: Cells,
    n: int,
    rows: NDArray[np.intp],
    centre: Array,
    half: Array,
    slack: Array,
) -> None:
    """Set the bounds of cells by interpolants of degree ``n``."""
    d = error.d
    grid = chebyshev.tensor_nodes(n, d)
    points = centre[:, None] + half[:, None] * grid
    values = error.alternatives[0].value(points.reshape(-1, d)).reshape(len(rows), *(n + 1,) * d, -1)
    coefficients = chebyshev.along_axes(chebyshev.transform(n), values, d)
    gram = gram_matrix(n)
    flat = (len(rows), -1, values.shape[-1])
    square = (coefficients * chebyshev.along_axes(gram, coefficients, d)).reshape(flat).sum(1)
    total = np.abs(coefficients).reshape(flat).sum(1)
    # A sum of (n+1)^(2 d) products, at most total^2 in size, whose factors are known to a few units in the last place.
    rounding = outward(total**2 * (16.0 * U * (d * (n + 2) + (n + 1) ** d)))
    beyond = _beyond(cells.boxes.take(rows), half, error)
    low, high = _around(np.maximum(square - rounding, 0.0), slack, beyond, total)
    _, high = _around(outward(square + rounding), slack, beyond, total)
    good = np.isfinite(high).all(1)
    some = rows[good]
    cells.low[some], cells.high[some] = low[good], high[good]
    cells.degree[some] = n
    cells.boxes.upper[some] = outward((total + slack)[good].max(1), 8)


def _around(square: Array, slack: Array, beyond: Array, size: Array) -> tuple[Array, Array]:
    """Bounds of the root mean square of a function within ``slack`` of one with this mean square on the float box.

    The cell lies in the float box, whose volume is up to 1 + ``beyond`` times as large; ``size`` bounds the polynomial.
    """
    more = outward(beyond[:, None] * size**2)
    low = np.sqrt(np.maximum(square * (1.0 - 64.0 * U) - more, 0.0)) * (1.0 - 8.0 * U) - slack * (
        1.0 + 8.0 * U
    )
    high = outward((np.sqrt(outward(square + more)) + slack) * (1.0 + beyond[:, None]))
    return np.where(np.isfinite(low), np.maximum(low, 0.0), 0.0), high


def _beyond(boxes: Boxes, half: Array, error: ErrorProgram) -> Array:
    """By what share the float box is larger than the exact cell, or the cell than its part of the axes, shape ``(B,)``."""
    exact = (error.high - error.low) * np.ldexp(1.0, -boxes.level - 1) * (1.0 - 4.0 * U)
    # The ends of a logarithmic axis are rounded outwards by 4e-16 of their size or of 1 (`coordinates.box_of`).
    ends = np.maximum(np.maximum(np.abs(error.low), np.abs(error.high)), 1.0)
    rounded = np.where(error.log, 2e-15 * ends / exact, 0.0).sum(1)
    return outward(np.expm1(np.log(half / exact).sum(1)) * (1.0 + 1e-9) + rounded + 16.0 * U * error.d)


def gram_matrix(n: int) -> Array:
    """The means of T_i T_j over [-1, 1], shape ``(n + 1, n + 1)``.

    >>> gram_matrix(1).round(6).tolist()
    [[1.0, 0.0], [0.0, 0.333333]]
    """
    i, j = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    even = (i + j) % 2 == 0
    with np.errstate(divide="ignore"):
        return np.where(even, 0.5 / (1.0 - (i + j) ** 2.0) + 0.5 / (1.0 - (i - j) ** 2.0), 0.0)
