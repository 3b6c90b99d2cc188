from .budgeting import budget
from .learning_curve import MeasuredCurve, Trained, TrainingEnded, TrainingRun, TrainingsPlanned
from .profile import Profile
from .requested import LearningCurve, PlanningCalls
from .result import BudgetResult
from .smooth_class import SmoothClass
from .theory import NetworkClass

__all__ = [
    "BudgetResult",
    "LearningCurve",
    "MeasuredCurve",
    "NetworkClass",
    "PlanningCalls",
    "Profile",
    "SmoothClass",
    "Trained",
    "TrainingEnded",
    "TrainingRun",
    "TrainingsPlanned",
    "budget",
]
