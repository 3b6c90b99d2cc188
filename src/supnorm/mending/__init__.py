"""Mends a model where it is wrong."""

from supnorm.mending.events import Mending
from supnorm.mending.exchange import Exchange
from supnorm.mending.patch import Patch
from supnorm.mending.repair import repair
from supnorm.mending.residual import Residual
from supnorm.mending.result import RepairResult

__all__ = ["Exchange", "Mending", "Patch", "RepairResult", "Residual", "repair"]
