"""The kinds of statements of several parts: how the claims of each follow from its parts.

From the data of a statement and, by the names of its parts, brackets of their worst errors: the claims, as brackets that
are rounded outwards. The checker has a table of its own, which also says what the parts are (`checker/statement_kinds.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from supnorm.certification import extremes, root_claims
from supnorm.certification.exactly import Bracket, Proved
from supnorm.certification.solution import claims as solution

Combine = Callable[[Mapping[str, Any], Mapping[str, Proved]], dict[str, Bracket]]
KINDS: dict[str, Combine] = {
    "properties": extremes.claims,
    "root": root_claims.claims,
    "solution": solution.claims,
}
