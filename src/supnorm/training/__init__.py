"""Training: losses, optimisers (one per file), the automatic choice."""

from supnorm.evaluation.limit import Limit
from supnorm.training.adam import Adam
from supnorm.training.boosting import Boosting
from supnorm.training.calls import FitCalls
from supnorm.training.equations import Burgers, General, Heat, Helmholtz, Poisson
from supnorm.training.events import Training, Tried
from supnorm.training.fit import fit
from supnorm.training.fit_pde import PdeResult, fit_pde
from supnorm.training.fit_result import Candidate, FitResult
from supnorm.training.greedy import GreedyLayers
from supnorm.training.lbfgs import LBFGS
from supnorm.training.levenberg_marquardt import LevenbergMarquardt
from supnorm.training.losses import MeanSquares
from supnorm.training.network_fit import NetworkFit
from supnorm.training.optimiser import FunctionLoss, Loss, Optimiser
from supnorm.training.quasi_newton import QuasiNewton
from supnorm.training.refinement import ArgmaxRefinement
from supnorm.training.soap import SOAP
from supnorm.training.stopping import Minimum
from supnorm.training.train import Trained, choose_optimiser, optimise

__all__ = [
    "LBFGS",
    "SOAP",
    "Adam",
    "ArgmaxRefinement",
    "Boosting",
    "Burgers",
    "Candidate",
    "FitCalls",
    "FitResult",
    "FunctionLoss",
    "General",
    "GreedyLayers",
    "Heat",
    "Helmholtz",
    "LevenbergMarquardt",
    "Limit",
    "Loss",
    "MeanSquares",
    "Minimum",
    "NetworkFit",
    "Optimiser",
    "PdeResult",
    "Poisson",
    "QuasiNewton",
    "Trained",
    "Training",
    "Tried",
    "choose_optimiser",
    "fit",
    "fit_pde",
    "optimise",
]
