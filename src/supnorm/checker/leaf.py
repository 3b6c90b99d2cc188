"""One leaf of a certificate, read from the columns of the file; every number is checked before it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from supnorm.checker.rejected import Rejected, exact, number, sizes, wholes

# Precision of balls, in bits, that a leaf may ask for; 0 stands for that of the checker.
LEAST_BITS, MOST_BITS = 80, 512
DEEPEST = 1000  # largest level of a leaf; those of certify are below 60
COLUMNS = {"level", "index", "upper", "degree", "rho", "grid", "proof_level", "graded", "bits"}


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


def read_leaves(columns: dict[str, Any], d: int, alternatives: int, first: int = 0) -> tuple[Leaf, ...]:
    """The leaves in columns; ``first`` is the position of the first one in the file.

    Raises:
        Rejected: for numbers beyond the limits of the format. Malformed columns raise any error of `MALFORMED`.
    """
    names = ("level", "index", "upper", "degree", "rho", "grid")
    proved = columns.get("proof_level", columns["level"])
    if unknown := sorted(set(columns) - COLUMNS):
        raise Rejected(f"malformed certificate: columns that the format does not have: {ascii(unknown)[:80]}")
    graded = columns.get("graded", [[-1] * alternatives] * len(columns["level"]))
    bits = columns.get("bits", [[0] * alternatives] * len(columns["level"]))
    leaves: list[Leaf] = []
    rows = zip(*(columns[k] for k in names), proved, graded, bits, strict=True)
    for position, (level, index, upper, degree, rho, grid, proof_level, tight, precision) in enumerate(
        rows, first
    ):
        leaf = Leaf(
            level=wholes(level),
            index=wholes(index),
            upper=exact(upper),
            degree=sizes(degree),
            rho=tuple(map(number, rho)),
            grid=sizes(grid),
            proof_level=wholes(proof_level),
            graded=sizes(tight),
            bits=wholes(precision),
        )
        per_alternative = {len(degree), len(rho), len(grid), len(tight), len(precision)}
        if {len(level), len(index), len(proof_level)} != {d} or per_alternative != {alternatives}:
            raise Rejected("malformed leaf", position)
        if not all(v == 0 or LEAST_BITS <= v <= MOST_BITS for v in leaf.bits):
            raise Rejected(f"a leaf asks for less than {LEAST_BITS} or more than {MOST_BITS} bits", position)
        if max(leaf.level) > DEEPEST:
            raise Rejected(f"a leaf is deeper than level {DEEPEST}", position)
        if not all(0 <= p <= v for p, v in zip(leaf.proof_level, leaf.level, strict=True)):
            raise Rejected("a leaf uses the proof of a cell that does not contain it", position)
        leaves.append(leaf)
    return tuple(leaves)


def demand_bounded(leaves: tuple[Leaf, ...], upper: float) -> None:
    """Check that the claimed bound of the whole box is at least that of each leaf.

    Raises:
        Rejected: when it is not, or one is no number.
    """
    if not all(leaf.upper <= upper for leaf in leaves):
        raise Rejected("the claimed upper bound is below that of a leaf")
