"""Does the verdict of `budget` name the best tool? All tools get the same number of samples; errors are
measured.

Run: python -m benchmarks.budget.verdicts OUT.json [--samples 2000] [--held-out | --last] [--only NAME ...] For each
function: the verdict for a tolerance of 1e-3 of half the range with a purse of N samples, and the largest
error found of each tool built from at most N samples. Two counts: the tool named is best (within a factor 2,
or both below 1e-9); the outcome is right (the tool named reaches the tolerance if any does; "none" if none
does). Regret is the named tool's error over the best. The profile's own calls are not in N, and are printed.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.budget.bank import BANK as TUNED
from benchmarks.budget.held_out import HELD_OUT, LAST
from numpy.typing import NDArray

from supnorm.approximants import (
    ChebyshevTensor,
    GaussianProcess,
    NotApplicable,
    PiecewiseChebyshev,
    PolynomialLeastSquares,
    SparseLegendre,
    TensorTrain,
)
from supnorm.planning import BudgetResult, Ladder, Trained, budget, climb
from supnorm.planning.ladder.climb import errors
from supnorm.problem import Domain
from supnorm.training.network_fit import NetworkFit

Array = NDArray[np.float64]
BANK = TUNED | HELD_OUT | LAST
Model = Callable[[Array], Array]
FAMILY = {
    "Chebyshev tensor grid": "grid", "piecewise polynomial grid": "grid",
    "sum of fits of few inputs each": "sum", "product of fits of few inputs each": "product",
    "rotate to the active directions, then a grid": "ridge", "sparse polynomial": "sparse",
    "tensor train": "train", "Gaussian process": "process", "network": "network",
}  # fmt: skip


def cube(d: int) -> Domain:
    return Domain.from_axes({f"x{i}": (-1.0, 1.0) for i in range(d)})


def columns(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda x: f(x)[:, None]


def grid(f: Callable[[Array], Array], d: int, n: int) -> Model:
    tool = PiecewiseChebyshev() if d == 1 else ChebyshevTensor()
    found = tool.from_function(columns(f), cube(d), n).function
    return lambda x: found.value(x)[:, 0]


def blocks(
    f: Callable[[Array], Array], parts: list[list[int]], n: int, product: bool, shift: float, d: int
) -> Model:
    """Fits of the blocks through the middle, added, or multiplied after the shift."""
    if len(parts) < 2:
        raise NotApplicable("one block")
    middle = np.full((1, d), 0.123)
    centre = float(f(middle)[0]) - (shift if product else 0.0)

    def section(block: list[int]) -> Callable[[Array], Array]:
        def value(z: Array) -> Array:
            x = np.repeat(middle, len(z), axis=0)
            x[:, block] = z
            return f(x) - (shift if product else 0.0)

        return value

    fits = [(b, grid(section(b), len(b), n // len(parts))) for b in parts]

    def predict(x: Array) -> Array:
        values = np.stack([fit(x[:, b]) for b, fit in fits])
        if product:
            return values.prod(axis=0) / centre ** (len(fits) - 1) + shift
        return values.sum(axis=0) - (len(fits) - 1) * centre

    return predict


def ridge(f: Callable[[Array], Array], result: BudgetResult, n: int) -> Model:
    """One active direction: a fit along the line from corner to corner."""
    active = result.profile.active if result.profile else None
    if active is None or active.dimension != 1 or len(result.inputs) == 1 or active.residual > 1e-6:
        raise NotApplicable("not a ridge")
    v = active.directions[0]
    ends = np.sign(v + 1e-300)
    reach = float(np.abs(v).sum())
    line = grid(lambda t: f(t * ends), 1, n)
    return lambda x: line((x @ v / reach)[:, None])


def sampled(tool: Any, f: Callable[[Array], Array], d: int, n: int, rng: np.random.Generator) -> Model:
    x = rng.uniform(-1, 1, (n, d))
    found = tool.from_samples(x, f(x)[:, None], cube(d), rng).function
    return lambda x: found.value(x)[:, 0]


def network(f: Callable[[Array], Array], d: int, n: int, rng: np.random.Generator) -> Model:
    """The best of two widths by 200 held-out samples."""
    x = rng.uniform(-1, 1, (n, d))
    y = f(x)[:, None]
    best: tuple[float, Model] = (np.inf, lambda x: np.zeros(len(x)))
    for width in (10, 18):
        tool = NetworkFit(iterations=1000)
        start = tool.start(x[200:], y[200:], cube(d), width, rng)
        found = tool.train(start, x[200:], y[200:], None, rng).network.as_function()
        error = float(np.abs(found.value(x[:200]) - y[:200]).max())
        best = min(best, (error, lambda x, g=found: g.value(x)[:, 0]), key=lambda item: item[0])
    return best[1]


class Climber:
    """A trainer for the ladder: one network by the optimiser of `fit`."""

    def __call__(self, x: Array, y: Array, width: int, seed: int) -> Trained:
        rng = np.random.default_rng(seed)
        domain = Domain.from_axes({f"x{i}": (0.0, 1.0) for i in range(x.shape[1])})
        tool = NetworkFit(iterations=1000)
        found = tool.train(tool.start(x, y[:, None], domain, width, rng), x, y[:, None], None, rng).network
        function = found.as_function()
        return Trained(lambda u: function.value(u)[:, 0], found.architecture.size, 1000)


def measure(
    f: Callable[[Array], Array], d: int, n: int, result: BudgetResult, scale: float
) -> dict[str, float]:
    acting = result.profile.interactions if result.profile else None
    rng = np.random.default_rng(1)
    tools: dict[str, list[Callable[[], Model]]] = {
        "grid": [lambda: grid(f, d, n)],
        "ridge": [lambda: ridge(f, result, n)],
        "sparse": [
            lambda: sampled(SparseLegendre(), f, d, n, rng),
            lambda: sampled(PolynomialLeastSquares(), f, d, n, rng),
        ],
        "process": [lambda: sampled(GaussianProcess(), f, d, n, rng)],
        "network": [lambda: network(f, d, n, rng)],
    }
    if d > 1:
        tools["train"] = [lambda: from_train(f, d, n)]
    if acting is not None and d > 1:
        tools["sum"] = [lambda: blocks(f, acting.blocks(), n, False, 0.0, d)]
        tools["product"] = [lambda: blocks(f, acting.factors(), n, True, acting.shift, d)]
    found = {}
    for name, builders in tools.items():
        values = [e for e in (one_error(build, f, d) for build in builders) if e is not None]
        if values:
            found[name] = min(values) / scale
    return found


def from_train(f: Callable[[Array], Array], d: int, n: int) -> Model:
    found = TensorTrain(tolerance=1e-5).from_function(columns(f), cube(d), n).function
    return lambda x: found.value(x)[:, 0]


def one_error(build: Callable[[], Model], f: Callable[[Array], Array], d: int) -> float | None:
    try:
        model = build()
    except NotApplicable:
        return None
    rng = np.random.default_rng(2)
    return errors(lambda u: np.abs(model(2 * u - 1) - f(2 * u - 1)), d, rng, points=10_000)[1]


def judge(name: str, n: int) -> dict[str, Any]:
    f, d = BANK[name]
    x = np.random.default_rng(0).uniform(-1, 1, (4096, d))
    scale = 0.5 * float(np.ptp(f(x)))
    start = time.perf_counter()
    result = budget(f, cube(d), tolerance=1e-3 * scale, purse=n)
    if result.verdict.word != "classical better":
        # The ladder stops at half the purse: the rest has to be forecast.
        rungs = [n // 16, n // 8, n // 4, n // 2]
        runs = climb(lambda u: f(2 * u - 1), d, Climber(), samples=rungs, widths=[14], seeds=2)
        result = budget(f, cube(d), tolerance=1e-3 * scale, purse=n, ladder=Ladder(tuple(runs)))
    planned = time.perf_counter() - start
    found = measure(f, d, n, result, scale)
    best = min(found, key=lambda k: found[k])
    named = FAMILY.get(result.verdict.tool, "none")
    floor = 1e-9
    error = found.get(named, np.inf)
    any_reaches = found[best] <= 1e-3
    gave_up = named == "none" or result.verdict.word in ("unsuitable", "undecided")
    right = error <= 1e-3 if any_reaches else gave_up
    return {
        "function": name, "d": d, "word": result.verdict.word, "named": named, "best": best, "errors": found,
        "is_best": bool(max(error, floor) <= 2 * max(found[best], floor) or (gave_up and not any_reaches)),
        "right_outcome": bool(right), "reachable": bool(any_reaches),
        "regret": float(max(error, floor) / max(found[best], floor)) if named != "none" else None,
        "calls": result.profile.calls if result.profile else 0, "seconds": planned,
    }  # fmt: skip


def main() -> None:
    out = Path(sys.argv[1])
    n = int(sys.argv[sys.argv.index("--samples") + 1]) if "--samples" in sys.argv else 2000
    names = list(LAST if "--last" in sys.argv else HELD_OUT if "--held-out" in sys.argv else TUNED)
    if "--only" in sys.argv:
        names = sys.argv[sys.argv.index("--only") + 1 :]
    rows = []
    for name in names:
        rows.append(judge(name, n))
        r = rows[-1]
        shown = " ".join(f"{k}:{v:.0e}" for k, v in sorted(r["errors"].items(), key=lambda i: i[1]))
        marks = ("best" if r["is_best"] else "-") + " " + ("right" if r["right_outcome"] else "WRONG")
        print(f"{name:12} named {r['named']:8} best {r['best']:8} {marks:12} {shown}", flush=True)
    total = len(rows)
    best, right = sum(r["is_best"] for r in rows), sum(r["right_outcome"] for r in rows)
    print(f"named tool is best: {best}/{total}; outcome right: {right}/{total}")
    machine = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    out.write_text(
        json.dumps({"samples": n, "rows": rows, "best": best, "right": right, **machine}, indent=1)
    )


if __name__ == "__main__":
    main()
