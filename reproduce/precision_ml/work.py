"""What R1 to R4 compute: staged training, optimisers side by side, interpolation, networks of growing size."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

import supnorm as sn
from reproduce.precision_ml.tasks import SHRUNK, TASKS, Task, inputs_only, teacher, torch_start, width_for
from supnorm.networks import Network, Scaling
from supnorm.training import (
    LBFGS,
    Adam,
    Boosting,
    LevenbergMarquardt,
    Limit,
    Optimiser,
    QuasiNewton,
    optimise,
)

Array = NDArray[np.float64]
SAMPLES = {"teacher-student": 1000, "x^2": 1000, "x y": 2000, "I.11.19": 3000}
FINE = 20_001
OPTIMISERS: dict[str, Optimiser] = {
    "Adam": Adam(3e-3),
    "L-BFGS": LBFGS(),
    "BFGS": QuasiNewton("bfgs"),
    "Levenberg-Marquardt": LevenbergMarquardt(),
    "self-scaled Broyden": QuasiNewton(),
}
GROUPS = {  # the compositions of the paper: inputs of the parts, then of the parts that join them
    "I.8.14": ((0, 1), (2, 3), (4, 5)),
    "II.6.15a": ((3, 4), (1, 5), (0, 2), (6, 7), (9, 8)),
}


def errors_of(network: Network, task: Task, x: Array) -> dict[str, float]:
    """Root mean square and largest error at points."""
    error = network.value(x)[:, 0] - task.value(x)
    return {"rms": float(np.sqrt(np.mean(error**2))), "max": float(np.abs(error).max())}


def accurate_task(name: str, seed: int) -> Task:
    """A task of the training to machine precision."""
    return Task(name, teacher(seed), (-1.0,), (1.0,)) if name == "teacher-student" else TASKS[name]


def fresh_points(task: Task, count: int) -> Array:
    """A grid in one input, random points in more."""
    if task.d == 1:
        return np.linspace(task.low[0], task.high[0], count)[:, None]
    return task.points(np.random.default_rng(12_345), count)


def staged(task: str, method: str, seed: int, first: int, second: int) -> dict[str, Any]:
    """Two hidden layers of 20 tanh units, then a second network on the residual; errors after each.

    Args:
        method: ``"bfgs"``, as in the paper; ``"ours"``: self-scaled Broyden and a first layer whose scale is chosen.
    """
    chosen = accurate_task(task, seed)
    rng = np.random.default_rng([seed, 1])
    x = chosen.points(rng, SAMPLES[task])
    y = chosen.value(x)[:, None]
    ours = method == "ours"
    optimiser = QuasiNewton() if ours else QuasiNewton("bfgs")
    start = torch_start(rng, chosen.d, (20, 20), "tanh", Scaling.of_data(x, y) if ours else inputs_only(x))
    begin = time.process_time()
    network = optimise(start, x, y, optimiser, Limit(evaluations=first)).network
    middle = time.process_time()
    fresh = fresh_points(chosen, FINE)
    stages = [errors_of(network, chosen, fresh) | {"seconds": middle - begin}]
    boosting = Boosting(20, None if ours else 1.0, optimiser=optimiser)
    begin = time.process_time()
    network = boosting.add(network, x, y, Limit(evaluations=second), rng).network
    end = time.process_time()
    return {
        "stages": [*stages, errors_of(network, chosen, fresh) | {"seconds": end - begin}],
        "samples": len(x),
        "steps": [first, second],
    }


def raced(task: str, optimiser: str, seed: int, seconds: float) -> dict[str, Any]:
    """Two hidden layers of 20 tanh units after so many processor seconds of an optimiser."""
    chosen = accurate_task(task, seed)
    rng = np.random.default_rng([seed, 1])
    x = chosen.points(rng, SAMPLES[task])
    y = chosen.value(x)[:, None]
    start = torch_start(rng, chosen.d, (20, 20), "tanh", Scaling.of_data(x, y))
    limit = Limit.of(seconds, clock=time.process_time)
    network = optimise(start, x, y, OPTIMISERS[optimiser], limit, rng).network
    return errors_of(network, chosen, fresh_points(chosen, FINE)) | {"limit": seconds}


def adam(task: str, seed: int, steps: int) -> dict[str, Any]:
    """The best of several rates of Adam, two hidden layers of 40 tanh units, all samples in each step."""
    chosen = accurate_task(task, seed)
    best: dict[str, float] = {"rms": math.inf, "max": math.inf}
    for rate in (1e-2, 3e-3, 1e-3):
        rng = np.random.default_rng([seed, 1])
        x = chosen.points(rng, SAMPLES[task])
        y = chosen.value(x)[:, None]
        start = torch_start(rng, chosen.d, (40, 40), "tanh", inputs_only(x))
        network = optimise(start, x, y, Adam(rate), Limit(evaluations=steps), rng).network
        best = min(best, errors_of(network, chosen, fresh_points(chosen, FINE)), key=lambda e: e["rms"])
    return best


def simplex(task: str, power: int) -> dict[str, Any]:
    """The piecewise linear interpolant of 2^power random samples, tested in the shrunk box."""
    chosen = TASKS[task]
    rng = np.random.default_rng([power, 2])
    x = chosen.points(rng, 2**power)
    domain = sn.Domain(**{f"x{i}": ends for i, ends in enumerate(zip(chosen.low, chosen.high, strict=True))})
    fitted = sn.SimplexInterpolation().from_samples(x, chosen.value(x)[:, None], domain)
    fresh = chosen.points(np.random.default_rng(7), 30_000, SHRUNK)
    error = fitted.function.value(fresh)[:, 0] - chosen.value(fresh)
    return {
        "parameters": 2**power * (chosen.d + 1),
        "rms": float(np.sqrt(np.mean(error**2))),
        "max": float(np.abs(error).max()),
    }


def scaled(task: str, activation: str, parameters: int, steps: int, seed: int) -> dict[str, Any]:
    """A network of two hidden layers, trained by Adam on a sample for every ``d + 1`` parameters, as the paper ties them."""
    chosen = TASKS[task]
    rng = np.random.default_rng([seed, parameters])
    width = width_for(parameters, chosen.d, 2)
    x = chosen.points(rng, max(parameters // (chosen.d + 1), 10))
    y = chosen.value(x)[:, None]
    start = torch_start(rng, chosen.d, (width, width), activation, inputs_only(x))
    network = optimise(start, x, y, Adam(1e-3, final=1.0), Limit(evaluations=steps), rng).network
    fresh = chosen.points(np.random.default_rng(7), 30_000, SHRUNK)
    return {"parameters": network.size, **errors_of(network, chosen, fresh)}


def modular(task: str, kind: str, parameters: int, steps: int, seed: int) -> dict[str, Any]:
    """A dense network or one composed as the formula is, both with tanh and about as many parameters."""
    chosen = TASKS[task]
    rng = np.random.default_rng([seed, parameters])
    x = chosen.points(rng, 1500)
    y = chosen.value(x)[:, None]
    if kind == "dense":
        width = width_for(parameters, chosen.d, 3)
        start = torch_start(rng, chosen.d, (width,) * 3, "tanh", inputs_only(x))
    else:
        groups, width = GROUPS[task], 2
        while _composed(rng, chosen.d, groups, width + 1, inputs_only(x)).size <= parameters:
            width += 1
        start = _composed(rng, chosen.d, groups, width, inputs_only(x))
    network = optimise(start, x, y, Adam(1e-3, final=1.0), Limit(evaluations=steps), rng).network
    fresh = chosen.points(np.random.default_rng(7), 30_000, SHRUNK)
    return {"parameters": network.size, **errors_of(network, chosen, fresh)}


def _composed(rng: np.random.Generator, d: int, groups: Any, width: int, scaling: Scaling) -> Network:
    return Network.modular(rng, d, takes=groups, width=width, depth=1, scaling=scaling)
