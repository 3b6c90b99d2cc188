from .approximants import (
    ChebyshevTensor,
    GaussianProcess,
    PiecewiseChebyshev,
    PiecewiseLeastSquares,
    PolynomialLeastSquares,
    RandomFeatures,
    SimplexInterpolation,
    SparseLegendre,
    TensorTrain,
)
from .auditing import (
    AuditReport,
    Enumeration,
    Pictures,
    Power,
    ScreenAndAscent,
    SurrogateSearch,
    audit,
    load_report,
)
from .certification import CertifyResult, certify, into_report, residual
from .evaluation import EvaluationStore
from .pages import write_page
from .planning import BudgetResult, LearningCurve, NetworkClass, PlanningCalls, SmoothClass, budget
from .problem import Axis, Domain, ErrorMeasure, Function, Law, Problem, with_bound
from .results import BadInput, Bound, Estimate, ExitCode, Status, Witness
from .results.versions import __version__
from .sources import from_jax, from_torch, open_problem, save_problem, with_derivatives
from .training import FitResult, NetworkFit, fit

__all__ = [
    "AuditReport",
    "Axis",
    "BadInput",
    "Bound",
    "BudgetResult",
    "CertifyResult",
    "ChebyshevTensor",
    "Domain",
    "Enumeration",
    "ErrorMeasure",
    "Estimate",
    "EvaluationStore",
    "ExitCode",
    "FitResult",
    "Function",
    "GaussianProcess",
    "Law",
    "LearningCurve",
    "NetworkClass",
    "NetworkFit",
    "Pictures",
    "PiecewiseChebyshev",
    "PiecewiseLeastSquares",
    "PlanningCalls",
    "PolynomialLeastSquares",
    "Power",
    "Problem",
    "RandomFeatures",
    "ScreenAndAscent",
    "SimplexInterpolation",
    "SmoothClass",
    "SparseLegendre",
    "Status",
    "SurrogateSearch",
    "TensorTrain",
    "Witness",
    "__version__",
    "audit",
    "budget",
    "certify",
    "fit",
    "from_jax",
    "from_torch",
    "into_report",
    "load_report",
    "open_problem",
    "residual",
    "save_problem",
    "with_bound",
    "with_derivatives",
    "write_page",
]
