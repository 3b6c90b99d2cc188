"""Training: losses, optimisers (one per file), the automatic choice."""

from supnorm.training.adam import Adam
from supnorm.training.lbfgs import LBFGS
from supnorm.training.levenberg_marquardt import LevenbergMarquardt
from supnorm.training.losses import MeanSquares
from supnorm.training.quasi_newton import QuasiNewton
from supnorm.training.stopping import Minimum, Stop
from supnorm.training.train import Trained, choose_optimiser, optimise, train

__all__ = [
    "LBFGS",
    "Adam",
    "LevenbergMarquardt",
    "MeanSquares",
    "Minimum",
    "QuasiNewton",
    "Stop",
    "Trained",
    "choose_optimiser",
    "optimise",
    "train",
]
