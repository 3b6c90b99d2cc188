"""Graded models of total degree: enclosures of a program on real boxes that know the degree of every part.

On the box x_j = c_j + h_j y_j, |y_j| <= 1, every feature is

    g(y) = c + J.y + H(y) + sum_{k=2..K} q_k(y) + rest(y),    H = sum_i H_ii T_2(y_i) + sum_{i<j} H_ij y_i y_j,

q_k **some** polynomial of total degree <= k (not necessarily homogeneous) with |q_k| <= s_k on the box, and
|rest| <= rem. Only c, J, H, s_k and rem are stored; c, J, H are float64 numbers taken as exact, their rounding is in rem.
|H| is the sum of |H_ii| plus the largest value of the mixed terms, which they take in a corner of the cube (for more
than `CORNERS` inputs, plus the sum of |H_ij|). The parts need not be unique. The only conclusion is that

    p* = c + J.y + H + sum_{k<=D} q_k  is a polynomial of total degree <= D with  |g - p*| <= sum_{k>D} s_k + rem.

H is there because linear layers cancel: |W H| is two to three times smaller than |W| |H|, and the parts above D
are governed by powers of it.

Proof, operation by operation (S(t) = |H| t^2 + sum_k s_k t^k has non-negative coefficients):

* linear: W g has parts W H and W q_k, of degree <= k, norms at most |W| s_k; remainders |W| rem.
* product: q_i q_k has degree <= i + k and norm at most s_i s_k; the linear parts l = J.y have norms |l| =
  sum|J_j|, so the parts of the product are bounded by the coefficients of
  (|c_1| + |l_1| t) S_2 + (|c_2| + |l_2| t) S_1 + S_1 S_2 + |l_1||l_2| t^2. Those above t^K go to rem. Of these,
  c_1 H_2 + c_2 H_1 and l_1 l_2 stay exact; by y_i^2 = (1 + T_2(y_i))/2 the latter has a constant.
* phi(c + l + q + rest), |l| <= r, |q| <= Q = S(1). By Taylor in q and the mean value theorem

      phi(c + l + q + rest) = sum_{i<6} phi^(i)(c + l)/i! q^i  +- sup|phi^(6)/6!| Q^6 +- sup|phi'| rem.

  phi^(i)/i! on [c - r, c + r] is sum_j a_ij T_j((z - c)/r) up to an aliasing error (`graded_interpolant`), and
  T_j(l/r) is a polynomial of total degree j in y with norm <= 1. So the parts are bounded by the
  coefficients of sum_i (sum_j |a_ij| t^j) S(t)^i. With u = J/r some stay exact: c <- a_00, J <- a_01 u,
  H <- a_02 T_2(u.y) + a_10 H, where T_2(u.y) = 2 (u.y)^2 - 1 has the constant |u|_2^2 - 1, which goes to c.
  The parts above t^K, computed as the total at t = 1 minus the stored parts, go to rem.

**Tightening.** The |W| of the linear layers forgets cancellation between the q_k. Let L be the projection of a
rule of degree m (`graded_rule`) with constant Lambda. L g = c + J.y + .. has degree <= m and g - L g =
sum_{k>m} (q_k - L q_k) + rest - L rest, because L reproduces degree m. With |L q_k| <= Lambda s_k: take c, J, H and
the other parts of degree <= m from the coefficients of L g (computed from true values of g at the nodes), add
Lambda sum_{k>m} s_k to s_m, keep s_k for k > m, and multiply rem by 1 + Lambda. It is done to the arguments of
nonlinear functions that are not affine.

Cost per box: about 300 evaluations of the program; with tightening the rule's nodes in addition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.certification import affine_model
from supnorm.certification.affine_model import AffineModel
from supnorm.certification.graded import TOP, Graded
from supnorm.certification.graded_bend import bends
from supnorm.certification.graded_forms import pairs, quadratic
from supnorm.certification.graded_interpolant import POINTS, interpolants
from supnorm.certification.graded_rule import Rule
from supnorm.certification.graded_series import MODULUS, ORDER, real_bounds
from supnorm.certification.near_one import Rules, near_one
from supnorm.certification.propagation import propagate
from supnorm.certification.roots_at_zero import asked
from supnorm.certification.rounding import TINY, Array, U, gamma, one_norm, outward
from supnorm.program import Node, Program
from supnorm.program.evaluation import apply


@dataclass(frozen=True, eq=False)
class Enclosed:
    """A program on boxes: the graded and the affine model of its output, and values at the tightening nodes.

    Attributes:
        graded, affine: models of the output.
        bend: how strongly each axis moves the arguments of nonlinear functions, shape ``(B, d)``.
        values: values of the output at the rule's nodes, shape ``(B, N, m)``; None without a rule.
    """

    graded: Graded
    affine: AffineModel
    bend: Array
    values: Array | None


def enclose(program: Program, centre: Array, half: Array, rule: Rule | None) -> Enclosed:
    """Models of the output on boxes ``centre``, ``half`` (shapes ``(B, d)``).

    ``rule`` tightens the arguments of nonlinear functions; None means no tightening.
    """
    boxes, d = centre.shape
    models: list[Graded] = []
    bounds: list[AffineModel] = []
    values: list[Array] = []
    with np.errstate(all="ignore"):
        start = affine_model.variables(centre, half, np.ones(1))
        points = None
        if rule is not None:
            points = (centre[:, None] + half[:, None] * rule.nodes).reshape(-1, d)
        first = Graded(
            centre,
            start.J,
            np.zeros((d * (d + 1) // 2, boxes, d)),
            np.zeros((TOP + 1, boxes, d)),
            np.zeros((boxes, d)),
        )
        for node in program.nodes:
            args = [models[a] for a in node.args]
            if rule is not None and node.op in MODULUS and not args[0].flat:
                here = values[node.args[0]].reshape(boxes, len(rule.nodes), -1)
                args[0] = models[node.args[0]] = tighten(args[0], here, bounds[node.args[0]], rule)
            bounds.append(affine_model.of_node(node, [bounds[a] for a in node.args], start))
            if node.op == "where":
                models.append(where(args[0], args[1], args[2], bounds[node.args[0]].err))
            else:
                models.append(_apply(node, args, first, bounds[-1]))
            if points is not None:
                values.append(apply(node, [values[a] for a in node.args], points))
        bend = bends(program, models)
    out = None if rule is None else values[-1].reshape(boxes, len(rule.nodes), -1)
    return Enclosed(models[-1], bounds[-1], bend, out)


def linear(
    program: Program, centre: Array, half: Array, low: Array, enclosed: Enclosed
) -> tuple[AffineModel, Array]:
    """The affine model, in which a root that reaches zero has its chord, and where to halve, as `Enclosed.bend`.

    Linear bounds are the only ones of a box in which a root reaches zero, and say where to halve it.

    Args:
        low: the lower ends of the domain, shape ``(d,)``.
    """
    if (zero := asked(program, low)) is None:
        return enclosed.affine, enclosed.bend
    affine, bend = propagate(program, centre, half, np.ones(1), low=zero)
    bounded = np.isfinite(enclosed.graded.rem).all(axis=1, keepdims=True)
    return affine, np.where(bounded, enclosed.bend, bend)


def _apply(node: Node, args: list[Graded], first: Graded, bound: AffineModel) -> Graded:
    if node.op == "input":
        return first
    if node.op == "constant":
        (boxes, d), w = first.c.shape, node.width
        c = np.broadcast_to(np.asarray(node.value), (boxes, w))
        H, parts = np.zeros((len(first.H), boxes, w)), np.zeros((len(first.s), boxes, w))
        return Graded(c, np.zeros((boxes, w, d)), H, parts, np.zeros((boxes, w)))
    if node.op == "affine":
        return affine(args[0], np.asarray(node.weight), np.asarray(node.bias))
    if node.op == "take":
        x, columns = args[0], node.columns
        return Graded(
            x.c[:, columns], x.J[:, columns], x.H[:, :, columns], x.s[:, :, columns], x.rem[:, columns]
        )
    if node.op == "concat":
        return Graded(
            np.concatenate([a.c for a in args], 1),
            np.concatenate([a.J for a in args], 1),
            np.concatenate([a.H for a in args], 2),
            np.concatenate([a.s for a in args], 2),
            np.concatenate([a.rem for a in args], 1),
        )
    if node.op in MODULUS:
        return smooth(node.op, args[0], *node.parameters)
    if node.parameter is not None:
        return add(scale(args[0], node.parameter), scale(relu(args[0]), 1.0 - node.parameter))
    return _COMPOSED[node.op](*args)


def affine(x: Graded, weight: Array, bias: Array) -> Graded:
    """weight @ x + bias."""
    k = weight.shape[1]
    size, g = np.abs(weight).T, gamma(k + 2)
    rows = np.concatenate([x.s[2:], (x.rem + g * (np.abs(x.c) + x.slope + x.entry_sum))[None]]) @ size
    rows = _raised(rows, 2 * k + 8)  # parts that are zero stay zero: they need no tightening
    rem = outward(rows[-1] + g * np.abs(bias))
    J = np.einsum("bkd,wk->bwd", x.J, weight, optimize=True)
    s = np.concatenate([np.zeros((2, *rem.shape)), rows[:-1]])
    return Graded(x.c @ weight.T + bias, J, x.H @ weight.T, s, rem)


def add(x: Graded, y: Graded, sign: float = 1.0) -> Graded:
    """x + sign y for sign = +-1."""
    c, J, H = x.c + sign * y.c, x.J + sign * y.J, x.H + sign * y.H
    lost = U * (np.abs(c) + one_norm(J) + np.abs(H).sum(0))
    return Graded(c, J, H, _raised(x.s + y.s), outward(x.rem + y.rem + lost))


def scale(x: Graded, factor: float) -> Graded:
    """factor x; the factor itself may be off by one rounding."""
    f = abs(factor)
    lost = 2.0 * U * f * (np.abs(x.c) + x.slope + x.entry_sum)
    return Graded(factor * x.c, factor * x.J, factor * x.H, _raised(f * x.s), outward(f * x.rem + lost))


def _raised(s: Array, operations: int = 16) -> Array:
    """Norms rounded up, zeros kept."""
    return np.where(s == 0.0, 0.0, outward(s, operations))


def _convolve(a: Array, b: Array, low_a: int, low_b: int) -> Array:
    """Product of two polynomials in t whose coefficients start at ``low_a``, ``low_b``, cut at the top."""
    top = len(a)
    out = np.zeros(np.broadcast_shapes(a.shape, b.shape))
    for i in range(low_a, top - low_b):
        out[i + low_b :] += a[i] * b[low_b : top - i]
    return out


def multiply(x: Graded, y: Graded) -> Graded:
    """x y."""
    constant, H = quadratic(x.J, y.J)
    c = x.c * y.c + constant
    J = x.c[..., None] * y.J + y.c[..., None] * x.J
    H = H + x.c * y.H + y.c * x.H
    rx, ry, ax, ay = x.slope, y.slope, np.abs(x.c), np.abs(y.c)
    parts_x, parts_y = x.parts, y.parts
    s = _convolve(parts_x, parts_y, 2, 2) + ax * y.s + ay * x.s
    s[3:] += rx * parts_y[2:-1] + ry * parts_x[2:-1]
    s = _raised(s)
    bx, by = x.bent, y.bent
    total = (ax + rx + bx + x.entry_sum) * (ay + ry + by + y.entry_sum)
    everything = outward(bx * by + (ax + rx) * by + (ay + ry) * bx)
    sum_up_to_top = s.sum(0) + ax * y.curve + ay * x.curve
    above = np.maximum(everything - sum_up_to_top * (1.0 - 1e-13), 0.0)
    fx, fy = ax + rx + bx, ay + ry + by
    rem = above + x.rem * fy + y.rem * fx + x.rem * y.rem + (16.0 + 2.0 * len(H)) * U * total
    return _sound(c, J, H, s, outward(rem))


def smooth(op: str, x: Graded, *parameter: float) -> Graded:
    """phi(x)."""
    return near_one(op, x, x.c, parameter, Rules(_smooth, ORDER, _times_power_of_two, _plus))


def _plus(x: Graded, value: Array, off: Array) -> Graded:
    c = x.c + value
    return _sound(c, x.J, x.H, x.s, outward(x.rem + np.where(value != 0, off + 4.0 * U * np.abs(c), 0.0)))


def _times_power_of_two(x: Graded, k: NDArray[np.int64]) -> Graded:
    """2^k x, feature by feature: exact except for underflow, for which `outward` has room."""
    s = _raised(np.where((x.s > 0) & (np.ldexp(x.s, k) == 0.0), TINY, np.ldexp(x.s, k)))
    return _sound(
        np.ldexp(x.c, k), np.ldexp(x.J, k[..., None]), np.ldexp(x.H, k), s, outward(np.ldexp(x.rem, k))
    )


def _smooth(op: str, x: Graded, *parameter: float) -> Graded:
    r, bent = x.slope, x.bent
    series, lost = interpolants(op, x.c, r, *parameter)
    reach = outward(r + bent + x.rem)
    steep = real_bounds(op, x.c - reach, x.c + reach, *parameter)  # i = 1..6
    parts, full = np.zeros_like(x.s), x.parts
    power = np.ones_like(bent)
    raised: Array | None = None
    rem = steep[0] * x.rem
    total, terms = np.zeros_like(bent), 1 if x.flat else ORDER
    for i in range(terms):
        shift = 4.0 * U * (np.abs(x.c) + r) * (i + 1) * steep[i]
        rem = rem + power * outward(lost[i] + 2.0 * POINTS * shift)
        size = np.abs(series[:, i])
        total = total + size.sum(0) * power
        if raised is None:
            count = min(len(parts), POINTS)
            parts[3:count] += size[3:count]
            raised = full
        else:
            padded = np.zeros_like(parts)
            padded[: min(len(parts), POINTS)] = size[: len(parts)]
            if i == 1:  # a_10 H stays exact
                parts += padded[0] * x.s
                padded[0] = 0.0
            parts += _convolve(padded, raised, 0, 2 * i)
            raised = _convolve(raised, full, 2 * i, 2) if i < ORDER - 1 else raised
        power = outward(power * bent)
    parts = _raised(parts)
    sum_up_to_top = parts.sum(0) + np.abs(series[:3, 0]).sum(0)
    if terms > 1:
        sum_up_to_top = sum_up_to_top + np.abs(series[0, 1]) * x.curve
        rem = rem + steep[ORDER - 1] * power
    above = np.maximum(outward(total, 64) - sum_up_to_top * (1.0 - 1e-13), 0.0)
    unit = np.divide(x.J, r[..., None], out=np.zeros_like(x.J), where=r[..., None] > 0)
    J = series[1, 0][..., None] * unit
    constant, H = quadratic(unit, unit)
    second = series[2, 0]
    c, H = series[0, 0] + second * (2.0 * constant - 1.0), 2.0 * second * H
    lost_here = np.abs(series[:2, 0]).sum(0) + (4.0 + unit.shape[-1]) * np.abs(second)
    if terms > 1:
        H += series[0, 1] * x.H
        lost_here = lost_here + np.abs(series[0, 1]) * x.entry_sum
    return _sound(c, J, H, parts, outward(rem + above + 8.0 * U * lost_here))


def _sound(c: Array, J: Array, H: Array, s: Array, rem: Array) -> Graded:
    """The model, without a bound where anything is not finite."""
    good = np.isfinite(c) & np.isfinite(J).all(-1) & np.isfinite(H).all(0) & np.isfinite(s).all(0)
    good &= np.isfinite(rem)
    return Graded(
        np.where(good, c, 0.0),
        np.where(good[..., None], J, 0.0),
        np.where(good, H, 0.0),
        np.where(good, s, 0.0),
        np.where(good, rem, np.inf),
    )


def relu(x: Graded) -> Graded:
    """max(x, 0) where the sign is certain; elsewhere there is no bound."""
    reach = outward(x.slope + x.bent + x.rem)
    on, off = x.c > reach, x.c < -reach
    rem = np.where(on, x.rem, np.where(off, 0.0, np.inf))
    return Graded(
        np.where(on, x.c, 0.0),
        np.where(on[..., None], x.J, 0.0),
        np.where(on, x.H, 0.0),
        np.where(on, x.s, 0.0),
        rem,
    )


def where(z: Graded, above: Graded, other: Graded, rounding: Array) -> Graded:
    """``above`` where z > 0, else ``other``, where the sign of z is certain, also as it is rounded; else without a bound."""
    reach = outward(z.slope + z.bent + z.rem + rounding)
    on, off = z.c > reach, z.c <= -reach
    return Graded(
        np.where(on, above.c, np.where(off, other.c, 0.0)),
        np.where(on[..., None], above.J, np.where(off[..., None], other.J, 0.0)),
        np.where(on, above.H, np.where(off, other.H, 0.0)),
        np.where(on, above.s, np.where(off, other.s, 0.0)),
        np.where(on, above.rem, np.where(off, other.rem, np.inf)),
    )


def tighten(x: Graded, values: Array, bound: AffineModel, rule: Rule) -> Graded:
    """Parts of degree <= m from values ``(B, N, w)`` at the rule's nodes."""
    m, exps, degrees = rule.D, rule.exponents, rule.degrees
    coefficients = rule.coefficients(values)
    row = {tuple(k): i for i, k in enumerate(exps.tolist())}
    unit = np.eye(rule.d, dtype=int)
    c = coefficients[:, row[(0,) * rule.d]]
    J = coefficients[:, [row[tuple(k)] for k in unit.tolist()]].transpose(0, 2, 1)
    H = coefficients[:, [row[tuple((unit[i] + unit[j]).tolist())] for i, j in pairs(rule.d)]].transpose(
        1, 0, 2
    )
    s = x.s.copy()
    s[2] = 0.0
    for k in range(3, m + 1):
        s[k] = outward(np.abs(coefficients[:, degrees == k]).sum(1), len(degrees))
    above = outward(x.s[m + 1 :].sum(0), len(s))
    s[m] = outward(s[m] + rule.lebesgue * above)
    err = bound.err
    noise = rule.rounding(np.abs(values).max(1)) + rule.lebesgue * err
    size = bound.size + 2.0 * (above + x.rem)
    rem = (1.0 + rule.lebesgue) * x.rem + noise + rule.defect * size
    return _sound(c, J, H, s, outward(rem))


def _gelu_tanh(x: Graded) -> Graded:
    cubic, k = affine_model._CUBIC, affine_model._TANH_GELU
    inner = scale(add(x, scale(smooth("pow", x, 3.0), cubic)), k)
    bent = smooth("tanh", inner)
    one = Graded(np.ones_like(x.c), 0.0 * x.J, 0.0 * x.H, 0.0 * x.s, 0.0 * x.rem)
    return multiply(scale(x, 0.5), add(one, bent))


_COMPOSED: dict[str, Callable[..., Graded]] = {
    "add": add,
    "sub": lambda x, y: add(x, y, -1.0),
    "mul": multiply,
    "div": lambda x, y: multiply(x, smooth("reciprocal", y)),
    "neg": lambda x: scale(x, -1.0),
    "relu": relu,
    "abs": lambda x: add(scale(relu(x), 2.0), x, -1.0),
    "max": lambda x, y: add(y, relu(add(x, y, -1.0))),
    "min": lambda x, y: add(x, relu(add(x, y, -1.0)), -1.0),
    "gelu_tanh": _gelu_tanh,
}
