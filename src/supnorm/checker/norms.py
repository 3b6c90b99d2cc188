"""The kind "norms": largest and mean errors of a model against a reference, and the largest errors of its derivatives.

Written from docs/certificate-format.md, "Norms".
"""

from __future__ import annotations

from collections.abc import Mapping

from flint import arb

from supnorm.checker.cost import Meter
from supnorm.checker.derived import Derivation, Operations
from supnorm.checker.document import Document
from supnorm.checker.mean_square import mean_squares
from supnorm.checker.rejected import Rejected
from supnorm.checker.statement_parts import Ends, Expected, Given, Kind

NORMS = ("error", "slope", "rms")
MEANS = "mean square"  # the part whose leaves are integrated


def _norms(given: Given) -> list[str]:
    if set(given.data) != {"norms"} or set(given.programs) != {"model", "reference"}:
        raise Rejected("malformed statement: keys of norms")
    norms = list(given.data["norms"])
    if not norms or norms != [n for n in NORMS if n in norms]:
        raise Rejected("malformed statement: norms must be some of error, slope, rms, in this order")
    return norms


def parts(given: Given, derive: Derivation) -> dict[str, Expected]:
    """The error, its derivative by each input, and once more the error, on cells for its mean."""
    norms = _norms(given)
    error = derive.less(given.programs["model"], given.programs["reference"])
    needed = {}
    if "error" in norms:
        needed["error"] = Expected(error, "both", given.axes)
    if "slope" in norms:
        for j in range(len(given.axes.names)):
            needed[f"slope {j}"] = Expected(derive.partial(error, j), "both", given.axes)
    if "rms" in norms:
        needed[MEANS] = Expected(error, "both", given.axes)
    return needed


def derived_from(given: Given, name: str) -> tuple[Operations, ...]:
    """Model and reference, for a part that is about a derivative of their difference."""
    return tuple(given.programs[n] for n in ("model", "reference")) if name.startswith("slope") else ()


def claims(given: Given, proved: Mapping[str, Ends]) -> dict[str, Ends]:
    """The largest errors; the means follow from the leaves."""
    return {name: ends for name, ends in proved.items() if name != MEANS}


def later(given: Given) -> dict[str, str]:
    """The claims that follow from the leaves of a part, with this part."""
    if "rms" not in _norms(given):
        return {}
    return {f"rms {k}": MEANS for k in range(given.programs["model"][-1].width)}


def integrals(given: Given, documents: Mapping[str, Document], meter: Meter) -> dict[str, Ends]:
    """The root mean square of each output."""
    if not later(given):
        return {}
    means = mean_squares(documents[MEANS], meter)
    return {
        f"rms {k}": (low.sqrt() if low > 0 else arb(0), None if high is None else high.sqrt())
        for k, (low, high) in enumerate(means)
    }


def words(given: Given, claims: Mapping[str, tuple[float, float]]) -> tuple[str, ...]:
    """A line for each claim."""
    lines = []
    for name, (low, high) in claims.items():
        kind, _, number = name.partition(" ")
        what = {
            "error": "largest error",
            "slope": f"largest error of the derivative by {given.axes.shown[int(number or 0)]}"
            if kind == "slope"
            else "",
            "rms": f"root mean square error of output {number}, over the box (of logarithms on log axes)",
        }[kind]
        lines.append(f"{what}: in [{low!r}, {high!r}]")
    return tuple(lines)


NORM = Kind(parts, claims, words, later=later, integrals=integrals, derived_from=derived_from)
