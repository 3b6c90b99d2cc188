"""Optimisers beside their peers: RMS and maximum error at equal CPU seconds, in one process.

    python benchmarks/fit/run.py                  about two minutes
    python benchmarks/fit/run.py --seconds 6 --seeds 5 --out results.json

Read the ratios: seconds depend on the machine. Errors are divided by the standard deviation of the reference
and measured on 20,000 fresh points and the corners.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import numpy as np
from methods import methods
from tasks import TASKS, Task

from supnorm.networks import Network, Scaling


def errors(task: Task, network: Network) -> tuple[float, float]:
    """Relative RMS and maximum error on fresh points."""
    x, y = task.samples(16_384, 987, to_the_faces=False)
    corners = np.indices((2,) * len(task.low)).reshape(len(task.low), -1).T
    ends = np.array([task.low, task.high])
    edge = np.take_along_axis(ends, corners, axis=0)
    gap = np.abs(network.value(x) - y)
    worst = max(float(gap.max()), float(np.abs(network.value(edge)[:, 0] - task.f(edge)).max()))
    return float(np.sqrt(np.mean(gap**2)) / y.std()), worst / float(y.std())


def start(task: Task, seed: int) -> tuple[Network, np.ndarray, np.ndarray]:
    """An untrained network and four samples per weight."""
    d = len(task.low)
    size = Network.init(np.random.default_rng(0), d, 1, task.width, 2).architecture.size
    x, y = task.samples(4 * size, seed, to_the_faces=True)
    rng = np.random.default_rng(seed)
    return Network.init(rng, d, 1, task.width, 2, scaling=Scaling.of_data(x, y)), x, y


def compare(seconds: float, seeds: int, only: str | None) -> list[dict[str, object]]:
    """One row for each task and method, medians over the seeds."""
    rows: list[dict[str, object]] = []
    for task in TASKS:
        for name, method in methods().items():
            if only and only not in name:
                continue
            found = []
            for seed in range(seeds):
                network, x, y = start(task, seed)
                if seed == 0:
                    method(network, x, y, 0.3)
                found.append(errors(task, method(network, x, y, seconds)))
            rms, worst = np.median(np.array(found), axis=0)
            weights = network.architecture.size
            rows.append({"task": task.name, "method": name, "weights": weights, "rms": rms, "max": worst})
            print(
                f"{task.name:14s} {name:18s} {weights:5d} weights  rms {rms:.1e}  max {worst:.1e}", flush=True
            )
    return rows


def ratios(rows: list[dict[str, object]]) -> dict[str, dict[str, float]]:
    """For each task: RMS of every method over that of SSBroyden."""
    table: dict[str, dict[str, float]] = {}
    for row in rows:
        table.setdefault(str(row["task"]), {})[str(row["method"])] = float(row["rms"])  # type: ignore[arg-type]
    return {
        t: {m: v / by["SSBroyden"] for m, v in by.items()} for t, by in table.items() if "SSBroyden" in by
    }


def installed(name: str) -> str | None:
    """Version of a package, None where it is missing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def main() -> None:
    """Run and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", help="part of a method's name")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results.json")
    options = parser.parse_args()
    began = time.time()
    rows = compare(options.seconds, options.seeds, options.only)
    packages = ("numpy", "scipy", "jax", "torch", "optimistix")
    result = {
        "schema": "supnorm.benchmark.fit/1", "seconds_each": options.seconds, "seeds": options.seeds,
        "rows": rows, "rms_over_ssbroyden": ratios(rows),
        "machine": {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count(),
                    "load": os.getloadavg()[0]},
        "versions": {"python": sys.version.split()[0], **{p: installed(p) for p in packages}},
        "seconds": time.time() - began,
    }  # fmt: skip
    options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
