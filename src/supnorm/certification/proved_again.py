"""Proves the bounds of a certificate's leaves again, by the kind of proof that each leaf names.

A leaf names degree, ellipse, grid and rule. With these its bound takes a fraction of the time that finding it took,
because nothing has to be tried, and boxes that were halved are not bounded at all. The larger one of the stated and the
new bound counts. If the stated bound is smaller by more than rounding explains, it was not proved in this way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from supnorm.certification import chebyshev
from supnorm.certification.balls import available
from supnorm.certification.beyond import Beyond
from supnorm.certification.boxes import Boxes
from supnorm.certification.chebyshev_certificate import POINTS, ellipse_scales, interpolation_loss
from supnorm.certification.composed_certificate import composed_range, remainder_loss
from supnorm.certification.composed_enclosure import enclose as chebyshev_model
from supnorm.certification.cut_parts import BY_PARTS, cut, joined
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.fine_nodes import MOST_BALLS, SHARE, node_loss, off_of, values_in_balls
from supnorm.certification.graded_certificate import POINTS as GRADED_POINTS
from supnorm.certification.graded_certificate import model_range, projected_range, projection_loss
from supnorm.certification.graded_model import enclose, linear
from supnorm.certification.graded_rule import affordable, rule
from supnorm.certification.leaf import (
    LARGEST_WORK,
    PIECES,
    Batch,
    Leaves,
    affine_range,
    fits_a_leaf,
)
from supnorm.certification.pieces import piecewise_range
from supnorm.certification.propagation import propagate
from supnorm.certification.roots_at_zero import asked
from supnorm.certification.rounding import Array, outward
from supnorm.certification.running_error import with_rounding
from supnorm.program import Program
from supnorm.results.numbers import num

Rows = NDArray[np.intp]
BATCH = 256  # leaves at once, as in `bracket`
LARGEST_RHO = 1e6
# How much another batch or processor may change a bound: this share of it, and this many times its float64 rounding.
SLACK = 1e-6
TIMES = 4.0


@dataclass(frozen=True)
class Kind:
    """How one alternative of some leaves was bounded, as in the columns of the file."""

    degree: int
    rho: float
    grid: int
    graded: int
    bits: int


@dataclass(frozen=True)
class ProvedAgain:
    """``done`` of ``total`` bounds of a saved certificate have been proved again."""

    done: int
    total: int


class CannotProve(ValueError):
    """A certificate states something that does not follow from its proof."""


def prove_again(
    error: ErrorProgram, leaves: Leaves, run: Callable[..., Iterator[tuple[Array, Array]]] = map
) -> Leaves:
    """The leaves with bounds that were proved again.

    Args:
        error: the error that they bound.
        leaves: leaves of a file.
        run: ``map``, or that of an executor, which shares the work.

    Raises:
        CannotProve: names a leaf whose stated bound does not follow from its proof.
    """
    parts = [leaves.take(np.arange(i, min(i + BATCH, len(leaves)))) for i in range(0, len(leaves), BATCH)]
    pairs = list(run(partial(_bounds, error), parts))
    upper, rounding = (np.concatenate(columns) for columns in zip(*pairs, strict=True))
    stated = leaves.boxes.upper
    wrong = upper > stated * (1.0 + SLACK) + TIMES * rounding
    if wrong.any():
        i = int(np.flatnonzero(wrong)[0])
        cell = f"level {leaves.boxes.level[i].tolist()}, index {leaves.boxes.index[i].tolist()}"
        gives = f"gives {num(upper[i], 6)}" if np.isfinite(upper[i]) else "gives none"
        raise CannotProve(
            f"the bound {num(stated[i], 6)} of the leaf of {cell} does not follow from its proof, which {gives}"
        )
    proved = np.maximum(stated, upper)
    proof = replace(leaves.proof, upper=proved, rounding=rounding, proved=np.ones(len(leaves), dtype=bool))
    return replace(leaves, boxes=replace(leaves.boxes, upper=proved), proof=proof)


def _bounds(error: ErrorProgram, leaves: Leaves) -> tuple[Array, Array]:
    """Bound of each leaf, and what float64 evaluation can add to it, shapes ``(B,)``; infinite where nothing is proved."""
    boxes = leaves.boxes
    cells = Boxes(leaves.level, boxes.index >> (boxes.level - leaves.level), boxes.upper)
    centre, half = cells.centre_and_half(error.low, error.high)
    state = Batch.start(len(boxes), len(error.alternatives), error)
    with np.errstate(all="ignore"):
        for a in range(len(error.alternatives)):
            for kind, rows in _kinds(leaves, a):
                _demand(error, a, kind)
                low, high, err = _ranges(error, a, kind, centre[rows], half[rows])
                state.err[rows, a] = err
                state.bounds[rows, a] = state.size_of(low, high)
        return state.upper(), state.rounding()


def _kinds(leaves: Leaves, a: int) -> Iterator[tuple[Kind, Rows]]:
    """The leaves, sorted by how alternative ``a`` was bounded."""
    proof = leaves.proof
    columns = (proof.degree[:, a], proof.rho[:, a], proof.grid[:, a], proof.graded[:, a], proof.bits[:, a])
    table = np.stack([np.asarray(c, dtype=float) for c in columns], axis=1)
    kinds, which = np.unique(table, axis=0, return_inverse=True)
    for number, (degree, rho, grid, graded, bits) in enumerate(kinds.tolist()):
        kind = Kind(int(degree), rho, int(grid), int(graded), int(bits))
        yield kind, np.flatnonzero(which.ravel() == number)


def _demand(error: ErrorProgram, a: int, kind: Kind) -> None:
    """Check that a kind of proof is within the limits of the format."""
    d, n, grid = error.d, kind.degree, kind.grid
    if kind.graded >= 0:
        count, part = divmod(grid, 100)
        fits = not error.declared and (n == 1 or affordable(d, n))
        fits &= kind.graded == 0 or (kind.graded >= 2 and affordable(d, kind.graded))
        fits &= grid == 0 or (2 <= part <= n and 2 * part <= count and count**d <= LARGEST_WORK)
    elif n > 0:
        fits = grid != 1 and (
            not error.declared if kind.rho in (0.0, BY_PARTS) else 1.0 < kind.rho < LARGEST_RHO
        )
        fits &= fits_a_leaf(error.alternatives[a], n, grid)
    else:
        fits = n != PIECES or (d <= 2 and not error.declared)
    if kind.bits:
        fits &= kind.graded < 0 < n and kind.rho > 0.0 and not error.declared
    if not fits:
        raise CannotProve(
            f"a leaf's proof (degree {n}, grid {grid}, rule {kind.graded}) is beyond the limits of the format"
        )


def _ranges(
    error: ErrorProgram, a: int, kind: Kind, centre: Array, half: Array
) -> tuple[Array, Array, Array]:
    """Range of each output, and what float64 evaluation can add, shapes ``(B, m)``."""
    program = error.alternatives[a]
    none = np.full((len(centre), program.m), np.inf)
    if kind.graded >= 0:
        return _graded(error, a, kind, centre, half)
    if kind.degree > 0 and kind.rho == 0.0:
        model = chebyshev_model(program, centre, half, kind.degree)
        return *composed_range(model, remainder_loss(model), kind.grid), model.err
    if kind.degree > 0 and kind.rho == BY_PARTS:
        return _by_parts(error, program, kind, centre, half)
    if kind.degree > 0:
        return _tensor(error, a, kind, centre, half)
    domain_low = asked(program, error.low)
    affine, _ = propagate(program, centre, half, np.ones(1), low=domain_low)
    if kind.degree == PIECES:
        return *piecewise_range(program, centre, half, domain_low), affine.err
    if kind.degree == 0 and not error.declared:
        return *affine_range(affine), affine.err
    return -none, none, affine.err


def _by_parts(
    error: ErrorProgram, program: Program, kind: Kind, centre: Array, half: Array
) -> tuple[Array, Array, Array]:
    """The ranges by Chebyshev models on the parts between knots; a box without parts has none."""
    shape = (len(centre), program.m)
    low, high, err = np.full(shape, -np.inf), np.full(shape, np.inf), np.full(shape, np.inf)
    owner, middle, wide = cut(error, centre, half)
    rows = np.unique(owner)
    if len(rows):
        model = chebyshev_model(program, middle, wide, kind.degree)
        bottom, top = composed_range(model, remainder_loss(model), kind.grid)
        low[rows], high[rows] = joined(owner, rows, bottom, False), joined(owner, rows, top, True)
        err[rows] = joined(owner, rows, model.err, True)
    return low, high, err


def _tensor(
    error: ErrorProgram, a: int, kind: Kind, centre: Array, half: Array
) -> tuple[Array, Array, Array]:
    """The ranges by a tensor interpolant (`ChebyshevCertificate`)."""
    program, d, n = error.alternatives[a], error.d, kind.degree
    rho = np.array([kind.rho])
    grid = chebyshev.tensor_nodes(n, d)
    scales = np.concatenate([[1.0], ellipse_scales(rho)])
    model, _ = propagate(program, centre, half, scales, low=asked(program, error.low))
    if kind.bits:
        tail = outward(model.eps[:, 1] * chebyshev.tail_factor(n, rho, d))
        rows = [_again(error, program, kind, c, h, t) for c, h, t in zip(centre, half, tail, strict=True)]
        low, high = (np.stack(column) for column in zip(*rows, strict=True))
        return low, high, model.err
    other = Beyond(error.declared, centre, half)
    tails, noise = interpolation_loss(n, d, rho, outward(model.eps[:, 1:]), model.err, model.size + model.err)
    slack = tails[:, 0] + other.tail(n) + noise
    low, high = np.empty(slack.shape), np.empty(slack.shape)
    for part, values in _at_nodes(program, centre, half, grid, POINTS):
        extra = slack[part]
        if error.declared:
            values, noise = Beyond(error.declared, centre[part], half[part]).add(n, values)
            extra = extra + noise
        low[part], high[part] = _interpolated(values, kind, d, extra)
    return low, high, model.err


def _again(
    error: ErrorProgram, program: Program, kind: Kind, centre: Array, half: Array, tail: Array
) -> tuple[Array, Array]:
    """The range on one box as `fine_nodes` bounds it: by running error analysis, and by balls if that is not enough."""
    n, d = kind.degree, len(centre)
    points = centre + half * chebyshev.tensor_nodes(n, d)
    values, errors = with_rounding(program, points, np.broadcast_to(off_of(centre, half), points.shape))
    loss = node_loss(n, d, errors.max(0), np.abs(values).max(0) + errors.max(0))
    features = sum(node.width for node in program.nodes)
    if (loss > SHARE * np.abs(values).max(0)).any() and len(points) * features <= MOST_BALLS:
        if not available():
            raise CannotProve("a leaf was proved in ball arithmetic, and python-flint is not installed")
        values, loss = values_in_balls(error, program, centre, half, n, bits=kind.bits)
    low, high = _interpolated(values[None], kind, d, (tail + loss)[None])
    return low[0], high[0]


def _interpolated(values: Array, kind: Kind, d: int, slack: Array) -> tuple[Array, Array]:
    """Ranges of interpolants from values ``(B, N, m)``, enlarged by ``slack``."""
    shaped = values.reshape(len(values), *(kind.degree + 1,) * d, -1)
    coefficients = chebyshev.along_axes(chebyshev.transform(kind.degree), shaped, d)
    low, high = chebyshev.polynomial_range(coefficients, kind.degree, d, kind.grid)
    return low - slack, high + slack


def _graded(
    error: ErrorProgram, a: int, kind: Kind, centre: Array, half: Array
) -> tuple[Array, Array, Array]:
    """The ranges by a graded model (`GradedCertificate`)."""
    program, d, m = error.alternatives[a], error.d, kind.graded
    proved = enclose(program, centre, half, rule(d, m) if m else None)
    g, err = proved.graded, proved.affine.err
    rounding = linear(program, centre, half, error.low, proved)[0].err
    if kind.degree == 1:
        return *model_range(g), rounding
    r = rule(d, kind.degree)
    tail, (grid, top) = g.tail(r.D), divmod(kind.grid, 100)
    low, high = np.empty(tail.shape), np.empty(tail.shape)
    for part, values in _at_nodes(program, centre, half, r.nodes, GRADED_POINTS):
        loss = projection_loss(r, np.abs(values).max(1), tail[part], err[part])
        low[part], high[part] = projected_range(r, r.coefficients(values), loss, tail[part], grid, top)
    return low, high, rounding


def _at_nodes(
    program: Program, centre: Array, half: Array, nodes: Array, most: int
) -> Iterator[tuple[slice, Array]]:
    """Values ``(B, N, m)`` at nodes ``(N, d)`` of the unit box on some boxes at a time, ``most`` points at once."""
    step = max(most // len(nodes), 1)
    for i in range(0, len(centre), step):
        part = slice(i, i + step)
        points = centre[part, None] + half[part, None] * nodes
        values = program.value(points.reshape(-1, centre.shape[1]))
        yield part, values.reshape(len(points), len(nodes), -1)
