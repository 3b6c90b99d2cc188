from .calls import Calls
from .evaluations import Evaluations, PointStatus
from .evaluator import Evaluator
from .events import (
    Advanced,
    Event,
    Finished,
    NewWorst,
    Observer,
    Planned,
    Planting,
    Stage,
    Started,
    silent,
)
from .failures import Failure
from .flight import Flight
from .spot_check import spot_check
from .store import EvaluationStore

__all__ = [
    "Advanced",
    "Calls",
    "EvaluationStore",
    "Evaluations",
    "Evaluator",
    "Event",
    "Failure",
    "Finished",
    "Flight",
    "NewWorst",
    "Observer",
    "Planned",
    "Planting",
    "PointStatus",
    "Stage",
    "Started",
    "silent",
    "spot_check",
]
