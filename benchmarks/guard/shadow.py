"""``python -m benchmarks.guard shadow``: is the confidence sequence valid at all times, and what does it cost?

In each run the checks of a service are simulated: independent, with a rate that is known. After each check somebody looks.
A run is wrong if the rate has been outside of the limits at any time. Beside it Clopper and Pearson's limits, which are
valid at one time only.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import beta

from benchmarks.claims.stored import stamp
from supnorm.auditing.statistics import clopper_pearson_upper
from supnorm.guarding.sequence import always_valid, log_mixture

RESULTS = Path(__file__).parents[1] / "results" / "guard_shadow.json"
RATES = (0.0003, 0.001, 0.01, 0.1)
CHECKS = 20_000
CONFIDENCE = 0.95


def main(arguments: list[str]) -> None:
    """Print one line a rate; with ``--save`` store them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard shadow")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    args = parser.parse_args(arguments)
    rows = []
    for rate in RATES:
        rows.append(simulated(rate, args.runs, args.seed))
        print(rows[-1], flush=True)
    if args.save:
        document: dict[str, Any] = {
            "command": "python -m benchmarks.guard shadow --save",
            "machine": f"{platform.system()} {platform.machine()}",
            "versions": {"python": platform.python_version(), "numpy": np.__version__},
            "checks": CHECKS,
            "runs": args.runs,
            "rows": rows,
            "widths": [
                {
                    "n": n,
                    "sequence": always_valid(0, n, CONFIDENCE)[1],
                    "once": clopper_pearson_upper(0, n, CONFIDENCE),
                }
                for n in (300, 3000, 30_000)
            ],
        }
        RESULTS.write_text(json.dumps(document, indent=1) + "\n")
        stamp("guard_shadow")


def simulated(rate: float, runs: int, seed: int) -> dict[str, float]:
    """In how many runs each kind of limits was wrong at some time."""
    rng, n = np.random.default_rng(seed), np.arange(1, CHECKS + 1)
    sequence = upper = 0
    for _ in range(runs):
        k = np.cumsum(rng.random(CHECKS) < rate)
        sequence += bool((log_mixture(k, n, rate) >= -math.log1p(-CONFIDENCE)).any())
        # the rate is above Clopper and Pearson's upper limit where that many or fewer exceedances are this rare
        upper += bool((beta.cdf(rate, k + 1, np.maximum(n - k, 1e-9)) > CONFIDENCE).any())
    return {"rate": rate, "sequence": sequence, "once": upper, "runs": runs}
