"""Reads a certificate file and trusts none of it: every field is checked before it is used."""

from __future__ import annotations

import gc
import hashlib
import json
import math
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from supnorm.checker.claimed_single import SingleClaim, read_single
from supnorm.checker.declared import Box, Declared, Wrong, read_declared
from supnorm.checker.operation import Operation, program
from supnorm.checker.rejected import (
    MALFORMED,
    Rejected,
    TooCostly,
    exact,
    hexes,
    number,
    sizes,
    whole,
    wholes,
)

# Precision of balls, in bits, that a leaf may ask for; 0 stands for that of the checker.
LEAST_BITS, MOST_BITS = 80, 512
DEEPEST = 1000  # largest level of a leaf; those of certify are below 60
LARGEST_FILE = 2**30  # bytes; a file is read as a whole, which takes about ten times its size
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
COLUMNS = {"level", "index", "upper", "degree", "rho", "grid", "proof_level", "graded", "bits"}
TOO_LARGE = f"larger than the {LARGEST_FILE >> 30} GiB that a certificate may have"
# A note begins with these words if a program differs from the code from which it was read.
REPLACED = "softplus is taken without"


@dataclass(frozen=True)
class Leaf:
    """One cell and the claim about it; ``proof_level`` is the level of the proved cell, which contains this one."""

    level: tuple[int, ...]
    index: tuple[int, ...]
    upper: float
    degree: tuple[int, ...]
    rho: tuple[float, ...]
    grid: tuple[int, ...]
    proof_level: tuple[int, ...]
    graded: tuple[int, ...]
    bits: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Document:
    """A certificate."""

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
        return *(sentence for one in self.declared for sentence in one.sentences()), *replaced

    @property
    def box(self) -> Box:
        """The whole box, for declared functions."""
        return Box(self.low, self.high, self.log)


def read(path: Path | str, memory: float = math.inf) -> Document:
    """The certificate in a file.

    Args:
        memory: bytes that reading may take; the need is estimated from the text before it is parsed.

    Raises:
        Rejected: when the file is not a whole, unchanged and well-formed certificate.
        TooCostly: when reading it would take more memory.
    """
    return as_document(load(path, memory), f"{path}: ")


def load(path: Path | str, memory: float = math.inf) -> Any:
    """The JSON of a file, as `read` reads it."""
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            raise Rejected(f"{path}: not a plain file")
        if status.st_size > LARGEST_FILE:
            raise Rejected(f"{path}: {TOO_LARGE}")
        raw = Path(path).read_bytes()
        demand_room(raw, memory)
        with _uncollected():
            return json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
    except FileNotFoundError:
        raise Rejected(f"{path}: no such file") from None
    except (OSError, RecursionError, ValueError):
        raise Rejected(f"{path}: not a JSON file") from None


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles inside: JSON has none, and the searches take three quarters of the time of a large file."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def as_document(data: Any, where: str = "") -> Document:
    """The certificate in the JSON of a file; ``where`` begins a message about the file.

    Raises:
        Rejected: when it is not a whole, unchanged and well-formed certificate.
    """
    if not isinstance(data, dict) or data.get("schema") != "supnorm.certificate/1":
        raise Rejected(f"{where}not a certificate (schema supnorm.certificate/1)")
    demand_whole(data, KNOWN)
    try:
        return _document(data)
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
    if unknown := sorted(set(data) - known):
        raise Rejected(f"malformed {what}: keys that the format does not have: {ascii(unknown)[:80]}")


def reading(raw: bytes) -> float:
    """Bytes that reading a JSON text may take: for the text, its values, and the canonical text of its digest."""
    letters = 8 if raw.isascii() else 12
    return letters * len(raw) + 90.0 * sum(raw.count(mark) for mark in (b"[", b"{", b",", b":"))


def demand_room(raw: bytes, memory: float) -> None:
    """Check that reading a text stays within a limit.

    Raises:
        TooCostly: when it would exceed the limit.
    """
    if reading(raw) > memory:
        raise TooCostly(
            f"reading the file would take about {reading(raw) / 1e6:,.0f} MB; more than {memory / 1e6:,.0f} MB is "
            "refused (--memory)"
        )


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def _document(data: dict[str, Any]) -> Document:
    _words(data)
    programs = tuple(program(p) for p in data["programs"])
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
        point_programs=tuple(program(p) for p in data["point_programs"]),
        hashes=tuple(data["hashes"]),
        lower=exact(data["lower"]),
        witness=None if data["witness"] is None else hexes(data["witness"]),
        upper=exact(data["upper"]),
        leaves=_leaves(data["leaves"], d, len(programs)),
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
    units = data.get("units", [""] * len(names))
    if type(units) is not list or len(units) != len(names) or not all(type(v) is str for v in units):
        raise Rejected("malformed certificate: units must be texts, one for each axis")
    whole(data.get("seed", 0))
    for key in ("versions", "functions"):
        if type(texts := data.get(key, {})) is not dict or not all(type(v) is str for v in texts.values()):
            raise Rejected(f"malformed certificate: {key} must be texts by name")
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


def _leaves(columns: dict[str, Any], d: int, alternatives: int) -> tuple[Leaf, ...]:
    names = ("level", "index", "upper", "degree", "rho", "grid")
    proved = columns.get("proof_level", columns["level"])
    if unknown := sorted(set(columns) - COLUMNS):
        raise Rejected(f"malformed certificate: columns that the format does not have: {ascii(unknown)[:80]}")
    graded = columns.get("graded", [[-1] * alternatives] * len(columns["level"]))
    bits = columns.get("bits", [[0] * alternatives] * len(columns["level"]))
    leaves: list[Leaf] = []
    rows = zip(*(columns[k] for k in names), proved, graded, bits, strict=True)
    for level, index, upper, degree, rho, grid, proof_level_row, tight, precision in rows:
        leaf = Leaf(
            level=wholes(level),
            index=wholes(index),
            upper=exact(upper),
            degree=sizes(degree),
            rho=tuple(map(number, rho)),
            grid=sizes(grid),
            proof_level=wholes(proof_level_row),
            graded=sizes(tight),
            bits=wholes(precision),
        )
        per_alternative = {len(degree), len(rho), len(grid), len(tight), len(precision)}
        if {len(level), len(index), len(proof_level_row)} != {d} or per_alternative != {alternatives}:
            raise Rejected("malformed leaf", len(leaves))
        if not all(v == 0 or LEAST_BITS <= v <= MOST_BITS for v in leaf.bits):
            raise Rejected(
                f"a leaf asks for less than {LEAST_BITS} or more than {MOST_BITS} bits", len(leaves)
            )
        if max(leaf.level) > DEEPEST:
            raise Rejected(f"a leaf is deeper than level {DEEPEST}", len(leaves))
        if not all(0 <= p <= v for p, v in zip(leaf.proof_level, leaf.level, strict=True)):
            raise Rejected("a leaf uses the proof of a cell that does not contain it", len(leaves))
        leaves.append(leaf)
    return tuple(leaves)
