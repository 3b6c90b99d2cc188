"""Coverage of the forecasts on functions that were never used in their design, beside a plain log-log line.

TrainingRun: python -m benchmarks.budget.forecast_coverage BANK OUT.json --surrogate network|gp|fit [--runs DIR]
with BANK final (eighteen functions, looked at once, with the final code), or one of those on which the forecast was
tuned: stored (the nine network learning curves of the tests; nothing is trained) or used (46 functions of the other
benchmarks). Surrogates: a tanh network by L-BFGS, a Gaussian process (both of `trainers`), and "fit", the network
that `supnorm budget --learning-curve network` trains.
Keeps the runs in DIR (resumable) and writes, as JSON, coverage and median half-width at x2, x4, x8. Uncertainty
of both: a bootstrap over functions and, because that is (1, 1) where nothing was missed, the binomial interval of "all
or all but one of the new runs of a function are inside" over functions. Below the upper end: what a plan rests on; a
run below the interval was forecast too cautiously. "Shipped" is what the user gets, with the widening by missed hold-outs.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.budget.fresh import FINAL
from benchmarks.budget.functions import FRESH
from benchmarks.budget.held_out import HELD_OUT, LAST
from benchmarks.budget.line import line_forecast
from benchmarks.budget.trainers import GaussianProcess, Network
from benchmarks.budget.unseen import UNSEEN
from benchmarks.budget.verdicts import interval
from numpy.typing import NDArray
from tests.planning.test_learning_curve import stored

import supnorm
from supnorm.planning.learning_curve import MeasuredCurve, as_trainer, train_on_function
from supnorm.planning.learning_curve.drift import drift_forecast
from supnorm.planning.learning_curve.power_law import power_law_forecast
from supnorm.planning.learning_curve.training_run import TrainingRun
from supnorm.training import NetworkFit

Array = NDArray[np.float64]
Law = Callable[[MeasuredCurve, float], tuple[float, float, float]]  # middle and ends, natural logarithms


def on_square(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A function on [-1, 1]^d from the unit cube."""
    return lambda u: f(2 * u - 1)


def shipped(curve: MeasuredCurve, size: float) -> tuple[float, float, float]:
    found = curve.forecast(size)
    return math.log(found.value), math.log(found.lower), math.log(found.upper)


LAWS: dict[str, Law] = {
    "line": lambda curve, size: line_forecast(curve.by_size, size, 0.9),
    "power law": lambda curve, size: power_law_forecast(curve.by_size, size, 0.9),
    "drift": lambda curve, size: drift_forecast(curve.by_size, size, 0.9),
    "shipped": shipped,
}
TRAINERS = {"network": Network(), "gp": GaussianProcess(), "fit": as_trainer(NetworkFit())}
LARGE = [32, 64, 128, 256, 512, 1024, 2048]
SIZES = {"network": LARGE, "gp": [16, 32, 64, 128, 256, 512, 1024], "fit": LARGE}
OTHERS = {**HELD_OUT, **LAST}
NAMES = (
    "wing10", "currin2", "park4", "oakley2", "morokoff6", "zhou3", "genz_gauss5", "ratio5", "cantilever6", "spill4",
    "levy4", "sulfur7",
)  # fmt: skip
SQUARES = {name: OTHERS[name] for name in NAMES} | {name: entry[:2] for name, entry in UNSEEN.items()}
BANKS = {"used": FRESH | {name: (on_square(f), d) for name, (f, d) in SQUARES.items()}, "final": FINAL}


def learning_curves(bank: str, surrogate: str, folder: Path) -> dict[str, list[TrainingRun]]:
    if bank == "stored":
        return stored("learning_curves.csv")
    trainer = TRAINERS[surrogate]
    found = {}
    for name, (f, d) in BANKS[bank].items():
        path = folder / f"{surrogate}-{name}.jsonl"
        found[name] = train_on_function(
            f, d, trainer, samples=SIZES[surrogate], widths=[16], seeds=4, path=path
        )
        print(name, round(sum(r.seconds for r in found[name]), 1), "s", flush=True)
    return found


def judge(
    runs: list[TrainingRun], metric: str, ahead: int, law: Law
) -> tuple[list[bool], list[bool], float, float]:
    """For every new run whether it is inside, whether it is below the upper end; half-width; error of the middle."""
    sizes = sorted({r.samples for r in runs})
    seen = tuple(r for r in runs if r.samples in sizes[: len(sizes) - ahead])
    middle, low, high = law(MeasuredCurve(seen, "samples", metric), sizes[-1])
    new = [math.log(getattr(r, metric)) for r in runs if r.samples == sizes[-1]]
    off = abs(float(np.mean(new)) - middle)
    return [low <= v <= high for v in new], [v <= high for v in new], 0.5 * (high - low), off


def table(found: dict[str, list[TrainingRun]]) -> list[dict[str, Any]]:
    rows, rng = [], np.random.default_rng(0)
    for name, law in LAWS.items():
        for metric in ("rms", "sup"):
            for ahead in (1, 2, 3):
                judged = [judge(runs, metric, ahead, law) for runs in found.values()]
                hits, safe, halves, off = zip(*judged, strict=True)
                share, half = np.array([np.mean(h) for h in hits]), np.array(halves)
                again = rng.integers(len(share), size=(2000, len(share)))
                whole = int((share >= 0.75).sum())
                rows.append({
                    "law": name, "metric": metric, "ahead": 2**ahead, "coverage": float(share.mean()),
                    "coverage_interval": _ends(share[again].mean(axis=1)),
                    "functions_covered": whole, "functions_interval": interval(whole, len(share)),
                    "below_upper": float(np.mean([np.mean(s) for s in safe])),
                    "half_width": float(np.exp(np.median(half))),
                    "half_width_interval": _ends(np.exp(np.median(half[again], axis=1))),
                    "error_of_middle": float(np.exp(np.median(off))),
                    "by_function": dict(zip(found, share.tolist(), strict=True)), "functions": len(found),
                })  # fmt: skip
    return rows


def _ends(values: Array) -> list[float]:
    low, high = np.quantile(values, [0.05, 0.95])
    return [float(low), float(high)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bank", choices=[*BANKS, "stored"])
    parser.add_argument("out", type=Path)
    parser.add_argument("--surrogate", choices=SIZES, default="network")
    parser.add_argument("--runs", type=Path, default=Path("out"))
    given = parser.parse_args()
    rows = table(learning_curves(given.bank, given.surrogate, given.runs))
    for r in rows:
        low, high = r["coverage_interval"]
        share = f"{r['coverage']:.2f} [{low:.2f}, {high:.2f}]"
        low, high = r["half_width_interval"]
        width = f"x{r['half_width']:.1f} [{low:.1f}, {high:.1f}]"
        low, high = r["functions_interval"]
        whole = f"{r['functions_covered']}/{r['functions']} [{low:.2f}, {high:.2f}]"
        print(
            f"{r['law']:10} {r['metric']} x{r['ahead']}: {share} half-width {width} functions {whole} "
            f"below the upper end {r['below_upper']:.2f}, middle off by x{r['error_of_middle']:.2f}"
        )
    machine = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    versions = {"supnorm": getattr(supnorm, "__version__", ""), "numpy": np.__version__}
    content = {"bank": given.bank, "surrogate": given.surrogate, "rows": rows, **machine, **versions}
    given.out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
