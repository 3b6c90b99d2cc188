"""Theory about classes of functions: lower bounds, constructions and rates."""

from supnorm.planning.theory.catalogue import theory
from supnorm.planning.theory.network_class import NetworkClass
from supnorm.planning.theory.statement import Adversary, ClassBound

__all__ = ["Adversary", "ClassBound", "NetworkClass", "theory"]
