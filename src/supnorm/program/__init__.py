"""Straight-line programs: about 28 operations on feature vectors, from ONNX, torch, JAX or NumPy code."""

from supnorm.program import entry
from supnorm.program.aten import AtenNode, Ref, lower_aten
from supnorm.program.entry import Narrowed
from supnorm.program.jaxpr import lower_jaxpr
from supnorm.program.node import Node
from supnorm.program.numpy import lower_numpy
from supnorm.program.onnx import lower_onnx
from supnorm.program.operations import Unreadable, Unsupported
from supnorm.program.program import Program
from supnorm.program.source import program_of
from supnorm.program.to_jax import to_jax
from supnorm.program.torch import lower_exported, lower_torch
from supnorm.program.tracing import Builder, Tensor

__all__ = [
    "AtenNode",
    "Builder",
    "Narrowed",
    "Node",
    "Program",
    "Ref",
    "Tensor",
    "Unreadable",
    "Unsupported",
    "entry",
    "lower_aten",
    "lower_exported",
    "lower_jaxpr",
    "lower_numpy",
    "lower_onnx",
    "lower_torch",
    "program_of",
    "to_jax",
]
