"""Functions whose code a certificate does not contain: its assumptions about them, and what follows from these.

The file records their values at nodes and at the witness, and declares a bound on complex discs or bounds of
real derivatives. From these the checker computes tails and noise by the formulas of the format, in ball
arithmetic. Nothing here proves the declarations: an accepted certificate is conditional on them.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flint import arb, fmpq

from supnorm.checker.quoted import quoted

Ball = Any
Values = Callable[[list[list[float]]], Sequence[Sequence[float]]]
UNIT = fmpq(1, 2**53)
SEVERAL = 64  # values compared with the user's function in one call


ENTRY = {
    "which",
    "name",
    "weight",
    "bound",
    "stretch",
    "order",
    "derivatives",
    "accuracy",
    "witness",
    "values",
}


class Wrong(Exception):
    """An impossible declaration, or values that contradict it."""


@dataclass(frozen=True)
class Declared:
    """One function; ``values`` are stored by the name of their cell, "level/index/degree"."""

    which: str
    name: str
    weight: tuple[float, ...]
    bound: tuple[float, ...] | None
    stretch: float
    order: int | None
    derivatives: tuple[float, ...] | None
    accuracy: float
    witness: tuple[float, ...] | None
    values: dict[str, tuple[tuple[float, ...], ...]] = field(repr=False)

    def loss(self, value: float) -> Ball:
        """How far a recorded value may be from the true one."""
        return arb(self.accuracy) + 33 * arb(UNIT) * abs(arb(value))

    def sentences(self, by_logarithm: Sequence[str] = ()) -> tuple[str, ...]:
        """The conditions of an accepted certificate, in words; about the logarithms of the inputs with these names."""
        sentences, how = [], ""
        if by_logarithm:
            names = ", ".join(map(quoted, by_logarithm))
            how = f" ({names} by {'its logarithm' if len(by_logarithm) == 1 else 'their logarithms'})"
        who = f"the {self.which}"
        if self.bound is not None:
            sentences.append(
                f"{who} is analytic and at most {', '.join(map(_shown, self.bound))} in size for complex "
                f"inputs{how} within {_shown(self.stretch)} half-widths of the middle of the box"
            )
        if self.derivatives is not None:
            sizes = ", ".join(map(_shown, self.derivatives))
            sentences.append(
                f"derivatives of {who} of order {self.order} in each input{how} are at most {sizes} in size"
            )
        return (*sentences, f"recorded values of {who} are accurate to {_shown(self.accuracy)} and rounding")


def _shown(v: float) -> str:
    """A number in a short form if that is exact; a rounded one could print a smaller assumption than the file makes."""
    return f"{v:g}" if float(f"{v:g}") == v else repr(v)


def read_declared(entry: dict[str, Any], d: int, m: int) -> Declared:
    """Read and check an entry of the file.

    Raises:
        Wrong: for impossible sizes, numbers or values.
    """
    if set(entry) != ENTRY:
        raise Wrong("keys of a declaration")
    order = entry["order"]
    one = Declared(
        which=entry["which"],
        name=entry["name"],
        weight=_hexes(entry["weight"]) or (),
        bound=_hexes(entry["bound"]),
        stretch=_exact(entry["stretch"]),
        order=None if order is None else _whole(order),
        derivatives=_hexes(entry["derivatives"]),
        accuracy=_exact(entry["accuracy"]),
        witness=_hexes(entry["witness"]),
        values={name: _nodes(name, v, d, m) for name, v in entry["values"].items()},
    )
    if not (_sizes_agree(one, d, m) and _numbers_are_possible(one)):
        raise Wrong("malformed declaration")
    _demand_within(one, m)
    return one


def _sizes_agree(one: Declared, d: int, m: int) -> bool:
    """Whether there is a number for each of ``m`` outputs, and a derivative for each of ``d`` inputs."""
    sizes = {len(one.weight), len(one.bound or one.weight), len(one.witness or one.weight)}
    if one.derivatives is None:
        return sizes == {m} and one.order is None
    return sizes == {m} and len(one.derivatives) == d and 2 <= int(one.order or 0) <= 40


def _numbers_are_possible(one: Declared) -> bool:
    """Whether names and numbers are ones that a user can declare."""
    sizes = (*(one.bound or ()), *(one.derivatives or ()))
    numbers = (*one.weight, *sizes, one.accuracy, *(one.witness or ()))
    known = one.which in ("model", "reference") and type(one.name) is str
    finite = all(map(math.isfinite, numbers)) and 1.0 < one.stretch < 1e6
    return known and finite and one.accuracy >= 0 and all(v >= 0 for v in sizes)


def _demand_within(one: Declared, m: int) -> None:
    """Check that no recorded value is above the declared bound.

    Raises:
        Wrong: names the first value that is.
    """
    bounds = one.bound or (math.inf,) * m
    recorded = [*one.values.values(), (one.witness,) if one.witness is not None else ()]
    for row in (row for rows in recorded for row in rows):
        for v, largest in zip(row, bounds, strict=True):
            if not abs(v) <= (largest + one.accuracy) * (1 + 1e-11):
                raise Wrong(f"a recorded value of the {one.which}, {v:.6g}, is above its declared bound")


def _hexes(values: list[str] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(map(_exact, values))


def _exact(text: str) -> float:
    value = float.fromhex(text)
    if value.hex() != text:
        raise Wrong("a number of a declaration is not in its normal form")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise Wrong("the order of declared derivatives and sizes of arrays are whole numbers")
    return value


def _nodes(name: str, entry: dict[str, Any], d: int, m: int) -> tuple[tuple[float, ...], ...]:
    """The values of one cell; the degree in its name determines their number."""
    rows = _array(entry, m)
    parts = [[int(v) for v in part.split(",")] for part in name.split("/")]
    good = [len(p) for p in parts] == [d, d, 1] and all(v >= 0 for p in parts for v in p)
    # Each cell has one name only.
    good = good and cell_name(tuple(parts[0]), tuple(parts[1]), parts[2][0]) == name
    if not good or max(parts[0]) > 1000 or len(rows) != (parts[2][0] + 1) ** d:
        raise Wrong(f"the name {name!r} does not fit the values that are recorded under it")
    return rows


def _array(entry: dict[str, Any], m: int) -> tuple[tuple[float, ...], ...]:
    if set(entry) != {"shape", "data"}:
        raise Wrong("keys of an array")
    raw = base64.b64decode(entry["data"], validate=True)
    flat = struct.unpack(f"<{len(raw) // 8}d", raw)
    shape = [_whole(v) for v in entry["shape"]]
    if len(shape) != 2 or shape[1] != m or shape[0] * m != len(flat):
        raise Wrong("recorded values of the wrong shape")
    if not all(map(math.isfinite, flat)):
        raise Wrong("a recorded value is not finite")
    return tuple(flat[i : i + m] for i in range(0, len(flat), m))


@dataclass(frozen=True)
class Box:
    """The whole box in t: ends and logarithmic axes."""

    low: tuple[Ball, ...]
    high: tuple[Ball, ...]
    log: tuple[bool, ...]

    def middle(self, j: int) -> Ball:
        """Middle of axis j."""
        return (self.low[j] + self.high[j]) / 2

    def half(self, j: int) -> Ball:
        """Half-width of axis j."""
        return (self.high[j] - self.low[j]) / 2

    def shift(self, j: int) -> Ball:
        """How far the point of a recorded value may be from the exact node."""
        return 32 * arb(UNIT) * (abs(self.low[j]) + abs(self.high[j]) + int(self.log[j]))


def lebesgue(n: int) -> Ball:
    """Bound of the Lebesgue constant of n + 1 Chebyshev nodes."""
    return 2 / arb.pi() * arb(n + 1).log() + 1


def tails(one: Declared, box: Box, n: int, centre: list[Ball], half: list[Ball]) -> list[Ball | None]:
    """Bounds of |f - interpolant| for each output, not weighted; None if no declaration gives a bound."""
    m = len(one.weight)
    tails: list[Ball | None] = [None] * m
    factor = _complex_factor(one, box, n, centre, half)
    if factor is not None and one.bound is not None:
        tails = [arb(v) * factor for v in one.bound]
    if one.derivatives is not None and one.order == n + 1:
        k = n + 1
        real = sum(
            (
                lebesgue(n) ** j * 2 * (half[j] / 2) ** k / math.factorial(k) * arb(b)
                for j, b in enumerate(one.derivatives)
            ),
            arb(0),
        )
        tails = [real if v is None or real < v else v for v in tails]
    return tails


def _complex_factor(one: Declared, box: Box, n: int, centre: list[Ball], half: list[Ball]) -> Ball | None:
    if one.bound is None:
        return None
    rho = []
    for j in range(len(centre)):
        A = (arb(one.stretch) * box.half(j) - abs(centre[j] - box.middle(j))) / half[j]
        if not A > 1:
            return None
        rho.append((A + (A * A - 1).sqrt()).lower())
    total = arb(0)
    for j, r in enumerate(rho):
        term = 4 / (r**n * (r - 1))
        for i, s in enumerate(rho):
            term = term if i == j else term * (s + 1) / (s - 1)
        total += term
    return total


def noise(
    one: Declared, box: Box, n: int, half: list[Ball], largest: Ball, tail: Ball, k: int
) -> Ball | None:
    """How far recorded values of output k may be from the values at the exact nodes, not weighted."""
    d = len(half)
    accuracy = arb(one.accuracy) + 32 * arb(UNIT) * largest
    moved: Ball | None = None
    if one.bound is not None:
        reach = sum((box.shift(j) / ((arb(one.stretch) - 1) * box.half(j)) for j in range(d)), arb(0))
        moved = reach * arb(one.bound[k])
    if one.derivatives is not None and one.order == n + 1:
        steep = sum((box.shift(j) * n * n / half[j] for j in range(d)), arb(0))
        beyond = sum(
            (
                box.shift(j) * arb(one.derivatives[j]) * (2 * half[j]) ** n / math.factorial(n)
                for j in range(d)
            ),
            arb(0),
        )
        growth = lebesgue(n) ** d
        if growth * steep < arb(1) / 2:
            size = 2 * (growth * (largest + accuracy + beyond + steep * tail) + tail)
            real = steep * (size + tail) + beyond
            moved = real if moved is None or real < moved else moved
    return None if moved is None else accuracy + moved


def cell_name(level: tuple[int, ...], index: tuple[int, ...], n: int) -> str:
    """The name under which values of a cell are recorded."""
    return f"{','.join(map(str, level))}/{','.join(map(str, index))}/{n}"


def compare(
    one: Declared,
    points: list[list[float]],
    recorded: list[tuple[float, ...]],
    function: Values,
    allowances: list[float],
) -> None:
    """Compare recorded values with the user's function, up to an allowance for each output.

    Raises:
        Wrong: names the first point where they differ.
    """
    for i in range(0, len(points), SEVERAL):
        part = points[i : i + SEVERAL]
        for x, row, values in zip(part, recorded[i : i + SEVERAL], function(part), strict=True):
            for v, computed, allowance in zip(row, values, allowances, strict=True):
                if not abs(v - computed) <= allowance:
                    raise Wrong(
                        f"recorded value {v:.12g} of the {one.which} at {tuple(x)}, but the problem has {computed:.12g}"
                    )
