"""Optimisers at equal CPU seconds: medians over the seeds at every recorded time."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fit.methods import NEEDS, PEERS, RATES
from benchmarks.fit.recorder import Recorder
from benchmarks.fit.tasks import I_6_2, I_10_7, TASKS, Task
from supnorm.networks import Network, Scaling

Array = NDArray[np.float64]
TIMES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
LONG = (5.0, 10.0, 20.0, 40.0, 60.0)
TUNED = ("torch Adam", "SOAP")  # take a rate
TUNING = 0  # the seed that rates are chosen on


def start(task: Task, seed: int) -> tuple[Network, Array, Array]:
    """An untrained network and its samples, the same for all methods."""
    x, y = task.training(seed)
    rng = np.random.default_rng(seed)
    network = Network.init(rng, task.d, 1, task.width, task.depth, scaling=Scaling.of_data(x, y))
    return network, x, y


def run(task: Task, method: Any, seed: int, times: tuple[float, ...]) -> list[tuple[float, float]]:
    """RMS and maximum error at each time."""
    network, x, y = start(task, seed)
    recorder = Recorder(times)
    method(network, x, y, recorder)
    return [task.errors(network.with_flat(theta)) for theta in recorder.at_times()]


def compare(methods: dict[str, Any], seeds: list[int], only: str, scale: float) -> Iterator[dict[str, Any]]:
    """One row for each task and method; ``scale`` shortens all times for a quick look."""
    times = tuple(scale * t for t in TIMES)
    for task in TASKS:
        for name, method in methods.items():
            if only not in f"{task.name} {name}":
                continue
            row: dict[str, Any] = {"task": task.name, "method": name, "seconds": times, "seeds": seeds}
            if name in NEEDS and find_spec(NEEDS[name]) is None:
                yield {**row, "missing": f"{NEEDS[name]} is not installed"}
                continue
            if name in TUNED:
                tried = {rate: run(task, method(rate), TUNING, times)[-1][0] for rate in RATES}
                row["rate"] = min(tried, key=lambda rate: tried[rate])
                method = method(row["rate"])
            found = np.array([run(task, method, seed, times) for seed in seeds])
            median = np.median(found, axis=0)
            network, x, _ = start(task, seeds[0])
            yield {
                **row, "weights": network.architecture.size, "samples": len(x),
                "rms": median[:, 0].tolist(), "max": median[:, 1].tolist(),
                "rms_by_seed": found[:, -1, 0].tolist(), "max_by_seed": found[:, -1, 1].tolist(),
            }  # fmt: skip


def long_bfgs(seeds: list[int], scale: float) -> Iterator[dict[str, Any]]:
    """SciPy's BFGS for a minute, to be compared with the time in which ours gets there."""
    times = tuple(scale * t for t in LONG)
    for task in (I_6_2, I_10_7):
        found = np.array([run(task, PEERS["scipy BFGS"], seed, times) for seed in seeds])
        median = np.median(found, axis=0)
        yield {
            "task": task.name, "method": "scipy BFGS", "seconds": times, "seeds": seeds,
            "rms": median[:, 0].tolist(), "max": median[:, 1].tolist(),
        }  # fmt: skip


def time_ratios(rows: list[dict[str, Any]], long: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per task: seconds of SciPy's BFGS over those in which SSBroyden has the same median RMS error."""
    ratios = []
    for slow in long:
        fast = [r for r in rows if r["task"] == slow["task"] and r["method"] == "SSBroyden"]
        if not fast:
            continue
        reached = [t for t, e in zip(fast[0]["seconds"], fast[0]["rms"], strict=True) if e <= slow["rms"][-1]]
        if reached:
            ratios.append({"task": slow["task"], "error": slow["rms"][-1], "scipy": slow["seconds"][-1],
                           "ssbroyden": reached[0], "ratio": slow["seconds"][-1] / reached[0]})  # fmt: skip
    return ratios
