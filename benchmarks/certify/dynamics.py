"""Networks that stand in for the right-hand sides of differential equations, proved by supnorm, dReal and Marabou.

The systems, their boxes, the sizes of the networks, the tolerances and the cells of Marabou's grid are those of "Certified
Neural Approximations of Nonlinear Dynamics" (repository Zinoex/certified-neural-approximations; the six that it takes from
"Neural Abstractions"); the formulas are written again here. `dynamics_train` trains the networks by its recipe.

A method proves that no output is off by the tolerance or more, in a process of its own and one thread; only the proof is
timed, not the imports. `dynamics_marabou` and `dynamics_dreal` have what they do.

    python -m benchmarks.certify dynamics --save              every system by every method that is installed
    python -m benchmarks.certify.dynamics METHOD SYSTEM       one of them, as JSON
"""

from __future__ import annotations

import importlib
import json
import math
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Layers = list[tuple[Array, Array]]
IMPORTS = 5.0  # processor seconds of imports, with room: torch takes 2
NETWORKS = Path(__file__).parents[1] / "results" / "dynamics"


@dataclass(frozen=True)
class System:
    """A right-hand side and what its network and its proof were given.

    Attributes:
        outputs: ``outputs(x, math)`` for columns ``x`` and a namespace with sin, cos, exp, sqrt and cbrt.
        box: ends of each input.
        hidden: widths of the hidden layers, ReLU.
        tolerance: epsilon of the paper.
        cells: half-widths of the cells with which Marabou begins.
        bent: for each output the inputs in which it is not linear.
    """

    outputs: Callable[[Sequence[Any], Any], list[Any]]
    box: tuple[tuple[float, float], ...]
    hidden: tuple[int, ...]
    tolerance: float
    cells: tuple[float, ...]
    bent: tuple[tuple[int, ...], ...]


def water_tank(x, math):
    return [1.5 - math.sqrt(x[0])]


def jet_engine(x, math):
    return [-x[1] - 1.5 * x[0] ** 2 - 0.5 * x[0] ** 3 - 0.1, 3.0 * x[0] - x[1]]


def steam_governor(x, math):
    return [
        x[1],
        0.5 * x[2] ** 2 * math.sin(2.0 * x[0]) - math.sin(x[0]) - 3.0 * x[1],
        1.0 - math.cos(x[0]),
    ]


def exponential(x, math):
    return [-math.sin(math.exp(x[1] ** 3 + 1.0)) - x[1] ** 2, -1.0 * x[0]]


def not_lipschitz_1(x, math):
    return [x[1], math.sqrt(x[0])]


def not_lipschitz_2(x, math):
    return [x[0] ** 2 + x[1], math.cbrt(x[0] ** 2) - x[0]]


UNIT = (-1.0, 1.0)
SYSTEMS = {
    "water tank": System(water_tank, ((0.1, 10.0),), (12,), 0.097, (10.1 / 16,), ((0,),)),
    "jet engine": System(jet_engine, (UNIT, UNIT), (10, 16), 0.039, (0.25, 0.5), ((0,), ())),
    "steam governor": System(
        steam_governor, (UNIT, UNIT, UNIT), (12,), 0.105, (0.5, 0.5, 0.5), ((), (0, 2), (0,))
    ),
    "exponential": System(exponential, (UNIT, UNIT), (14, 14), 0.112, (0.5, 0.25), ((1,), ())),
    "not Lipschitz 1": System(not_lipschitz_1, ((0.0, 1.0), UNIT), (10,), 0.11, (0.125, 0.5), ((), (0,))),
    "not Lipschitz 2": System(not_lipschitz_2, (UNIT, UNIT), (12, 10), 0.081, (0.25, 0.5), ((0,), (0,))),
}


def trained(name: str) -> Layers:
    """The layers ``(weight, bias)`` of the network of a system, float32 numbers as float64."""
    with np.load(NETWORKS / f"{name.replace(' ', '_')}.npz") as held:
        count = len(held.files) // 2
        return [(held[f"w{k}"].astype(float), held[f"b{k}"].astype(float)) for k in range(count)]


def network(layers: Layers, x: Any, maximum: Callable[[Any], Any]) -> Any:
    """The network at rows of points, for arrays of NumPy and JAX."""
    for weight, bias in layers[:-1]:
        x = maximum(x @ weight.T + bias)
    return x @ layers[-1][0].T + layers[-1][1]


NUMPY = SimpleNamespace(sin=np.sin, cos=np.cos, exp=np.exp, sqrt=np.sqrt, cbrt=np.cbrt)


def worst_seen(name: str, points: int = 200_000, seed: int = 0) -> float:
    """The largest error of an output at random points and at the corners."""
    system, layers = SYSTEMS[name], trained(name)
    low, high = np.array(system.box).T
    rng = np.random.default_rng(seed)
    d = len(low)
    corners = np.stack(np.meshgrid(*[[0.0, 1.0]] * d, indexing="ij"), -1).reshape(-1, d)
    x = low + (high - low) * np.concatenate([rng.random((points, d)), corners])
    exact = np.stack(np.broadcast_arrays(*system.outputs(list(x.T), NUMPY)), 1)
    return float(np.abs(network(layers, x, lambda z: np.maximum(z, 0.0)) - exact).max())


def by_supnorm(name: str, seconds: float) -> dict[str, Any]:
    """The default strategy; a small problem before it loads what is imported late."""
    from supnorm.certification import certify
    from supnorm.problem import Axis, Domain, Problem

    certify(Problem(lambda x: np.maximum(x, 0.1), lambda x: np.sin(x), Domain(x=(0.0, 1.0))), tolerance=1.0)
    system, layers = SYSTEMS[name], trained(name)
    problem = Problem(
        lambda x: network(layers, x, lambda z: np.maximum(z, 0.0)),
        lambda x: np.stack(system.outputs([x[:, j] for j in range(len(system.box))], NUMPY), axis=1),
        Domain.from_axes({f"x{j}": Axis(*ends) for j, ends in enumerate(system.box)}),
    )
    begun, wall = time.process_time(), time.perf_counter()
    result = certify(problem, tolerance=system.tolerance, seconds=seconds)
    proved = result.upper <= system.tolerance
    return {
        "outcome": "proved" if proved else "false" if result.lower > system.tolerance else "not decided",
        "seconds": time.process_time() - begun,
        "wall": time.perf_counter() - wall,
        "boxes": result.record.boxes,
        "words": result.status.code,
    }


METHODS = {
    "supnorm": ("benchmarks.certify.dynamics", "by_supnorm"),
    "dReal": ("benchmarks.certify.dynamics_dreal", "by_dreal"),
    "Marabou": ("benchmarks.certify.dynamics_marabou", "by_marabou"),
}


def one(method: str, name: str, seconds: float) -> dict[str, Any]:
    """A system by a method, in a process of its own, which is ended after ``seconds`` of the processor.

    Where it is ended, its seconds include those of its imports.
    """
    command = [sys.executable, "-m", "benchmarks.certify.dynamics", method, name, str(seconds)]
    used = _children()
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds + IMPORTS),) * 2),
    )
    used = _children() - used
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return {"outcome": "not decided", "seconds": used, "words": "ended after its time"}
    if done.returncode or not done.stdout.strip():
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return {"outcome": "failed", "words": reason[:200]}
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def _children() -> float:
    """Processor seconds of all ended processes."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def words(row: dict[str, Any]) -> str:
    """A cell of the table."""
    if row["outcome"] == "failed":
        return f"failed: {row['words']}"
    count = (
        f", {row['boxes']:,} boxes"
        if "boxes" in row
        else f", {row['queries']:,} queries"
        if "queries" in row
        else ""
    )
    return f"{row['outcome']}{count}, {row['seconds']:.2f} s"


if __name__ == "__main__":
    module, function = METHODS[sys.argv[1]]
    found = getattr(importlib.import_module(module), function)(sys.argv[2], float(sys.argv[3]))
    print(json.dumps(found, default=float))
