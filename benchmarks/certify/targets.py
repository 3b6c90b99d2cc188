"""The problems of the targets and of the comparison with peers: random networks with fixed seeds.

Small errors are made as reference = network + size * known function; the methods see both as two networks.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.certify.table import OURS
from supnorm.certification import BracketNarrowed, ChebyshevCertificate, LinearBounds, certify, residual
from supnorm.problem import Domain, Problem

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "certification"))
import cases


def shifted(d: int, width: int, depth: int, activation: str, size: float, seed: int = 0) -> Problem:
    """A random network against itself plus ``size`` times a known function of size one.

    The reference's copy has its hidden features in another order, so that no method sees one network.
    """
    shape = (d, width, depth, activation)
    net = cases.network(np.random.default_rng(seed), *shape)
    twin = cases.network(np.random.default_rng(seed), *shape, order=np.random.default_rng(1))

    def reference(x):
        wave = jnp.sin(3 * x[:, :1] + 2 * x.sum(1, keepdims=True)) * jnp.exp(-(x[:, :1] ** 2))
        return twin(x) + size * wave

    return Problem(net, reference, Domain.from_axes({f"x{i}": (-1.0, 1.0) for i in range(d)}))


def burgers(width: int, depth: int) -> Problem:
    """The Burgers residual of a random network."""
    net = cases.network(np.random.default_rng(0), 2, width, depth, "tanh")

    def equation(u, z):
        slope, along = jax.grad(u)(z), jnp.array([0.0, 1.0])
        bend = jax.jvp(lambda p: jax.jvp(u, (p,), (along,))[1], (z,), (along,))[1]
        return slope[0] + u(z) * slope[1] - 0.05 * bend

    return Problem(residual(net, equation, 2), lambda x: 0.0 * x[:, :1], Domain(t=(0.0, 1.0), x=(-1.0, 1.0)))


TARGETS = [  # name, problem, ratio, target seconds on one quiet core
    ("1-D 2x32 tanh, 1e-6", lambda: shifted(1, 32, 2, "tanh", 1e-6), 1.01, 0.5),
    ("2-D 2x32 tanh, 1e-4", lambda: shifted(2, 32, 2, "tanh", 1e-4), 1.1, 0.5),
    ("2-D 2x32 tanh, 1e-4", lambda: shifted(2, 32, 2, "tanh", 1e-4), 1.01, 1.0),
    ("2-D 3x64 tanh, 1e-4", lambda: shifted(2, 64, 3, "tanh", 1e-4), 1.1, 5.0),
    ("2-D 3x64 tanh, 1e-4", lambda: shifted(2, 64, 3, "tanh", 1e-4), 1.01, 5.0),
    ("2-D 4x128 tanh, 1e-4", lambda: shifted(2, 128, 4, "tanh", 1e-4), 1.1, 15.0),
    ("3-D 2x32 tanh, 1e-2", lambda: shifted(3, 32, 2, "tanh", 1e-2), 1.1, 3.0),
    ("4-D 2x32 tanh, 1e-2", lambda: shifted(4, 32, 2, "tanh", 1e-2), 1.5, 2.0),
    ("4-D 2x32 tanh, 1e-2", lambda: shifted(4, 32, 2, "tanh", 1e-2), 1.1, 2.0),
    ("4-D 3x64 tanh, 1e-2", lambda: shifted(4, 64, 3, "tanh", 1e-2), 1.5, 90.0),
    ("5-D 2x32 tanh, 1e-2", lambda: shifted(5, 32, 2, "tanh", 1e-2), 1.5, 25.0),
    ("6-D 2x32 tanh, 1e-2", lambda: shifted(6, 32, 2, "tanh", 1e-2), 1.5, 360.0),
    ("2-D 2x32 ReLU, 1e-2", lambda: shifted(2, 32, 2, "relu", 1e-2), 1.01, 2.0),
    ("2-D Burgers residual 3x64", lambda: burgers(64, 3), 1.1, 20.0),
]
COMPARED = [  # name, d, width, depth, activation, size, ratio of the comparison
    ("1-D 2x32 tanh, 1e-4", 1, 32, 2, "tanh", 1e-4, 1.1),
    ("1-D 2x32 tanh, 1e-6", 1, 32, 2, "tanh", 1e-6, 1.01),
    ("2-D 2x32 tanh, 1e-2", 2, 32, 2, "tanh", 1e-2, 1.1),
    ("2-D 3x64 tanh, 1e-4", 2, 64, 3, "tanh", 1e-4, 1.1),
    ("2-D 2x32 ReLU, 1e-2", 2, 32, 2, "relu", 1e-2, 1.01),
]


def own_methods(activation: str) -> dict[str, Any]:
    """The strategies of supnorm that are compared with peers, by their names in the table."""
    chords = {"affine Taylor, chords (ours)": LinearBounds(worth=math.inf)}
    if activation == "relu":
        return {"exact pieces (ours)": LinearBounds(), **chords}
    return {OURS: ChebyshevCertificate(), **chords}


class Until:
    """Ends the work after a processor time, as Ctrl-C would."""

    def __init__(self, seconds: float) -> None:
        self.end = time.process_time() + seconds

    def __call__(self, event: BracketNarrowed) -> None:
        """Look at the clock."""
        if time.process_time() > self.end:
            raise KeyboardInterrupt


def measured(problem: Problem, ratio: float, seconds: float, strategy: Any = None) -> dict[str, Any]:
    """One run, in processor seconds of one thread."""
    start = time.process_time()
    result = certify(problem, ratio, strategy=strategy, observer=Until(seconds))
    return {
        "asked": ratio, "ratio": result.ratio, "lower": result.lower, "upper": result.upper,
        "boxes": result.tried, "proved": result.proved_volume, "code": result.status.code,
        "seconds": time.process_time() - start,
    }  # fmt: skip
