"""Measured learning curves: trainings of growing size, and forecasts of larger sizes."""

from supnorm.planning.learning_curve.fit_trainer import FitTrainer, as_trainer
from supnorm.planning.learning_curve.forecast import Forecast
from supnorm.planning.learning_curve.measured_curve import MeasuredCurve
from supnorm.planning.learning_curve.on_function import train_on_function
from supnorm.planning.learning_curve.on_table import train_on_table
from supnorm.planning.learning_curve.training_run import TrainingRun
from supnorm.planning.learning_curve.trainings import Trained, Trainer, TrainingEnded, TrainingsPlanned

__all__ = [
    "FitTrainer",
    "Forecast",
    "MeasuredCurve",
    "Trained",
    "Trainer",
    "TrainingEnded",
    "TrainingRun",
    "TrainingsPlanned",
    "as_trainer",
    "train_on_function",
    "train_on_table",
]
