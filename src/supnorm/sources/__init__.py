"""Where models and references come from: one file per kind, from a problem file or wrapped in Python."""

from supnorm.problem.save import save_problem
from supnorm.sources.derivatives import with_derivatives
from supnorm.sources.jax import from_jax
from supnorm.sources.open import open_function, open_problem
from supnorm.sources.torch import from_torch

__all__ = ["from_jax", "from_torch", "open_function", "open_problem", "save_problem", "with_derivatives"]
