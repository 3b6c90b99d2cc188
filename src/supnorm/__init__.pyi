from .auditing import AuditReport, Pictures, Power, ScreenAndAscent, audit, load_report
from .evaluation import EvaluationStore
from .pages import write_page
from .problem import Axis, Domain, ErrorMeasure, Function, Law, Problem
from .results import BadInput, Bound, Estimate, ExitCode, Status, Witness
from .sources import from_jax, from_torch, open_problem, save_problem

__all__ = [
    "AuditReport",
    "Axis",
    "BadInput",
    "Bound",
    "Domain",
    "ErrorMeasure",
    "Estimate",
    "EvaluationStore",
    "ExitCode",
    "Function",
    "Law",
    "Pictures",
    "Power",
    "Problem",
    "ScreenAndAscent",
    "Status",
    "Witness",
    "audit",
    "from_jax",
    "from_torch",
    "load_report",
    "open_problem",
    "save_problem",
    "write_page",
]
