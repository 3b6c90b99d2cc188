"""Interpolants of boxes on which the forward bound of float64 rounding is larger than the gap that is left.

`ChebyshevCertificate` finds such boxes (`limited`). For each of them the values at the nodes are computed again so that less
is lost: first with running error analysis by adjoints (`running_error`), which is enough for deep networks, else in ball
arithmetic (`balls`), for errors below what float64 can see. Coefficients and maximum stay in float64: they lose a few units
in the last digit of the *error*, however small the error is. Boxes on which float64 is good enough never come here.

The bound is that of the Chebyshev certificate: sup |e| <= max |p| + tail + Lebesgue constant * (error of the node values).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.certification import balls, chebyshev
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.leaf import Task, fits_a_leaf
from supnorm.certification.rounding import Array, U, outward
from supnorm.certification.running_error import with_rounding
from supnorm.program import Program
from supnorm.program.time_over import TimeOver, look

POINTS = 20_000  # points of one call of the running error analysis
# Features at the nodes of one box for which balls are made: 0.1 s a box. Polynomials and formulas have a few thousand.
MOST_BALLS = 400_000
# The largest degree in three and four inputs, where that of float64 is small: with 12 an error of 1e-20 of a sine of three
# was not proved by 2,979 boxes, with 18 it is by 161.
FINE = 18
# Precision that the checker needs where forward bounds of rounding are too large: its balls grow by the same factors.
BITS_OF_CHECKER = 128
# Rounding that is smaller than this share of the allowance counts as none.
SHARE = 0.01


def most_fine(program: Program) -> int:
    """The largest degree that balls can evaluate for one box in three and four inputs; otherwise 0.

    >>> from supnorm.program import Node
    >>> most_fine(Program((Node("input", (), 3), Node("sin", (0,), 3))))
    18
    """
    features = sum(node.width for node in program.nodes)
    fits = [n for n in range(2, FINE + 1) if (n + 1) ** program.d * features <= MOST_BALLS]
    return fits[-1] if fits and program.d in (3, 4) else 0


@dataclass(frozen=True)
class Rule:
    """How one box is interpolated: its position in the batch, degree, ellipse and tail; and what tail and rounding may be.

    ``allowance`` is zero while no error is known: then the degree is the best one, and the nodes show where errors are.
    """

    row: int
    degree: int
    rho: float
    tail: Array
    allowance: float


def bound_again(task: Task, rules: list[Rule], grids: tuple[int, ...]) -> NDArray[np.bool_]:
    """Offer better bounds for some boxes; says for each whether rounding still stands in the way.

    Where the time ends (`until`), the boxes that were not reached keep the bounds that they had.

    Args:
        task: the alternative and the batch.
        rules: one for each box that is bounded again.
        grids: K of the Ehlich-Zeller grids.
    """
    lost = np.ones(len(rules), dtype=bool)
    degrees = np.array([r.degree for r in rules])
    for n in np.unique(degrees):
        of_degree = np.flatnonzero(degrees == n)
        step = max(POINTS // (n + 1) ** task.d, 1)
        for i in range(0, len(of_degree), step):
            part = of_degree[i : i + step]
            lost[part] = _by_adjoints(task, [rules[k] for k in part], grids)
    if balls.available():
        left = np.flatnonzero(lost).tolist()
        try:
            while left:
                look()
                lost[left[0]] = not _in_balls(task, rules[left[0]], grids)
                left.pop(0)
        except TimeOver:  # the boxes until here keep their bounds
            lost[left] = False
    return lost


def _by_adjoints(task: Task, rules: list[Rule], grids: tuple[int, ...]) -> NDArray[np.bool_]:
    """Bound boxes of one degree with running error analysis; says for which it leaves too much rounding."""
    n, d = rules[0].degree, task.d
    rows = np.array([r.row for r in rules])
    allowance = np.array([r.allowance for r in rules])
    lost: NDArray[np.bool_] = np.asarray(allowance == 0.0)
    if lost.all():
        return lost
    centre, half = task.centre[rows], task.half[rows]
    middle, error = with_rounding(task.program, centre, off_of(centre, half))
    least = node_loss(n, d, error, np.abs(middle))  # that of the nodes can hardly be smaller
    lost |= least.max(1) > allowance
    lost |= ~np.isfinite(middle).all(1)
    few = np.flatnonzero(~lost)
    if not len(few):
        return lost
    off = np.repeat(off_of(centre[few], half[few]), (n + 1) ** d, axis=0)
    points = (centre[few, None] + half[few, None] * chebyshev.tensor_nodes(n, d)).reshape(-1, d)
    values, errors = with_rounding(task.program, points, off)
    shape = (len(few), (n + 1) ** d, -1)
    values, errors = values.reshape(shape), errors.reshape(shape).max(1)
    loss = node_loss(n, d, errors, np.abs(values).max(1) + errors)
    _offer(task, [rules[k] for k in few], values, loss, grids, BITS_OF_CHECKER)
    lost[few] = loss.max(1) > allowance[few]
    return lost


def off_of(centre: Array, half: Array) -> Array:
    """How far a node computed as centre + half * cosine may be from the exact one."""
    return 4.0 * U * (np.abs(centre) + half)


def node_loss(n: int, d: int, errors: Array, largest: Array) -> Array:
    """How far the interpolant of computed values may be from that of the exact ones, shape ``(B, m)``."""
    return outward(chebyshev.lebesgue(n, d) * errors + chebyshev.transform_rounding(n, d, largest))


def _in_balls(task: Task, rule: Rule, grids: tuple[int, ...]) -> bool:
    """Bound one box with values in ball arithmetic; says whether their rounding is small enough."""
    n, d = rule.degree, task.d
    if (n + 1) ** d * sum(node.width for node in task.program.nodes) > MOST_BALLS:
        return False
    for bits in balls.BITS:
        centre, half = task.centre[rule.row], task.half[rule.row]
        values, loss = values_in_balls(task.state.error, task.program, centre, half, n, bits=bits)
        allowed = max(rule.allowance, SHARE * float(np.abs(values).max()))
        enough = float(loss.max()) <= allowed
        if enough or bits == balls.BITS[-1]:
            _offer(task, [rule], values[None], loss[None], grids, bits)
        if enough:
            return True
    return False


def values_in_balls(
    error: ErrorProgram, program: Program, centre: Array, half: Array, n: int, *, bits: int
) -> tuple[Array, Array]:
    """Values at the nodes of one box, shape ``((n+1)^d, m)``, and how far the interpolant may be off, shape ``(m,)``.

    The float64 box is a little larger than its cell (`Boxes`), so that the checker has other nodes. There is room for
    this, by Markov's inequality: the slope of the interpolant is at most n^2 max |p| in the scaled variables.
    """
    values, errors = balls.at_nodes(program, centre, half, n, bits)
    d, largest = len(centre), np.abs(values).max(0) + errors.max(0)
    with np.errstate(all="ignore"):
        shift = float(np.max(32.0 * U * (np.abs(error.low) + np.abs(error.high)) / half))
    room = min(1.0, d * n * n * shift) * chebyshev.lebesgue(n, d) * largest
    # The checker carries its balls through coefficients and grid: their radii grow by more than Lebesgue's constant.
    room = room + 8.0 * (2.0 * (n + 1)) ** d * errors.max(0)
    return values, node_loss(n, d, errors.max(0), largest) + room


def _offer(
    task: Task, rules: list[Rule], values: Array, loss: Array, grids: tuple[int, ...], bits: int
) -> None:
    """Offer the ranges of interpolants of one degree, from values ``(B, N, m)``, on finer and finer grids."""
    n, d, a, state = rules[0].degree, task.d, task.a, task.state
    rows = np.array([r.row for r in rules])
    rho = np.array([r.rho for r in rules])
    slack = np.stack([r.tail for r in rules]) + loss
    coefficients = chebyshev.along_axes(
        chebyshev.transform(n), values.reshape(len(rows), *(n + 1,) * d, -1), d
    )
    _remember_largest(task, rows, chebyshev.tensor_nodes(n, d), values)
    for grid in (0, *grids):
        if (grid * n) ** d > chebyshev.LARGEST_GRID or not fits_a_leaf(task.program, n, grid):
            break
        open_ = state.still_open(a, rows, np.isfinite(slack), task.target)
        if not open_.any():
            break
        low, high = chebyshev.polynomial_range(coefficients[open_], n, d, grid)
        extra = slack[open_]
        state.offer(a, rows[open_], low - extra, high + extra, degree=n, rho=rho[open_], grid=grid, bits=bits)
        if grid:
            fine = chebyshev.along_axes(chebyshev.basis(n, grid * n), coefficients, d)
            points = chebyshev.tensor_nodes(grid * n - 1, d)
            _remember_largest(task, rows, points, fine.reshape(len(rows), len(points), -1))


def _remember_largest(task: Task, rows: NDArray[np.intp], grid: Array, values: Array) -> None:
    """Remember the points with the largest values: in float64 no search can find them."""
    best = task.state.error.one_sided(values).max(2).argmax(1)
    points = task.centre[rows] + task.half[rows] * grid[best]
    task.state.points.append(points)
