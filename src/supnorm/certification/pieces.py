"""The exact linear pieces of kinks inside boxes, in 1-D and 2-D: many boxes at once.

A box is cut along the zero line of every kink argument (relu, leaky relu, abs, min, max) that changes sign in it,
layer by layer, into convex polygons on which every kink is linear (Montufar, Pascanu, Cho and Bengio, On the
number of linear regions of deep neural networks, 2014). On a piece the error is affine up to the curvature of
its smooth parts, and an affine function is largest at a vertex. So the bound is sharp at kinks, and its excess falls
like h^2.

Rounding. A vertex v of a half is computed as v_i + t (v_j - v_i) with some t in [0, 1]. Whatever t and
whatever the signs, the halves of the exact polygons (same t, no rounding) cover their whole, and after k cuts
a float vertex is within 8 k u of the exact one: so every point of the box is within that ``drift`` of a piece,
and values of an affine function on it within |J| drift of those at the vertices. A kink whose sign is wrong by
that much is off by as much, which goes to the remainder.

Cost: a product with the weights per piece and layer, and one cut per piece and crossing kink.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from supnorm.certification import affine_model
from supnorm.certification.affine_model import AffineModel, add, scale
from supnorm.certification.rounding import Array, U, outward
from supnorm.program import Node, Program

Rows = NDArray[np.intp]
Counts = NDArray[np.intp]
KINKS = ("relu", "leaky_relu", "abs", "max", "min")
# Two proofs for ReLU networks of 2 layers of width 32 in 2-D, shifted as in `benchmarks.certify`, took 987 and 439 boxes. A
# box with more than `MOST` pieces when a layer begins is halved instead (20: 1,023 and 607 boxes; 80: 987 and 431, which
# took a tenth longer), and so is a box with more than `KINKS_AT_ONCE` kinks in one layer (5: 1,121 and 661; 20: 987 and 439,
# which took 1.4 times as long).
MOST = 40
KINKS_AT_ONCE = 10
NUMBERS = 160_000  # limit of boxes at once times MOST times features: bounds the memory
SPLIT = 1e-11  # a piece is not cut if the kink argument is beyond zero by at most this part of its size


class Pieces:
    """Polygons in the variables y of their boxes, |y_j| <= 1.

    Attributes:
        owner: the box of each piece, shape ``(P,)``.
        vertices: vertices in order around the piece, shape ``(P, V, d)``; unused entries repeat one of them.
        count: number of vertices, shape ``(P,)``.
    """

    def __init__(self, boxes: int, d: int) -> None:
        corners = [[-1.0], [1.0]] if d == 1 else [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]
        self.owner = np.arange(boxes)
        self.vertices = np.repeat(np.array(corners)[None], boxes, axis=0)
        self.count = np.full(boxes, len(corners))

    def values(self, x: AffineModel) -> Array:
        """The affine parts of features at the vertices, shape ``(P, V, w)``."""
        return np.asarray(x.c[:, None] + self.vertices @ x.J.transpose(0, 2, 1))

    def cut(self, values: Array, which: Rows) -> Rows:
        """Cut some pieces where the values at their vertices change sign; returns the row each came from."""
        halves = _halves(self.vertices[which], self.count[which], values[which])
        whole = np.ones(len(self.owner), dtype=bool)
        whole[which] = False
        rest = np.flatnonzero(whole)
        parts = [(self.vertices[rest], self.count[rest]), *halves]
        width = max(v.shape[1] for v, _ in parts)
        self.vertices = np.concatenate([_padded(v, width) for v, _ in parts])
        self.count = np.concatenate([c for _, c in parts])
        rows = np.concatenate([rest, which, which])
        self.owner = self.owner[rows]
        return rows

    def keep(self, rows: Rows) -> None:
        """Only these pieces."""
        self.owner, self.vertices, self.count = self.owner[rows], self.vertices[rows], self.count[rows]


def _least_and_most(values: Array) -> tuple[Array, Array]:
    """The least and the largest of the values at the vertices of each piece, axis 1; NumPy's own take twice as long."""
    low, high = values[:, 0].copy(), values[:, 0].copy()
    for vertex in range(1, values.shape[1]):
        np.minimum(low, values[:, vertex], out=low)
        np.maximum(high, values[:, vertex], out=high)
    return low, high


def _padded(vertices: Array, width: int) -> Array:
    missing = width - vertices.shape[1]
    return np.concatenate([vertices, np.repeat(vertices[:, :1], missing, axis=1)], axis=1)


def _halves(vertices: Array, count: Counts, values: Array) -> list[tuple[Array, Counts]]:
    """The parts of each polygon where the values are not negative, and not positive (Sutherland and Hodgman, 1974)."""
    P, V, d = vertices.shape
    corner, rows = np.arange(V), np.arange(P)[:, None]
    valid = corner < count[:, None]
    following = np.where(corner + 1 < count[:, None], corner + 1, 0)
    beyond = values[rows, following]
    gap = values - beyond
    t = np.clip(np.divide(values, gap, out=np.full_like(values, 0.5), where=gap != 0), 0.0, 1.0)
    fresh = vertices + t[..., None] * (vertices[rows, following] - vertices)
    both = np.stack([vertices, fresh], axis=2).reshape(P, 2 * V, d)

    def half(inside: NDArray[np.bool_], inside_beyond: NDArray[np.bool_]) -> tuple[Array, Counts]:
        used = np.stack([valid & inside, valid & (inside != inside_beyond)], axis=2).reshape(P, 2 * V)
        counts = used.sum(1)
        order = np.argsort(~used, axis=1, kind="stable")[:, : max(int(counts.max(initial=1)), 1)]
        order = np.where(np.arange(order.shape[1]) < counts[:, None], order, order[:, :1])
        return both[rows, order], counts

    return [half(values >= 0, beyond >= 0), half(values <= 0, beyond <= 0)]


def piecewise_range(
    program: Program, centre: Array, half: Array, domain_low: Array | None = None
) -> tuple[Array, Array]:
    """Lower and upper bounds of the outputs on boxes, shapes ``(B, m)``; infinite for boxes with many pieces.

    Args:
        program: any program of one or two inputs.
        centre, half: the boxes, shapes ``(B, d)``.
        domain_low: the lower ends of the domain, shape ``(d,)``, as ``low`` of `propagate`.
    """
    widest = max(node.width for node in program.nodes)
    step = max(NUMBERS // (MOST * widest), 1)
    rows = [slice(i, i + step) for i in range(0, len(centre), step)]
    parts = [_ranges(program, centre[r], half[r], domain_low) for r in rows]
    return np.concatenate([low for low, _ in parts]), np.concatenate([high for _, high in parts])


def _ranges(program: Program, centre: Array, half: Array, domain_low: Array | None) -> tuple[Array, Array]:
    with np.errstate(all="ignore"):
        state = _State(program, centre, half, domain_low)
        for position, node in enumerate(program.nodes):
            state.add(position, node)
        output = state.at_pieces(len(program.nodes) - 1)
        low, high = state.ends(output)
        low, high = low - outward(output.eps[:, 0]), high + outward(output.eps[:, 0])
    shape = (len(centre), program.nodes[-1].width)
    lowest, highest = np.full(shape, np.inf), np.full(shape, -np.inf)
    np.minimum.at(lowest, state.pieces.owner, np.where(np.isnan(low), -np.inf, low))
    np.maximum.at(highest, state.pieces.owner, np.where(np.isnan(high), np.inf, high))
    lowest[state.lost], highest[state.lost] = -np.inf, np.inf
    return lowest, highest


class _State:
    """Models of the nodes so far: for whole boxes before the first kink, for pieces after it."""

    def __init__(self, program: Program, centre: Array, half: Array, domain_low: Array | None = None) -> None:
        boxes, d = centre.shape
        self.start = affine_model.variables(centre, half, np.ones(1), domain_low)
        self.pieces = Pieces(boxes, d)
        self.lost = np.zeros(boxes, dtype=bool)
        self.drift = 8.0 * U * KINKS_AT_ONCE * sum(node.op in KINKS for node in program.nodes)
        self.last_use = {a: i for i, node in enumerate(program.nodes) for a in node.args}
        self.whole: dict[int, AffineModel] = {}
        self.parted: dict[int, AffineModel] = {}

    def at_pieces(self, position: int) -> AffineModel:
        """The model of a node, one row per piece."""
        if position in self.parted:
            return self.parted[position]
        return _rows(self.whole[position], self.pieces.owner)

    def add(self, position: int, node: Node) -> None:
        """Add the model of the next node, and drop models that no later node needs."""
        if node.op in KINKS:
            kinked = self._kink(node)
            args = [self.at_pieces(a) for a in node.args]
            none = self.start.nonnegative is None
            self.parted[position] = kinked if none else affine_model.with_signs(node, kinked, args)
        elif any(a in self.parted for a in node.args):
            like = _rows(self.start, self.pieces.owner)
            args = [self.at_pieces(a) for a in node.args]
            self.parted[position] = affine_model.of_node(node, args, like)
        else:
            self.whole[position] = affine_model.of_node(node, [self.whole[a] for a in node.args], self.start)
        for a in node.args:
            if self.last_use[a] == position:
                self.parted.pop(a, None)

    def _kink(self, node: Node) -> AffineModel:
        def argument() -> tuple[AffineModel, AffineModel]:
            x, y = self.at_pieces(node.args[0]), self.at_pieces(node.args[-1])
            return (add(x, y, -1.0) if node.op in ("max", "min") else x), x

        self._split(argument)
        z, x = argument()
        up = self._relu(z)
        composed: dict[str, Callable[[], AffineModel]] = {
            "relu": lambda: up,
            "leaky_relu": lambda: add(
                scale(x, float(node.parameter or 0.0)), scale(up, 1.0 - float(node.parameter or 0.0))
            ),
            "abs": lambda: add(scale(up, 2.0), x, -1.0),
            "max": lambda: add(self.at_pieces(node.args[-1]), up),
            "min": lambda: add(x, up, -1.0),
        }
        return composed[node.op]()

    def _split(self, argument: Callable[[], tuple[AffineModel, AffineModel]]) -> None:
        """Cut the pieces along every kink; the models are copied to the new pieces."""
        z = argument()[0]
        size = SPLIT * (np.abs(z.c) + z.slope)
        values = self.pieces.values(z)
        low, high = _least_and_most(values)
        crossing = (low < -size) & (high > size)
        rows = self._without_hopeless(crossing)
        for k in np.flatnonzero(crossing[rows].any(0)):
            one, least = (
                AffineModel(z.c[rows, k, None], z.J[rows, k, None], z.eps, z.err, z.scales),
                size[rows, k],
            )
            values = self.pieces.values(one)[..., 0]
            low, high = _least_and_most(values)
            cut = np.flatnonzero((low < -least) & (high > least))
            if len(cut):
                rows = rows[self.pieces.cut(values, cut)]
        self.parted = {k: _rows(model, rows) for k, model in self.parted.items()}

    def _without_hopeless(self, crossing: NDArray[np.bool_]) -> Rows:
        """Give up boxes with too many kinks in this layer or too many pieces so far; returns the remaining rows."""
        kinks, owner = np.zeros((len(self.lost), crossing.shape[1]), dtype=bool), self.pieces.owner
        np.logical_or.at(kinks, owner, crossing)
        pieces = np.bincount(owner, minlength=len(self.lost))
        self.lost |= (kinks.sum(1) > KINKS_AT_ONCE) | (pieces > MOST)
        rows = np.flatnonzero(~self.lost[owner])
        self.pieces.keep(rows)
        return rows

    def ends(self, x: AffineModel) -> tuple[Array, Array]:
        """Bounds of the affine parts on the pieces, shapes ``(P, w)``."""
        low, high = _least_and_most(self.pieces.values(x))
        slack = outward(x.slope * (self.drift + 16.0 * U) + 16.0 * U * np.abs(x.c))
        return low - slack, high + slack

    def _relu(self, z: AffineModel) -> AffineModel:
        """max(z, 0) on each piece: z or 0, with a remainder."""
        low, high = self.ends(z)
        positive, eps = one_sign(low, high, z.eps[:, 0])
        return replace(
            z, c=np.where(positive, z.c, 0.0), J=np.where(positive[..., None], z.J, 0.0), eps=eps[:, None]
        )


def one_sign(low: Array, high: Array, eps: Array) -> tuple[NDArray[np.bool_], Array]:
    """Where max(z, 0) is taken as z and not as 0, for z within eps of an affine function of range [low, high]; remainders.

    |max(z, 0) - l| <= |z - l| + |max(l, 0) - l| <= eps + max(-low, 0), and 0 <= max(z, 0) <= max(high + eps, 0).
    """
    positive = high > -low
    rest = np.where(positive, eps + np.maximum(-low, 0.0), np.maximum(high + eps, 0.0))
    return positive, outward(rest)


def _rows(x: AffineModel, rows: Rows) -> AffineModel:
    return replace(x, c=x.c[rows], J=x.J[rows], eps=x.eps[rows], err=x.err[rows])
