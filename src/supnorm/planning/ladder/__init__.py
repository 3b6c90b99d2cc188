"""Measured ladders: trainings of growing size, and what they say about the next size."""

from supnorm.planning.ladder.climb import climb
from supnorm.planning.ladder.climb_table import climb_table
from supnorm.planning.ladder.fit_trainer import FitTrainer, as_trainer
from supnorm.planning.ladder.forecast import Forecast, Holdout
from supnorm.planning.ladder.ladder import Ladder, Need
from supnorm.planning.ladder.rungs import Run
from supnorm.planning.ladder.tasks import LadderEstimate, LadderRun, Trained, Trainer

__all__ = [
    "FitTrainer",
    "Forecast",
    "Holdout",
    "Ladder",
    "LadderEstimate",
    "LadderRun",
    "Need",
    "Run",
    "Trained",
    "Trainer",
    "as_trainer",
    "climb",
    "climb_table",
]
