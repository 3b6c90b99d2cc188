"""The names of the tools that a budget can recommend."""

TENSOR = "Chebyshev tensor grid"
BLOCKS = "sum of fits of few inputs each"
FACTORS = "product of fits of few inputs each"
RIDGE = "rotate to the active directions, then a grid"
SPARSE = "sparse polynomial of total degree"
TRAIN = "tensor train"
PIECEWISE = "piecewise polynomial grid"
GAUSSIAN_PROCESS = "Gaussian process"
NETWORK = "network"
SPLIT = "split the domain at the jump or layer"
SPARSE_POLYNOMIAL = "sparse polynomial"

# Strategies of `fit` that learn from given samples: the class, and the name of its learning curve.
LEARNERS = {
    "NetworkFit": NETWORK,
    "GaussianProcess": GAUSSIAN_PROCESS,
    "SparseLegendre": SPARSE_POLYNOMIAL,
    "PolynomialLeastSquares": "least-squares polynomial",
    "SimplexInterpolation": "simplex interpolation",
    "RandomFeatures": "random features",
}
CLASSICAL_LEARNERS = frozenset(LEARNERS.values()) - {NETWORK}
