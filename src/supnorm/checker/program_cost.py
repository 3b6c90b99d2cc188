"""The cost of a straight-line program in ball arithmetic: values at points, affine models, graded models.

The cost is counted from the operations in multiplications of balls, before any of them is done. Programs with exponents
that no honest program needs are refused whatever their cost: `LARGEST_POWER`, `LARGEST_MAGNITUDE`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from supnorm.checker.cost import Cost
from supnorm.checker.enclosure import without_repetitions
from supnorm.checker.operation import Operation
from supnorm.checker.rejected import Rejected
from supnorm.checker.special_functions import NAMES

LARGEST_POWER = 2.0**64  # exponents of pow beyond it are refused: no function of a science code has one
LARGEST_MAGNITUDE = 4096.0  # limit of the bits that a program can make the exponents of balls need
# Exponents of up to so many bits cost nothing extra; honest programs with exp reach 82 in theory.
EXPONENT = 128.0
BALL, BYTES = 6.0, 90.0  # operations to make a ball in Python, and bytes that it takes in a list
SAVED = 0.35  # part of a product's cost in a large matrix, where FLINT multiplies by blocks
POINT = {
    "tanh": 30.0,
    "sigmoid": 80.0,
    "softplus": 70.0,
    "silu": 95.0,
    "gelu": 110.0,
    "erf": 80.0,
    "sin": 22.0,
    "cos": 22.0,
    "exp": 20.0,
    "log": 42.0,
    "sqrt": 46.0,
    "pow": 120.0,
    "leaky_relu": 40.0,
    "gelu_tanh": 90.0,
    "atan": 60.0,
    "cbrt": 300.0,
    "lgamma": 1200.0,
    "digamma": 1000.0,
    "erfc": 80.0,
    "erfcx": 500.0,
    "erfinv": 900.0,
    "exp1": 4500.0,
    "bessel_j": 1700.0,
    "bessel_y": 9000.0,
    "bessel_i": 1700.0,
    "bessel_k": 7500.0,
    "gammainc": 5500.0,
    "gammaincc": 5500.0,
    "betainc": 6000.0,
}
MODEL = 650.0  # the affine model of one smooth function
GRADED, GRADED_PRODUCT = 17_000.0, 900.0  # the graded model of one smooth function, of one product
ELLIPSES = 13.0  # that a Chebyshev model tries along each axis
MANY = 60  # nodes from which on Chebyshev models are in arrays; a 2-D formula with 36 nodes took the same time with both
TRIED = 5.0  # of these, where nodes are many: the forecasts of two formulas in 3-D and 4-D were 2.5 times too large
LOGS = 2.0  # models made of one operation if logarithms of features are kept
LINEAR = ("neg", "abs", "relu", "leaky_relu", "add", "sub", "min", "max", "where")
# In arrays: a weight at a point, a feature at a point, an operation. Measured: 1 ns, 50 ns, 50 us, where `SECOND` has 17 ns.
ARRAY_WEIGHT, ARRAY_FEATURE, ARRAY_CALL = 0.06, 3.0, 3_000.0
IN_ARRAYS = frozenset(
    (
        "tanh",
        "sigmoid",
        "softplus",
        "silu",
        "sin",
        "cos",
        "exp",
        "log",
        "sqrt",
        "pow",
        "gelu_tanh",
        *LINEAR,
        "mul",
        "div",
    )
)
GRADED_IN_ARRAYS = 6_500.0  # the graded model of a function whose interpolants are computed in arrays


class Bits(NamedTuple):
    """How large numbers of a node can become: bits of their exponents (small numbers need them too), log2 log2 |value|."""

    exponent: float
    size: float


@dataclass(frozen=True, eq=False)
class Size:
    """The cost of a program: its distinct operations, and the bits that exponents of balls may reach in each.

    Sums over the operations are computed once, whatever the number of leaves.
    """

    operations: tuple[Operation, ...]
    bits: tuple[Bits, ...]
    known: dict[tuple[Any, ...], Cost] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, operations: tuple[Operation, ...]) -> Size:
        """The size of a program of a file.

        Raises:
            Rejected: for exponents or magnitudes that no honest program has.
        """
        distinct = without_repetitions(operations)
        return cls(distinct, tuple(_magnitudes(distinct)))

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return self.operations[-1].width

    @cached_property
    def features(self) -> int:
        """Number of features of all operations."""
        return sum(o.width for o in self.operations)

    @cached_property
    def weights(self) -> int:
        """Numbers of the affine operations."""
        return sum(len(o.weight) for o in self.operations)

    @cached_property
    def _point(self) -> tuple[float, float]:
        """Cost of all values at one point: in matrix products, and in Python."""
        python = sum(
            (len(o.weight) // o.width + 2.0 * o.width) * BALL
            if o.op == "affine"
            else o.width * _at_point(o, b)
            for o, b in zip(self.operations, self.bits, strict=True)
        )
        return float(self.weights), python

    def values(self, points: float) -> Cost:
        """Values of all nodes at points."""
        matrix, python = self._point
        many = SAVED if points >= 200.0 else 1.0
        return Cost(
            points * (many * matrix + python), BYTES * points * self.features + self._bytes_of_weights
        )

    def batch(self, points: float) -> Cost:
        """Values of all nodes at points in balls of float64 numbers, one point in four times by FLINT, outputs as balls."""
        each = ARRAY_WEIGHT * self.weights + ARRAY_FEATURE * self._bent + 2.5 * BALL * self.outputs
        calls = ARRAY_CALL * len(self.operations) + 0.25 * self.values(1.0).operations
        return Cost(points * each + calls, 40.0 * points * self.features + self._bytes_of_weights)

    @cached_property
    def _bent(self) -> float:
        """Features that are no linear forms, each of those that FLINT evaluates as many as its cost at one point."""
        return sum(
            o.width * (1.0 if o.op in IN_ARRAYS else _at_point(o, b))
            for o, b in zip(self.operations, self.bits, strict=True)
            if o.op not in ("affine", "take", "concat", "input", "constant")
        )

    @cached_property
    def _bytes_of_weights(self) -> float:
        return 2.0 * BYTES * self.weights

    def model(self, d: int) -> Cost:
        """One affine model of all features on a cell."""
        return self.known.get((d,)) or self.known.setdefault((d,), self._model(d))

    def _model(self, d: int) -> Cost:
        total = 0.0
        for o, bits in zip(self.operations, self.bits, strict=True):
            k = len(o.weight) // o.width
            if o.op == "affine":
                total += len(o.weight) * (d + 2.0) + (k + 2.0 * o.width) * (d + 2.0) * BALL
            elif o.op in ("take", "concat", "input", "constant"):
                total += o.width
            elif o.op in LINEAR:
                total += o.width * (60.0 + 3.0 * d * BALL)
            else:
                total += o.width * (MODEL + 3.0 * d * BALL + 4.0 * _at_point(o, bits))
        return Cost(total, BYTES * (d + 5.0) * self.features + self._bytes_of_weights)

    def single(self, d: int, outputs: int) -> Cost:
        """The rounding of a program in float32 on a cell: models, rules of each feature, products back to the input."""
        one = self.model(d)
        rules = sum(
            len(o.weight) * (3.0 + outputs) + (len(o.weight) // o.width + o.width) * (12.0 + outputs) * BALL
            if o.op == "affine"
            else o.width * (400.0 + outputs * BALL + 4.0 * _at_point(o, bits))
            for o, bits in zip(self.operations, self.bits, strict=True)
        )
        return Cost(one.operations + rules, one.bytes + 6.0 * (outputs + 2.0) * BYTES * self.features)

    def graded(self, d: int, tight: tuple[float, float, float] | None, arbitrary: bool = False) -> Cost:
        """One graded model; ``tight``: points, nodes and coefficients of its rule; ``arbitrary`` as in `check`."""
        key = (d, tight, arbitrary)
        return self.known.get(key) or self.known.setdefault(key, self._graded(*key))

    def _graded(self, d: int, tight: tuple[float, float, float] | None, arbitrary: bool) -> Cost:
        forms, total = d * (d + 1) / 2.0, 0.0
        for o, bits in zip(self.operations, self.bits, strict=True):
            k = len(o.weight) // o.width
            if o.op == "affine":
                numbers = d + forms + 18.0
                total += len(o.weight) * numbers + (k + 2.0 * o.width) * numbers * BALL
            elif o.op in ("take", "concat", "input", "constant"):
                total += o.width * (d + forms) * BALL if o.op in ("input", "constant") else o.width
            elif o.op in LINEAR:
                total += o.width * (200.0 + 4.0 * (d + forms) * BALL)
            else:
                bent = GRADED_PRODUCT if o.op == "mul" else GRADED + 60.0 * _at_point(o, bits)
                if not arbitrary and o.op in ("tanh", "sigmoid", "softplus", "silu", "sin", "cos", "exp"):
                    bent = GRADED_IN_ARRAYS
                bent += 8.0 * forms * BALL + (corners(d) if o.op != "mul" else 2.0 * corners(d))
                if tight is not None and o.op != "mul":
                    bent += projected(tight)
                total += o.width * bent
        cost = Cost(total, (2.0 * (d + forms) + 24.0) * BYTES * self.features + self._bytes_of_weights)
        if tight is None:
            return cost
        return cost + (self.values(tight[1]) if arbitrary else self.batch(tight[1]))

    def composed(self, d: int, n: int, balls: bool) -> Cost:
        """One Chebyshev model of degree n, with the values at its nodes; ``balls``: in FLINT's alone."""
        balls = balls or (n + 1) ** d < MANY
        return self.known.get((d, n, balls)) or self.known.setdefault(
            (d, n, balls), self._composed(d, n, balls)
        )

    def _composed(self, d: int, n: int, balls: bool) -> Cost:
        nodes, total = (n + 1.0) ** d, 0.0
        logs = LOGS if any(o.op == "exp" for o in self.operations) else 1.0
        if balls:
            parts, sum_ = nodes * d * (n + 1.0) + nodes * (2.0 + 2.0 * d) * BALL, nodes * 2.0 * BALL
        else:
            parts = nodes * d * (n + 1.0) * ARRAY_WEIGHT + (n + 1.0) * d * BALL + 2.0 * ARRAY_CALL
            sum_ = nodes * ARRAY_FEATURE + ARRAY_CALL
        tried = ELLIPSES if balls else TRIED
        for o, bits in zip(self.operations, self.bits, strict=True):
            if o.op in ("affine", "take", "concat", "input", "constant"):
                total += o.width * BALL
            elif o.op in ("neg", "add", "sub"):
                total += o.width * sum_
            else:
                known = not balls and o.op in IN_ARRAYS
                bent = (sum_ if known else nodes * (BALL + _at_point(o, bits))) + parts
                if o.op != "mul":
                    bent += d * tried * (MODEL + n)
                total += o.width * bent * logs
        values = self.values(nodes) if balls else self.batch(nodes)
        return values + Cost(total, 8.0 * BYTES * nodes * self.features)


def corners(d: int) -> float:
    """Cost of the largest value of a quadratic form in the corners of the cube."""
    return 2.0 ** (d - 1) * (d * (d - 1) / 2.0 + 3.0 * BALL) if 1 < d <= 8 else d * BALL


def projected(rule: tuple[float, float, float]) -> float:
    points, nodes, coefficients = rule
    return points * coefficients + (2.0 * nodes + 2.0 * coefficients) * BALL


def _at_point(o: Operation, bits: Bits) -> float:
    """Cost of a function of one ball whose exponent has the given bits."""
    wide = 1.0 if bits.exponent <= EXPONENT else 6.0 + bits.exponent / 64.0
    more = 0.0
    if o.op == "pow" and o.parameter is not None and o.parameter.is_integer():
        more = 10.0 * math.log2(abs(o.parameter) + 1.0)
    # FLINT needs pi to as many bits as the argument has before its point, at most 65536.
    if o.op in ("sin", "cos"):
        more = 1e-3 * min(2.0 ** min(bits.size, 16.0), 65536.0) ** 1.5
    return (POINT.get(o.op, 8.0) + more) * wide


def _magnitudes(operations: Sequence[Operation]) -> Iterator[Bits]:
    """Yields for each node the bits that its exponents may need, and the size of its largest argument."""
    known: list[Bits] = []
    for position, o in enumerate(operations):
        args = [known[a] for a in o.args]
        new = _after(o, args, position)
        if new.exponent > LARGEST_MAGNITUDE:
            raise Rejected(f"node {position} makes numbers beyond 2^(2^{LARGEST_MAGNITUDE:.0f})")
        known.append(new)
        yield Bits(new.exponent, max((a.size for a in args), default=0.0))


def _after(o: Operation, args: list[Bits], position: int) -> Bits:
    exponent, size = max((a.exponent for a in args), default=11.0), max((a.size for a in args), default=10.0)
    if o.op == "affine":
        return Bits(
            _both(exponent, 11.0), _both(size, _log2(_log2(sum(map(abs, o.weight)))), _largest(o.vector))
        )
    if o.op == "constant":
        return Bits(11.0, _largest(o.vector))
    if o.op in ("mul", "div"):
        x, y = args
        return Bits(_both(x.exponent, y.exponent), _both(x.size, y.size if o.op == "mul" else y.exponent))
    if o.op == "pow":
        p = abs(o.parameter or 0.0)
        if p > LARGEST_POWER:
            raise Rejected(f"node {position} has the exponent {o.parameter:.6g}, beyond 2^64")
        grown = math.log2(max(p, 1.0))
        return Bits(max(exponent, 11.0) + grown, (size if (o.parameter or 0.0) >= 0.0 else exponent) + grown)
    if o.op in NAMES:
        # Powers of 1/x up to the order, exponentials of x^2.
        grown = 2.0 + math.log2(max(o.parameter or 0.0, o.second or 0.0, 1.0))
        return Bits(max(exponent + 1.0 + grown, 82.0), max(size, exponent) + grown)
    if o.op in ("tanh", "erf", "sin", "cos", "sigmoid"):
        return Bits(max(exponent, 82.0) if o.op in ("sigmoid", "erf") else exponent, 0.0)
    # FLINT's exp has no value beyond 2^precision.
    if o.op in ("exp", "softplus", "silu", "gelu", "gelu_tanh"):
        return Bits(max(exponent + 2.0, 82.0), 16.0 if o.op == "exp" and size > 14.0 else size + 1.0)
    return Bits(exponent, size)


def _both(*parts: float) -> float:
    """log2 of the sum of powers of 2."""
    top = max(parts)
    return top + math.log2(sum(2.0 ** (v - top) for v in parts))


def _log2(v: float) -> float:
    return math.log2(v) if v > 1.0 else 0.0


def _largest(values: Sequence[float]) -> float:
    return _log2(_log2(max(map(abs, values), default=0.0)))
