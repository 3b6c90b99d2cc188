"""The problem: domain, law, error measure, functions, and the problem file."""

from supnorm.problem import equations
from supnorm.problem.axis import Axis
from supnorm.problem.declared import Declared
from supnorm.problem.domain import Cloud, Domain
from supnorm.problem.fingerprint import fingerprint
from supnorm.problem.function import Function, as_columns, as_function, exited, with_bound
from supnorm.problem.law import Law, draw_inside
from supnorm.problem.measure import ErrorMeasure
from supnorm.problem.partial_failure import PartialFailure
from supnorm.problem.problem import Problem
from supnorm.problem.stream import stream

__all__ = [
    "Axis",
    "Cloud",
    "Declared",
    "Domain",
    "ErrorMeasure",
    "Function",
    "Law",
    "PartialFailure",
    "Problem",
    "as_columns",
    "as_function",
    "draw_inside",
    "equations",
    "exited",
    "fingerprint",
    "stream",
    "with_bound",
]
