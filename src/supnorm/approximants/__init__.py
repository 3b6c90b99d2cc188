"""Classical approximators, one in each file, with the same protocol as the networks."""

from supnorm.approximants.approximation import Approximation, NotApplicable, SurfaceModel
from supnorm.approximants.chebyshev_tensor import ChebyshevTensor
from supnorm.approximants.gaussian_process import GaussianProcess
from supnorm.approximants.line_jumps import line_jumps
from supnorm.approximants.piecewise_chebyshev import PiecewiseChebyshev
from supnorm.approximants.piecewise_least_squares import PIECEWISE, PiecewiseLeastSquares
from supnorm.approximants.polynomial_least_squares import PolynomialLeastSquares
from supnorm.approximants.random_features import RandomFeatures
from supnorm.approximants.rational_fit import AAA, FloaterHormann
from supnorm.approximants.simplex_interpolation import SimplexInterpolation
from supnorm.approximants.sparse_legendre import SparseLegendre
from supnorm.approximants.storage import load, load_function, save
from supnorm.approximants.tensor_train import TensorTrain

__all__ = [
    "AAA",
    "PIECEWISE",
    "Approximation",
    "ChebyshevTensor",
    "FloaterHormann",
    "GaussianProcess",
    "NotApplicable",
    "PiecewiseChebyshev",
    "PiecewiseLeastSquares",
    "PolynomialLeastSquares",
    "RandomFeatures",
    "SimplexInterpolation",
    "SparseLegendre",
    "SurfaceModel",
    "TensorTrain",
    "line_jumps",
    "load",
    "load_function",
    "save",
]
