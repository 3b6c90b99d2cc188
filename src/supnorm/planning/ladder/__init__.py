"""Measured ladders: trainings of growing size, and what they say about the next size."""

from supnorm.planning.ladder.climb import LadderEstimate, LadderRun, Trained, Trainer, climb
from supnorm.planning.ladder.climb_table import climb_table
from supnorm.planning.ladder.forecast import Forecast, Holdout
from supnorm.planning.ladder.ladder import Ladder, Need
from supnorm.planning.ladder.rungs import Run

__all__ = [
    "Forecast",
    "Holdout",
    "Ladder",
    "LadderEstimate",
    "LadderRun",
    "Need",
    "Run",
    "Trained",
    "Trainer",
    "climb",
    "climb_table",
]
