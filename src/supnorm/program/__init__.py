"""Straight-line programs: about 28 operations on feature vectors, from ONNX, JAX or NumPy code."""

from supnorm.program.jaxpr import lower_jaxpr
from supnorm.program.numpy import lower_numpy
from supnorm.program.onnx import lower_onnx
from supnorm.program.operations import Unsupported
from supnorm.program.program import Node, Program
from supnorm.program.source import program_of
from supnorm.program.to_jax import to_jax
from supnorm.program.tracing import Builder, Tensor

__all__ = [
    "Builder",
    "Node",
    "Program",
    "Tensor",
    "Unsupported",
    "lower_jaxpr",
    "lower_numpy",
    "lower_onnx",
    "program_of",
    "to_jax",
]
