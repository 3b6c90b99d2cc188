"""Optimisers at equal CPU seconds: one run for each seed, task and method, and the medians over the seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fit.candidates import CANDIDATES, OPTIONS
from benchmarks.fit.methods import NEEDS, OURS, PEERS, RATES, ours
from benchmarks.fit.recorder import Recorder
from benchmarks.fit.tasks import I_6_2, I_10_7, I_13_12, LOG_SIN, TASKS, Task
from supnorm.networks import Network, Scaling
from supnorm.training import LBFGS

Array = NDArray[np.float64]
Run = dict[str, Any]
Wanted = Callable[[str, str, int], bool]  # of task, method, seed: asked for and not done yet
TIMES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
WIDE = (5.0, 10.0, 20.0)
LONG = (5.0, 10.0, 20.0, 40.0, 60.0)
TUNING = range(5)  # the seeds that options are chosen on
Chosen = dict[tuple[str, str], Any]  # the option of a method that takes one, for each task and method


def start(task: Task, seed: int) -> tuple[Network, Array, Array]:
    """An untrained network and its samples, the same for all methods."""
    x, y = task.training(seed)
    rng = np.random.default_rng(seed)
    network = Network.init(rng, task.d, 1, task.width, task.depth, scaling=Scaling.of_data(x, y))
    return network, x, y


def run(task: Task, method: Any, seed: int, times: tuple[float, ...]) -> Run:
    """RMS and maximum error at each time."""
    network, x, y = start(task, seed)
    recorder = Recorder(times)
    method(network, x, y, recorder)
    errors = np.array([task.errors(network.with_flat(theta)) for theta in recorder.at_times()])
    return {
        "task": task.name, "seed": seed, "seconds": times, "weights": network.size,
        "samples": len(x), "rms": errors[:, 0].tolist(), "max": errors[:, 1].tolist(),
    }  # fmt: skip


def tuning(scale: float, wanted: Wanted) -> Iterator[Run]:
    """All methods that take an option with each of their options on the tuning seeds."""
    times = (scale * TIMES[-1],)
    methods = CANDIDATES | {name: PEERS[name] for name in RATES}
    for name, options in (RATES | OPTIONS).items():
        for task in TASKS:
            for option in options:
                for seed in TUNING:
                    if wanted(task.name, f"{name} {option}", seed):
                        found = run(task, methods[name](option), seed, times)
                        yield {"method": f"{name} {option}", "name": name, "option": option, **found}


def chosen(rows: Sequence[Run]) -> Chosen:
    """The option with the least median RMS error of each task and method; without rows the first one."""
    best: Chosen = {}
    for row in sorted(medians(rows), key=lambda r: -r["rms"][-1]):
        best[row["task"], row["name"]] = row["option"]
    first = {(t.name, name): o[0] for t in TASKS for name, o in (RATES | OPTIONS).items()}
    return first | best


def compare(
    methods: dict[str, Any], seeds: list[int], scale: float, wanted: Wanted, options: Chosen
) -> Iterator[Run]:
    """One run at a time, all methods on one seed first; ``scale`` shortens all times for a quick look."""
    times = tuple(scale * t for t in TIMES)
    for seed in seeds:
        for task in TASKS:
            for name, method in methods.items():
                if not wanted(task.name, name, seed):
                    continue
                if name in NEEDS and find_spec(NEEDS[name]) is None:
                    missing = f"{NEEDS[name]} is not installed"
                    yield {"task": task.name, "method": name, "seed": seed, "missing": missing}
                elif (task.name, name) in options:
                    option = options[task.name, name]
                    yield {"method": name, "option": option, **run(task, method(option), seed, times)}
                else:
                    yield {"method": name, **run(task, method, seed, times)}


def long_bfgs(seeds: list[int], scale: float, wanted: Wanted) -> Iterator[Run]:
    """SciPy's BFGS for a minute, to be compared with the time in which ours gets there."""
    times = tuple(scale * t for t in LONG)
    for seed in seeds:
        for task in (I_6_2, I_10_7):
            if wanted(task.name, "scipy BFGS", seed):
                yield {"method": "scipy BFGS", **run(task, PEERS["scipy BFGS"], seed, times)}


def plateau(seeds: list[int], scale: float, wanted: Wanted, options: Chosen) -> Iterator[Run]:
    """The low-curvature subspace where it is meant to be used: after ten seconds of SSBroyden, for ten more."""
    times = (10.0 * scale, 20.0 * scale)
    low = CANDIDATES["low curvature"](options[LOG_SIN.name, "low curvature"])
    for seed in seeds:
        for name, method in (("SSBroyden", OURS["SSBroyden"]), ("low curvature", low)):
            if wanted(LOG_SIN.name, name, seed):
                yield {"method": name, **run(LOG_SIN, method, seed, times)}


def wide(seeds: list[int], scale: float, wanted: Wanted) -> Iterator[Run]:
    """Networks of ten thousand weights, for which a dense matrix is too dear."""
    times = tuple(scale * t for t in WIDE)
    methods = {"L-BFGS": ours(LBFGS()), "SOAP": CANDIDATES["SOAP"](1e-2)}
    for seed in seeds:
        for task in (replace(I_10_7, width=96, samples=0.4), replace(I_13_12, width=96, samples=0.4)):
            for name, method in methods.items():
                if wanted(task.name, name, seed):
                    yield {"method": name, **run(task, method, seed, times)}


def medians(runs: Sequence[Run]) -> list[Run]:
    """One row for each task and method, with the medians over the seeds."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for r in runs:
        groups.setdefault((r["task"], r["method"]), []).append(r)
    rows = []
    for same in groups.values():
        row = {**same[0], "seeds": sorted({r["seed"] for r in same})}
        if "missing" not in row:
            row |= {e: np.median([r[e] for r in same], axis=0).tolist() for e in ("rms", "max")}
        rows.append(row)
    return rows


def time_ratios(runs: Sequence[Run], slow: Sequence[Run]) -> list[Run]:
    """Seconds of each row of ``slow`` over those in which SSBroyden has the same median RMS error.

    The ratio is at least what is written: SSBroyden's time is the first recorded one.
    """
    fast = {r["task"]: r for r in medians(runs) if r["method"] == "SSBroyden"}
    ratios = []
    for row in medians(slow):
        ours = fast.get(row["task"])
        if ours is None or "missing" in row or row["method"] == "SSBroyden":
            continue
        error, total = row["rms"][-1], row["seconds"][-1]
        reached = [t for t, e in zip(ours["seconds"], ours["rms"], strict=True) if e <= error]
        ratios.append({"task": row["task"], "method": row["method"], "error": error, "seconds": total,
                       "ssbroyden": reached[0] if reached else None,
                       "ratio": total / reached[0] if reached else None})  # fmt: skip
    return ratios
