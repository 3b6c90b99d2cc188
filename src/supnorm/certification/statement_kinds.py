"""The kinds of statements of several parts: how the claims of each follow from its parts.

From the data of a statement and, by the names of its parts, brackets of their worst errors: the claims, as brackets that
are rounded outwards. The checker has a table of its own, which also says what the parts are (`checker/statement_kinds.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from supnorm.certification import extremes, root_claims
from supnorm.certification.exactly import Bracket, Proved, down, up
from supnorm.certification.solution import claims as solution
from supnorm.certification.solved import flow_claims, integral_claims


def largest(data: Mapping[str, Any], proved: Mapping[str, Proved]) -> dict[str, Bracket]:
    """Of the kind "norms": the worst errors of all parts but that whose leaves are integrated."""
    return {name: (down(one.lower), up(one.upper)) for name, one in proved.items() if name != MEANS}


MEANS = "mean square"  # the part of the kind "norms" whose leaves are integrated
Combine = Callable[[Mapping[str, Any], Mapping[str, Proved]], dict[str, Bracket]]
KINDS: dict[str, Combine] = {
    "flow": flow_claims.claims,
    "integral": integral_claims.claims,
    "norms": largest,
    "properties": extremes.claims,
    "root": root_claims.claims,
    "solution": solution.claims,
}
