"""A statement that several proofs carry together, as a file that `supnorm check` accepts: `supnorm.statement/1`.

The file has the base programs and the data of the statement, each part as an ordinary certificate, and what follows from
them: claims, each a bracket of a named number. What the parts are and how the claims follow is the `Kind` of the
statement (`statement_kinds`). Parts are combined exactly (`exactly`), so only the result is rounded.
docs/certificate-format.md has the format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from supnorm.certification.certificate import digest
from supnorm.certification.exactly import Bracket, Proved, fraction
from supnorm.certification.file_leaves import MALFORMED
from supnorm.certification.part import PartProof
from supnorm.certification.statement_kinds import KINDS
from supnorm.problem import Domain
from supnorm.program import Program
from supnorm.results import BadInput, Contradiction, versions, write_whole
from supnorm.results.door import reading_table
from supnorm.results.numbers import exact
from supnorm.results.printable import one_line

SCHEMA = "supnorm.statement/1"


@dataclass(frozen=True, eq=False)
class Statement:
    """A proof of several parts.

    Attributes:
        kind: a name of `statement_kinds.KINDS`.
        domain: of the base programs.
        programs: the base programs, of x in units of the axes.
        data: what else the statement says, for JSON; floats as hexadecimal text (`float.hex`).
        parts: the proved parts, by name.
        integrals: claims that follow from the leaves of a part, and not from its bounds alone.
        assumptions: what the claims rest on besides those of the parts, in words.
        about: what people read: names of functions ("model", ...), "unit" of the outputs.

    >>> from supnorm.certification.statement_kinds import KINDS
    >>> sorted(KINDS)[:2]
    ['flow', 'integral']
    """

    kind: str
    domain: Domain
    programs: Mapping[str, Program]
    data: Mapping[str, Any]
    parts: Mapping[str, PartProof]
    assumptions: tuple[str, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
    integrals: Mapping[str, Bracket] = field(default_factory=dict)

    @property
    def believed(self) -> int:
        """Bounds of boxes that are as a file states them; as long as there are any, nothing is proved."""
        return sum(part.bracket.believed for part in self.parts.values())

    @property
    def claims(self) -> dict[str, Bracket]:
        """Brackets of the numbers that the statement is about, by name.

        Raises:
            Contradiction: when a proved lower end is above a proved upper one; then a rule of the proof is wrong.
        """
        proved = {n: Proved(Fraction(p.lower), fraction(p.upper)) for n, p in self.parts.items()}
        claims = KINDS[self.kind](self.data, proved) | dict(self.integrals)
        for name, (low, high) in claims.items():
            if not low <= high:
                raise Contradiction(
                    f"{name}: the proved lower bound {exact(low)} is above the upper bound {exact(high)}"
                )
        return claims

    def to_json(self) -> dict[str, Any]:
        """A mapping for the ``json`` module, in the documented format."""
        axes = self.domain.axes
        content: dict[str, Any] = {
            "schema": SCHEMA,
            "kind": self.kind,
            "names": list(self.domain.names),
            "log": [axis.log for axis in axes],
            "axis_low": [axis.low.hex() for axis in axes],
            "axis_high": [axis.high.hex() for axis in axes],
            "programs": {name: program.to_json() for name, program in self.programs.items()},
            "data": dict(self.data),
            "claims": {name: {"lower": a.hex(), "upper": b.hex()} for name, (a, b) in self.claims.items()},
            "parts": {name: part.certificate.to_json() for name, part in self.parts.items()},
            "assumptions": list(self.assumptions),
            "units": [axis.unit for axis in axes],
            "functions": {k: v for k, v in self.about.items() if k != "unit"},
            "unit": self.about.get("unit", ""),
            "versions": versions(),
        }
        content["digest"] = digest(content)
        return content

    def save(self, path: Path | str) -> None:
        """Write the file; it appears whole or not at all."""
        write_whole(path, json.dumps(self.to_json(), allow_nan=False))


def held_parts(path: Path | str, kind: str) -> dict[str, Any]:
    """The parts of a saved file as they stand, by name, to go on with; `prove` compares and proves each of them again.

    Raises:
        BadInput: when it is no whole file of this kind.
    """
    with reading_table(Path(path), missing="; give a saved proof to resume from"), suppress(*MALFORMED):
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        if data["schema"] == SCHEMA and data["digest"] == digest(data) and data["kind"] == kind:
            return {name: part for name, part in data["parts"].items() if isinstance(part, dict)}
    raise BadInput(f"{path}: not a whole {SCHEMA} file of {kind}; start without resume")


def stated_claims(path: Path | str) -> dict[str, Bracket]:
    """The brackets that a file states, by name, which proves nothing; none if it cannot be read."""
    with suppress(BadInput, *MALFORMED), reading_table(Path(path), missing=""):
        claims = json.loads(Path(path).read_text(encoding="utf-8"))["claims"]
        return {name: (float.fromhex(c["lower"]), float.fromhex(c["upper"])) for name, c in claims.items()}
    return {}


def tighter(one: Mapping[str, Bracket], other: Mapping[str, Bracket]) -> bool:
    """Whether one has brackets of the same numbers that all lie in those of the other, and are not all the same.

    >>> tighter({"sup": (1.0, 2.0), "rms": (0.5, 0.6)}, {"sup": (1.0, 2.5), "rms": (0.5, 0.6)})
    True
    >>> tighter({"sup": (1.0, 2.0)}, {"sup": (1.0, 2.0)}), tighter({"sup": (1.0, 2.0)}, {"rms": (0.0, 3.0)})
    (False, False)
    """
    if one.keys() != other.keys():
        return False
    if {*one} == {
        "error",
        "reference",
    }:  # of an equation: its bound follows from the size of the reference, too
        return one["error"][1] < other["error"][1]
    inside = [other[name][0] <= low and high <= other[name][1] for name, (low, high) in one.items()]
    return all(inside) and dict(one) != dict(other)


def held_parts_of(path: Path | str, kind: str, wanted: Iterable[str]) -> dict[str, Any]:
    """The same where other questions have other parts: none may be left out, because the new file replaces this one.

    Raises:
        BadInput: also when the file has a part that is not wanted; it names what the file is about.
    """
    held = held_parts(path, kind)
    if held.keys() <= set(wanted):
        return held
    names: list[str] = []
    with suppress(*MALFORMED), reading_table(Path(path)):
        entries = json.loads(Path(path).read_text(encoding="utf-8"))["data"][kind]
        names = [str(e["property"] if isinstance(e, dict) else e) for e in entries]
    raise BadInput(
        f"{path}: it is about other {kind}: {one_line(', '.join(dict.fromkeys(names)), 80)}; ask for these too to go on "
        "with it, or start without resume"
    )


def held_programs(path: Path | str) -> dict[str, Program]:
    """The base programs of a saved file that `held_parts` has accepted.

    Raises:
        BadInput: when they are malformed.
    """
    with reading_table(Path(path), missing="; give a saved proof to resume from"), suppress(*MALFORMED):
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        return {name: Program.from_json(program) for name, program in data["programs"].items()}
    raise BadInput(f"{path}: not a whole {SCHEMA} file; start without resume")
