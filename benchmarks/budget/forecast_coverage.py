"""Coverage of the forecasts on functions that were never used in their design, beside a plain log-log line.

Run: python -m benchmarks.budget.forecast_coverage OUT.json [--surrogate network|gp]
Writes the runs beside OUT (resumable) and, as JSON, coverage and median half-width at x2, x4, x8 with the
uncertainty of the coverage (function-level bootstrap).
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
from pathlib import Path

import numpy as np
from benchmarks.budget.functions import FRESH
from benchmarks.budget.trainers import GaussianProcess, Network

from supnorm.planning.ladder.climb import climb
from supnorm.planning.ladder.drift import drift_forecast
from supnorm.planning.ladder.forecast import envelope
from supnorm.planning.ladder.line import line_forecast
from supnorm.planning.ladder.power_law import power_law_forecast
from supnorm.planning.ladder.rungs import Run, group

LAWS = {"line": line_forecast, "power law": power_law_forecast, "drift": drift_forecast, "shipped": envelope}
RUNGS = {"network": [32, 64, 128, 256, 512, 1024, 2048], "gp": [16, 32, 64, 128, 256, 512, 1024]}


def ladders(surrogate: str, folder: Path) -> dict[str, list[Run]]:
    trainer = Network() if surrogate == "network" else GaussianProcess()
    found = {}
    for name, (f, d) in FRESH.items():
        path = folder / f"{surrogate}-{name}.jsonl"
        found[name] = climb(f, d, trainer, samples=RUNGS[surrogate], widths=[16], seeds=4, path=path)
        print(name, round(sum(r.seconds for r in found[name]), 1), "s", flush=True)
    return found


def judge(runs: list[Run], metric: str, ahead: int, law) -> tuple[list[bool], float]:
    sizes = sorted({r.samples for r in runs})
    below = group([r for r in runs if r.samples in sizes[: len(sizes) - ahead]], "samples", metric)
    _, low, high = law(below, sizes[-1], 0.9)
    hits = [low <= math.log(getattr(r, metric)) <= high for r in runs if r.samples == sizes[-1]]
    return hits, 0.5 * (high - low)


def table(found: dict[str, list[Run]]) -> list[dict]:
    rows, rng = [], np.random.default_rng(0)
    for name, law in LAWS.items():
        for metric in ("rms", "sup"):
            for ahead in (1, 2, 3):
                hits, halves = zip(*(judge(runs, metric, ahead, law) for runs in found.values()), strict=True)
                share = np.array([np.mean(h) for h in hits])
                boot = share[rng.integers(len(share), size=(2000, len(share)))].mean(axis=1)
                rows.append({
                    "law": name, "metric": metric, "ahead": 2**ahead, "coverage": float(share.mean()),
                    "coverage_interval": np.quantile(boot, [0.05, 0.95]).tolist(),
                    "half_width": float(np.exp(np.median(halves))), "functions": len(found),
                })  # fmt: skip
    return rows


def main() -> None:
    out = Path(sys.argv[1])
    surrogate = sys.argv[sys.argv.index("--surrogate") + 1] if "--surrogate" in sys.argv else "network"
    rows = table(ladders(surrogate, out.parent))
    for r in rows:
        low, high = r["coverage_interval"]
        share = f"{r['coverage']:.2f} [{low:.2f}, {high:.2f}]"
        print(f"{r['law']:10} {r['metric']} x{r['ahead']}: {share} half-width x{r['half_width']:.1f}")
    machine = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    content = {"surrogate": surrogate, "rows": rows, "numpy": np.__version__, **machine}
    out.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
