"""What a certificate will cost to prove, counted from the document before anything is proved.

One operation is a multiplication in a matrix of balls; all else is counted in these: a ball made in Python is
`BALL` of them, a hyperbolic tangent 30, the model of one feature some hundred. The numbers of each kind follow from the
document: nodes of the grids, features of the programs, forms of the graded models, representatives of the rules.
What the file does not say is how many polygons the pieces of a leaf have (`POLYGONS` is assumed) and which features
turn out to be affine; and a leaf that is rejected ends the work. So the count is a forecast, within a factor of three on
honest files (`SECOND` says on which); what takes several times as long all the same is stopped by the processor's clock,
see `Meter`.

A file without honest cause for huge exponents is refused whatever its cost: `LARGEST_POWER`, `LARGEST_MAGNITUDE`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from supnorm.checker.document import Document, Operation, Rejected, TooCostly
from supnorm.checker.enclosure import without_repetitions
from supnorm.checker.graded_rule import size_of_rule
from supnorm.checker.leaves import PIECES, Proof, claims, demand_graded, demand_tensor

# Operations of one core in a second. Forecast / measured on a quiet machine of 2024, whole files or a sample of their
# leaves: 1-D 2x32 tanh 0.9, 2-D 2x32 1.5, 2-D 3x64 1.3, 3-D 2x32 graded 1.1, 4-D 2x32 1.2, 5-D 2x16 1.2, 10-D affine 0.8,
# 2-D ReLU by pieces 2.0, 3-D 2x16 silu of 3 outputs 2.1, 2-D formulas 1.0, node rules in 3 to 5 inputs 0.6 to 1.
SECOND = 6e7
LIMIT = 36_000.0  # seconds of one core that `check` takes on without being asked, as forecast
MEMORY = 4e9  # bytes of one process
SLACK = 4.0  # the clock stops what takes so many times the limit
LARGEST_POWER = 2.0**64  # exponents of pow beyond it are refused: no function of a science code has one
LARGEST_MAGNITUDE = 4096.0  # bits of the exponents of balls, as far as a program can drive them
EXPONENT = (
    128.0  # bits of exponents that cost nothing more; honest programs with exp in them reach 82 in theory
)
BALL, BYTES = 6.0, 90.0  # operations to make a ball in Python, and bytes that it takes in a list
POLYGONS = 30.0  # of a leaf by linear pieces, where the file does not say
SAVED = 0.35  # part of a product's cost in a large matrix, where FLINT multiplies by blocks
POINT = {"tanh": 30.0, "sigmoid": 80.0, "softplus": 70.0, "silu": 95.0, "gelu": 110.0, "erf": 80.0, "sin": 22.0,
         "cos": 22.0, "exp": 20.0, "log": 42.0, "sqrt": 46.0, "pow": 120.0, "leaky_relu": 40.0,
         "gelu_tanh": 90.0}  # fmt: skip
MODEL = 650.0  # the affine model of one smooth function
GRADED, GRADED_PRODUCT = 17_000.0, 900.0  # the graded model of one smooth function, of one product
LINEAR = ("neg", "abs", "relu", "leaky_relu", "add", "sub", "min", "max")


@dataclass(frozen=True)
class Cost:
    """A forecast: operations on balls, and the most bytes at one time in one process."""

    operations: float = 0.0
    bytes: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        """One after the other."""
        return Cost(self.operations + other.operations, max(self.bytes, other.bytes))

    @property
    def seconds(self) -> float:
        """Of one core."""
        return self.operations / SECOND

    def __str__(self) -> str:
        """In words.

        >>> str(Cost(3.2e9, 1.2e8))
        'about 3e9 operations, 120 MB, some 53 s of one core'
        """
        much = f"{self.operations:.0e}".replace("e+0", "e").replace("e+", "e")
        return (
            f"about {much} operations, {_round(self.bytes / 1e6)} MB, some {_time(self.seconds)} of one core"
        )


def _round(v: float) -> str:
    return f"{float(f'{v:.2g}'):,.0f}" if v >= 1.0 else "1"


def _time(seconds: float) -> str:
    if seconds < 1.0:
        return "1 s"
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2.0 * size:
            return f"{seconds / size:,.2g} {unit}" if seconds / size < 1e4 else f"{seconds / size:.0e} {unit}"
    return f"{seconds:.2g} s" if seconds < 10.0 else f"{_round(seconds)} s"


def demand(cost: Cost, seconds: float = LIMIT, memory: float = MEMORY) -> None:
    """See that a proof stays within limits.

    Raises:
        TooCostly: naming the forecast, the limit and what to do.
    """
    if not cost.bytes <= memory:
        raise TooCostly(
            f"the proof would take {cost}; more than {memory / 1e6:,.0f} MB is refused (--memory)"
        )
    if not cost.seconds <= seconds:
        raise TooCostly(
            f"the proof would take {cost}; more than {_time(seconds)} is refused (--limit SECONDS)"
        )


@dataclass
class Meter:
    """Processor seconds of this process since it was made; stops what the forecast did not foresee."""

    limit: float
    start: float = -1.0

    def __post_init__(self) -> None:
        if self.start < 0.0:
            self.start = time.process_time()

    def read(self) -> None:
        """Look at the clock.

        Raises:
            TooCostly: after `SLACK` times the limit.
        """
        used = time.process_time() - self.start
        if used > SLACK * self.limit:
            raise TooCostly(
                f"the proof has taken {_time(used)} of one core, where --limit allows {_time(self.limit)}: stopped"
            )


class Bits(NamedTuple):
    """How large numbers of a node can become: bits of their exponents, which small ones have too; log2 of log2 |value|."""

    exponent: float
    size: float


@dataclass(frozen=True)
class Size:
    """What a program costs: each operation once, with the bits that exponents of balls may reach there."""

    operations: tuple[Operation, ...]
    bits: tuple[Bits, ...]

    @classmethod
    def of(cls, operations: tuple[Operation, ...]) -> Size:
        """Of a program of a file.

        Raises:
            Rejected: for exponents or magnitudes that no honest program has.
        """
        kept = without_repetitions(operations)
        return cls(kept, tuple(_magnitudes(kept)))

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return self.operations[-1].width

    @cached_property
    def features(self) -> int:
        """Of all operations."""
        return sum(o.width for o in self.operations)

    @cached_property
    def weights(self) -> int:
        """Numbers of the affine operations."""
        return sum(len(o.weight) for o in self.operations)

    @cached_property
    def _point(self) -> tuple[float, float]:
        """Cost of all values at one point: in matrices, and in Python."""
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
        return Cost(points * (many * matrix + python), BYTES * points * self.features + self._own)

    @cached_property
    def _own(self) -> float:
        return 2.0 * BYTES * self.weights

    def model(self, d: int) -> Cost:
        """One affine model of all features on a cell."""
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
        return Cost(total, BYTES * (d + 5.0) * self.features + self._own)

    def graded(self, d: int, tight: tuple[float, float, float] | None) -> Cost:
        """One graded model; ``tight``: points, nodes and coefficients of its rule."""
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
                bent += 8.0 * forms * BALL + (corners(d) if o.op != "mul" else 2.0 * corners(d))
                if tight is not None and o.op != "mul":
                    bent += _projected(tight)
                total += o.width * bent
        own = Cost(total, (2.0 * (d + forms) + 24.0) * BYTES * self.features + self._own)
        return own if tight is None else own + self.values(tight[1])


def corners(d: int) -> float:
    """Cost of the largest value of a quadratic form in the corners of the cube."""
    return 2.0 ** (d - 1) * (d * (d - 1) / 2.0 + 3.0 * BALL) if 1 < d <= 8 else d * BALL


def _projected(rule: tuple[float, float, float]) -> float:
    points, nodes, coefficients = rule
    return points * coefficients + (2.0 * nodes + 2.0 * coefficients) * BALL


def _at_point(o: Operation, bits: Bits) -> float:
    """Cost of a function of one ball, with exponents of some bits."""
    wide = 1.0 if bits.exponent <= EXPONENT else 6.0 + bits.exponent / 64.0
    more = 0.0
    if o.op == "pow" and o.parameter is not None and o.parameter.is_integer():
        more = 10.0 * math.log2(abs(o.parameter) + 1.0)
    if o.op in ("sin", "cos"):  # pi to as many bits as the argument has before its point, up to FLINT's 65536
        more = 1e-3 * min(2.0 ** min(bits.size, 16.0), 65536.0) ** 1.5
    return (POINT.get(o.op, 8.0) + more) * wide


def _magnitudes(operations: Sequence[Operation]) -> Iterator[Bits]:
    """How large exponents can become at each node; what is yielded is of the node's arguments and itself."""
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
    if o.op in ("tanh", "erf", "sin", "cos", "sigmoid"):
        return Bits(max(exponent, 82.0) if o.op in ("sigmoid", "erf") else exponent, 0.0)
    if o.op in ("exp", "softplus", "silu", "gelu", "gelu_tanh"):  # FLINT's exp ends at 2^precision
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


def cost_of(document: Document, points: int = 0) -> tuple[Cost, dict[Proof, float]]:
    """The forecast of a document, and of each proof in operations.

    Args:
        points: at which the programs are compared with a problem.

    Raises:
        Rejected: for sizes that no honest file has.
    """
    d = len(document.names)
    programs = tuple(map(Size.of, document.programs))
    at_points = tuple(map(Size.of, document.point_programs))
    shared = claims(document.leaves)
    total, held = Cost(), _held(document)
    for p in at_points:
        each = p.values(1.0 + points)
        total = total + Cost(3.0 * each.operations, each.bytes)  # in 320 bits
    total = total + Cost(
        _tiling(document) + 4.0 * sum(p.weights + 30.0 * len(p.operations) for p in programs)
    )
    degrees = {v for key in shared for pair in zip(key[2], key[5], strict=True) if pair[1] >= 0 for v in pair}
    rules = {D: size_of_rule(d, D, points) for D, points in document.rules.items() if D in degrees}
    for points_, nodes, coefficients, work in rules.values():
        total = total + Cost(work, points_ * coefficients * 3.0 * BYTES + nodes * (d + 2.0) * 40.0)
    tables: set[tuple[int, int]] = set()
    known: dict[object, Cost] = {}
    each_proof: dict[Proof, float] = {}
    for key, positions in shared.items():
        _, _, degree, rho, grid, graded = key
        kind = (degree, grid, graded, rho)
        if kind not in known:
            for p, n, r, g, m in zip(programs, degree, rho, grid, graded, strict=True):
                _demand(p, d, n, r, g, m, rules, document, positions[0])
        if kind not in known:
            known[kind] = sum(
                (_alternative(p, d, n, g, m, rules, document, tables)
                 for p, n, g, m in zip(programs, degree, grid, graded, strict=True)), Cost(),
            )  # fmt: skip
        each_proof[key] = known[kind].operations
    # Every kind of proof counts; bytes that are kept (tables, rules) are added to those of the largest.
    kept = sum(BYTES * a * b for a, b in tables)
    made = sum(40.0 * a * b for a, b in tables)
    biggest = max((c.bytes for c in known.values()), default=0.0)
    return Cost(
        total.operations + made + math.fsum(each_proof.values()), total.bytes + held + kept + biggest
    ), each_proof


def _demand(
    p: Size, d: int, n: int, rho: float, grid: int, m: int, rules: dict[int, tuple[float, float, float, float]],
    document: Document, position: int,
) -> None:  # fmt: skip
    """The limits of one leaf, before its cost is counted."""
    if n > 0 and m < 0:
        demand_tensor(p.features, d, n, rho, grid, position)
    elif n >= 0 and m >= 0 and not document.declared:
        demand_graded(d, n, grid, m, rules, position)


def _alternative(
    p: Size, d: int, n: int, grid: int, m: int, rules: dict[int, tuple[float, float, float, float]],
    document: Document, tables: set[tuple[int, int]],
) -> Cost:  # fmt: skip
    """The bound of one alternative on one cell."""
    if n < 0 and n != PIECES:
        return Cost()
    if m >= 0 and not document.declared:
        tight = rules[m][:3] if m in rules else None
        found = p.graded(d, tight)
        if n in rules:
            points, nodes, coefficients, _ = rules[n]
            found = found + p.values(nodes)
            count, part = divmod(grid, 100)
            own = product_grid(part + 1.0, count, d) if grid else 5.0 * d * n * (n + BALL)
            found = found + Cost(
                p.outputs * (_projected((points, nodes, coefficients)) + own), count**d * 2.0 * BYTES
            )
        return found
    one = p.model(d)
    if n == PIECES:
        per = min(POLYGONS, 600_000.0 / p.features)
        return Cost(per * one.operations, per * one.bytes)
    if n <= 0 or m >= 0:
        return one
    nodes = (n + 1.0) ** d
    found = one + p.values(nodes) + Cost(nodes * d * 3.0 * BALL, nodes * d * BYTES)
    tables.add((n + 1, n + 1))
    each = product_grid(n + 1.0, n + 1, d)
    if grid:
        tables.add((grid * n, n + 1))
        each += product_grid(n + 1.0, grid * n, d)
    recorded = len(document.declared) * nodes * 12.0 * BALL
    return found + Cost(p.outputs * (each + recorded), 3.0 * BYTES * max((float(grid) * n) ** d, nodes))


def product_grid(terms: float, count: int, d: int) -> float:
    """Cost of a polynomial with ``terms`` coefficients per axis at ``count`` points per axis."""
    total, size = 0.0, terms**d
    for _ in range(d):
        after = size / terms * count
        total += after * terms * (SAVED if terms >= 64 else 1.0) + (size + 3.0 * after) * BALL
        size = after
    return total + 4.0 * size * BALL


def _held(document: Document) -> float:
    """Bytes of the document itself: weights, recorded values, leaves."""
    weights = sum(
        len(o.weight) + len(o.vector) for p in (*document.programs, *document.point_programs) for o in p
    )
    recorded = sum(len(rows) * len(one.weight) for one in document.declared for rows in one.values.values())
    d, a = len(document.names), len(document.programs)
    return 32.0 * weights + 60.0 * recorded + len(document.leaves) * (300.0 + 60.0 * (3 * d + 4 * a))


def _tiling(document: Document) -> float:
    """Each leaf is handed down through the levels of its cell."""
    d = len(document.names)
    return sum(10.0 * d + 8.0 * (1 + d) * sum(leaf.level) for leaf in document.leaves)
