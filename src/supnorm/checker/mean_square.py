"""The mean square of the error of a certificate over its box, again in balls, from the proofs of its leaves.

Written from docs/certificate-format.md, "Norms". On each leaf the error is within s of a polynomial whose mean square is
exact in its coefficients; s comes from the proof of the leaf.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flint import arb, arb_mat, ctx, fmpq

from supnorm.checker import polynomial
from supnorm.checker.cells import cell_of
from supnorm.checker.cost import Meter
from supnorm.checker.document import Document
from supnorm.checker.enclosure import Form, Program, model, values
from supnorm.checker.leaf import Leaf
from supnorm.checker.leaves import demand_tensor
from supnorm.checker.rejected import Rejected
from supnorm.checker.zero_roots import ORDERS

Ball = Any
# The forms of the affine part: the certifier's; for programs with roots also those with more chords in place of tangents.
PLAIN = (Form(within=False),)
ROOTED = tuple(Form(within=False, far=far) for far in (4, 2, 1))


@lru_cache(maxsize=64)
def _means(n: int, precision: int) -> Any:
    """The means of T_i T_j over [-1, 1]."""

    def mean(i: int, j: int) -> Any:
        if (i + j) % 2:
            return arb(0)
        return arb((fmpq(1, 1 - (i + j) ** 2) + fmpq(1, 1 - (i - j) ** 2)) / 2)

    return arb_mat([[mean(i, j) for j in range(n + 1)] for i in range(n + 1)])


def mean_squares(document: Document, meter: Meter) -> list[tuple[Ball, Ball | None]]:
    """Brackets of the mean square of each output; None for an upper end where a leaf has no bound.

    Raises:
        Rejected: for a leaf that does not say of its own cell how its error is near a polynomial.
    """
    if document.cuts:
        raise Rejected("the leaves of a mean square are proved as a whole: the part may have no cuts")
    more = _beyond(document)
    program = Program.of(document.programs[0], document.low)
    width = program.operations[-1].width
    low: list[Ball] = [arb(0)] * width
    high: list[Ball | None] = [arb(0)] * width
    for position, leaf in enumerate(document.leaves):
        meter.read()
        share = arb(fmpq(1, 2 ** sum(leaf.level)))
        off = _outside(more, leaf)
        ends: list[tuple[Ball, Ball | None]] = [(arb(0), None)] * width
        for near in _near(document, program, leaf, position):
            ends = [_within(*pair, one, off) for pair, one in zip(ends, near, strict=True)]
        for k, (least, most) in enumerate(ends):
            low[k] += share * least * least
            total = high[k]
            high[k] = None if total is None or most is None else total + share * most * most
    larger = arb(1)
    for e in more:
        larger *= 1 + e
    return [(a, None if b is None else b * larger) for a, b in zip(low, high, strict=True)]


def _beyond(document: Document) -> list[Ball]:
    """By what share the box is longer than each axis: a mean is one over the axes."""
    return [
        ((arb(high) - arb(low)) / (arb(b).log() - arb(a).log()) - 1).max(arb(0)) if log else arb(0)
        for a, b, low, high, log in zip(
            document.axis_low, document.axis_high, document.low, document.high, document.log, strict=True
        )
    ]


def _outside(more: list[Ball], leaf: Leaf) -> Ball:
    """At most this share of a leaf is outside of the axes."""
    return sum((2**level * (e / (1 + e)) for e, level in zip(more, leaf.level, strict=True)), arb(0))


def _within(
    least: Ball, most: Ball | None, near: tuple[Ball, Ball, Ball] | None, off: Ball
) -> tuple[Ball, Ball | None]:
    """Bounds of the root mean square on a cell, by a further polynomial that is near the error.

    The lower one leaves out as much of the polynomial's square as the share ``off`` of the cell can have. A polynomial that
    is not finite says nothing: NaN would also take away what other cells say.
    """
    if near is None or not all(number.is_finite() for number in near):
        return least, most
    square, slack, size = near
    low = (square - off * size * size).lower().max(arb(0)).sqrt() - slack
    high = square.upper().max(arb(0)).sqrt() + slack
    return least.max(low), high if most is None else most.min(high)


def _near(
    document: Document, program: Program, leaf: Leaf, position: int
) -> list[list[tuple[Ball, Ball, Ball] | None]]:
    """Polynomials near the error: per output the mean square on the cell, the distance from the error, the largest size."""
    n, rho = leaf.degree[0], leaf.rho[0]
    if n == -1:
        return []
    if leaf.proof_level != leaf.level or leaf.graded[0] >= 0 or n < 0 or (n > 0 and not rho > 1.0):
        raise Rejected(f"leaf {position}: its proof says nothing about a mean square", position)
    centre, half = cell_of(document, leaf.level, leaf.index)
    if n == 0:
        return [
            [
                None
                if f.eps is None
                else (
                    f.c * f.c
                    + sum((j * j for j in f.J), arb(0)) / 3,  # FLINT's power is NaN for a ball around 0
                    f.eps,
                    abs(f.c) + sum(map(abs, f.J), arb(0)),
                )
                for f in model(program, centre, half, arb(1), real=True, form=form)
            ]
            for form in (ROOTED if any(o.op in ORDERS for o in program.operations) else PLAIN)
        ]
    d = len(centre)
    demand_tensor(sum(o.width for o in program.operations), d, n, rho, leaf.grid[0], position)
    features = model(program, centre, half, (arb(rho) + 1 / arb(rho)) / 2, real=False)
    at_nodes = values(program, polynomial.nodes(n, centre, half))
    near: list[tuple[Ball, Ball, Ball] | None] = []
    for f, row in zip(features, at_nodes, strict=True):
        if f.eps is None or not all(v.is_finite() for v in row):
            near.append(None)
            continue
        coefficients = polynomial.coefficients_of(row, n, d, ctx.prec)
        times = polynomial.along_axes(_means(n, ctx.prec), coefficients, d)
        square = sum((a * b for a, b in zip(coefficients, times, strict=True)), arb(0))
        size = sum(map(abs, coefficients), arb(0))
        near.append((square, (f.eps * polynomial.tail(n, arb(rho), d)).upper(), size))
    return [near]
