"""Certificates that were edited and sealed again, and what `supnorm check --problem` says of them.

A forgery is one to three edits of an honest file. Whether it is false is known without the checker: the honest file's
witness proves an error, so a smaller upper bound is false; its bound holds, so a larger lower bound is false; a file about
another domain, side, program, declaration, or with other notes and assumptions, says what nobody has proved of this
problem. What is left is true (its claims are weaker, or nothing that counts was changed) and may be accepted.
To extend: write a function of (honest, data, rng) that changes ``data``, and put it into `EDITS`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import struct
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.soundness.consistent import CONSISTENT
from benchmarks.soundness.honest import Honest, honest_files
from supnorm.checker import TooCostly
from supnorm.cli.check import checked

Data = dict[str, Any]
Edit = Callable[[Honest, Data, np.random.Generator], None]
SAID = ("names", "log", "axis_low", "axis_high", "side", "programs", "point_programs", "notes", "assumptions", "units",
        "error", "error_unit")  # fmt: skip
TEXTS = ("x in [-1000.0, 1000.0]; y", "× 1e-12", "e-9 m", "], nowhere above 1e-12; z in [0.0, 1.0", "0.0\nACCEPTED: proved",
         "\x1b[2J", "relative, floor 1e9", "", "error", "domain", "model")  # fmt: skip
LIMIT = 30.0  # seconds that one file may take by its forecast


@dataclass(frozen=True)
class Forgery:
    """One file and its verdict."""

    problem: str
    edits: tuple[str, ...]
    verdict: str
    reason: str


def _hex(v: float) -> str:
    return float(v).hex()


def _claim(data: Data, upper: float) -> None:
    """The bound of all leaves, and of the file, cut to ``upper``; nothing from below that would contradict it."""
    leaves = data["leaves"]
    leaves["upper"] = [_hex(min(float.fromhex(v), upper)) for v in leaves["upper"]]
    data.update(upper=_hex(upper), lower=_hex(0.0), witness=None)
    for entry in data.get("declared", ()):
        entry["witness"] = None


def smaller(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """A bound below a proved error, by 1e-9 to half of it."""
    _claim(data, honest.lower * (1.0 - 10.0 ** rng.uniform(-9, -0.3)))


def by_another_proof(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """The same with parameters of the proofs drawn anew."""
    smaller(honest, data, rng)
    leaves, count, alternatives = data["leaves"], len(data["leaves"]["level"]), len(data["programs"])
    leaves["degree"] = rng.choice([-2, 0, 1, 2, 3, 5, 8, 12], (count, alternatives)).tolist()
    leaves["rho"] = rng.choice([0.0, 1.000001, 1.1, 1.5, 2.0, 4.0, 80.0, 1e5], (count, alternatives)).tolist()
    leaves["grid"] = rng.choice([0, 2, 3, 12, 40], (count, alternatives)).tolist()
    if rng.random() < 0.3:
        leaves["graded"] = rng.choice([-1, 0, 1, 2], (count, alternatives)).tolist()


def precision(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """The same in balls of other precisions, which no claim depends on; some are no precisions of the format."""
    if rng.random() < 0.5:
        smaller(honest, data, rng)
    bits = rng.choice([-1, 0, 1, 79, 80, 128, 300, 512, 513, 10**9], len(data["programs"]))
    data["leaves"]["bits"] = [bits.tolist() for _ in data["leaves"]["level"]]


def coarser(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """One leaf, the whole box."""
    smaller(honest, data, rng)
    d, leaves = len(data["names"]), data["leaves"]
    row = int(rng.integers(len(leaves["level"])))
    data["leaves"] = {k: [v[row]] for k, v in leaves.items() if k != "proof_level"}
    data["leaves"].update(level=[[0] * d], index=[[0] * d])


def one_leaf(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """A smaller bound of one leaf: false for the one with the witness, else perhaps true."""
    leaves = data["leaves"]
    row = int(rng.integers(len(leaves["upper"])))
    leaves["upper"][row] = _hex(float.fromhex(leaves["upper"][row]) * rng.uniform(0.0, 1.0))
    data["upper"] = _hex(max(map(float.fromhex, leaves["upper"])))
    data.update(lower=_hex(0.0), witness=None)
    for entry in data.get("declared", ()):
        entry["witness"] = None


def tiling(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """Leaves dropped, moved, doubled, of other levels, or proved on smaller cells; with a smaller bound half of the time."""
    if rng.random() < 0.5:
        smaller(honest, data, rng)
    leaves = data["leaves"]
    row, kind = int(rng.integers(len(leaves["level"]))), rng.integers(6)
    if kind == 0:
        for column in leaves.values():
            del column[row]
    elif kind == 1:
        leaves["index"][row] = [int(v) + int(rng.integers(-1, 2)) for v in leaves["index"][row]]
    elif kind == 2:
        for column in leaves.values():
            column.append(column[row])
    elif kind == 3:
        leaves["level"][row] = [int(v) + int(rng.integers(0, 3)) for v in leaves["level"][row]]
    elif kind == 4:
        leaves["proof_level"] = [[int(rng.integers(0, v + 2)) for v in level] for level in leaves["level"]]
    else:
        leaves["level"][row], leaves["index"][row] = (
            [v * 40 for v in leaves["level"][row]],
            leaves["index"][row],
        )


def neighbour(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """The whole file, some of it, or all but the programs, of a model that is nearer to the reference."""
    kind = rng.integers(4)
    other = json.loads(json.dumps(honest.nearer))
    keys = {
        0: list(other),
        1: [k for k in other if k not in ("programs", "point_programs", "hashes")],
        2: ["programs", "hashes", "leaves", "upper", "lower", "witness", "graded_rules"],
        3: ["point_programs", "upper", "leaves", "lower", "witness", "graded_rules"],
    }[int(kind)]
    data.update({k: other[k] for k in keys if k in other})


def _numbers(data: Data) -> Iterator[dict[str, Any]]:
    for key in ("programs", "point_programs"):
        for program in data[key]:
            for node in program["nodes"]:
                yield from (node[k] for k in ("weight", "bias", "value") if k in node)


def constants(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """Numbers of the programs, in both or in one, changed a little, to zero, or to what is none."""
    arrays = list(_numbers(data))
    if not arrays:
        return
    chosen = arrays[int(rng.integers(len(arrays)))]
    values = list(struct.unpack(f"<{math.prod(chosen['shape'])}d", base64.b64decode(chosen["data"])))
    place = int(rng.integers(len(values)))
    values[place] = [values[place] * (1 + 1e-12), 0.0, -values[place], math.nan, math.inf, 1e308][
        int(rng.integers(6))
    ]
    new = base64.b64encode(struct.pack(f"<{len(values)}d", *values)).decode()
    old = chosen["data"]
    for array in arrays if rng.random() < 0.7 else [chosen]:
        if array["data"] == old:
            array["data"] = new
    if rng.random() < 0.5:
        smaller(honest, data, rng)


def nodes(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """An operation, its arguments or parameter changed; or the error times zero at the end of all programs."""
    kind = rng.integers(4)
    for key in ("programs", "point_programs"):
        for program in data[key]:
            listed = program["nodes"]
            node = listed[int(rng.integers(1, len(listed))) if len(listed) > 1 else 0]
            if kind == 0:
                node["op"] = str(
                    rng.choice(["tanh", "neg", "abs", "relu", "sin", "exp", "sub", "mul", "max"])
                )
            elif kind == 1 and node["args"]:
                node["args"] = [int(rng.integers(-1, len(listed))) for _ in node["args"]]
            elif kind == 2:
                node["exponent" if node["op"] == "pow" else "slope"] = _hex(rng.normal())
            else:
                last, width = len(listed) - 1, listed[-1]["width"]
                listed.append({"op": "sub", "args": [last, last], "width": width})
    smaller(honest, data, rng)


def choices(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """Formulas that are chosen: exchanged, one in place of both, or chosen by another number; with a smaller bound."""
    kind = rng.integers(4)
    for key in ("programs", "point_programs"):
        for program in data[key]:
            for node in program["nodes"]:
                if node["op"] != "where":
                    continue
                z, a, b = node["args"]
                node["args"] = [[z, b, a], [z, a, a], [z, b, b], [a, a, b]][int(kind)]
    smaller(honest, data, rng)


def domain(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """A smaller box or axis, another name or scale, another side."""
    axis, kind = int(rng.integers(len(data["names"]))), rng.integers(6)
    low, high = float.fromhex(data["axis_low"][axis]), float.fromhex(data["axis_high"][axis])
    nearer = low + (high - low) * 10.0 ** rng.uniform(-15, -0.4)
    if kind in (0, 1):
        data["axis_low"][axis] = _hex(nearer if rng.random() < 0.8 else math.nextafter(low, high))
    if kind in (1, 2):
        start = float.fromhex(data["low"][axis])
        data["low"][axis] = _hex(math.log(nearer) if data["log"][axis] else max(start, nearer))
    if kind == 3:
        data["log"][axis] = not data["log"][axis]
    if kind == 4:
        data["names"] = [n + "\u200b" * (i == axis) for i, n in enumerate(data["names"])]
    if kind == 5:
        data["side"] = str(rng.choice([s for s in ("over", "under", "both") if s != data["side"]]))
    if rng.random() < 0.7:
        smaller(honest, data, rng)


def witness(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """A larger error than there is, at the witness, elsewhere, or outside; or below the bound and not proved there."""
    kind = rng.integers(3)
    if data["witness"] is None:
        data["witness"] = list(data["axis_high"])
    if kind == 1:
        data["witness"] = [_hex(rng.uniform(float.fromhex(a), float.fromhex(b)))
                           for a, b in zip(data["axis_low"], data["axis_high"], strict=True)]  # fmt: skip
    if kind == 2:
        data["witness"] = [_hex(2.0 * abs(float.fromhex(b)) + 1.0) for b in data["axis_high"]]
    data["lower"] = _hex(honest.upper * rng.uniform(1.0001, 3.0))
    data["upper"] = _hex(max(float.fromhex(data["lower"]), honest.upper))


def conditions(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """Notes and assumptions taken out, altered, added to, in another order; units and the error's words."""
    key = str(rng.choice(["notes", "assumptions"]))
    texts, kind = list(data[key]), rng.integers(5)
    if kind == 0:
        texts = []
    elif kind == 1 and texts:
        del texts[int(rng.integers(len(texts)))]
    elif kind == 2 and texts:
        texts[-1] = texts[-1].replace("not ", "").upper()
    elif kind == 3:
        texts.append("the bound holds for the deployed model as well")
    else:
        data["error"], data["units"] = "relative, floor 1e9", ["m"] * len(data["names"])
    data[key] = texts
    if rng.random() < 0.2:
        data.pop(key)


def declarations(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """What is declared, or recorded of it, changed: sizes, weights, accuracy, values; nothing declared any more."""
    entries = data.get("declared")
    if not entries:
        data["declared"] = []
        return smaller(honest, data, rng)
    entry, kind = entries[0], rng.integers(6)
    if kind == 0:
        entry["bound"] = [_hex(float.fromhex(v) * 10.0 ** -rng.uniform(0.5, 6)) for v in entry["bound"]]
    elif kind == 1:
        entry["stretch"] = _hex(float.fromhex(entry["stretch"]) * rng.uniform(1.1, 100))
    elif kind == 2:
        entry["weight"] = [_hex(0.0)] * len(entry["weight"])
    elif kind == 3 and entry["values"]:
        name = sorted(entry["values"])[int(rng.integers(len(entry["values"])))]
        array = entry["values"][name]
        raw = np.frombuffer(base64.b64decode(array["data"])).copy()
        raw += rng.choice([1e-9, 1e-4, -0.01])
        array["data"] = base64.b64encode(raw.tobytes()).decode()
    elif kind == 4:
        data["declared"] = []
    else:
        entry["order"], entry["derivatives"] = 2, [_hex(1e-9)] * len(data["names"])
    return smaller(honest, data, rng)


def texts(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """Texts that read as what a checker says, in the place of names, units, words and versions."""
    text, key = (
        str(rng.choice(TEXTS)),
        str(rng.choice(["names", "units", "error", "error_unit", "functions", "versions"])),
    )
    if key in ("error", "error_unit"):
        data[key] = text
    elif key in ("names", "units"):
        data[key][int(rng.integers(len(data[key])))] = text
    else:
        data[key] = {
            **data[key],
            str(rng.choice(["model", "reference", "supnorm", *TEXTS])): str(rng.choice(TEXTS)),
        }
    for entry in data.get("declared", ()):
        entry["name"] = text


def deployed(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """What float32 adds, cut; its cells or the assumed accuracy of functions changed; or a claim where there was none."""
    claim, kind = data.get("deployed"), rng.integers(5)
    if claim is None:
        d = len(data["names"])
        data["deployed"] = {"precision": "float32", "runtime": "onnxruntime", "functions": {}, "level": [[0] * d],
                            "index": [[0] * d], "rounding": _hex(1.0), "upper": _hex(10.0)}  # fmt: skip
        return
    factor = float(10.0 ** -rng.uniform(0.0, 3.0))
    if kind == 0:
        row = claim["functions"][str(rng.choice(sorted(claim["functions"])))]
        row[int(rng.integers(3))] = _hex(0.0)
    elif kind == 1:
        row = int(rng.integers(len(claim["level"])))
        claim["level"][row], claim["index"][row] = [0], [int(rng.integers(2))]
    elif kind == 2:
        claim["runtime"] = str(rng.choice(["torch", "JAX", *TEXTS]))
    if kind != 2:
        claim["rounding"] = _hex(float.fromhex(claim["rounding"]) * factor)
    claim["upper"] = _hex((float.fromhex(data["upper"]) + float.fromhex(claim["rounding"])) * (1 + 1e-15))


def rules(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """Node rules moved, thinned, of another degree, or none."""
    smaller(honest, data, rng)
    for entry in data.get("graded_rules", ()):
        points, kind = entry["representatives"], rng.integers(4)
        if kind == 0 and len(points) > 1:
            del points[int(rng.integers(len(points)))]
        elif kind == 1:
            points[0] = [_hex(rng.random()) for _ in points[0]]
        elif kind == 2:
            entry["degree"] += 1
        else:
            points[:] = points[:1]


def spellings(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """Numbers and words that read as something else elsewhere: hexadecimal forms, digits, truth values, keys."""
    bound, kind = honest.lower * 0.5, rng.integers(8)
    if kind == 0:
        data["upper"] = bound.hex().upper().replace("0X", "0x")
    elif kind == 1:
        data["upper"] = "\uff10x1.0p-9"
    elif kind == 2:
        data["leaves"]["level"][0] = [True] * len(data["names"])
    elif kind == 3:
        data["leaves"]["level"][0] = [float(v) for v in data["leaves"]["level"][0]]
    elif kind == 4:
        data["Upper"] = _hex(bound)
    elif kind == 5:
        data["leaves"]["claim"] = [_hex(bound)] * len(data["leaves"]["upper"])
    elif kind == 6:
        data["upper"] = "nan"
    else:
        data["leaves"]["upper"] = ["-inf"] * len(data["leaves"]["upper"])
    if kind in (2, 3, 4, 5):
        smaller(honest, data, rng)


def looser(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """A true file: bounds larger, other versions and names; so that not everything is refused."""
    factor = 1.0 + rng.random()
    data["leaves"]["upper"] = [_hex(float.fromhex(v) * factor) for v in data["leaves"]["upper"]]
    data["upper"] = _hex(max(map(float.fromhex, data["leaves"]["upper"])))
    data["versions"] = {**data["versions"], "supnorm": "9.9"}


EDITS: dict[str, Edit] = {
    f.__name__: f
    for f in (smaller, by_another_proof, precision, coarser, one_leaf, tiling, neighbour, constants, nodes, choices, domain,
              witness, conditions, declarations, texts, deployed, rules, spellings, looser)
} | CONSISTENT  # fmt: skip


def sealed(data: Data) -> Data:
    """With hashes and digest that fit."""
    if not data.pop("stale", False) and isinstance(data.get("programs"), list):
        data["hashes"] = [_sha(p) for p in data["programs"]]
    data["digest"] = _sha({k: v for k, v in data.items() if k != "digest"})
    return data


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def is_false(honest: Honest, data: Data) -> bool:
    """Whether the file says something that is not proved of the problem, or is not true."""
    try:
        upper, lower = float.fromhex(data["upper"]), float.fromhex(data["lower"])
    except (ValueError, TypeError, KeyError):
        return True
    bad = not upper >= honest.lower or not lower <= honest.upper
    bad = bad or any(data.get(k, "") != honest.data.get(k, "") for k in SAID)
    bad = (
        bad
        or not set(data.get("functions", {})) <= {"model", "reference"}
        or _deployed_is_false(honest, data)
    )
    kept, own = ([_said(e) for e in d.get("declared", ())] for d in (data, honest.data))
    return bad or kept != own


def _said(entry: dict[str, Any]) -> dict[str, Any]:
    """What a declaration says; no word of the checker has the name in it."""
    return {k: v for k, v in entry.items() if k not in ("values", "witness", "name")}


def _deployed_is_false(honest: Honest, data: Data) -> bool:
    claim, own = data.get("deployed"), honest.data.get("deployed")
    if claim is None:
        return False
    if own is None or any(claim[k] != own[k] for k in ("precision", "runtime", "functions")):
        return True
    return float.fromhex(claim["upper"]) < honest.lower or float.fromhex(claim["rounding"]) < honest.rounded()


def forged(honest: Honest, rng: np.random.Generator) -> tuple[tuple[str, ...], Data]:
    """One to three edits."""
    count = int(rng.choice([1, 1, 1, 2, 3]))
    names = tuple(str(v) for v in rng.choice(list(EDITS), count, replace=False))
    data = honest.copy()
    for name in names:
        try:
            EDITS[name](honest, data, rng)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            continue  # an edit of what an earlier one has broken
    return names, sealed(data)


def campaign(seed: int, count: int, keep: str | None = None) -> list[Forgery]:
    """Forge ``count`` files and check each with its problem."""
    rng, found = np.random.default_rng(seed), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = honest_files(folder)
        for honest in files:  # else a refusal would say nothing
            path = folder / "honest.json"
            path.write_text(json.dumps(honest.data))
            verdict = checked(path, honest.problem)
            if not verdict.accepted:
                raise SystemExit(f"the honest file of {honest.name} is rejected: {verdict.reason}")
        for number in range(count):
            honest = files[number % len(files)]
            edits, data = forged(honest, rng)
            path = folder / "forged.json"
            path.write_text(json.dumps(data))
            one = judged(honest, path, edits, data)
            if one.verdict in ("FALSE ACCEPTED", "CRASHED") and keep is not None:
                Path(keep).mkdir(parents=True, exist_ok=True)
                (Path(keep) / f"{seed}-{number}.json").write_text(json.dumps(data))
            found.append(one)
    return found


def judged(honest: Honest, path: Path, edits: tuple[str, ...], data: Data) -> Forgery:
    """What the checker says of one file with this content."""
    return said_of(honest, path, edits, is_false(honest, data))


def said_of(honest: Honest, path: Path, edits: tuple[str, ...], false: bool) -> Forgery:
    """What the checker says of one file.

    Args:
        honest: the certificate that was edited.
        path: the edited file.
        edits: what was done to it.
        false: whether it states something false.
    """
    try:
        verdict = checked(path, honest.problem, most=LIMIT)
    except TooCostly as refused:
        return Forgery(honest.name, edits, "refused", str(refused))
    except Exception as error:
        return Forgery(honest.name, edits, "CRASHED", f"{type(error).__name__}: {error}")
    words = {(True, True): "FALSE ACCEPTED", (True, False): "true accepted", (False, True): "rejected"}
    return Forgery(honest.name, edits, words.get((verdict.accepted, false), "rejected"), verdict.reason)


def table(found: list[Forgery], edits: Iterable[str] = EDITS) -> str:
    """Counts by edit, and what went wrong line by line."""
    verdicts = ("rejected", "refused", "true accepted", "FALSE ACCEPTED", "CRASHED")
    lines = [f"{'edit':20s}" + "".join(f"{v:>16s}" for v in verdicts)]
    for name in (*edits, None):
        counts = Counter(f.verdict for f in found if name is None or name in f.edits)
        lines.append(f"{name or 'all files':20s}" + "".join(f"{counts[v]:16d}" for v in verdicts))
    lines += [
        f"{f.verdict}: {f.problem}, {', '.join(f.edits)}: {f.reason}"
        for f in found
        if f.verdict in verdicts[3:]
    ]
    return "\n".join(lines)
