"""Planning: what the theory forbids, what a construction needs, what a measured learning curve forecasts."""

from supnorm.planning.budget import budget
from supnorm.planning.learning_curve import (
    MeasuredCurve,
    Trained,
    TrainingEnded,
    TrainingRun,
    TrainingsPlanned,
    train_on_function,
)
from supnorm.planning.profile import Profile, intrinsic_dimension
from supnorm.planning.result import BudgetResult
from supnorm.planning.theory import NetworkClass, theory

__all__ = [
    "BudgetResult",
    "MeasuredCurve",
    "NetworkClass",
    "Profile",
    "Trained",
    "TrainingEnded",
    "TrainingRun",
    "TrainingsPlanned",
    "budget",
    "intrinsic_dimension",
    "theory",
    "train_on_function",
]
