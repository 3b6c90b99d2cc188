"""Coverage of the forecasts on functions that were never used in their design, beside a plain log-log line.

Run: python -m benchmarks.budget.forecast_coverage BANK OUT.json --surrogate network|gp [--runs DIR]
with BANK stored (the nine network ladders of the tests; nothing is trained), design (ten functions) or second
(twelve), on all of which the envelope was tuned, third (twelve, looked at once: they showed forecasts that were too
cautious at x8, whereupon the scenario "it starts now" was added), or unseen (twelve others, looked at once, with the
final code).
Keeps the runs in DIR (resumable) and writes, as JSON, coverage and median half-width at x2, x4, x8. Uncertainty
of the coverage: a function-level bootstrap and, because that is (1, 1) where nothing was missed, the binomial
interval of "all or all but one of the new runs of a function are inside" over functions. Below the upper end: what a
plan rests on; a run below the interval was forecast too cautiously.
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
from benchmarks.budget.functions import FRESH
from benchmarks.budget.held_out import HELD_OUT, LAST
from benchmarks.budget.trainers import GaussianProcess, Network
from benchmarks.budget.unseen import UNSEEN
from benchmarks.budget.verdicts import interval
from numpy.typing import NDArray
from tests.planning.test_ladder import stored

import supnorm
from supnorm.planning.ladder.climb import climb
from supnorm.planning.ladder.drift import drift_forecast
from supnorm.planning.ladder.forecast import envelope
from supnorm.planning.ladder.line import line_forecast
from supnorm.planning.ladder.power_law import power_law_forecast
from supnorm.planning.ladder.rungs import Run, Rungs, group

Array = NDArray[np.float64]
Law = Callable[[Rungs, float, float], tuple[float, float, float]]


def on_square(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A function on [-1, 1]^d from the unit cube."""
    return lambda u: f(2 * u - 1)


LAWS = {"line": line_forecast, "power law": power_law_forecast, "drift": drift_forecast, "shipped": envelope}
RUNGS = {"network": [32, 64, 128, 256, 512, 1024, 2048], "gp": [16, 32, 64, 128, 256, 512, 1024]}
OTHERS = {**HELD_OUT, **LAST}
NAMES = (
    "wing10", "currin2", "park4", "oakley2", "morokoff6", "zhou3", "genz_gauss5", "ratio5", "cantilever6", "spill4",
    "levy4", "sulfur7",
)  # fmt: skip
LATER = (
    "griewank3", "ackley3", "dette3", "parkb4", "shekel4", "hartmann6", "goldstein2", "flood8", "friedman4",
    "styblinski5", "network4", "bratley6",
)  # fmt: skip
LAST_OF_ALL = tuple(name for name in UNSEEN if name not in LATER)
BANKS = {
    "design": FRESH,
    "second": {name: (on_square(OTHERS[name][0]), OTHERS[name][1]) for name in NAMES},
    "third": {name: (on_square(UNSEEN[name][0]), UNSEEN[name][1]) for name in LATER},
    "unseen": {name: (on_square(UNSEEN[name][0]), UNSEEN[name][1]) for name in LAST_OF_ALL},
}


def ladders(bank: str, surrogate: str, folder: Path) -> dict[str, list[Run]]:
    if bank == "stored":
        return stored("ladders.csv")
    trainer = Network() if surrogate == "network" else GaussianProcess()
    found = {}
    for name, (f, d) in BANKS[bank].items():
        path = folder / f"{surrogate}-{name}.jsonl"
        found[name] = climb(f, d, trainer, samples=RUNGS[surrogate], widths=[16], seeds=4, path=path)
        print(name, round(sum(r.seconds for r in found[name]), 1), "s", flush=True)
    return found


def judge(runs: list[Run], metric: str, ahead: int, law: Law) -> tuple[list[bool], list[bool], float]:
    """For every new run whether it is inside, whether it is below the upper end; the half-width."""
    sizes = sorted({r.samples for r in runs})
    below = group([r for r in runs if r.samples in sizes[: len(sizes) - ahead]], "samples", metric)
    _, low, high = law(below, sizes[-1], 0.9)
    new = [math.log(getattr(r, metric)) for r in runs if r.samples == sizes[-1]]
    return [low <= v <= high for v in new], [v <= high for v in new], 0.5 * (high - low)


def table(found: dict[str, list[Run]]) -> list[dict[str, Any]]:
    rows, rng = [], np.random.default_rng(0)
    for name, law in LAWS.items():
        for metric in ("rms", "sup"):
            for ahead in (1, 2, 3):
                judged = [judge(runs, metric, ahead, law) for runs in found.values()]
                hits, safe, halves = zip(*judged, strict=True)
                share = np.array([np.mean(h) for h in hits])
                boot = share[rng.integers(len(share), size=(2000, len(share)))].mean(axis=1)
                whole = int((share >= 0.75).sum())
                rows.append({
                    "law": name, "metric": metric, "ahead": 2**ahead, "coverage": float(share.mean()),
                    "coverage_interval": np.quantile(boot, [0.05, 0.95]).tolist(),
                    "functions_covered": whole, "functions_interval": interval(whole, len(share)),
                    "below_upper": float(np.mean([np.mean(s) for s in safe])),
                    "half_width": float(np.exp(np.median(halves))), "functions": len(found),
                })  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bank", choices=[*BANKS, "stored"])
    parser.add_argument("out", type=Path)
    parser.add_argument("--surrogate", choices=RUNGS, default="network")
    parser.add_argument("--runs", type=Path, default=Path("out"))
    given = parser.parse_args()
    rows = table(ladders(given.bank, given.surrogate, given.runs))
    for r in rows:
        low, high = r["coverage_interval"]
        share = f"{r['coverage']:.2f} [{low:.2f}, {high:.2f}]"
        print(
            f"{r['law']:10} {r['metric']} x{r['ahead']}: {share} half-width x{r['half_width']:.1f} "
            f"below the upper end {r['below_upper']:.2f}, functions {r['functions_covered']}/{r['functions']}"
        )
    machine = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    versions = {"supnorm": getattr(supnorm, "__version__", ""), "numpy": np.__version__}
    content = {"bank": given.bank, "surrogate": given.surrogate, "rows": rows, **machine, **versions}
    given.out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
