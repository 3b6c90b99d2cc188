"""The kinds of statements of several parts that the checker knows, by their names in the format."""

from __future__ import annotations

from supnorm.checker.extremes import PROPERTIES
from supnorm.checker.flows import FLOW
from supnorm.checker.integrals import INTEGRAL
from supnorm.checker.norms import NORM
from supnorm.checker.roots import ROOT
from supnorm.checker.solution import SOLUTION
from supnorm.checker.statement_parts import Kind

KINDS: dict[str, Kind] = {
    "flow": FLOW,
    "integral": INTEGRAL,
    "norms": NORM,
    "properties": PROPERTIES,
    "root": ROOT,
    "solution": SOLUTION,
}
