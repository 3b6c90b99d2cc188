"""Affine Taylor models on boxes and on the polydiscs around them, many boxes at once, and the model of each operation.

On the box with centre c and half-widths h, with x_j = c_j + h_j y_j, every feature is

    c + sum_j J_j y_j + remainder,   |remainder| <= eps[s]  for complex |y_j| <= A[s],

for all scales A[s] at once; A[0] = 1 stands for the *real* box |y_j| <= 1, where kinks (relu, abs, min, max)
are relaxed by the chord of Singh et al. (Fast and Effective Robustness Certification, 2018) and a ``where`` by the hull of
both formulas, while on the polydiscs a kink inside makes eps infinite. Linear operations are exact but for rounding; a
function phi adds its linear remainder (`majorants`). ``err`` bounds how far a float64 evaluation at any point of the real
box, in any order of summation, is from the exact value. All of c, J, eps, err are float64; their own rounding is in eps.

Cost: (scales + d + 2) matrix products per layer and box.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.elementary import AT_POINT, STEEPEST
from supnorm.certification.majorants import REMAINDER, real_remainder
from supnorm.certification.near_one import Rules, near_one
from supnorm.certification.roots_at_zero import ROOTS, enclosed, nonnegative
from supnorm.certification.roots_at_zero import rounding as root_rounding
from supnorm.certification.rounding import ULPS, Array, U, gamma, of_function, one_norm, outward
from supnorm.program import Node

SUBNORMAL = 1e-322  # a few units of the smallest numbers, of which one is all that a node may be
FAR = 4.0  # as in one of the checker's forms; with 4 alone 3 of 360 files were not accepted: its tangents are tighter
_TANH_GELU, _CUBIC = 0.7978845608028654, 0.044715  # the float64 constants are the definition of gelu_tanh


@dataclass(frozen=True, eq=False)
class AffineModel:
    """Models of ``w`` features on ``B`` boxes.

    Attributes:
        c: values at the centres, shape ``(B, w)``.
        J: derivatives in the scaled variables y, shape ``(B, w, d)``.
        eps: remainder bounds, shape ``(B, S, w)``.
        err: bounds of the float64 evaluation error on the real box, shape ``(B, w)``.
        scales: A, shape ``(S,)``, ``A[0] = 1``.
        nonnegative: which features are at least zero by the program and the ends of the domain (`roots_at_zero`), shape
            ``(w,)``; None where that is not asked.
    """

    c: Array
    J: Array
    eps: Array
    err: Array
    scales: Array
    nonnegative: NDArray[np.bool_] | None = None

    @cached_property
    def slope(self) -> Array:
        """sum_j |J_j|, shape ``(B, w)``."""
        return outward(one_norm(self.J), self.J.shape[-1])

    @cached_property
    def reach(self) -> Array:
        """Radius of the disc around c that contains the feature, shape ``(B, S, w)``."""
        return outward(self.scales[:, None] * self.slope[:, None] + self.eps)

    @property
    def size(self) -> Array:
        """Bound of |feature| on the real box, shape ``(B, w)``."""
        return outward(np.abs(self.c) + self.reach[:, 0])

    def select(self, columns: Array) -> AffineModel:
        """Some of the features."""
        return AffineModel(
            self.c[:, columns], self.J[:, columns], self.eps[:, :, columns], self.err[:, columns], self.scales
        )


def variables(centre: Array, half: Array, scales: Array, low: Array | None = None) -> AffineModel:
    boxes, d = centre.shape
    J = half[:, :, None] * np.eye(d)
    err = 4.0 * U * (np.abs(centre) + half) + SUBNORMAL  # nodes of a rule are rounded when they are computed
    above = None if low is None else low >= 0.0
    return AffineModel(centre, J, np.zeros((boxes, len(scales), d)), err, scales, above)


def of_node(
    node: Node, args: list[AffineModel], start: AffineModel, branches: bool = False, units: float = 1.0
) -> AffineModel:
    """The model of one node, with the room for its runtime; room for branches of the code only if ``branches`` is true."""
    moved = sum(a.moved for a in node.discrepancies)
    if moved:
        args = [replace(args[0], err=outward(args[0].err + moved * (args[0].size + args[0].err))), *args[1:]]
    model = with_room(node, _operation(node, args, start, units), args, branches)
    return model if start.nonnegative is None or node.op == "input" else with_signs(node, model, args)


def with_room(node: Node, model: AffineModel, args: list[AffineModel], branches: bool = False) -> AffineModel:
    """The model of a node with the room for its runtime in its values; what moves arguments is in theirs."""
    for discrepancy in node.discrepancies:
        if discrepancy.above is None or branches:
            x = args[0]
            room: Array | float = discrepancy.absolute
            if discrepancy.argument:  # only of an operation feature by feature
                room = room + discrepancy.argument * x.size
            if discrepancy.value:
                room = room + discrepancy.value * (model.size + model.err)
            if discrepancy.above is not None:
                top = outward(np.abs(x.c) + x.reach[:, 0]) - np.abs(x.c) + x.c + x.err
                room = np.where(top < discrepancy.above - 1e-9 * (1.0 + abs(discrepancy.above)), 0.0, room)
            model = replace(model, err=np.where(room == 0.0, model.err, outward(model.err + room)))
    return model


def with_signs(node: Node, model: AffineModel, args: list[AffineModel]) -> AffineModel:
    """The model of a node with what is known of its sign, which is a fact of the feature and not of a box."""
    known = [a.nonnegative if a.nonnegative is not None else np.zeros(a.c.shape[1], dtype=bool) for a in args]
    return replace(model, nonnegative=nonnegative(node, known, node.width))


def _operation(node: Node, args: list[AffineModel], start: AffineModel, units: float) -> AffineModel:
    if node.op == "input":
        return start
    if node.op == "constant":
        return constant(np.asarray(node.value), start)
    if node.op == "affine":
        return affine(args[0], np.asarray(node.weight), np.asarray(node.bias))
    if node.op == "take":
        return args[0].select(node.columns)  # type: ignore[arg-type]
    if node.op == "concat":
        return AffineModel(
            np.concatenate([a.c for a in args], 1),
            np.concatenate([a.J for a in args], 1),
            np.concatenate([a.eps for a in args], 2),
            np.concatenate([a.err for a in args], 1),
            start.scales,
        )
    if node.op in REMAINDER:
        extra = node.parameters
        return smooth(node.op, args[0], *extra)
    if node.parameter is not None:
        return leaky_relu(args[0], node.parameter)
    return COMPOSED[node.op](*args, *([units] if node.op == "where" else []))


def constant(value: Array, like: AffineModel) -> AffineModel:
    """A feature that does not vary."""
    boxes, d, w = len(like.c), like.J.shape[-1], len(value)
    zeros = np.zeros((boxes, w))
    c = np.broadcast_to(value, (boxes, w))
    return AffineModel(c, np.zeros((boxes, w, d)), np.zeros((boxes, len(like.scales), w)), zeros, like.scales)


def affine(x: AffineModel, weight: Array, bias: Array) -> AffineModel:
    """weight @ x + bias: the linear part exact, eps by |weight|, rounding by gamma_{k+2}."""
    k = weight.shape[1]
    g = gamma(k + 2)
    c = x.c @ weight.T + bias
    J = np.einsum("bkd,wk->bwd", x.J, weight, optimize=True)
    remainder = x.eps + g * (np.abs(x.c)[:, None] + x.scales[:, None] * x.slope[:, None])
    rows = np.concatenate([remainder, (x.err + g * x.size)[:, None]], axis=1) @ np.abs(weight).T
    rows = outward(rows + g * np.abs(bias), 2 * k + 8)
    return AffineModel(c, J, rows[:, :-1], rows[:, -1], x.scales)


def add(x: AffineModel, y: AffineModel, sign: float = 1.0) -> AffineModel:
    """x + sign y for sign = +-1."""
    c, J = x.c + sign * y.c, x.J + sign * y.J
    rounding = U * (np.abs(c)[:, None] + x.scales[:, None] * one_norm(J)[:, None])
    eps = outward(x.eps + y.eps + rounding)
    model = AffineModel(c, J, eps, x.err, x.scales)
    err = outward(x.err + y.err + U * (model.size + x.err + y.err))
    return AffineModel(c, J, eps, err, x.scales)


def scale(x: AffineModel, factor: float) -> AffineModel:
    """factor x; the factor itself may be off by one rounding."""
    c, J, f = factor * x.c, factor * x.J, abs(factor)
    rounding = 2.0 * U * f * (np.abs(x.c)[:, None] + x.scales[:, None] * x.slope[:, None])
    err = outward(f * (x.err + 2.0 * U * (x.size + x.err)))
    return AffineModel(c, J, outward(f * x.eps + rounding), err, x.scales)


def multiply(x: AffineModel, y: AffineModel) -> AffineModel:
    """x y: the products of the varying parts go to eps."""
    a, b = x.c[..., None], y.c[..., None]
    c, J = x.c * y.c, a * y.J + b * x.J
    ax, ay = np.abs(x.c)[:, None], np.abs(y.c)[:, None]
    slopes = x.scales[:, None] * (ax * y.slope[:, None] + ay * x.slope[:, None])
    eps = x.reach * y.reach + ax * y.eps + ay * x.eps + 4.0 * U * (np.abs(c)[:, None] + slopes)
    eps = outward(eps)
    sx, sy = x.size, y.size
    err = sx * y.err + sy * x.err + x.err * y.err + 4.0 * U * (sx + x.err) * (sy + y.err)
    return AffineModel(c, J, eps, outward(err), x.scales)


def smooth(op: str, x: AffineModel, *parameter: float) -> AffineModel:
    """phi(x): c <- phi(c), J <- phi'(c) J, eps <- |phi'(c)| eps + linear remainder on the disc."""
    return near_one(op, x, x.c, parameter, Rules(_smooth, 2, _times_power_of_two, _plus))


def _plus(x: AffineModel, value: Array, off: Array) -> AffineModel:
    """x + value, which is off by at most ``off``; its float64 evaluation is off by `ULPS` of the sum."""
    c = x.c + value
    lost = np.where(value != 0, off + 4 * ULPS * U * np.abs(c), 0.0)
    return AffineModel(c, x.J, outward(x.eps + lost[:, None]), outward(x.err + lost), x.scales)


def _times_power_of_two(x: AffineModel, k: NDArray[np.int64]) -> AffineModel:
    """2^k x, feature by feature: exact but for underflow, which `outward` has room for; no bound where it overflows."""
    c, J = np.ldexp(x.c, k), np.ldexp(x.J, k[..., None])
    eps, err = outward(np.ldexp(x.eps, k[:, None])), outward(np.ldexp(x.err, k))
    broken = ~np.isfinite(c) | ~np.isfinite(J).all(axis=-1)
    return AffineModel(
        np.where(broken, 0.0, c),
        np.where(broken[..., None], 0.0, J),
        np.where(broken[:, None], np.inf, eps),
        np.where(broken, np.inf, err),
        x.scales,
        x.nonnegative,
    )


def _smooth(op: str, x: AffineModel, *parameter: float) -> AffineModel:
    v, s, v_err, s_err = AT_POINT[op](x.c, *parameter)
    size = np.abs(s)[:, None]
    rest = REMAINDER[op](x.c[:, None], x.reach, *parameter)
    on_real = real_remainder(op, x.reach[:, 0], size[:, 0] + s_err)
    if on_real is not None:
        rest[:, 0] = np.fmin(rest[:, 0], on_real)
    eps = size * x.eps + rest + v_err[:, None] + (s_err[:, None] + 2.0 * U * size) * x.reach
    eps = outward(eps)
    J = s[..., None] * x.J
    lipschitz = STEEPEST[op](x.c, x.reach[:, 0] + x.err, *parameter)
    swing = np.minimum(size[:, 0] * x.reach[:, 0] + eps[:, 0], lipschitz * x.reach[:, 0])
    ulps: Array | float = of_function(op, *parameter)
    if op == "gelu":
        ulps = ulps * (1.0 + (np.abs(x.c) + x.reach[:, 0]) ** 2)
    err = lipschitz * x.err + ulps * (np.abs(v) + swing + lipschitz * x.err)
    broken = ~np.isfinite(v) | ~np.isfinite(s)
    model = AffineModel(
        np.where(broken, 0.0, v),
        np.where(broken[..., None], 0.0, J),
        np.where(broken[:, None], np.inf, eps),
        np.where(broken, np.inf, outward(err)),
        x.scales,
    )
    return model if op not in ROOTS or x.nonnegative is None else with_root(op, x, model, x.nonnegative)


def with_root(op: str, x: AffineModel, model: AffineModel, above: NDArray[np.bool_]) -> AffineModel:
    """The model of a root of x, on the real box by its chord where the tangent has no bound, or one `FAR` larger."""
    s, middle, half = enclosed(op, x.c, x.reach[:, 0], above)
    c, J, eps = s * x.c + middle, s[..., None] * x.J, model.eps.copy()
    room = 4.0 * U * (np.abs(c) + s * x.reach[:, 0])
    on_real = outward(s * x.eps[:, 0] + half + room)
    lost = np.isfinite(on_real) & ~(eps[:, 0] <= FAR * on_real)
    eps[:, 0] = np.where(lost, on_real, eps[:, 0])
    eps[:, 1:] = np.where(lost[:, None], np.inf, eps[:, 1:])  # of another linear part
    off = root_rounding(op, x.err, x.c, x.reach[:, 0], above)
    return AffineModel(
        np.where(lost, c, model.c),
        np.where(lost[..., None], J, model.J),
        eps,
        np.where(lost, np.fmin(off, model.err), model.err),
        x.scales,
    )


def relu(x: AffineModel) -> AffineModel:
    """max(x, 0): exact where the sign is certain; else the chord on the real box, no bound on polydiscs."""
    r = x.reach
    crossing = np.abs(x.c) <= r[:, 0]
    width = np.where(crossing, r[:, 0], 1.0)
    chord = np.clip((x.c + width) / (2.0 * width), 0.0, 1.0)
    slope = np.where(crossing, np.where(np.isfinite(width), chord, 0.0), (x.c > 0).astype(float))
    lift = np.where(crossing, 0.5 * np.maximum(_deviation(x.c, r[:, 0], slope), 0.0), 0.0)
    c, J = slope * x.c + lift, slope[..., None] * x.J
    rounding = 4.0 * U * (np.abs(c)[:, None] + np.abs(slope)[:, None] * r)
    eps = slope[:, None] * x.eps + np.where(crossing[:, None], lift[:, None], 0.0) + rounding
    eps = np.where(np.abs(x.c)[:, None] <= r, np.inf, eps)
    eps[:, 0] = np.where(crossing, slope * x.eps[:, 0] + lift + rounding[:, 0], eps[:, 0])
    finite = np.isfinite(r[:, 0])
    return AffineModel(
        np.where(finite, c, 0.0),
        np.where(finite[..., None], J, 0.0),
        outward(eps),
        np.where(finite, x.err, np.inf),
        x.scales,
    )


def _deviation(c: Array, r: Array, slope: Array) -> Array:
    """max of relu(z) - slope z over [c - r, c + r]: it is convex, so the larger of the two ends."""
    return outward(np.maximum((1.0 - slope) * (c + r), slope * (r - c)))


def leaky_relu(x: AffineModel, slope: float) -> AffineModel:
    """slope x + (1 - slope) max(x, 0)."""
    return add(scale(x, slope), scale(relu(x), 1.0 - slope))


def gelu_tanh(x: AffineModel) -> AffineModel:
    """x (1 + tanh(k (x + 0.044715 x^3))) / 2."""
    inner = scale(add(x, scale(smooth("pow", x, 3.0), _CUBIC)), _TANH_GELU)
    raised = add(constant(np.ones(x.c.shape[1]), x), smooth("tanh", inner))
    return multiply(scale(x, 0.5), raised)


def maximum(x: AffineModel, y: AffineModel) -> AffineModel:
    """max(x, y) = y + max(x - y, 0)."""
    return add(y, relu(add(x, y, -1.0)))


def minimum(x: AffineModel, y: AffineModel) -> AffineModel:
    """min(x, y) = x - max(x - y, 0)."""
    return add(x, relu(add(x, y, -1.0)), -1.0)


def where(z: AffineModel, above: AffineModel, other: AffineModel, units: float = 1.0) -> AffineModel:
    """``above`` where z > 0, else ``other``; ``units`` as in `propagate`: the distance of both is none of rounding.

    Where the sign of z is certain on the real box, also as it is rounded, it is one of them, on polydiscs too: ``where`` is
    that function on the real box, so both have one continuation. Elsewhere it is the hull of both on the real box, with what
    their linear parts have in common: so its range is that of both together, and no larger where one of them is tighter.
    With the mean of the linear parts it was larger for the checker, which is tighter almost everywhere, in 1 of 60 random
    certificates. The sign is asked of the remainder of each scale, because the checker knows no other.
    """
    wide = outward(z.slope[:, None] + z.eps + z.err[:, None])
    sure = z.c[:, None] > wide, z.c[:, None] <= -wide  # neither where z has no bound
    on, off = sure[0][:, 0], sure[1][:, 0]
    J = np.where(above.J * other.J > 0.0, np.where(np.abs(above.J) < np.abs(other.J), above.J, other.J), 0.0)
    first, second = (outward(x.eps[:, 0] + one_norm(x.J - J), J.shape[-1] + 8) for x in (above, other))
    low, high = np.minimum(above.c - first, other.c - second), np.maximum(above.c + first, other.c + second)
    lost = 4.0 * U * (np.abs(above.c) + np.abs(other.c) + first + second)
    hull = outward(0.5 * (high - low) + lost)
    known = np.isfinite(hull) & np.isfinite(wide[:, 0])
    c = _one_of(on, off, above.c, other.c, np.where(known, 0.5 * low + 0.5 * high, 0.0))
    eps = np.where(sure[0] & on[:, None], above.eps, np.where(sure[1] & off[:, None], other.eps, np.inf))
    eps[:, 0] = np.where(on | off | ~known, eps[:, 0], hull)
    either = outward(np.maximum(above.err, other.err) + 2.0 * hull / units)
    err = np.where(on, above.err, np.where(off, other.err, either))
    return AffineModel(c, _one_of(on, off, above.J, other.J, J), eps, err, z.scales)


def _one_of(
    on: NDArray[np.bool_], off: NDArray[np.bool_], above: Array, other: Array, between: Array
) -> Array:
    """The entries of one of three, by booleans of shape ``(B, w)``."""
    on, off = (v.reshape(*v.shape, *(1,) * (above.ndim - 2)) for v in (on, off))
    return np.where(on, above, np.where(off, other, between))


COMPOSED: dict[str, Callable[..., AffineModel]] = {
    "add": add,
    "sub": lambda x, y: add(x, y, -1.0),
    "mul": multiply,
    "div": lambda x, y: multiply(x, smooth("reciprocal", y)),
    "neg": lambda x: scale(x, -1.0),
    "relu": relu,
    "abs": lambda x: add(scale(relu(x), 2.0), x, -1.0),
    "max": maximum,
    "min": minimum,
    "gelu_tanh": gelu_tanh,
    "where": where,
}
