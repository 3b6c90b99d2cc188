"""Train the network of this example on 400 random points, as one would: `python examples/corner/train.py` writes network.npz."""

from pathlib import Path

import numpy as np
from truth import corner

from supnorm import Domain
from supnorm.evaluation.limit import Limit
from supnorm.networks import Network, Scaling, save
from supnorm.training import LevenbergMarquardt, optimise

HERE = Path(__file__).parent


def main():
    """A tanh network 4-20-20-1."""
    x = np.random.default_rng(6000).uniform(-1, 1, (400, 4))
    y = corner(x)
    domain = Domain(a=(-1.0, 1.0), b=(-1.0, 1.0), c=(-1.0, 1.0), d=(-1.0, 1.0))
    scaling = Scaling.of_domain(domain, y[:, None])
    start = Network.init(np.random.default_rng(5000), 4, 1, 20, 2, scaling=scaling)
    save(optimise(start, x, y, LevenbergMarquardt(), Limit(evaluations=60)).network, HERE / "network.npz")


if __name__ == "__main__":
    main()
