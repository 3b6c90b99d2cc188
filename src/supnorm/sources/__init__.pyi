from .derivatives import with_derivatives
from .jax import from_jax
from .mpmath_values import mpmath_function
from .open import open_problem, open_specification
from .torch import from_torch

__all__ = [
    "from_jax",
    "from_torch",
    "mpmath_function",
    "open_problem",
    "open_specification",
    "with_derivatives",
]
