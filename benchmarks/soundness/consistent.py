"""Edits that leave a file consistent with itself: another function, another problem, fewer programs, moved conditions.

Each is an edit as in `forgeries`; what they make would be accepted by a checker that does not compare it with the problem.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.soundness.honest import Honest

Data = dict[str, Any]
PROGRAMS = ("programs", "point_programs")


def _hex(v: float) -> str:
    return float(v).hex()


def _array(values: list[float]) -> dict[str, Any]:
    return {
        "shape": [len(values)],
        "data": base64.b64encode(struct.pack(f"<{len(values)}d", *values)).decode(),
    }


def _scale_claims(data: Data, factor: float) -> None:
    leaves = data["leaves"]
    leaves["upper"] = [_hex(float.fromhex(v) * factor * (1 + 1e-9)) for v in leaves["upper"]]
    data["upper"] = _hex(max(map(float.fromhex, leaves["upper"])))
    data["lower"] = _hex(float.fromhex(data["lower"]) * factor * (1 - 1e-9))


def shrunk(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """Every error multiplied by a factor below 1, in all programs and claims alike: a true file of a better model."""
    factor = float(rng.choice([1 - 1e-9, 0.999, 0.5, 1e-3]))
    for key in PROGRAMS:
        for program in data[key]:
            listed = program["nodes"]
            last, width = len(listed) - 1, listed[-1]["width"]
            constant = {"op": "constant", "args": [], "width": width, "value": _array([factor] * width)}
            listed += [constant, {"op": "mul", "args": [last, last + 1], "width": width}]
    _scale_claims(data, factor)


def shrunk_proof(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """The same in the programs of the proof alone, or in those of points alone; the others are the problem's."""
    kept = str(rng.choice(PROGRAMS))
    before = honest.copy()[kept]
    shrunk(honest, data, rng)
    data[kept] = before


def _weights(data: Data) -> Iterator[dict[str, Any]]:
    for key in PROGRAMS:
        for program in data[key]:
            for node in program["nodes"]:
                yield from (node[k] for k in ("weight", "bias", "value") if k in node)


def narrower(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """All weights in float32 or float16, or the last bit of one changed, everywhere alike."""
    kind = rng.integers(3)
    for array in _weights(data):
        raw = np.frombuffer(base64.b64decode(array["data"]), dtype="<f8").copy()
        if kind == 2:
            raw[-1:] = np.nextafter(raw[-1:], np.inf)
        else:
            with np.errstate(over="ignore"):
                raw = raw.astype([np.float32, np.float16][kind]).astype("<f8")
        array["data"] = base64.b64encode(raw.tobytes()).decode()


def fewer(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """An output, a side, or the room for a branch left out: a program and its columns; or one in the place of another."""
    count, columns = len(data["programs"]), ("degree", "rho", "grid", "graded")
    row, kind = int(rng.integers(count)), rng.integers(3)
    if kind == 0 and count > 1:
        for key in PROGRAMS:
            if len(data[key]) == count:
                del data[key][row]
        for name in columns:
            for held in data["leaves"].get(name, ()):
                del held[row]
    elif kind == 1 and count > 1:
        for key in PROGRAMS:
            data[key][row % len(data[key])] = data[key][(row + 1) % len(data[key])]
    else:
        data["programs"] = data["programs"][::-1]
        data["side"] = {"over": "under", "under": "over", "both": "over"}[data["side"]]
    _scale_claims(data, 1.0 - 10.0 ** rng.uniform(-6, -0.5))


def roomless(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """Constants that are small beside others (rooms for branches, floors, tolerances) to nothing."""
    for array in _weights(data):
        raw = np.frombuffer(base64.b64decode(array["data"]), dtype="<f8").copy()
        raw[np.abs(raw) < 10.0 ** rng.uniform(-9, -1)] = 0.0
        array["data"] = base64.b64encode(raw.tobytes()).decode()


def other_keys(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """Keys of the result in the file, keys of a node that only supnorm has, the words for people."""
    kind = rng.integers(6)
    bound = _hex(honest.lower * rng.uniform(0.1, 0.9))
    if kind == 0:
        data["agreement"] = {"points": 10**9, "difference": 0.0}
    elif kind == 1:
        data["deployed_upper"] = bound
    elif kind == 2:
        data["functions"] = {"model": "another model", "reference": "the truth"}
    elif kind == 3:
        data["model"], data["reference"] = "another model\x1b[2J", "the truth"
    elif kind == 4:
        for program in data["programs"]:
            program["nodes"][-1]["apart"] = [[bound, 0.0]]
    else:
        data["units"], data["error"] = ["W"] * len(data["names"]), "absolute"
    if rng.random() < 0.5:
        _scale_claims(data, 0.5)


def stale(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """Hashes of the honest programs over other ones, hashes in another order, or none; the digest fits."""
    kind = rng.integers(3)
    if kind == 0:
        shrunk(honest, data, rng)
    else:
        _scale_claims(data, 0.5)
        data["hashes"] = data["hashes"][::-1] if kind == 1 else []
    data["stale"] = True


def conditions_moved(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """What it rests on, said elsewhere: notes as assumptions, as names, as versions; assumptions as notes."""
    kind = rng.integers(4)
    if kind == 0:
        data["notes"], data["assumptions"] = data["assumptions"], data["notes"]
    elif kind == 1:
        data["assumptions"], data["notes"] = [*data["assumptions"], *data["notes"]], []
    elif kind == 2:
        data["versions"] = {**data["versions"], "notes": " ".join(data["notes"])}
        data["notes"] = []
    else:
        data["assumptions"] = [v.replace("e", "\u0435") for v in data["assumptions"]]  # a Cyrillic letter
    if rng.random() < 0.3:
        _scale_claims(data, 0.9)


def half_proved(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """The leaves of the nearer model where this one is worst, and the other way round."""
    other, leaves = honest.nearer["leaves"], data["leaves"]
    rows = min(len(other["upper"]), len(leaves["upper"]))
    for row in rng.choice(rows, max(rows // 2, 1), replace=False).tolist():
        for name in leaves:
            if name in other:
                leaves[name][row] = other[name][row]
    data["upper"] = _hex(max(map(float.fromhex, leaves["upper"])))
    data.update(lower=_hex(0.0), witness=None)


def skipped(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """A step left out or done twice, in all programs alike, with claims of a nearer model: a loop of another length."""
    data.update({k: honest.nearer[k] for k in ("leaves", "upper", "lower", "witness")})
    twice, place = bool(rng.random() < 0.5), rng.random()
    for key in PROGRAMS:
        for program in data[key]:
            listed = program["nodes"]
            alone = [
                i
                for i, node in enumerate(listed)
                if len(node["args"]) == 1 and listed[node["args"][0]]["width"] == node["width"]
            ]
            if not alone:
                continue
            at = alone[int(place * len(alone))]
            if not twice:
                gone = listed[at]["args"][0]
                for node in listed[at + 1 :]:
                    node["args"] = [gone if a == at else a for a in node["args"]]
                continue
            again = {**listed[at], "args": [at]}
            for node in listed[at + 1 :]:
                node["args"] = [a + (a >= at) for a in node["args"]]
            listed.insert(at + 1, again)


def poles(honest: Honest, data: Data, rng: np.random.Generator) -> None:
    """Numbers below a fraction bar moved towards zero or through it, in all programs alike; the claims stay."""
    room = float(rng.choice([-1.0, -0.5, 1e-6, 1e-3]))
    for key in PROGRAMS:
        for program in data[key]:
            listed = program["nodes"]
            below = [node["args"][1] for node in listed if node["op"] == "div"]
            for at in below:
                node = listed[at]
                for part in [node, *(listed[a] for a in node["args"])]:
                    for name in ("bias", "value"):
                        if name in part:
                            raw = np.frombuffer(base64.b64decode(part[name]["data"]), dtype="<f8") * room
                            part[name] = {**part[name], "data": base64.b64encode(raw.tobytes()).decode()}


CONSISTENT = {
    f.__name__: f
    for f in (
        shrunk,
        shrunk_proof,
        narrower,
        fewer,
        roomless,
        other_keys,
        stale,
        conditions_moved,
        half_proved,
        skipped,
        poles,
    )
}
