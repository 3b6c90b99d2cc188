"""How often labels of continuous functions are called jumps, and how often jumps are found, in fixed random samples.

"Steep" is a tanh over four mean distances of neighbours, which the samples resolve; "unresolved" is one over one
distance, which they do not: to report it is no error, for no method could tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fit.compare import Wanted
from supnorm.problem import Domain
from supnorm.training.label_jumps import label_jump

Array = NDArray[np.float64]
Labels = Callable[[Array, np.random.Generator], Array]
SIZES = {1: (30, 100, 300, 1000), 2: (200, 1000), 3: (300, 1000), 5: (300, 1000)}
TRIALS = 100  # seeds after the first


def _plane(u: Array, rng: np.random.Generator) -> Array:
    """Distance from a random plane through the middle half of the box."""
    normal = rng.normal(size=u.shape[1])
    return (u - 0.5) @ (normal / np.linalg.norm(normal)) + 0.25 * (rng.random() - 0.5)


def _wave(u: Array) -> Array:
    return np.asarray(np.sin(4.0 * u).sum(axis=1) / u.shape[1])


def _steep(u: Array, rng: np.random.Generator, distances: float) -> Array:
    return np.tanh(_plane(u, rng) * len(u) ** (1.0 / u.shape[1]) / distances)


def _outliers(u: Array, rng: np.random.Generator) -> Array:
    return _wave(u) + (rng.random(len(u)) < 0.02) * 5.0 * rng.normal(size=len(u))


CONTINUOUS: dict[str, Labels] = {
    "plane": lambda u, rng: _plane(u, rng),
    "wave": lambda u, rng: _wave(u),
    "exponential": lambda u, rng: np.exp(8.0 * u.mean(axis=1)),
    "near a pole": lambda u, rng: 1.0 / (0.03 + u.mean(axis=1)),
    "peak": lambda u, rng: 1.0 / (1.0 + 25.0 * ((u - 0.5) ** 2).sum(axis=1)),
    "kink": lambda u, rng: np.abs(_plane(u, rng)),
    "root": lambda u, rng: np.sqrt(np.abs(_plane(u, rng))),
    "steep": lambda u, rng: _steep(u, rng, 4.0),
    "steep and wave": lambda u, rng: _steep(u, rng, 4.0) + _wave(u),
    "noise": lambda u, rng: rng.normal(size=len(u)),
    "wave and noise": lambda u, rng: _wave(u) + 0.05 * rng.normal(size=len(u)),
    "rounded": lambda u, rng: np.round(_wave(u), 2),
}
OTHERS: dict[str, Labels] = {
    "2 % gross errors": _outliers,
    "unresolved": lambda u, rng: _steep(u, rng, 1.0),
    "jump": lambda u, rng: 1.0 * (_plane(u, rng) > 0) + _wave(u),
    "jump and noise": lambda u, rng: 1.0 * (_plane(u, rng) > 0) + _wave(u) + 0.05 * rng.normal(size=len(u)),
    "small jump": lambda u, rng: 0.3 * (_plane(u, rng) > 0) + _wave(u),
}


def called(labels: Labels, d: int, n: int, seeds: range) -> int:
    """In how many of the designs the labels are said to jump."""
    box, count = Domain.from_axes({f"x{i}": (0.0, 1.0) for i in range(d)}), 0
    for seed in seeds:
        rng = np.random.default_rng([seed, d, n])
        u = rng.random((n, d))
        count += label_jump(u, labels(u, rng)[:, None], box) is not None
    return count


def jumps(seeds: list[int], wanted: Wanted) -> Iterator[dict[str, Any]]:
    """One row for each kind of labels, number of inputs and of samples."""
    trials = range(seeds[0], seeds[0] + TRIALS)
    for d, sizes in SIZES.items():
        for n in sizes:
            task = f"{d} inputs, {n} samples"
            for name, labels in (CONTINUOUS | OTHERS).items():
                if wanted(task, name, seeds[0]):
                    count = called(labels, d, n, trials)
                    yield {"task": task, "method": name, "seed": seeds[0], "called": count, "of": TRIALS}


def lines(row: dict[str, Any]) -> list[str]:
    """What is printed while it runs."""
    return [f"{row['task']:24} {row['method']:18} called a jump in {row['called']} of {row['of']}"]


HEAD = ["samples", "continuous functions, of 100 each", *OTHERS]


def body(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Rows of the table: continuous functions together, with the worst one."""
    table = []
    for task in dict.fromkeys(r["task"] for r in rows):
        by = {r["method"]: r for r in rows if r["task"] == task}
        smooth = [r for name, r in by.items() if name in CONTINUOUS]
        wrong = sum(r["called"] for r in smooth)
        most = max(smooth, key=lambda r: r["called"])
        said = f"{wrong} of {sum(r['of'] for r in smooth)}" + (
            f" ({most['method']} {most['called']})" if wrong else ""
        )
        table.append([task, said, *(f"{by[name]['called']} %" if name in by else "" for name in OTHERS)])
    return table
