"""The independent checker of certificates: the file format, python-flint, and nothing of ours."""

from supnorm.checker.check import CheckResult, check

__all__ = ["CheckResult", "check"]
