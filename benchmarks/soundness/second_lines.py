"""Certificates in lines forged by one who wrote neither format nor reader, and a judge that reads and evaluates by itself.

Each file is checked alone and with its problem. Nothing is asked of supnorm to judge it: the text is read by a strict reader
of this file, the cells of the leaves are made from the halvings, and programs are evaluated in NumPy at random points of
every leaf and in mpmath at the worst of them. A file must be refused alone if its text is not the sealed one, its cells do
not tile the box, an error is above the bound of its leaf or of the file, or the witness has a smaller error; with a problem,
too, if it says something else about it than the honest file, or has a bound below an error of the problem.
To extend: write a function of (rows, other, rng) that changes the head and the lines, and put it into `EDITS`, or one of
(text, rng) for `TEXTS`.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.soundness.evaluated import error_at, errors
from benchmarks.soundness.lines import in_rows
from supnorm.certification import certify
from supnorm.checker import TooCostly, check
from supnorm.cli.check import checked
from supnorm.problem import Problem
from supnorm.sources import open_problem

Rows = list[dict[str, Any]]
Edit = Callable[[Rows, Rows, np.random.Generator], None]
SAID = ("names", "log", "axis_low", "axis_high", "side", "programs", "point_programs", "notes", "assumptions", "units",
        "error", "error_unit")  # fmt: skip
CODE = """
import numpy as np
from scipy import special

def flat(x): return 0.2 * x[:, 0] ** 3
def bent(x): return np.sin(x[:, 0]) / 3.0
def bent2(x): return np.sin(x[:, 0]) / 3.0 + 0.01 * x[:, 0]
def law(x): return np.exp(-x[:, 1]) / x[:, 0] + 0.3
def law_off(x): return law(x) * (1.0 + 0.05 * np.tanh(x[:, 0] - x[:, 1]))
def law_near(x): return law(x) * (1.0 + 0.02 * np.tanh(x[:, 0] - x[:, 1]))
def two(x): return np.stack([np.cos(x[:, 0] * x[:, 1]), x[:, 0] - x[:, 1] ** 2], axis=1)
def two_off(x): return two(x) + 0.02 * np.stack([np.sin(x[:, 1]), np.exp(-x[:, 0])], axis=1)
def two_near(x): return two(x) + 0.01 * np.stack([np.sin(x[:, 1]), np.exp(-x[:, 0])], axis=1)
def corner(x): return np.maximum(x[:, 0] - 0.31, 0.0) + np.abs(x[:, 1] - 0.2 * x[:, 0])
def corner_off(x): return np.maximum(x[:, 0] - 0.3, 0.0) + np.abs(x[:, 1] - 0.21 * x[:, 0])
def corner_near(x): return np.maximum(x[:, 0] - 0.305, 0.0) + np.abs(x[:, 1] - 0.2 * x[:, 0])
def ripe(x): return special.gammainc(2.5, x[:, 0])
def ripe_off(x): return special.gammainc(2.5, x[:, 0]) + 0.003 * np.sqrt(x[:, 0])
def ripe_near(x): return special.gammainc(2.5, x[:, 0]) + 0.001 * np.sqrt(x[:, 0])
"""
PROBLEMS = (  # model, the same nearer to the reference, reference, the rest of the problem file
    ("flat", "bent2", "bent", '[domain]\nx = { low = -1.0, high = 1.5, unit = "m" }\n'),
    ("law_off", "law_near", "law", '[domain]\np = { low = 0.2, high = 9.0, scale = "log" }\nq = [0.0, 1.0]\n'
     '[error]\nkind = "relative"\nfloor = 0.5\n'),
    ("two_off", "two_near", "two", '[domain]\nx = [0.0, 1.0]\ny = [0.5, 1.0]\n[error]\nside = "over"\ntolerance = 0.05\n'),
    ("corner_off", "corner_near", "corner", "[domain]\nx = [0.0, 1.0]\ny = [-0.5, 0.5]\n"),
    ("ripe_off", "ripe_near", "ripe", "[domain]\nx = [0.5, 6.0]\n"),
)  # fmt: skip
ODD = ("nan", "inf", "-inf", "0x1.0p+0 ", "0X1.0P+0", "0x.8p+1", "-0x0.0p+0", "0x0.0000000000001p-1022", "1.0", "",
       "0x1p+9999", "\uff10x1.0p+0", "0x1.0000000000000p+0\n", None, True, 1.0, 0, [], {}, 10**400)  # fmt: skip
NUMBERS = (math.nan, math.inf, -math.inf, -0.0, 0, -1, -2, -3, True, "0", None, 1e-320, 1.0000000000000002, 1e6, 2**62,
           2**63, 10**30, 7.5, [0], -(2**62))  # fmt: skip


def _place(rows: Rows, rng: np.random.Generator) -> tuple[dict[str, Any], int]:
    line = rows[int(rng.integers(1, len(rows)))]
    return line, int(rng.integers(len(line["upper"])))


def _hex(v: float) -> str:
    return float(v).hex()


def _float(v: Any) -> float:
    try:
        return float.fromhex(v)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _capped(rows: Rows, most: float) -> None:
    """Nothing claims more than this, and nothing from below."""
    rows[0].update(upper=_hex(most), lower=_hex(0.0), witness=None)
    for line in rows[1:]:
        line["upper"] = [_hex(min(_float(v), most)) for v in line["upper"]]


def honest(rows: Rows, other: Rows, rng: np.random.Generator) -> None:
    """Nothing changed."""


def odd_bound(rows: Rows, other: Rows, rng: np.random.Generator) -> None:
    """A spelling in the head or in a leaf."""
    odd = ODD[int(rng.integers(len(ODD)))]
    if rng.random() < 0.5:
        rows[0][str(rng.choice(["upper", "lower", "rounding"]))] = odd
    else:
        line, row = _place(rows, rng)
        line["upper"][row] = odd


def odd_proof(rows: Rows, other: Rows, rng: np.random.Generator) -> None:
    """A number of a proof that is none, or out of all bounds; the claim smaller half of the time."""
    for _ in range(int(rng.integers(1, 4))):
        line, row = _place(rows, rng)
        column = line[str(rng.choice(["degree", "rho", "grid"]))]
        column[row] = [NUMBERS[int(rng.integers(len(NUMBERS)))] for _ in column[row]]
    if rng.random() < 0.5:
        _capped(rows, _float(rows[0]["lower"]) * 0.99)


def own_leaf(rows: Rows, other: Rows, rng: np.random.Generator) -> None:
    """The bound of one leaf below what is there, by so much that the whole bound may stay true."""
    line, row = _place(rows, rng)
    line["upper"][row] = _hex(_float(line["upper"][row]) * rng.choice([0.0, 0.3, 0.9, 0.999]))


def by_a_hair(rows: Rows, other: Rows, rng: np.random.Generator) -> None:
    """The bound just below the error of the witness, or the error just above."""
    lower, share = _float(rows[0]["lower"]), 10.0 ** rng.uniform(-15, -6)
    if rng.random() < 0.6:
        _capped(rows, lower * (1.0 - share) if rng.random() < 0.7 else math.nextafter(lower, 0.0))
    else:
        rows[0]["lower"] = _hex(min(lower * (1.0 + share), _float(rows[0]["upper"])))


def leaves_of_another(rows: Rows, other: Rows, rng: np.random.Generator) -> None:
    """All lines, some, or the head's bounds are those of a certificate about another model."""
    kind = int(rng.integers(5))
    if kind == 0:
        rows[1:] = other[1:]
        rows[0]["leaves"] = other[0]["leaves"]
    elif kind == 1:
        rows[int(rng.integers(1, len(rows)))] = other[int(rng.integers(1, len(other)))]
        rows[0]["leaves"] = sum(len(line["upper"]) for line in rows[1:])
    elif kind == 2:
        kept = rows[0]
        rows[:] = other
        rows[0] = {
            **other[0],
            **{k: kept[k] for k in SAID if k in kept and k not in ("programs", "point_programs")},
        }
    elif kind == 3:
        rows[0].update({k: other[0][k] for k in ("programs", "hashes")})
    else:
        rows[0].update({k: other[0][k] for k in ("point_programs", "lower", "witness")})
    if rng.random() < 0.5:
        _capped(rows, _float(other[0]["upper"]))


def said(rows: Rows, other: Rows, rng: np.random.Generator) -> None:
    """What people read: names, units, the error, its unit, notes, assumptions, side, log, the seed, a key more."""
    head, kind = rows[0], int(rng.integers(11))
    if kind == 0:
        head["names"] = head["names"][::-1] if len(head["names"]) > 1 else [head["names"][0] + " "]
    elif kind == 1:
        head["names"] = [
            n.replace("x", "\u0445").replace("p", "\u0440").replace("y", "\u0443") for n in head["names"]
        ]
    elif kind == 2:
        head["units"] = [str(rng.choice(["km", "", "\ud800", "m\x00"]))] * len(head["names"])
    elif kind == 3:
        head["error"] = str(rng.choice(["absolute", "relative", "absolute, in tolerances", "\x1b[2J"]))
    elif kind == 4:
        head["error_unit"] = str(rng.choice(["nm", "%", ""]))
    elif kind == 5:
        head["notes"] = [*head["notes"], "rms below 1e-9; monotone in x"]
    elif kind == 6:
        head["assumptions"] = head["assumptions"][1:] or ["none"]
    elif kind == 7:
        head["side"] = str(rng.choice(["both", "over", "under", "Both", ""]))
    elif kind == 8:
        head["log"] = [not v for v in head["log"]]
    elif kind == 9:
        head["seed"] = [1.5, -1, "0", True, 10**40][int(rng.integers(5))]
    else:
        head[
            str(rng.choice(["deployed_upper", "rms", "claims", "upper_kind", "digest", "declared", "parts"]))
        ] = _hex(0.0)
    if rng.random() < 0.3:
        _capped(rows, _float(head["lower"]) * 0.9)


def box(rows: Rows, other: Rows, rng: np.random.Generator) -> None:
    """The axes wider than the box, the box narrower than the axes, by one number of float64 or by much; ends exchanged."""
    head, axis, kind = rows[0], int(rng.integers(len(rows[0]["names"]))), int(rng.integers(5))
    far = math.nextafter if rng.random() < 0.4 else lambda v, to: v + math.copysign(0.3, to)
    if kind == 0:
        head["axis_high"][axis] = _hex(far(_float(head["axis_high"][axis]), math.inf))
    elif kind == 1:
        head["high"][axis] = _hex(far(_float(head["high"][axis]), -math.inf))
    elif kind == 2:
        head["low"][axis], head["high"][axis] = head["high"][axis], head["low"][axis]
    elif kind == 3:
        head["axis_low"][axis] = ODD[int(rng.integers(len(ODD)))]
    else:
        head["low"][axis] = _hex(far(_float(head["low"][axis]), math.inf))


def float32_claim(rows: Rows, other: Rows, rng: np.random.Generator) -> None:
    """A bound of a float32 model that nobody proved."""
    head, d = rows[0], len(rows[0]["names"])
    tiny = [_hex(0.0), _hex(0.0), _hex(0.0), "inf"]
    head["deployed"] = {
        "precision": "float32",
        "runtime": "onnxruntime on a CPU",
        "functions": {op: tiny for op in ("sin", "tanh", "exp", "log", "sqrt", "cos")},
        "level": [[0] * d] if rng.random() < 0.7 else [[1] * d],
        "index": [[0] * d],
        "rounding": _hex(rng.choice([0.0, 1e-12])),
        "upper": head["upper"] if rng.random() < 0.8 else _hex(0.0),
    }


def cuts_and_rules(rows: Rows, other: Rows, rng: np.random.Generator) -> None:
    """Cuts that are no cuts, proofs by parts, node rules that are none."""
    head, d, kind = rows[0], len(rows[0]["names"]), int(rng.integers(4))
    ends = [(_float(a), _float(b)) for a, b in zip(head["low"], head["high"], strict=True)]
    if kind == 0:
        head["cuts"] = [
            [_hex(a + (b - a) * t) for t in np.sort(rng.random(int(rng.integers(4))))] for a, b in ends
        ]
    elif kind == 1:
        head["cuts"] = [["nan"], *([["inf"]] * (d - 1))]
    elif kind == 2:
        head["graded_rules"] = [{"degree": 2, "representatives": [[ODD[int(rng.integers(4))]] * d]}]
    else:
        head["graded_rules"] = [{"degree": 3, "representatives": [[_hex(1.0)] * d, [_hex(0.5)] * d]}]
    for line in rows[1:]:
        if kind < 2:
            line["rho"] = [[-1.0] * len(v) for v in line["rho"]]
            line["degree"] = [[int(rng.integers(1, 6))] * len(v) for v in line["degree"]]
        else:
            line["graded"] = [[int(rng.choice([0, 2, 3]))] * len(v) for v in line["degree"]]
            line["degree"] = [[int(rng.choice([1, 2, 3]))] * len(v) for v in line["degree"]]
    if rng.random() < 0.6:
        _capped(rows, _float(head["lower"]) * rng.uniform(0.5, 0.999))


def another_tree(rows: Rows, other: Rows, rng: np.random.Generator) -> None:
    """The halvings of two leaves exchanged, of all turned to another axis, or a leaf's moved to the one before."""
    line, row = _place(rows, rng)
    kind, d = int(rng.integers(4)), len(rows[0]["names"])
    if kind == 0:
        more, place = _place(rows, rng)
        line["halvings"][row], more["halvings"][place] = more["halvings"][place], line["halvings"][row]
    elif kind == 1:
        for each in rows[1:]:
            each["halvings"] = [[(axis + 1) % d for axis in v] for v in each["halvings"]]
    elif kind == 2:
        line["halvings"][row] = [*line["halvings"][row], 0]
        line["halvings"][(row + 1) % len(line["halvings"])] = []
    else:
        line["halvings"][row] = [0] * int(rng.choice([62, 1000, 1001]))
    if rng.random() < 0.3:
        for each in rows[1:]:
            each["proof_level"] = [[0] * d for _ in each["upper"]]


def more_lines(rows: Rows, other: Rows, rng: np.random.Generator) -> None:
    """A line without leaves, more leaves than the head counts, columns of unequal length, a line that is no object."""
    kind, place = int(rng.integers(5)), int(rng.integers(1, len(rows) + 1))
    if kind == 0:
        rows.insert(place, {k: [] for k in rows[1]})
    elif kind == 1:
        rows.append(json.loads(json.dumps(rows[-1])))
    elif kind == 2:
        rows[0]["leaves"] = [rows[0]["leaves"], 0, -1, 10**30, "1", 1.0, None][int(rng.integers(7))]
    elif kind == 3:
        line, _ = _place(rows, rng)
        line[str(rng.choice(sorted(line)))].append([0])
    else:
        rows.insert(place, [[], None, 0, "x", {}][int(rng.integers(5))])  # type: ignore[arg-type]


def program_text(rows: Rows, other: Rows, rng: np.random.Generator) -> None:
    """The programs: the error times a small number, a branch that is never negative, arrays spelled in other ways."""
    kind = int(rng.integers(5))
    small = {"op": "constant", "args": [], "width": 0, "value": {"shape": [0], "data": ""}}
    for key in ("programs", "point_programs") if rng.random() < 0.6 else ("programs",):
        for program in rows[0][key]:
            nodes = program["nodes"]
            last, width = len(nodes) - 1, nodes[-1]["width"]
            if kind == 0:
                data = base64.b64encode(np.full(width, 1e-3).tobytes()).decode()
                nodes.append({**small, "width": width, "value": {"shape": [width], "data": data}})
                nodes.append({"op": "mul", "args": [last, last + 1], "width": width})
            elif kind == 1:
                nodes.append({"op": "sub", "args": [last, last], "width": width})
            elif kind == 2:
                nodes.append({"op": "relu", "args": [last], "width": width})
            elif kind == 3:
                for node in nodes:
                    for name in ("value", "bias"):
                        if name in node:
                            node[name]["data"] = " " + node[name]["data"]
            else:
                nodes[int(rng.integers(len(nodes)))]["width"] = [True, 0, -1, 1.0, 2**40][
                    int(rng.integers(5))
                ]
    if kind < 3:
        _capped(rows, _float(rows[0]["upper"]) * (1e-3 if kind == 0 else 0.2))
        rows[0]["hashes"] = [_sha(p) for p in rows[0]["programs"]]
    elif rng.random() < 0.8:
        rows[0]["hashes"] = [_sha(p) for p in rows[0]["programs"]]


def point(rows: Rows, other: Rows, rng: np.random.Generator) -> None:
    """A witness outside by a hair, elsewhere, of the wrong length or that is none, with a larger error."""
    head = rows[0]
    kind, high = int(rng.integers(4)), [_float(v) for v in head["axis_high"]]
    if kind == 0:
        head["witness"] = [_hex(math.nextafter(v, math.inf)) for v in high]
    elif kind == 1:
        head["witness"] = [_hex(v) for v in high] + [_hex(0.0)] * int(rng.integers(2))
    elif kind == 2:
        head["witness"] = [ODD[int(rng.integers(len(ODD)))] for _ in high]
    else:
        head["witness"] = None
    if rng.random() < 0.7:
        head["lower"] = head["upper"]


EDITS: dict[str, Edit] = {
    f.__name__: f
    for f in (honest, odd_bound, odd_proof, own_leaf, by_a_hair, leaves_of_another, said, box, float32_claim, cuts_and_rules,
              another_tree, more_lines, program_text, point)
}  # fmt: skip


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _seal(lines: list[bytes], end: bytes = b"\n") -> bytes:
    text = b"".join(line + end for line in lines)
    return text + b'{"digest":"' + hashlib.sha256(text).hexdigest().encode() + b'"}' + end


def _doubled(line: bytes, key: str, value: str) -> bytes:
    """The line with one of its keys a second time, at the end."""
    return line[:-1] + f',"{key}":{value}}}'.encode()


def twice(lines: list[bytes], rng: np.random.Generator) -> bytes:
    """A key twice, in the head or in a line of leaves."""
    place = int(rng.integers(len(lines)))
    key, value = ("upper", f'"{_hex(1e-9)}"') if place == 0 else ("upper", "[]")
    return _seal([*lines[:place], _doubled(lines[place], key, value), *lines[place + 1 :]])


def newlines(lines: list[bytes], rng: np.random.Generator) -> bytes:
    """Other ends of lines, an empty line, none at the end."""
    kind = int(rng.integers(4))
    if kind == 0:
        return _seal(lines, b"\r\n")
    if kind == 1:
        return _seal([*lines[:1], b"", *lines[1:]])
    return _seal(lines)[:-1] if kind == 2 else _seal(lines, b"\r")


def encodings(lines: list[bytes], rng: np.random.Generator) -> bytes:
    """A mark of byte order, UTF-16, Latin-1 in a text, gzip, a zero byte, spaces."""
    text, kind = _seal(lines), int(rng.integers(6))
    if kind == 0:
        return b"\xef\xbb\xbf" + text
    if kind == 1:
        return text.decode().encode("utf-16")
    if kind == 2:
        return _seal([lines[0].replace(b'"notes":[', b'"notes":["\xe9",'), *lines[1:]])
    if kind == 3:
        return gzip.compress(text)
    if kind == 4:
        return _seal([*lines[:-1], lines[-1] + b"\x00"])
    return _seal([lines[0].replace(b'{"schema"', b'{ "schema"'), *lines[1:]])


def after_the_end(lines: list[bytes], rng: np.random.Generator) -> bytes:
    """Something after the digest; a digest of less, of more, in capitals, with a space, twice."""
    text, kind = _seal(lines), int(rng.integers(6))
    last = text[text.rindex(b"{") :]
    if kind == 0:
        return text + lines[-1] + b"\n"
    if kind == 1:
        return text + last
    if kind == 2:
        return text[: -len(last)] + last.upper()
    if kind == 3:
        return text[: -len(last)] + last.replace(b":", b": ")
    if kind == 4:
        return _seal(lines[:-1])[: -len(last)] + lines[-1] + b"\n" + _seal(lines[:-1])[-len(last) :]
    return text[: -len(last)]


def long_lines(lines: list[bytes], rng: np.random.Generator) -> bytes:
    """A line that is longer than the reader takes, deep, or has a number of thousands of digits."""
    kind, place = int(rng.integers(4)), int(rng.integers(1, len(lines)))
    if kind == 0:
        new = lines[place] + b" " * 2**22
    elif kind == 1:
        new = lines[place].replace(b'"halvings":[', b'"halvings":[' + b"[" * 50_000, 1)
    elif kind == 2:
        new = lines[place].replace(b'"grid":[[', b'"grid":[[' + b"1" * 5000, 1)
    else:
        new, place = lines[0].replace(b'"leaves":', b'"leaves":' + b"9" * 6000, 1), 0
    return _seal([*lines[:place], new, *lines[place + 1 :]])


TEXTS: dict[str, Callable[[list[bytes], np.random.Generator], bytes]] = {
    f.__name__: f for f in (twice, newlines, encodings, after_the_end, long_lines)
}


@dataclass(frozen=True)
class Case:
    """A problem with the rows of its honest file, and those of the same problem with another model."""

    problem: Problem
    rows: Rows
    other: Rows


def cases(folder: Path) -> list[Case]:
    """Certify each problem twice."""
    (folder / "code.py").write_text(CODE)
    found = []
    for number, (model, nearer, reference, rest) in enumerate(PROBLEMS):
        made = []
        for version, name in enumerate((model, nearer)):
            path = folder / f"p{number}{version}.toml"
            path.write_text(
                f'[model]\npython = "code.py:{name}"\n[reference]\npython = "code.py:{reference}"\n{rest}'
            )
            problem = open_problem(path)
            certify(problem, ratio=1.02, boxes=3000).certificate.save(folder / "honest.json")
            rows = in_rows(json.loads((folder / "honest.json").read_text()), 5)
            assert rows is not None
            made.append((problem, rows))
        found.append(Case(made[0][0], made[0][1], made[1][1]))
    return found


def well_formed(text: bytes) -> Rows | None:
    """Head and lines of a text that is whole and sealed, read strictly; None for any other text."""
    try:
        if not text.endswith(b"\n") or b"\r" in text or b"\x00" in text:
            return None
        lines = text[:-1].split(b"\n")
        sealed = b"".join(line + b"\n" for line in lines[:-1])
        if lines[-1] != b'{"digest":"' + hashlib.sha256(sealed).hexdigest().encode() + b'"}':
            return None
        rows = [json.loads(line.decode(), object_pairs_hook=_once) for line in lines[:-1]]
    except (ValueError, RecursionError):
        return None
    return rows if all(isinstance(row, dict) for row in rows) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs) or not pairs
    return dict(pairs)


def cells(rows: Rows) -> list[tuple[list[int], list[int]]] | None:
    """Level and index of each leaf, by recursion over the halvings; None where they do not end with the box."""
    queue = [axes for line in rows[1:] for axes in line["halvings"]]
    d, waiting, found = (
        len(rows[0]["names"]),
        [([0] * len(rows[0]["names"]), [0] * len(rows[0]["names"]))],
        [],
    )
    for axes in queue:
        if not waiting:
            return None
        level, index = waiting.pop()
        for axis in axes:
            if type(axis) is not int or not 0 <= axis < d:
                return None
            level = [v + (k == axis) for k, v in enumerate(level)]
            waiting.append((level, [2 * v + 1 if k == axis else v for k, v in enumerate(index)]))
            index = [2 * v if k == axis else v for k, v in enumerate(index)]
        found.append((level, index))
    return None if waiting or len(found) != rows[0]["leaves"] else found


def fault(text: bytes, rng: np.random.Generator) -> str | None:
    """Why a file must be refused, whatever the problem; None if nothing false was found."""
    try:
        rows = well_formed(text)
        places = None if rows is None else cells(rows)
        if rows is None or places is None:
            return "form"
        head, upper = rows[0], float.fromhex(rows[0]["upper"])
        claimed = [float.fromhex(v) for line in rows[1:] for v in line["upper"]]
        low, high = (np.array([float.fromhex(v) for v in head[k]]) for k in ("low", "high"))
        ends = [np.array([float.fromhex(v) for v in head[k]]) for k in ("axis_low", "axis_high")]
        if (
            math.isnan(upper)
            or any(math.isnan(v) for v in claimed)
            or not all(np.isfinite(e).all() for e in (low, high))
        ):
            return "numbers"
        for (level, index), most in zip(places, claimed, strict=True):
            scale = 2.0 ** -np.array(level, dtype=float)
            first, width = low + (high - low) * np.array(index, dtype=float) * scale, (high - low) * scale
            t = first + width * np.concatenate(
                [rng.random((40, len(low))), rng.integers(0, 2, (4, len(low)))]
            )
            size = errors(head, "programs", t)
            if (worst := error_at(head, "programs", t[int(size.argmax())])) > min(most, upper) * (1 + 1e-14):
                return f"error {float(worst):.17g} in a leaf of {most!r}"
        x = ends[0] + (ends[1] - ends[0]) * rng.random((400, len(low)))
        size = errors(head, "point_programs", x)
        if error_at(head, "point_programs", x[int(size.argmax())]) > upper:
            return "error above the bound"
        lower = float.fromhex(head["lower"])
        if head["witness"] is not None:
            x = np.array([float.fromhex(v) for v in head["witness"]])
            if not ((ends[0] <= x) & (x <= ends[1])).all() or error_at(head, "point_programs", x) < lower:
                return "witness"
        elif lower > 0:
            return "witness"
        return "lower" if not 0.0 <= lower <= upper else None
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        AssertionError,
        IndexError,
        OverflowError,
    ) as error:
        return f"{type(error).__name__}: {error}"


def unlike(text: bytes, case: Case) -> bool:
    """Whether a file says something else than is proved of the problem."""
    head = json.loads(text.splitlines()[0])
    if any(head.get(k) != case.rows[0].get(k) for k in SAID):
        return True
    known = case.rows[0]
    x = np.array([float.fromhex(v) for v in known["witness"]])
    return bool(float.fromhex(head["upper"]) < error_at(known, "point_programs", x))


@dataclass(frozen=True)
class Verdict:
    """What was said of one file: alone, or with its problem."""

    edits: tuple[str, ...]
    tied: bool
    verdict: str
    reason: str


def campaign(seed: int, count: int, keep: str | None = None) -> list[Verdict]:
    """Forge ``count`` files and check each alone and with its problem."""
    rng, found = np.random.default_rng(seed), []
    with tempfile.TemporaryDirectory() as name:
        files = cases(Path(name))
        for number in range(count):
            case = files[number % len(files)]
            edits, text = forged(case, rng)
            path = Path(name) / "forged.json"
            path.write_bytes(text)
            wrong = fault(text, rng)
            for tied in (False, True):
                false = wrong is not None or (tied and unlike(text, case))
                verdict = _said(path, case, tied, edits, false, wrong)
                if verdict.verdict in ("FALSE ACCEPTED", "CRASHED") and keep is not None:
                    Path(keep).mkdir(parents=True, exist_ok=True)
                    (Path(keep) / f"{seed}-{number}.json").write_bytes(text)
                found.append(verdict)
    return found


def forged(case: Case, rng: np.random.Generator) -> tuple[tuple[str, ...], bytes]:
    """One or two edits of the content, or one of the text."""
    rows, other = json.loads(json.dumps([case.rows, case.other]))
    names = [str(v) for v in rng.choice(list(EDITS), int(rng.choice([1, 1, 2])), replace=False)]
    form = str(rng.choice(list(TEXTS))) if rng.random() < 0.3 else None
    if form is not None:
        names = ["honest"]
    for name in names:
        try:
            EDITS[name](rows, other, rng)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            continue  # an edit of what another one has broken
    lines = [json.dumps(row, separators=(",", ":")).encode() for row in rows]
    return (*names, *((form,) if form else ())), TEXTS[form](lines, rng) if form else _seal(lines)


def _said(
    path: Path, case: Case, tied: bool, edits: tuple[str, ...], false: bool, why: str | None
) -> Verdict:
    try:
        result = checked(path, case.problem, most=30.0) if tied else check(path, limit=30.0)
    except TooCostly as refused:
        return Verdict(edits, tied, "refused", str(refused))
    except Exception as error:
        return Verdict(edits, tied, "CRASHED", f"{type(error).__name__}: {error}")
    words = {(True, True): "FALSE ACCEPTED", (True, False): "true accepted"}
    return Verdict(edits, tied, words.get((result.accepted, false), "rejected"), f"{result.reason} [{why}]")


def table(found: list[Verdict]) -> str:
    """Counts by edit, and what went wrong line by line."""
    verdicts = ("rejected", "refused", "true accepted", "FALSE ACCEPTED", "CRASHED")
    lines = [f"{'edit':20s}" + "".join(f"{v:>16s}" for v in verdicts)]
    for name in (*EDITS, *TEXTS, None):
        counts = Counter(f.verdict for f in found if name is None or name in f.edits)
        lines.append(f"{name or 'all':20s}" + "".join(f"{counts[v]:16d}" for v in verdicts))
    lines += [f"{f.verdict}: {', '.join(f.edits)}, {'with' if f.tied else 'without'} problem: {f.reason}"
              for f in found if f.verdict in verdicts[3:]]  # fmt: skip
    return "\n".join(lines)
