"""Opens models and references of all kinds, one file for each kind, from a problem file or from Python."""

from supnorm.problem.save import save_problem
from supnorm.sources.derivatives import with_derivatives
from supnorm.sources.flow import flow
from supnorm.sources.integral import integral
from supnorm.sources.jax import from_jax
from supnorm.sources.mpmath_values import mpmath_function
from supnorm.sources.open import open_problem, open_specification
from supnorm.sources.open_function import open_function
from supnorm.sources.root import root
from supnorm.sources.torch import from_torch

__all__ = [
    "flow",
    "from_jax",
    "from_torch",
    "integral",
    "mpmath_function",
    "open_function",
    "open_problem",
    "open_specification",
    "root",
    "save_problem",
    "with_derivatives",
]
