"""The residual of a published network for Burgers' equation, 9 layers of 20 tanh, below a tolerance on the whole domain.

The network is `tests/data/burgers_tanh_lbfgs.onnx` of https://github.com/fgirbal/partial_crown, which is not part of this
project: give its path. The residual is f = u_t + u u_x - 0.01/pi u_xx on t in [0, 1], x in [-1, 1], in exact arithmetic
with the float32 weights of the file.
"""

from __future__ import annotations

import math
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.certify import records
from benchmarks.certify.targets import Until
from supnorm.certification import against_zero, certify, residual
from supnorm.problem import Domain, Problem

NU = 0.01 / math.pi
SQUARE = 2e-2  # of |f|


def network(path: str) -> Any:
    """The network of the file as a function of points ``(n, 2)``: inputs scaled to [-1, 1], then tanh layers."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    numbers = {t.name: numpy_helper.to_array(t).astype(float) for t in graph.initializer}
    names = [n.input[1].removesuffix(".weight") for n in graph.node if n.op_type == "Gemm"]
    layers = [(numbers[f"{n}.weight"].T, numbers[f"{n}.bias"]) for n in names]

    def u(x: Any) -> Any:
        h = 2.0 * (x - jnp.array([0.0, -1.0])) / jnp.array([1.0, 2.0]) - 1.0
        for weight, bias in layers[:-1]:
            h = jnp.tanh(h @ weight + bias)
        return h @ layers[-1][0] + layers[-1][1]

    return u


def problem(path: str) -> Problem:
    """The residual against zero."""
    time_, space = np.eye(2)  # of NumPy: read in float64

    def along(f: Any, direction: Any) -> Any:
        return lambda z: jax.jvp(f, (z,), (direction,))[1]

    def equation(u: Any, z: Any) -> Any:
        slope = along(u, space)
        return along(u, time_)(z) + u(z) * slope(z) - NU * along(slope, space)(z)

    return against_zero(residual(network(path), equation, 2), Domain(t=(0.0, 1.0), x=(-1.0, 1.0)))


def run(seconds: float, path: str) -> None:
    """One proof; the row has the bracket of |f|^2 and the largest value at 2e5 random points."""
    subject = problem(path)
    x = np.random.default_rng(0).uniform([0.0, -1.0], [1.0, 1.0], (200_000, 2))
    seen = float(np.abs(subject.model.value(x)).max())
    start = time.process_time()
    result = certify(subject, tolerance=math.sqrt(SQUARE), observer=Until(seconds))
    entry = {
        "lower": result.lower**2, "upper": result.upper**2, "tolerance": SQUARE, "code": result.status.code,
        "boxes": result.tried, "leaves": result.boxes, "proved": result.proved_volume,
        "seconds": time.process_time() - start, "seen": seen**2,
    }  # fmt: skip
    records.put("burgers", "9 layers of 20 tanh", entry)
    print(entry)
