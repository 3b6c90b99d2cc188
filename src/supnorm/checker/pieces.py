"""The exact linear pieces of kinks on a cell of one or two inputs, in ball arithmetic: the proof of n = -2.

The cell is a convex polygon in y, |y_j| <= 1. Where the argument of a kink (relu, leaky_relu, abs, max, min)
changes sign in a polygon, the polygon is cut in two at exact numbers t along its edges; the halves cover it for every t.
New vertices are rounded to exact numbers, and `drift` sums how far rounding moved them, so every point of the cell is
within drift of its polygon. On a polygon an affine model is bounded by its values at the vertices plus |J| drift.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flint import arb

from supnorm.checker.enclosure import Feature, Program, plus, step, times
from supnorm.checker.functions import extremes
from supnorm.checker.operation import Operation

Ball = Any
KINKS = ("relu", "leaky_relu", "abs", "max", "min")
MOST = 3000  # polygons of one cell, so that a hostile file cannot stall the checker
MOST_FEATURES = 600_000  # models on all polygons together, for the same reason
# A polygon is not cut if the argument is beyond zero by less than this part of its size.
EXACT = arb(2) ** -60


@dataclass
class _Polygon:
    """A polygon, and the models on it: of the nodes so far, and of the features of the kink that is being cut."""

    vertices: list[list[Ball]]
    drift: Ball
    known: list[list[Feature]]
    features: list[Feature]


def ranges(program: Program, centre: list[Ball], half: list[Ball]) -> list[tuple[Ball, Ball] | None]:
    """A range of each output on the cell; None where there is no bound."""
    one = arb(1)
    corners = [[-one], [one]] if len(centre) == 1 else [[-one, -one], [one, -one], [one, one], [-one, one]]
    work = [_Polygon(corners, arb(0), [], [])]
    hulls: list[tuple[Ball, Ball] | None] | None = None
    finished, features = 0, sum(o.width for o in program.operations)
    while work:
        polygon = work.pop()
        outputs = _models(program, polygon, work, centre, half)
        finished += 1
        if finished > MOST or finished * features > MOST_FEATURES:
            return [None] * len(outputs)
        ends = [_ends(f, polygon) for f in outputs]
        pairs = [
            None if f.eps is None or e is None else ((e[0] - f.eps).lower(), (e[1] + f.eps).upper())
            for f, e in zip(outputs, ends, strict=True)
        ]
        hulls = pairs if hulls is None else [_hull(a, b) for a, b in zip(hulls, pairs, strict=True)]
    assert hulls is not None
    return hulls


def _models(
    program: Program, polygon: _Polygon, work: list[_Polygon], centre: list[Ball], half: list[Ball]
) -> list[Feature]:
    """The models of the outputs on (the rest of) a polygon; parts that are cut off join the list of work."""
    for position, o in program.each(len(polygon.known)):
        args = [polygon.known[a] for a in o.args]
        if o.op not in KINKS:
            polygon.known.append(step(program, position, args, centre, half, scale=arb(1), real=True))
            continue
        rows = list(zip(*args, strict=True))
        for x in rows[len(polygon.features) :]:
            polygon.features.append(_kink(o, x, polygon, work))
        polygon.known.append(polygon.features)
        polygon.features = []
    return polygon.known[-1]


def _kink(o: Operation, x: tuple[Feature, ...], polygon: _Polygon, work: list[_Polygon]) -> Feature:
    z = plus(x[0], times(x[1], arb(-1))) if o.op in ("max", "min") else x[0]
    up = _positive_part(z, polygon, work)
    if o.op == "leaky_relu":
        s = arb(o.parameter)
        return plus(times(x[0], s), times(up, 1 - s))
    if o.op == "abs":
        return plus(times(up, arb(2)), times(x[0], arb(-1)))
    if o.op == "max":
        return plus(x[1], up)
    return plus(x[0], times(up, arb(-1))) if o.op == "min" else up


def _positive_part(z: Feature, polygon: _Polygon, work: list[_Polygon]) -> Feature:
    """max(z, 0) on a polygon where z keeps its sign; otherwise the part where z < 0 is cut off first."""
    zeros = tuple(arb(0) for _ in z.J)
    if z.eps is None:
        return Feature(arb(0), zeros, None)
    at = [_value(z, v) for v in polygon.vertices]
    size = EXACT * (abs(z.c) + sum((abs(j) for j in z.J), arb(0))).upper()
    if any(v.upper() < -size for v in at) and any(v.lower() > size for v in at):
        below = _half(polygon, [-v for v in at])
        above = _half(polygon, at)
        work.append(_Polygon(*below, list(polygon.known), list(polygon.features)))
        polygon.vertices, polygon.drift = above
    ends = _ends(z, polygon)
    if ends is None:
        return Feature(arb(0), zeros, None)
    positive, eps = one_sign(*ends, z.eps)
    return Feature(z.c, z.J, eps) if positive else Feature(arb(0), zeros, eps)


def one_sign(low: Ball, high: Ball, eps: Ball) -> tuple[bool, Ball]:
    """Whether max(z, 0) is taken as z (else as 0), for z within eps of an affine function in [low, high]; remainder."""
    if high > -low:
        return True, (eps + (-low).max(arb(0))).upper()
    return False, (high + eps).max(arb(0)).upper()


def _value(z: Feature, vertex: list[Ball]) -> Ball:
    return z.c + sum((j * v for j, v in zip(z.J, vertex, strict=True)), arb(0))


def _ends(z: Feature, polygon: _Polygon) -> tuple[Ball, Ball] | None:
    """Bounds of the affine part within drift of the polygon."""
    at = [_value(z, v) for v in polygon.vertices]
    if not all(v.is_finite() for v in at):
        return None
    low, high = extremes(at)
    slack = polygon.drift * sum((abs(j) for j in z.J), arb(0))
    return (low - slack).lower(), (high + slack).upper()


def _half(polygon: _Polygon, at: list[Ball]) -> tuple[list[list[Ball]], Ball]:
    """The part of a polygon where the values at its vertices are not negative, and its drift."""
    vertices: list[list[Ball]] = []
    moved = arb(0)
    signs = [v.mid() >= 0 for v in at]
    for i, vertex in enumerate(polygon.vertices):
        j = (i + 1) % len(polygon.vertices)
        if signs[i]:
            vertices.append(vertex)
        if signs[i] != signs[j]:
            t = (at[i].mid() / (at[i].mid() - at[j].mid())).mid()
            t = arb(0) if t < 0 else arb(1) if t > 1 else t
            exact = [a + t * (b - a) for a, b in zip(vertex, polygon.vertices[j], strict=True)]
            vertices.append([v.mid() for v in exact])
            for v in exact:
                moved = v.rad() if v.rad() > moved else moved
    return vertices, (polygon.drift + moved).upper()


def _hull(a: tuple[Ball, Ball] | None, b: tuple[Ball, Ball] | None) -> tuple[Ball, Ball] | None:
    if a is None or b is None:
        return None
    return a[0].min(b[0]), a[1].max(b[1])
