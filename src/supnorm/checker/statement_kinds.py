"""The kinds of statements of several parts that the checker knows, by their names in the format."""

from __future__ import annotations

from supnorm.checker.extremes import PROPERTIES
from supnorm.checker.norms import NORM
from supnorm.checker.roots import ROOT
from supnorm.checker.solution import SOLUTION
from supnorm.checker.statement_parts import Kind

KINDS: dict[str, Kind] = {"norms": NORM, "properties": PROPERTIES, "root": ROOT, "solution": SOLUTION}
