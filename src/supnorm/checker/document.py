"""Reading a certificate file with distrust: every field is checked before it is used."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supnorm.checker.declared import Box, Declared, Wrong, read_declared

UNARY = ("neg", "abs", "relu", "leaky_relu", "tanh", "sigmoid", "softplus", "silu", "gelu", "gelu_tanh",
         "sin", "cos", "exp", "log", "sqrt", "erf", "pow")  # fmt: skip
BINARY = ("add", "sub", "mul", "div", "min", "max")
DEEPEST = 1000  # level of a leaf
LARGEST_FILE = 2**30  # bytes: a file is read as a whole, into about ten times its size
LARGEST_MODEL = (
    5_000_000  # numbers of the affine models of a program, so that a hostile file cannot stall the checker
)
KEYS = {"affine": {"weight", "bias"}, "constant": {"value"}, "take": {"columns"}, "leaky_relu": {"slope"},
        "pow": {"exponent"}}  # fmt: skip
KNOWN = {
    "schema", "names", "log", "axis_low", "axis_high", "low", "high", "side", "programs", "hashes", "point_programs",
    "lower", "witness", "upper", "leaves", "graded_rules", "rounding", "declared", "assumptions", "notes", "versions",
    "units", "functions", "error", "error_unit", "seed", "digest",
}  # fmt: skip
COLUMNS = {"level", "index", "upper", "degree", "rho", "grid", "proof_level", "graded"}
TOO_LARGE = f"larger than the {LARGEST_FILE >> 30} GiB that a certificate may have"
MALFORMED = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError,
             struct.error)  # fmt: skip
REPLACED = (
    "softplus is taken without"  # begins the note of a program that is not quite the code it was read from
)


class TooCostly(Exception):
    """A certificate whose proof would take more than it may; nothing is said of whether it is true."""


class Rejected(Exception):
    """The certificate does not prove what it claims; ``leaf`` is the offending one, where there is one."""

    def __init__(self, reason: str, leaf: int | None = None) -> None:
        super().__init__(reason, leaf)
        self.leaf = leaf

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Operation:
    """One node of a program; ``numbers`` are weight rows, bias, constant or parameter."""

    op: str
    args: tuple[int, ...]
    width: int
    weight: tuple[float, ...] = ()
    vector: tuple[float, ...] = ()
    columns: tuple[int, ...] = ()
    parameter: float | None = None


@dataclass(frozen=True)
class Leaf:
    """One cell and the claim about it; ``proof_level`` is that of the cell, holding it, that is proved."""

    level: tuple[int, ...]
    index: tuple[int, ...]
    upper: float
    degree: tuple[int, ...]
    rho: tuple[float, ...]
    grid: tuple[int, ...]
    proof_level: tuple[int, ...]
    graded: tuple[int, ...]


@dataclass(frozen=True)
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
    notes: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    units: tuple[str, ...] = ()
    functions: tuple[tuple[str, str], ...] = ()
    error: str = ""
    error_unit: str = ""

    @property
    def conditions(self) -> tuple[str, ...]:
        """What the bound rests on beside the programs: declarations, and where these are not quite the user's code."""
        replaced = (note for note in self.notes if note.startswith(REPLACED))
        return *(sentence for one in self.declared for sentence in one.sentences()), *replaced

    @property
    def box(self) -> Box:
        """The whole box, for declared functions."""
        return Box(self.low, self.high, self.log)


def read(path: Path | str, memory: float = math.inf) -> Document:
    """The certificate in a file.

    Args:
        memory: bytes that reading it may take, as counted from its text before that is parsed.

    Raises:
        Rejected: when it is not a whole, unchanged and well-formed certificate.
        TooCostly: when it would take more memory.
    """
    try:
        found = Path(path).stat()
        if not stat.S_ISREG(found.st_mode):
            raise Rejected(f"{path}: not a plain file")
        if found.st_size > LARGEST_FILE:
            raise Rejected(f"{path}: {TOO_LARGE}")
        raw = Path(path).read_bytes()
        demand_room(raw, memory)
        data = json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
        del raw
    except FileNotFoundError:
        raise Rejected(f"{path}: no such file") from None
    except (OSError, RecursionError, ValueError):
        raise Rejected(f"{path}: not a JSON file") from None
    if not isinstance(data, dict) or data.get("schema") != "supnorm.certificate/1":
        raise Rejected(f"{path}: not a certificate (schema supnorm.certificate/1)")
    rest = {k: v for k, v in data.items() if k != "digest"}
    if _sha(rest) != data.get("digest"):
        raise Rejected("the file was changed after it was written (digest)")
    if unknown := sorted(set(data) - KNOWN):
        raise Rejected(f"malformed certificate: keys that the format does not have: {ascii(unknown)[:80]}")
    try:
        return _document(data)
    except Rejected:
        raise
    except Wrong as error:
        raise Rejected(str(error)) from None
    except MALFORMED as error:
        raise Rejected(f"malformed certificate: {type(error).__name__}: {error}") from None


def reading(raw: bytes) -> float:
    """Bytes that reading a JSON text may take: the text, its values, and the canonical text of its digest."""
    letters = 8 if raw.isascii() else 12
    return letters * len(raw) + 90.0 * sum(raw.count(mark) for mark in (b"[", b"{", b",", b":"))


def demand_room(raw: bytes, memory: float) -> None:
    """See that reading a text stays within a limit.

    Raises:
        TooCostly: when it does not.
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
        raise ValueError("a key is there twice")
    return dict(pairs)


def exact(text: str) -> float:
    """A number from its hexadecimal text, which must be the number's own: others may be rounded in reading."""
    value = float.fromhex(text)
    if value.hex() != text:
        raise ValueError(f"{ascii(text)[:40]} is not a hexadecimal float in its normal form")
    return value


def _hexes(values: list[str]) -> tuple[float, ...]:
    return tuple(map(exact, values))


def whole(value: Any) -> int:
    """A whole number as JSON writes it: no 1.9, "2" or true."""
    if type(value) is not int:
        raise ValueError(f"{ascii(value)[:40]} is not a whole number")
    return value


def _wholes(values: list[Any]) -> tuple[int, ...]:
    return tuple(map(whole, values))


def _sizes(values: list[Any]) -> tuple[int, ...]:
    """Degrees and grids: whole numbers of a size that a message can show."""
    found = _wholes(values)
    if not all(abs(v) < 2**63 for v in found):
        raise ValueError("a degree or grid beyond 2^63")
    return found


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError(f"{ascii(value)[:40]} is not a number")
    return float(value)


def _document(data: dict[str, Any]) -> Document:
    _words(data)
    programs = tuple(_program(p) for p in data["programs"])
    d = len(data["names"])
    for text, claimed in zip(data["programs"], data["hashes"], strict=True):
        if _sha(text) != claimed:
            raise Rejected("the hash of a program is not that of its text")
    document = Document(
        tuple(data["names"]), tuple(data["log"]), _hexes(data["axis_low"]),
        _hexes(data["axis_high"]), _hexes(data["low"]), _hexes(data["high"]), data["side"], programs,
        tuple(_program(p) for p in data["point_programs"]), tuple(data["hashes"]),
        exact(data["lower"]),
        None if data["witness"] is None else _hexes(data["witness"]), exact(data["upper"]),
        _leaves(data["leaves"], d, len(programs)),
        _rules(data.get("graded_rules", [])),
        tuple(read_declared(e, d, programs[0][-1].width) for e in data.get("declared", ())),
        tuple(data.get("notes", ())), tuple(data.get("assumptions", ())),
        tuple(data.get("versions", {}).items()), tuple(data.get("units", ())),
        tuple(data.get("functions", {}).items()), data.get("error", ""), data.get("error_unit", ""),
    )  # fmt: skip
    lengths = {len(document.low), len(document.high), len(document.log), len(document.axis_low),
               len(document.axis_high), *(p[0].width for p in (*programs, *document.point_programs))}  # fmt: skip
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
    return document


def _words(data: dict[str, Any]) -> None:
    """What no proof rests on but people read: names, which axes are logarithmic, the room for float64 rounding."""
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
    rules = {whole(r["degree"]): tuple(map(_hexes, r["representatives"])) for r in entries}
    if len(rules) < len(entries):
        raise Rejected("malformed certificate: two node rules of one degree")
    return rules


def _leaves(columns: dict[str, Any], d: int, alternatives: int) -> tuple[Leaf, ...]:
    names = ("level", "index", "upper", "degree", "rho", "grid")
    proved = columns.get("proof_level", columns["level"])
    if unknown := sorted(set(columns) - COLUMNS):
        raise Rejected(f"malformed certificate: columns that the format does not have: {ascii(unknown)[:80]}")
    graded = columns.get("graded", [[-1] * alternatives] * len(columns["level"]))
    leaves: list[Leaf] = []
    rows = zip(*(columns[k] for k in names), proved, graded, strict=True)
    for level, index, upper, degree, rho, grid, own, tight in rows:
        leaf = Leaf(_wholes(level), _wholes(index), exact(upper), _sizes(degree), tuple(map(_number, rho)),
                    _sizes(grid), _wholes(own), _sizes(tight))  # fmt: skip
        per_alternative = {len(degree), len(rho), len(grid), len(tight)}
        if {len(level), len(index), len(own)} != {d} or per_alternative != {alternatives}:
            raise Rejected("malformed leaf", len(leaves))
        if max(leaf.level) > DEEPEST:
            raise Rejected(f"a leaf is deeper than level {DEEPEST}", len(leaves))
        if not all(0 <= p <= v for p, v in zip(leaf.proof_level, leaf.level, strict=True)):
            raise Rejected("a leaf rests on the proof of a cell that does not hold it", len(leaves))
        leaves.append(leaf)
    return tuple(leaves)


def _program(data: dict[str, Any]) -> tuple[Operation, ...]:
    if data["schema"] != "supnorm.program/1" or set(data) != {"schema", "nodes"}:
        raise Rejected("unknown program schema")
    operations: list[Operation] = []
    features = 0
    for entry in data["nodes"]:
        operation = _operation(entry, [o.width for o in operations])
        widths = [operations[a].width for a in operation.args if 0 <= a < len(operations)]
        if len(widths) != len(operation.args) or not _fits(operation, widths, not operations):
            raise Rejected(f"malformed program: node {len(operations)} ({ascii(operation.op)[:40]})")
        operations.append(operation)
        features += operation.width
        if features * (operations[0].width + 1) > LARGEST_MODEL:
            raise Rejected("a program has too many features for its inputs")
    return tuple(operations)


def _array(entry: dict[str, Any], shape: list[int]) -> tuple[float, ...]:
    if set(entry) != {"shape", "data"} or list(_wholes(entry["shape"])) != shape:
        raise Rejected("malformed program: an array of the wrong shape")
    raw = base64.b64decode(entry["data"], validate=True)
    values = struct.unpack(f"<{math.prod(shape)}d", raw)
    if not all(map(math.isfinite, values)):
        raise Rejected("a program has a number that is not finite")
    return values


def _operation(entry: dict[str, Any], widths: list[int]) -> Operation:
    """A node, from the keys of its operation and no others; ``widths`` are those of the nodes before it."""
    op, args, width = str(entry["op"]), _wholes(entry["args"]), whole(entry["width"])
    if set(entry) != {"op", "args", "width"} | KEYS.get(op, set()):
        raise Rejected(f"malformed program: keys of {ascii(op)[:40]}")
    weight: tuple[float, ...] = ()
    if op == "affine":
        inside = len(args) == 1 and 0 <= args[0] < len(widths)
        weight = _array(entry["weight"], [width, widths[args[0]] if inside else 0])
    vector = (
        _array(entry["bias" if op == "affine" else "value"], [width]) if op in ("affine", "constant") else ()
    )
    parameter = (
        exact(entry["slope" if op == "leaky_relu" else "exponent"]) if op in ("leaky_relu", "pow") else None
    )
    if parameter is not None and not math.isfinite(parameter):
        raise Rejected("a program has a number that is not finite")
    return Operation(op, args, width, weight, vector, _wholes(entry.get("columns", [])), parameter)


def _fits(o: Operation, widths: list[int], first: bool) -> bool:
    if o.width < 1:
        return False
    if first or o.op == "input":
        return first and o.op == "input" and not widths
    if o.op == "constant":
        return not widths and len(o.vector) == o.width
    if o.op == "affine":
        return len(widths) == 1 and len(o.weight) == o.width * widths[0] and len(o.vector) == o.width
    if o.op == "take":
        inside = all(0 <= c < widths[0] for c in o.columns)
        return len(widths) == 1 and inside and len(o.columns) == o.width
    if o.op == "concat":
        return sum(widths) == o.width
    if o.op in BINARY:
        return widths == [o.width] * 2
    needs = o.op in ("pow", "leaky_relu")
    return o.op in UNARY and widths == [o.width] and (o.parameter is not None) == needs
