"""Networks: architecture, scaling and parameters in one object; save, load, export."""

from supnorm.networks.activations import ACTIVATIONS, Activation
from supnorm.networks.architecture import Architecture
from supnorm.networks.export_onnx import to_onnx
from supnorm.networks.export_torch import to_torch
from supnorm.networks.network import Network
from supnorm.networks.part import Part
from supnorm.networks.scaling import Scaling
from supnorm.networks.storage import load, save
from supnorm.problem.double_precision import double_precision

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "Architecture",
    "Network",
    "Part",
    "Scaling",
    "double_precision",
    "load",
    "save",
    "to_onnx",
    "to_torch",
]
