"""The certificate as a file: all an independent checker needs; format: docs/certificate-format.md."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.black_box import key, unpack
from supnorm.certification.boxes import Boxes
from supnorm.certification.bracket import Bracket
from supnorm.certification.error_program import ErrorProgram, error_program
from supnorm.certification.graded_rule import rule
from supnorm.certification.leaf import Bounded, Leaves
from supnorm.certification.rounding import Array
from supnorm.problem import Domain, Problem
from supnorm.results import BadInput, write_whole

SCHEMA = "supnorm.certificate/1"


@dataclass(frozen=True)
class Certificate:
    """A proof that the error is nowhere larger than ``upper`` on the box of ``error``.

    Attributes:
        error: the error's programs and the box.
        domain: the axes.
        leaves: boxes whose cells tile the box, with their bounds and proofs.
        lower, witness: proved error at a point, and the point in units of the axes.
        assumptions: what the bound rests on.
        versions: of the software.
    """

    error: ErrorProgram
    domain: Domain
    leaves: Leaves
    lower: float
    witness: tuple[float, ...] | None
    assumptions: tuple[str, ...]
    versions: dict[str, str]

    @classmethod
    def of(
        cls, bracket: Bracket, domain: Domain, assumptions: tuple[str, ...], versions: dict[str, str]
    ) -> Certificate:
        """The certificate of a bracket, finished or not."""
        witness = None if bracket.witness is None else tuple(map(float, bracket.witness))
        return cls(bracket.error, domain, bracket.leaves, bracket.lower, witness, assumptions, versions)

    @property
    def boxes(self) -> Boxes:
        """The cells with their bounds."""
        return self.leaves.boxes

    @property
    def upper(self) -> float:
        """The bound."""
        return float(self.boxes.upper.max())

    def local_bounds(self) -> tuple[Array, Array, Array]:
        """The map of local bounds: low and high ends of the cells in units of the axes, and their bounds.

        Shapes ``(B, d)``, ``(B, d)``, ``(B,)``.
        """
        centre, half = self.boxes.centre_and_half(self.error.low, self.error.high)
        ends = np.array([[a.low, a.high] for a in self.domain.axes])
        low, high = (
            np.clip(self.error.to_x(t), ends[:, 0], ends[:, 1]) for t in (centre - half, centre + half)
        )
        return low, high, self.boxes.upper

    def to_json(self) -> dict[str, Any]:
        """A mapping for the ``json`` module, in the documented format."""
        error = self.error
        content: dict[str, Any] = {
            "schema": SCHEMA,
            "names": list(self.domain.names),
            "axis_low": [a.low.hex() for a in self.domain.axes],
            "axis_high": [a.high.hex() for a in self.domain.axes],
            "low": [v.hex() for v in error.low.tolist()],
            "high": [v.hex() for v in error.high.tolist()],
            "log": [bool(v) for v in error.log],
            "side": error.side,
            "programs": [p.to_json() for p in error.alternatives],
            "hashes": [p.hash for p in error.alternatives],
            "point_programs": [p.to_json() for p in error.at_points],
            "lower": self.lower.hex(),
            "witness": None if self.witness is None else [v.hex() for v in self.witness],
            "upper": self.upper.hex(),
            "leaves": self._columns(),
            **self._rules(),
            "rounding": float(self.leaves.proof.rounding.max()).hex(),
            "assumptions": list(self.assumptions),
            "notes": list(error.notes),
            "versions": self.versions,
        }
        if error.declared:
            content["declared"] = self._declared()
        content["digest"] = digest(content)
        return content

    def _declared(self) -> list[dict[str, Any]]:
        """What is declared, with the recorded values that the leaves rest on."""
        leaves, error = self.leaves, self.error
        index = leaves.boxes.index >> (leaves.boxes.level - leaves.level)
        cells = Boxes(leaves.level, index, leaves.boxes.upper)
        centre, half = cells.centre_and_half(error.low, error.high)
        named = [
            (cell_name(level, i, n), n, c, h)
            for level, i, n, c, h in zip(
                leaves.level.tolist(),
                index.tolist(),
                leaves.proof.degree[:, 0].tolist(),
                centre,
                half,
                strict=True,
            )
            if n > 0
        ]
        witness = None if self.witness is None else np.asarray(self.witness)
        return [part.to_json(named, witness) for part in error.declared]

    def _columns(self) -> dict[str, Any]:
        boxes, proof = self.boxes, self.leaves.proof
        columns = {
            "level": boxes.level.tolist(),
            "index": boxes.index.tolist(),
            "upper": [v.hex() for v in boxes.upper.tolist()],
            "degree": proof.degree.tolist(),
            "rho": proof.rho.tolist(),
            "grid": proof.grid.tolist(),
        }
        if not np.array_equal(self.leaves.level, boxes.level):
            columns["proof_level"] = self.leaves.level.tolist()
        if (proof.graded >= 0).any():
            columns["graded"] = proof.graded.tolist()
        return columns

    def _rules(self) -> dict[str, Any]:
        """The node rules that graded leaves use, by their representatives."""
        proof = self.leaves.proof
        used = proof.graded >= 0
        degrees = {*proof.degree[used].tolist(), *proof.graded[used].tolist()} - {0, 1}
        if not used.any():
            return {}
        rules = [(D, rule(self.error.d, D).representatives.tolist()) for D in sorted(degrees)]
        return {
            "graded_rules": [
                {"degree": D, "representatives": [[v.hex() for v in p] for p in points]}
                for D, points in rules
            ]
        }

    def save(self, path: Path | str) -> None:
        """Write the file; it appears whole or not at all."""
        write_whole(path, json.dumps(self.to_json(), allow_nan=False))


def cell_name(level: list[int], index: list[int], degree: int) -> str:
    """Names the nodes of a proof in the file: "level/index/degree".

    >>> cell_name([1, 0], [1, 0], 8)
    '1,0/1,0/8'
    """
    return f"{','.join(map(str, level))}/{','.join(map(str, index))}/{degree}"


def _restore(data: dict[str, Any], error: ErrorProgram) -> bool:
    """Take back the recorded values of declared functions; False when the file declares something else."""
    entries = data.get("declared", [])
    if len(entries) != len(error.declared):
        return False
    for entry, part in zip(entries, error.declared, strict=True):
        if not part.says(entry):
            return False
        for name, values in entry["values"].items():
            level, index, n = name.split("/")
            cell = Boxes(
                np.array([list(map(int, level.split(",")))]), np.array([list(map(int, index.split(",")))]),
                np.zeros(1),
            )  # fmt: skip
            centre, half = cell.centre_and_half(error.low, error.high)
            part.values[key(int(n), centre[0], half[0])] = unpack(values)
    return True


def digest(content: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON text without the digest itself."""
    rest = {k: v for k, v in content.items() if k != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def points_of_problem(
    problem: Problem, count: int = 16, seed: int = 0
) -> tuple[tuple[str, ...], list[tuple[tuple[float, ...], float, float]]]:
    """What ties a certificate file to a problem: the hashes of its error programs, and errors at points.

    The errors come from the problem's own model and reference, as they run; the allowance is their rounding
    (1e-6 of the values for a float32 model, else 1e-10). The triples are what `supnorm.checker.check` takes.
    """
    from supnorm.problem import Law

    error = error_program(problem)
    law = problem.law or Law.uniform(problem.domain)
    x = law.draw(count, np.random.default_rng(seed))
    model, reference = problem.model.value(x), problem.reference.value(x)
    size, output = problem.error(model, reference, x)
    part = 1e-6 if "32" in problem.model.precision or "32" in problem.reference.precision else 1e-10
    rows = np.arange(count)
    gap = np.abs(model - reference)[rows, output]
    scale = np.divide(size, gap, out=np.ones_like(gap), where=gap > 0)
    allowance = part * scale * (np.abs(model) + np.abs(reference))[rows, output]
    points = [
        (tuple(map(float, p)), float(e), float(a))
        for p, e, a in zip(x, size, allowance, strict=True)
        if np.isfinite(e)
    ]
    return tuple(p.hash for p in error.alternatives), points


def _graded(leaves: dict[str, Any]) -> NDArray[np.int64]:
    """The column of graded models; files of earlier versions have none."""
    return np.asarray(leaves.get("graded", np.full(np.shape(leaves["degree"]), -1)), dtype=np.int64)


def load_bracket(path: Path | str, error: ErrorProgram, target: float) -> Bracket:
    """A saved certificate as a bracket to be narrowed: leaves above the target are pending again.

    Raises:
        BadInput: when the file is no certificate, was changed, or speaks of another error or box.
    """
    try:
        data = json.loads(Path(path).read_text())
        good = data["schema"] == SCHEMA and data["digest"] == digest(data)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; give a saved certificate to resume from") from None
    except (OSError, ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise BadInput(f"{path}: not a whole {SCHEMA} file; start without resume")
    ends = [[float.fromhex(v) for v in data[k]] for k in ("low", "high")]
    same_box = np.array_equal(ends, [error.low, error.high]) and data["side"] == error.side
    same = same_box and data["hashes"] == [p.hash for p in error.alternatives] and _restore(data, error)
    if not same:
        raise BadInput(f"{path}: certificate of another model, reference or domain; start without resume")
    leaves = _leaves(data["leaves"], error.d, float.fromhex(data.get("rounding", "inf")))
    kept = leaves.boxes.upper <= target
    witness = data["witness"]
    return Bracket(
        error, leaves.take(~kept), (leaves.take(kept),), float.fromhex(data["lower"]),
        None if witness is None else np.array([float.fromhex(v) for v in witness]),
    )  # fmt: skip


def _leaves(columns: dict[str, Any], d: int, rounding: float) -> Leaves:
    level, index = (np.asarray(columns[k], dtype=np.int64) for k in ("level", "index"))
    boxes = Boxes(level, index, np.array([float.fromhex(v) for v in columns["upper"]]))
    blank, rounded = np.zeros(len(boxes)), np.full(len(boxes), rounding)
    proof = Bounded(
        boxes.upper, np.asarray(columns["degree"]), np.asarray(columns["rho"], dtype=float),
        np.asarray(columns["grid"]), _graded(columns), blank.astype(np.intp), blank.astype(np.intp) - 1,
        rounded, blank.astype(bool), np.zeros((0, d)),
    )  # fmt: skip
    return Leaves(boxes, proof, np.asarray(columns.get("proof_level", columns["level"]), dtype=np.int64))
