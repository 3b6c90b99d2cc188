"""The independent checker of certificates: it uses the file format and python-flint, and none of the certifier's code."""

from supnorm.checker.check import CheckResult, check
from supnorm.checker.cost import Cost
from supnorm.checker.rejected import TooCostly, WorkerFault

__all__ = ["CheckResult", "Cost", "TooCostly", "WorkerFault", "check"]
