"""What is answered: witnesses (lower bounds), estimates, bounds, and the status of a result."""

from supnorm.results.answers import EDGE, Bound, Estimate, Witness
from supnorm.results.encoding import from_json, to_json
from supnorm.results.install import install
from supnorm.results.outward import rounded_down, rounded_up
from supnorm.results.status import (
    BadInput,
    Contradiction,
    ExitCode,
    Interrupted,
    NotWritten,
    Status,
)
from supnorm.results.versions import versions
from supnorm.results.writing import append_line, write_whole

__all__ = [
    "EDGE",
    "BadInput",
    "Bound",
    "Contradiction",
    "Estimate",
    "ExitCode",
    "Interrupted",
    "NotWritten",
    "Status",
    "Witness",
    "append_line",
    "from_json",
    "install",
    "rounded_down",
    "rounded_up",
    "to_json",
    "versions",
    "write_whole",
]
