"""The certificate as a file with all that an independent checker needs. docs/certificate-format.md has the format."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.certification.boxes import Boxes
from supnorm.certification.bracket import Bracket
from supnorm.certification.cut_parts import BY_PARTS
from supnorm.certification.deployed import Deployed
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.graded_rule import rule
from supnorm.certification.leaf import Leaves
from supnorm.certification.lines import MANY, text_in_lines
from supnorm.certification.lines import SCHEMA as IN_LINES
from supnorm.certification.rounding import Array
from supnorm.certification.shelf import Stored
from supnorm.problem import Domain
from supnorm.results import Contradiction, rounded_down, rounded_up, write_whole
from supnorm.results.numbers import exact, literal

SCHEMA = "supnorm.certificate/1"


@dataclass(frozen=True)
class Certificate:
    """A proof that the error is nowhere larger than ``upper`` on the box of ``error``.

    Attributes:
        error: the programs of the error, and the box.
        domain: the axes.
        leaves: boxes whose cells tile the box, with their bounds and proofs.
        lower, witness: proved error at a point, and the point in units of the axes.
        assumptions: what the bound depends on.
        versions: versions of the software.
        about: what people read beside the proof: names of "model" and "reference", "error" in words, its "error_unit".
        seed: seed of the run that began the certificate.
        deployed: what float32 adds to the error of a float32 model, where that is known.
    """

    error: ErrorProgram
    domain: Domain
    leaves: Leaves | Stored
    lower: float
    witness: tuple[float, ...] | None
    assumptions: tuple[str, ...]
    versions: dict[str, str]
    about: dict[str, str] = field(default_factory=dict)
    seed: int | None = None
    deployed: Deployed | None = None

    def __post_init__(self) -> None:
        self._demand_consistent()

    def _demand_consistent(self) -> None:
        """Check that the error at the witness is at most the bound of its box: else the map of bounds is wrong there.

        Raises:
            BadInput, Contradiction: when it is not, see `Bracket.demand_consistent`.
        """
        if self.witness is None:
            return
        x = np.array(self.witness)
        with np.errstate(all="ignore"):
            t = np.where(self.error.log, np.log(np.where(self.error.log, x, 1.0)), x)
        bound = math.nan  # until a box is met that has the point
        for part in self.leaves.parts():
            centre, half = part.boxes.centre_and_half(self.error.low, self.error.high)
            reach = half + 1e-12 * (np.abs(t) + np.abs(self.error.high - self.error.low))
            holding = part.boxes.upper[(np.abs(t - centre) <= reach).all(axis=1)]
            bound = float(np.fmax(bound, holding.max(initial=-math.inf))) if len(holding) else bound
        if not self.lower <= bound:
            if self.error.declared:
                raise self.error.refuted(x, self.lower, bound)
            raise Contradiction(
                f"the proved error {exact(self.lower)} at {list(self.witness)} is above the proved bound "
                f"{exact(bound)} there"
            )

    @classmethod
    def of(
        cls,
        bracket: Bracket,
        domain: Domain,
        assumptions: tuple[str, ...],
        versions: dict[str, str],
        about: dict[str, str] | None = None,
    ) -> Certificate:
        """The certificate of a bracket, finished or not."""
        witness = None if bracket.witness is None else tuple(map(float, bracket.witness))
        return cls(
            error=bracket.error,
            domain=domain,
            leaves=bracket.leaves,
            lower=bracket.lower,
            witness=witness,
            assumptions=assumptions,
            versions=versions,
            about=about or {},
            seed=bracket.seed,
        )

    def __repr__(self) -> str:
        """One line; the proof has thousands."""
        lower, upper = rounded_down(self.lower, 6), rounded_up(self.upper, 6)
        return f"Certificate(lower={literal(lower, 6)}, upper={literal(upper, 6)}, boxes={len(self.leaves)})"

    @property
    def boxes(self) -> Boxes:
        """The cells with their bounds, in memory."""
        return self.leaves.boxes

    @property
    def upper(self) -> float:
        """The bound."""
        return max(part.largest for part in self.leaves.parts())

    @property
    def rounding(self) -> float:
        """How much float64 evaluation can add to a bound of a leaf at most."""
        return max(float(part.proof.rounding.max()) for part in self.leaves.parts() if len(part))

    @property
    def deployed_upper(self) -> float:
        """The bound with the rounding of a model that runs in float32, and that of float64 around it."""
        single = math.inf if self.deployed is None else self.deployed.rounding
        return math.nextafter(math.nextafter(self.upper + self.rounding, math.inf) + single, math.inf)

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
        content = self._content(SCHEMA, self._columns())
        content["digest"] = digest(content)
        return content

    def _content(self, schema: str, leaves: object) -> dict[str, Any]:
        """All but the digest, with these leaves."""
        error = self.error
        content: dict[str, Any] = {
            "schema": schema,
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
            "leaves": leaves,
            **self._rules(),
            **self._cuts(),
            "rounding": self.rounding.hex(),
            "assumptions": list(self.assumptions),
            "notes": list(error.notes),
            "versions": self.versions,
            "units": [a.unit for a in self.domain.axes],
            "functions": {k: v for k, v in self.about.items() if k in ("model", "reference")},
            **{k: self.about.get(k, "") for k in ("error", "error_unit") if k == "error" or k in self.about},
        }
        if self.seed is not None:
            content["seed"] = self.seed
        if error.declared:
            content["declared"] = self._declared()
        if self.deployed is not None:
            content["deployed"] = self.deployed.to_json(self.deployed_upper)
        return content

    def _declared(self) -> list[dict[str, Any]]:
        """The declarations, with the recorded values that the leaves depend on."""
        leaves, error = self.leaves.whole, self.error
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
        leaves = self.leaves.whole
        boxes, proof = leaves.boxes, leaves.proof
        columns = {
            "level": boxes.level.tolist(),
            "index": boxes.index.tolist(),
            "upper": [v.hex() for v in boxes.upper.tolist()],
            "degree": proof.degree.tolist(),
            "rho": proof.rho.tolist(),
            "grid": proof.grid.tolist(),
        }
        if not np.array_equal(leaves.level, boxes.level):
            columns["proof_level"] = leaves.level.tolist()
        if (proof.graded >= 0).any():
            columns["graded"] = proof.graded.tolist()
        if proof.bits.any():
            columns["bits"] = proof.bits.tolist()
        return columns

    def _cuts(self) -> dict[str, Any]:
        """The knots that cut boxes, if a leaf is bounded by its parts."""
        if not any((part.proof.rho == BY_PARTS).any() for part in self.leaves.parts()):
            return {}
        return {"cuts": [[v.hex() for v in knots.tolist()] for knots in self.error.cuts]}

    def _rules(self) -> dict[str, Any]:
        """The node rules that graded leaves use, each written as one point for each orbit."""
        degrees: set[int] = set()
        for proof in (part.proof for part in self.leaves.parts()):
            used = proof.graded >= 0
            degrees |= {*proof.degree[used].tolist(), *proof.graded[used].tolist()}
        if not degrees:
            return {}
        rules = [(D, rule(self.error.d, D).representatives.tolist()) for D in sorted(degrees - {0, 1})]
        return {
            "graded_rules": [
                {"degree": D, "representatives": [[v.hex() for v in p] for p in points]}
                for D, points in rules
            ]
        }

    def save(self, path: Path | str) -> None:
        """Write the file; it appears whole or not at all. Many leaves are in lines, if nothing is declared."""
        if len(self.leaves) < MANY or self.error.declared:
            write_whole(path, json.dumps(self.to_json(), allow_nan=False))
        else:
            head = self._content(IN_LINES, len(self.leaves))
            write_whole(path, text_in_lines(head, self.leaves, Path(path).parent))


def cell_name(level: list[int], index: list[int], degree: int) -> str:
    """The name of the nodes of a proof in the file: "level/index/degree".

    >>> cell_name([1, 0], [1, 0], 8)
    '1,0/1,0/8'
    """
    return f"{','.join(map(str, level))}/{','.join(map(str, index))}/{degree}"


def digest(content: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON text, without the key for the digest."""
    rest = {k: v for k, v in content.items() if k != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
