"""The entropy of a Poisson distribution: JAX, a sum of all terms that count, and SciPy."""

import numpy as np
import scipy.stats
from jax.scipy.stats import poisson
from scipy.special import gammaln


def model(x):
    return poisson.entropy(x[:, 0])


def truth(mu):
    """Minus the sum of p log p, over 40 standard deviations to each side of the mean."""
    spread = 40 * np.sqrt(mu) + 60
    k = np.arange(max(0, int(mu - spread)), int(mu + spread))
    log = k * np.log(mu) - mu - gammaln(k + 1)
    return -float(np.sum(np.exp(log) * log))


def digits(mu):
    return float(scipy.stats.poisson.entropy(mu))
