"""Networks: architecture, scaling and parameters in one object; save, load, export."""

from supnorm.networks.activations import ACTIVATIONS, Activation
from supnorm.networks.architecture import Architecture
from supnorm.networks.modular import ModularNetwork
from supnorm.networks.modular_architecture import ModularArchitecture
from supnorm.networks.network import Network
from supnorm.networks.scaling import Scaling
from supnorm.problem.double_precision import double_precision

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "Architecture",
    "ModularArchitecture",
    "ModularNetwork",
    "Network",
    "Scaling",
    "double_precision",
]
