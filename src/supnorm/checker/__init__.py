"""The independent checker of certificates: the file format, python-flint, and nothing of ours."""

from supnorm.checker.check import CheckResult, check
from supnorm.checker.cost import Cost
from supnorm.checker.rejected import TooCostly

__all__ = ["CheckResult", "Cost", "TooCostly", "check"]
