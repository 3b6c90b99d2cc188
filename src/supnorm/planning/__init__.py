"""Planning: what the theory forbids, what a construction needs, what a measured ladder forecasts."""

from supnorm.planning.budget import budget
from supnorm.planning.ladder import Ladder, LadderEstimate, LadderRun, Run, Trained, climb
from supnorm.planning.profile import Profile, intrinsic_dimension
from supnorm.planning.result import BudgetResult
from supnorm.planning.theory import NetworkClass, theory

__all__ = [
    "BudgetResult",
    "Ladder",
    "LadderEstimate",
    "LadderRun",
    "NetworkClass",
    "Profile",
    "Run",
    "Trained",
    "budget",
    "climb",
    "intrinsic_dimension",
    "theory",
]
