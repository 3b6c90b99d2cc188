"""A file of several parts: whether its parts are those that the statement needs, and whether its claims follow from them.

The leaves of the parts are proved by `check`, like those of any certificate. Here is everything before that: the base
programs and axes are read, the parts are derived from them (`statement_kinds`) and compared with those of the file, and the
claims are combined again in balls. Written from docs/certificate-format.md, "Statements of several parts".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flint import arb

from supnorm.checker.cost import Meter
from supnorm.checker.derived import Derivation, same_expression
from supnorm.checker.document import NAMED, Document, as_document, demand_whole
from supnorm.checker.enclosure import Program
from supnorm.checker.enclosure import values as value_of
from supnorm.checker.operation import program
from supnorm.checker.rejected import MALFORMED, Rejected, exact, hexes
from supnorm.checker.statement_kinds import KINDS
from supnorm.checker.statement_parts import Axes, Ends, Expected, Given, Kind
from supnorm.checker.valued import verify_valued
from supnorm.checker.verify import AT_POINTS, bits

SCHEMA = "supnorm.statement/1"
KNOWN = {
    "schema",
    "kind",
    "names",
    "log",
    "axis_low",
    "axis_high",
    "programs",
    "data",
    "claims",
    "parts",
    "assumptions",
    "units",
    "functions",
    "unit",
    "versions",
    "digest",
}
PRECISION = 320  # bits; the combination of bounds is no part of the cost, and its balls must not lose a claim
MOST_PARTS = 10_000  # a hostile file may have no more; a flow of 100 slices has some hundreds


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A statement with its parts.

    Attributes:
        kind, given: what it says, unchecked.
        claims: by name, the claimed bracket of a number.
        expected: what each part has to be about, by name, as the kind derives it.
        parts: certificates, by name.
        words: assumptions.
        units, unit: of the axes and of the outputs.
        functions, versions: names and texts that people read.
    """

    kind: str
    given: Given
    claims: Mapping[str, tuple[float, float]]
    expected: Mapping[str, Expected]
    parts: Mapping[str, Document]
    words: tuple[str, ...]
    units: tuple[str, ...]
    functions: tuple[tuple[str, str], ...]
    unit: str
    versions: tuple[tuple[str, str], ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """What is stated, in lines."""
        return KINDS[self.kind].words(self.given, self.claims)

    @property
    def conditions(self) -> tuple[str, ...]:
        """What the claims assume and no part proves, as the kind says and not the file."""
        return KINDS[self.kind].conditions

    @property
    def integrated(self) -> set[str]:
        """The parts whose leaves are looked at once more, for an integral."""
        return set(KINDS[self.kind].later(self.given).values())

    @property
    def verdict(self) -> str:
        """What an accepted file says of its statement: "proved", "refuted" or "undecided"; empty where it bounds nothing."""
        return KINDS[self.kind].verdict(self.given, self.claims)


def read_statement(data: dict[str, Any]) -> Statement:
    """The statement in the JSON of a file.

    Raises:
        Rejected: when it is not whole, unchanged and well-formed.
    """
    demand_whole(data, KNOWN, "statement")
    try:
        return _statement(data)
    except Rejected:
        raise
    except MALFORMED as error:
        raise Rejected(f"malformed statement: {type(error).__name__}: {error}") from None


def _statement(data: dict[str, Any]) -> Statement:
    if data["kind"] not in KINDS:
        raise Rejected(f"malformed statement: the kind {ascii(data['kind'])[:40]} is not known")
    if not 0 < len(data["parts"]) <= MOST_PARTS:
        raise Rejected("malformed statement: number of parts")
    _texts(data)
    axes = Axes(tuple(data["names"]), tuple(data["log"]), hexes(data["axis_low"]), hexes(data["axis_high"]))
    _demand_axes(axes)
    programs = {name: program(p) for name, p in data["programs"].items()}
    given = Given(axes, programs, data["data"])
    expected = KINDS[data["kind"]].parts(given, Derivation())
    _demand_names(expected, data["parts"])  # reading a part costs milliseconds, and a file may hold thousands
    parts = {}
    for name, part in data["parts"].items():
        with of_part(name):
            parts[name] = as_document(part)
    return Statement(
        kind=data["kind"],
        given=given,
        claims={n: _claim(c) for n, c in data["claims"].items()},
        expected=expected,
        parts=parts,
        words=tuple(data["assumptions"]),
        units=tuple(data["units"]),
        functions=tuple(data["functions"].items()),
        unit=data["unit"],
        versions=tuple(data["versions"].items()),
    )


def _demand_names(expected: Mapping[str, Expected], parts: Mapping[str, Any]) -> None:
    """Check that the parts are exactly those that the kind names, before any of them is read."""
    if set(expected) != set(parts):
        missing = [n for n in expected if n not in parts]
        foreign = [n for n in parts if n not in expected]
        raise Rejected(
            f"the parts are not those of the statement: {ascii(missing[:9])[:80]} missing, {ascii(foreign[:9])[:80]} foreign"
        )


@contextmanager
def of_part(name: str) -> Iterator[None]:
    """What is rejected inside names the part."""
    try:
        yield
    except Rejected as fault:
        raise Rejected(f"part {ascii(name)[:60]}: {fault}", fault.leaf) from None


def _texts(data: dict[str, Any]) -> None:
    """Check the parts that people read."""
    texts = [data["unit"], *data["names"], *data["assumptions"], *data["units"]]
    for key in ("functions", "versions"):
        texts += data[key].values()
    lists = all(type(data[k]) is list for k in ("names", "log", "assumptions", "units"))
    if not lists or not all(type(v) is str for v in texts) or len(data["units"]) != len(data["names"]):
        raise Rejected("malformed statement: texts")
    if not set(data["functions"]) <= NAMED:
        raise Rejected("malformed statement: functions have names as model and reference alone")
    if type(data["data"]) is not dict:
        raise Rejected("malformed statement: data")


def _demand_axes(axes: Axes) -> None:
    d = len(axes.names)
    if (
        not d
        or not all(axes.names)
        or len(set(axes.names)) < d
        or {len(axes.log), len(axes.low), len(axes.high)} != {d}
    ):
        raise Rejected("malformed statement: axes")
    if not all(type(v) is bool for v in axes.log):
        raise Rejected("malformed statement: log must be true or false for every axis")
    if not all(-math.inf < a < b < math.inf for a, b in zip(axes.low, axes.high, strict=True)):
        raise Rejected("malformed statement: low must be below high on every axis")


def _claim(entry: dict[str, str]) -> tuple[float, float]:
    if set(entry) != {"lower", "upper"}:
        raise Rejected("malformed statement: keys of a claim")
    low, high = exact(entry["lower"]), exact(entry["upper"])
    if not low <= high:  # false for NaN
        raise Rejected("malformed statement: a claim must have lower <= upper")
    return low, high


def verify_statement(statement: Statement) -> None:
    """Check that the parts are those of the statement, and that its claims follow from what they claim.

    Raises:
        Rejected: naming what is missing, foreign or does not follow.
    """
    kind = KINDS[statement.kind]
    try:
        _verify(statement, kind)
    except Rejected:
        raise
    except MALFORMED as error:
        raise Rejected(f"malformed statement: {type(error).__name__}: {error}") from None


def _verify(statement: Statement, kind: Kind) -> None:
    for name, part in statement.parts.items():
        with of_part(name):
            _verify_part(part, statement.expected[name])
    with bits(PRECISION):
        ends = {n: _ends(p) for n, p in statement.parts.items()}
        proved = kind.claims(statement.given, ends)
        later = kind.later(statement.given)
        if set(statement.claims) != {*proved, *later}:
            raise Rejected("the claims are not those of the statement")
        _verify_claims(statement.claims, proved)


def _verify_part(part: Document, expected: Expected) -> None:
    if part.declared:
        raise Rejected("a part of a statement may declare nothing")
    axes = Axes(part.names, part.log, part.axis_low, part.axis_high)
    if axes != expected.axes:
        raise Rejected("its domain is not the one that the statement needs")
    if part.side != expected.side:
        raise Rejected("its side is not the one that the statement needs")
    if len(part.point_programs) != 1 or not same_expression(part.point_programs[0], expected.program):
        raise Rejected("its program is not the one that the statement needs")


def _ends(part: Document) -> Ends:
    """The proved bracket of a part's worst error."""
    return arb(part.lower), arb(part.upper) if part.upper < math.inf else None


def _verify_claims(claimed: Mapping[str, tuple[float, float]], proved: Mapping[str, Ends]) -> None:
    for name, (least, most) in proved.items():
        low, high = claimed[name]
        if not (low == -math.inf or (least is not None and arb(low) <= least)):
            raise Rejected(
                f"the claim that {ascii(name)[:60]} is at least {low:.9g} does not follow from the parts"
            )
        if not (high == math.inf or (most is not None and most <= arb(high))):
            raise Rejected(
                f"the claim that {ascii(name)[:60]} is at most {high:.9g} does not follow from the parts"
            )


def verify_derived(statement: Statement) -> None:
    """Check that functions have values where parts are about their derivatives; call it once the forecast is within limits.

    Raises:
        Rejected: naming the part about a function without values.
    """
    kind = KINDS[statement.kind]
    for name, part in statement.parts.items():
        with of_part(name):
            verify_valued(part, kind.derived_from(statement.given, name))


def verify_integrals(statement: Statement, meter: Meter) -> None:
    """Check the claims that follow from the leaves of parts, which are proved already.

    Raises:
        Rejected: naming the claim that does not follow.
    """
    kind = KINDS[statement.kind]
    _verify_claims(statement.claims, kind.integrals(statement.given, statement.parts, meter))


def verify_values(
    statement: Statement,
    values: Mapping[str, Sequence[tuple[Sequence[float], Sequence[float], Sequence[float]]]],
) -> None:
    """Check that the user's functions have the values of the base programs, at points (x, values, allowances).

    Raises:
        Rejected: naming the first point where they differ.
    """
    for name, points in values.items():
        if name not in statement.given.programs:
            continue
        one = Program.of(statement.given.programs[name])
        for x, held, allowed in points:
            with bits(AT_POINTS):
                computed = [row[0] for row in value_of(one, [[arb(v)] for v in x])]
                good = len(computed) == len(held) and all(
                    abs(a - arb(b)) <= arb(c) for a, b, c in zip(computed, held, allowed, strict=True)
                )
            if not good:
                raise Rejected(
                    f"the {name} of the problem has other values at {tuple(x)} than the program of the file"
                )
