"""Reads a certificate file and trusts none of it: every field is checked before it is used."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from flint import arb

from supnorm.checker.claimed_single import SingleClaim, read_single
from supnorm.checker.declared import Box, Declared, Wrong, read_declared
from supnorm.checker.leaf import Leaf, read_leaves
from supnorm.checker.lines import Lines, in_lines, read_head
from supnorm.checker.operation import TERNARY, Operation, program
from supnorm.checker.rejected import MALFORMED, Rejected, exact, hexes, whole
from supnorm.checker.text import opened, parsed

KNOWN = {
    "schema",
    "names",
    "log",
    "axis_low",
    "axis_high",
    "low",
    "high",
    "side",
    "programs",
    "hashes",
    "point_programs",
    "lower",
    "witness",
    "upper",
    "leaves",
    "graded_rules",
    "cuts",
    "rounding",
    "declared",
    "deployed",
    "assumptions",
    "notes",
    "versions",
    "units",
    "functions",
    "error",
    "error_unit",
    "seed",
    "digest",
}
IN_LINES = KNOWN - {"declared", "digest"}  # of the head of a file in lines
MOST_TEXTS = 10_000  # notes or assumptions of a file; a hostile one may have no more
NAMED = {"model", "reference"}  # functions whose names a file may have
# A note begins with these words if a program differs from the code from which it was read.
REPLACED = "softplus is taken without"


@dataclass(frozen=True, kw_only=True)
class Document:
    """A certificate. Its leaves are in ``leaves``, or else in ``lines`` of the file, where `blocks` reads them."""

    names: tuple[str, ...]
    log: tuple[bool, ...]
    axis_low: tuple[float, ...]
    axis_high: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    side: str
    programs: tuple[tuple[Operation, ...], ...]
    point_programs: tuple[tuple[Operation, ...], ...]
    hashes: tuple[str, ...]
    lower: float
    witness: tuple[float, ...] | None
    upper: float
    leaves: tuple[Leaf, ...]
    lines: Lines | None = None
    rules: dict[int, tuple[tuple[float, ...], ...]]
    declared: tuple[Declared, ...] = ()
    cuts: tuple[tuple[float, ...], ...] = ()
    deployed: SingleClaim | None = None
    notes: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    units: tuple[str, ...] = ()
    functions: tuple[tuple[str, str], ...] = ()
    error: str = ""
    error_unit: str = ""

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions of the bound besides the programs: declarations, and programs that differ from the user's code."""
        replaced = (note for note in self.notes if note.startswith(REPLACED))
        logs = [name for name, log in zip(self.names, self.log, strict=True) if log]
        return *(sentence for one in self.declared for sentence in one.sentences(logs)), *replaced

    @property
    def count(self) -> int:
        """The number of leaves; of a file in lines it is what the head says until they are read."""
        return self.lines.count if self.lines else len(self.leaves)

    @property
    def bits(self) -> int:
        """The largest precision that a leaf asks for; of a file in lines once they were read."""
        if self.lines:
            return self.lines.read.bits if self.lines.read else 0
        return max((max(leaf.bits, default=0) for leaf in self.leaves), default=0)

    def blocks(self, meter: Callable[[], None] = lambda: None) -> Iterator[tuple[int, tuple[Leaf, ...]]]:
        """Some leaves at a time, with the position of the first one; see `Lines.blocks`."""
        return self.lines.blocks(meter) if self.lines else iter([(0, self.leaves)])

    @property
    def box(self) -> Box:
        """The box of the axes in t, about which declarations are; `low` and `high` are a little beyond logarithms."""
        ends = [
            [arb(v).log() if log else arb(v) for v, log in zip(axis, self.log, strict=True)]
            for axis in (self.axis_low, self.axis_high)
        ]
        return Box(tuple(ends[0]), tuple(ends[1]), self.log)


def read(path: Path | str, memory: float = math.inf) -> Document:
    """The certificate in a file.

    Args:
        memory: bytes that reading may take; the need is estimated from the text before it is parsed.

    Raises:
        Rejected: when the file is not a whole, unchanged and well-formed certificate; leaves in lines are read later.
        TooCostly: when reading it would take more memory.
    """
    if (document := read_in_lines(path, memory)) is not None:
        return document
    return as_document(load(path, memory), f"{path}: ")


def read_in_lines(path: Path | str, memory: float = math.inf) -> Document | None:
    """The certificate in a file in lines, whose leaves are still to be read; None for any other file.

    Raises:
        Rejected, TooCostly: as `read`.
    """
    if not in_lines(path):
        return None
    head = read_head(path, memory)
    _demand_known(head.data, IN_LINES)

    def lines(d: int, alternatives: int, upper: float) -> Lines:
        if (count := whole(head.data["leaves"])) < 1:
            raise Rejected("the certificate has no leaves")
        return Lines(Path(path), head.start, head.sum, d, alternatives, count, upper, memory)

    return _made(head.data, lines)


def load(path: Path | str, memory: float = math.inf) -> Any:
    """The JSON of a file, as `read` reads it."""
    with opened(path) as file:
        raw = file.read()
    try:
        return parsed(raw, memory)
    except (RecursionError, ValueError):
        raise Rejected(f"{path}: not a JSON file") from None


def as_document(data: Any, where: str = "") -> Document:
    """The certificate in the JSON of a file; ``where`` begins a message about the file.

    Raises:
        Rejected: when it is not a whole, unchanged and well-formed certificate.
    """
    if not isinstance(data, dict) or data.get("schema") != "supnorm.certificate/1":
        raise Rejected(f"{where}not a certificate (schema supnorm.certificate/1)")
    demand_whole(data, KNOWN)
    return _made(data)


def _made(data: dict[str, Any], lines: Callable[[int, int, float], Lines] | None = None) -> Document:
    """The document; ``lines`` makes its leaves from the numbers of axes and programs and the bound, if they are in lines."""
    try:
        return _document(data, lines)
    except Rejected:
        raise
    except Wrong as error:
        raise Rejected(str(error)) from None
    except MALFORMED as error:
        raise Rejected(f"malformed certificate: {type(error).__name__}: {error}") from None


def demand_whole(data: dict[str, Any], known: set[str], what: str = "certificate") -> None:
    """Check that a file is as it was written, and has no keys besides those of its format.

    Raises:
        Rejected: when it was changed, or has others.
    """
    rest = {k: v for k, v in data.items() if k != "digest"}
    if _sha(rest) != data.get("digest"):
        raise Rejected("the file was changed after it was written (digest)")
    _demand_known(data, known, what)


def _demand_known(data: dict[str, Any], known: set[str], what: str = "certificate") -> None:
    if unknown := sorted(set(data) - known):
        raise Rejected(f"malformed {what}: keys that the format does not have: {ascii(unknown)[:80]}")


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _demand_continuous(document: Document) -> None:
    """Reject a program that jumps beside declared functions, whose bounds are of what does not."""
    if document.declared and any(o.op in TERNARY for p in document.programs for o in p):
        raise Rejected("malformed certificate: declared functions beside a where")


def _document(data: dict[str, Any], lines: Callable[[int, int, float], Lines] | None) -> Document:
    _words(data)
    programs = tuple(program(p, branches=True) for p in data["programs"])
    d = len(data["names"])
    for text, claimed in zip(data["programs"], data["hashes"], strict=True):
        if _sha(text) != claimed:
            raise Rejected("the hash of a program is not that of its text")
    document = Document(
        names=tuple(data["names"]),
        log=tuple(data["log"]),
        axis_low=hexes(data["axis_low"]),
        axis_high=hexes(data["axis_high"]),
        low=hexes(data["low"]),
        high=hexes(data["high"]),
        side=data["side"],
        programs=programs,
        point_programs=tuple(program(p, branches=True) for p in data["point_programs"]),
        hashes=tuple(data["hashes"]),
        lower=exact(data["lower"]),
        witness=None if data["witness"] is None else hexes(data["witness"]),
        upper=exact(data["upper"]),
        leaves=() if lines else read_leaves(data["leaves"], d, len(programs)),
        lines=lines(d, len(programs), exact(data["upper"])) if lines else None,
        rules=_rules(data.get("graded_rules", [])),
        cuts=tuple(map(hexes, data.get("cuts", []))),
        declared=tuple(read_declared(e, d, programs[0][-1].width) for e in data.get("declared", ())),
        deployed=read_single(data["deployed"], d, exact(data["upper"])) if "deployed" in data else None,
        notes=tuple(data.get("notes", ())),
        assumptions=tuple(data.get("assumptions", ())),
        versions=tuple(data.get("versions", {}).items()),
        units=tuple(data.get("units", ())),
        functions=tuple(data.get("functions", {}).items()),
        error=data.get("error", ""),
        error_unit=data.get("error_unit", ""),
    )
    lengths = {
        len(document.low),
        len(document.high),
        len(document.log),
        len(document.axis_low),
        len(document.axis_high),
        *(p[0].width for p in (*programs, *document.point_programs)),
    }
    outputs = {p[-1].width for p in (*programs, *document.point_programs)}
    if lengths != {d} or not programs or len(outputs) != 1 or document.side not in ("both", "over", "under"):
        raise Rejected("malformed certificate: sizes do not agree")
    if document.declared and len(programs) != 1:
        raise Rejected("malformed certificate: declared functions beside several alternatives")
    _demand_continuous(document)
    if not (0.0 <= document.lower < math.inf and document.lower <= document.upper):
        raise Rejected("the claimed bounds are not 0 <= lower <= upper")
    ends = zip(document.low, document.high, strict=True)
    if not all(math.isfinite(a) and math.isfinite(b) and a < b for a, b in ends):
        raise Rejected("malformed certificate: low must be below high")
    _cuts(document)
    return document


def _cuts(document: Document) -> None:
    """Check that cuts lie in order between the ends of their axes."""
    if document.cuts and len(document.cuts) != len(document.names):
        raise Rejected("malformed certificate: cuts must be lists, one for each axis")
    for a, b, cuts in zip(document.low, document.high, document.cuts, strict=False):
        if not all(v < w for v, w in pairwise((a, *cuts, b))):
            raise Rejected("malformed certificate: cuts must increase between the ends of their axis")


def _words(data: dict[str, Any]) -> None:
    """Check the parts that people read and no proof uses: names, logarithmic axes, the effect of float64 rounding."""
    names, log = data["names"], data["log"]
    if not all(type(v) is str and v for v in names) or len(set(names)) < len(names):
        raise Rejected("malformed certificate: names of axes must be distinct words")
    if not all(type(v) is bool for v in log):
        raise Rejected("malformed certificate: log must be true or false for every axis")
    for key in ("notes", "assumptions"):
        if type(texts := data.get(key, [])) is not list or not all(type(v) is str for v in texts):
            raise Rejected(f"malformed certificate: {key} must be a list of texts")
        if len(texts) > MOST_TEXTS:
            raise Rejected(f"malformed certificate: more than {MOST_TEXTS} {key}")
    units = data.get("units", [""] * len(names))
    if type(units) is not list or len(units) != len(names) or not all(type(v) is str for v in units):
        raise Rejected("malformed certificate: units must be texts, one for each axis")
    whole(data.get("seed", 0))
    for key in ("versions", "functions"):
        if type(texts := data.get(key, {})) is not dict or not all(type(v) is str for v in texts.values()):
            raise Rejected(f"malformed certificate: {key} must be texts by name")
    if not set(data.get("functions", {})) <= NAMED:
        raise Rejected("malformed certificate: functions have names as model and reference alone")
    for key in ("error", "error_unit"):
        if type(data.get(key, "")) is not str:
            raise Rejected(f"malformed certificate: {key} must be a text")
    if not exact(data["rounding"]) >= 0.0:
        raise Rejected("malformed certificate: rounding must be a number that is not negative")


def _rules(entries: list[dict[str, Any]]) -> dict[int, tuple[tuple[float, ...], ...]]:
    if any(set(r) != {"degree", "representatives"} for r in entries):
        raise Rejected("malformed certificate: keys of a node rule")
    rules = {whole(r["degree"]): tuple(map(hexes, r["representatives"])) for r in entries}
    if len(rules) < len(entries):
        raise Rejected("malformed certificate: two node rules of one degree")
    return rules
