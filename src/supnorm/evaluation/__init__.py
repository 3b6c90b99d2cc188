"""The one door through which anything is evaluated."""

from supnorm.evaluation.evaluations import Evaluations, PointStatus
from supnorm.evaluation.evaluator import Evaluator
from supnorm.evaluation.events import (
    Advanced,
    Event,
    Finished,
    NewWorst,
    Observer,
    Planned,
    Planting,
    Started,
    silent,
)
from supnorm.evaluation.failures import Failure
from supnorm.evaluation.flight import Flight
from supnorm.evaluation.spot_check import spot_check
from supnorm.evaluation.store import EvaluationStore

__all__ = [
    "Advanced",
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
    "Started",
    "silent",
    "spot_check",
]
