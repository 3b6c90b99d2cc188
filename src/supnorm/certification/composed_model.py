"""Chebyshev models: every feature of a program as an interpolant on a box, with a remainder for each axis.

On the box with centre c and half-widths h a feature g is its interpolant p at the (n + 1)^d tensor nodes of degree n, and

    |g - p| <= rem_1 + .. + rem_d        for all real |y_j| <= 1.

Interpolation at the same nodes commutes with every operation, so the interpolant of the last feature is that of its values,
and only remainders have to be carried. A function phi of g = p + r is

    phi(g) - I phi(g) = [phi(g) - phi(p)] + [phi(p) - I phi(p)],

the first at most sup |phi'| rem, the second the interpolation error of phi of a *polynomial* whose coefficients are known.
It is taken one axis after the other, I = I_d .. I_1, with Lambda the Lebesgue constant of one axis:

    |phi(p) - I phi(p)| <= sum_j Lambda^(j-1) 4 M_j rho^-n/(rho - 1),

M_j being a bound where y_j alone runs over a Bernstein ellipse. There p stays within R_j = sum_k |a_k| cosh(k_j log rho) of
its constant coefficient a_0; and since p itself is interpolated exactly, the linear remainder of phi on that disc
(`majorants`) is such a bound. In a product of p and q, T_i T_i' = (T_(i+i') + T_|i-i'|)/2 is interpolated with an error of
at most 1, and exactly for i + i' <= n. So poles and cancellations are seen operation by operation, with all that is known of
the arguments: model and reference of a relative error keep what they share.

All of it is float64. ``err`` bounds how far a float64 evaluation at any point of the box is from the exact value; it enters
the coefficients, and the bound of the last interpolant by its Lebesgue constant.

Cost: (n + 1)^d values and a cosine transform for each feature that enters a nonlinear operation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from supnorm.certification.composed_grid import Grid, Sizes
from supnorm.certification.composed_relative import Relative
from supnorm.certification.elementary import LEAST, STEEPEST
from supnorm.certification.majorants import REMAINDER
from supnorm.certification.rounding import Array, U, gamma, of_function, outward
from supnorm.certification.special_bounds import POSITIVE
from supnorm.program.operations import UNARY

FUNCTIONS: dict[str, Callable[..., Array]] = UNARY | {"reciprocal": lambda z: 1.0 / z}
MARGIN = 1.0 + 1e-12  # for the rounding of a slope: that of e^700 is off by 1e-13
ROOTED = ("log", "sqrt", "pow", "reciprocal", *POSITIVE)  # where it matters that a feature is positive


@dataclass(frozen=True, eq=False)
class Log:
    """The logarithm of a feature, made when it is asked for.

    The model is None, or infinite on some boxes, where no logarithm is proved to exist.

    Attributes:
        make: makes the model.
        fixed: whether it is that of a constant.
        steps: logarithms that have to be made for it, one within the other.
        round: makes the bound of the feature's rounding relative to its value; None where there is none.
    """

    make: Callable[[], ChebyshevModel | None]
    fixed: bool = False
    steps: int = 0
    round: Callable[[], Relative | None] | None = None

    @cached_property
    def model(self) -> ChebyshevModel | None:
        """The model."""
        return self.make()

    @cached_property
    def relative(self) -> Relative | None:
        """The feature's rounding relative to its value."""
        return None if self.round is None else self.round()


@dataclass(frozen=True, eq=False)
class ChebyshevModel:
    """Models of ``w`` features on ``B`` boxes.

    Attributes:
        grid: degree and inputs.
        values: at the nodes, shape ``(B, w, N)``.
        rem: remainder bounds by axis, shape ``(B, w, d)``.
        err: bounds of the float64 evaluation error on the real box, shape ``(B, w)``.
        known: the sizes, where they are known without a transform.
        logs: of each feature its logarithm, where the program shows that it is positive; empty where none is kept
            (`composed_logs`).
        terms: the arguments, if it is a difference.
        inside: the argument, if it is the size of a feature.
    """

    grid: Grid
    values: Array
    rem: Array
    err: Array
    known: Sizes | None = None
    logs: tuple[Log | None, ...] = ()
    terms: tuple[ChebyshevModel, ...] = ()
    inside: ChebyshevModel | None = None

    @cached_property
    def sizes(self) -> Sizes:
        """From the coefficients; infinite where a value is not finite."""
        if self.known is not None:
            return self.known
        g = self.grid
        a = g.coefficients(self.values)
        c = a[..., 0].copy()
        off = g.coefficient_error(np.abs(self.values).max(-1), self.err)
        a[..., 0] = 0.0
        parts = np.abs(a) @ g.parts + (len(g.nodes) / (g.n + 1)) * off[..., None]
        parts = outward(parts, len(g.nodes)).reshape(*c.shape, g.d, g.n + 1)
        bad = ~np.isfinite(c)
        return Sizes(np.where(bad, 0.0, c), np.where(bad[..., None, None], np.inf, parts))

    @cached_property
    def rest(self) -> Array:
        """Remainder of all axes together, shape ``(B, w)``."""
        return outward(self.rem.sum(-1), self.grid.d)

    @property
    def top(self) -> Array:
        """Bound of the size of the interpolant, shape ``(B, w)``."""
        return outward(np.abs(self.sizes.c) + self.sizes.reach)

    @property
    def reach(self) -> Array:
        """The feature is within this of the constant coefficient, shape ``(B, w)``."""
        return outward(self.sizes.reach + self.rest)

    @property
    def size(self) -> Array:
        """Bound of |feature|, shape ``(B, w)``."""
        return outward(self.top + self.rest)

    @property
    def log(self) -> ChebyshevModel | None:
        """The model of the logarithm of a single feature."""
        return self.logs[0].model if len(self.logs) == 1 and self.logs[0] is not None else None

    @property
    def exponential(self) -> bool:
        """Whether it is a single feature whose logarithm is kept and varies."""
        return len(self.logs) == 1 and self.logs[0] is not None and not self.logs[0].fixed

    @property
    def steps(self) -> int:
        """Of the logarithm that is kept."""
        return self.logs[0].steps if len(self.logs) == 1 and self.logs[0] is not None else 0

    @cached_property
    def span(self) -> tuple[Array, Array]:
        """Middle and half-width of an interval that holds feature, interpolant and float64 values, shapes ``(B, w)``."""
        c, r = self.sizes.c, self.reach
        if not self.exponential or self.log is None:
            return c, outward(r + self.err)
        u, v = self.log.sizes.c, self.log.reach
        low, high = np.exp(u - v) * (1.0 - 1e-12), np.exp(u + v) * (1.0 + 1e-12)
        middle, radius = 0.5 * (low + high), 0.5 * (high - low)
        tight = (radius < r) & (np.abs(u) + v < 700.0)
        wide = outward(radius + 4.0 * U * high + self.rest)
        return np.where(tight, middle, c), outward(np.where(tight, wide, r) + self.err)


def constant(value: Array, like: ChebyshevModel) -> ChebyshevModel:
    """A feature that does not vary."""
    g, boxes, w = like.grid, len(like.values), len(value)
    c = np.broadcast_to(value, (boxes, w))
    known = Sizes(c, np.zeros((boxes, w, g.d, g.n + 1)))
    values = np.broadcast_to(value[:, None], (boxes, w, len(g.nodes)))
    zero = np.zeros((boxes, w, g.d))
    return ChebyshevModel(g, values, zero, zero[..., 0], known)


def affine(x: ChebyshevModel, weight: Array, bias: Array) -> ChebyshevModel:
    """weight @ x + bias: remainders by |weight|, rounding by gamma_{k+2}."""
    k = weight.shape[1]
    g = gamma(k + 2)
    values = weight @ x.values + bias[:, None]
    size = np.abs(weight)
    rem = outward(size @ x.rem, 2 * k + 8)
    err = outward((x.err + g * x.size) @ size.T + g * np.abs(bias), 2 * k + 8)
    return ChebyshevModel(x.grid, values, rem, err)


def add(x: ChebyshevModel, y: ChebyshevModel, sign: float = 1.0) -> ChebyshevModel:
    """x + sign y for sign = +-1."""
    err = outward(x.err + y.err + U * (x.size + y.size + x.err + y.err))
    return ChebyshevModel(x.grid, x.values + sign * y.values, outward(x.rem + y.rem), err)


def scale(x: ChebyshevModel, factor: float) -> ChebyshevModel:
    """factor x; the factor itself may be off by one rounding."""
    f = abs(factor)
    err = outward(f * (x.err + 4.0 * U * (x.size + x.err)))
    return ChebyshevModel(x.grid, factor * x.values, outward(f * x.rem), err)


def multiply(x: ChebyshevModel, y: ChebyshevModel) -> ChebyshevModel:
    """x y: the products of remainders, and what of the product of the interpolants is not interpolated exactly."""
    g = x.grid
    above = np.cumsum(y.sizes.parts[..., :0:-1], -1)  # entry i - 1: the coefficients of y above degree n - i
    cut = g.weight * (x.sizes.parts[..., 1:] * above).sum(-1)
    sx, sy = x.top[..., None], y.top[..., None]
    rem = sx * y.rem + (sy + y.rest[..., None]) * x.rem + cut
    tx, ty = x.size, y.size
    err = tx * y.err + ty * x.err + x.err * y.err + 4.0 * U * (tx + x.err) * (ty + y.err)
    return ChebyshevModel(g, x.values * y.values, outward(rem, 4 * g.n + 16), outward(err))


def smooth(op: str, x: ChebyshevModel, *parameter: float) -> ChebyshevModel:
    """phi(x), with all that its polynomial shows."""
    g, sizes = x.grid, x.sizes
    values = np.asarray(FUNCTIONS[op](x.values, *parameter))
    bound = REMAINDER[op](sizes.c[..., None, None], sizes.on_ellipses(g), *parameter)
    tail = g.weight * (bound * g.tail).min(-1)
    middle, radius = x.span if op in ROOTED else (sizes.c, outward(x.reach + x.err))
    steep = STEEPEST[op](middle, radius, *parameter) * MARGIN
    if op in ("log", "sqrt") or (op == "pow" and not float(*parameter).is_integer()):
        steep = np.where(middle > radius, steep, np.inf)  # not defined elsewhere
    rem = outward(tail + steep[..., None] * x.rem)
    ulps: Array | float = of_function(op, *parameter)
    if op in ("gelu", "erfc"):
        ulps = ulps * (1.0 + (np.abs(middle) + radius) ** 2)
    largest = np.abs(values).max(-1)
    size = largest + steep * 2.0 * radius
    err = outward(steep * x.err + ulps * size + 8.0 * LEAST * (1.0 + np.abs(middle) + radius))
    bad = ~np.isfinite(largest)
    return ChebyshevModel(
        g,
        np.where(bad[..., None], 0.0, values),
        np.where(bad[..., None], np.inf, rem),
        np.where(bad, np.inf, err),
    )


def relu(x: ChebyshevModel) -> ChebyshevModel:
    """max(x, 0): exact where the sign is certain; else within half the distance to its chord of the chord."""
    g, c, r = x.grid, x.sizes.c, x.reach
    finite = np.isfinite(r)
    crossing = (np.abs(c) <= r) & finite
    width = np.where(crossing, np.maximum(r, 1e-300), 1.0)
    slope = np.where(crossing, np.clip((c + width) / (2.0 * width), 0.0, 1.0), (c > 0).astype(float))
    lift = np.where(crossing, outward(np.maximum((1.0 - slope) * (c + width), slope * (width - c))), 0.0)
    across = x.sizes.parts[..., 1:].sum(-1) + 1e-300
    share = across / across.sum(-1, keepdims=True)
    lifted = outward(0.5 * (1.0 + g.lebesgue) * np.maximum(lift, 0.0))[..., None] * share * (1.0 + 1e-12)
    rem = np.where(slope[..., None] > 0.0, slope[..., None] * x.rem, 0.0) + np.where(
        crossing[..., None], lifted, 0.0
    )
    return ChebyshevModel(
        g,
        np.where(finite[..., None], np.maximum(x.values, 0.0), 0.0),
        np.where(finite[..., None], outward(rem), np.inf),
        np.where(finite, x.err, np.inf),
    )
