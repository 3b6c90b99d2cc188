"""``python -m benchmarks.coverage``: how often each limit that an audit states with 95 % confidence holds.

Every trial is a run of the audit's own code with a fresh seed on a problem whose truth is known:

* *exceedance*: the share of the domain above a tolerance, known in closed form, against ``fraction_at_most``;
* *unseen peaks*: the chance that one more ascent ends on a peak that the trial's ascents did not reach, known from the
  ascents of all trials together, against ``at_most``; and the same limit for 80 made-up lists of peaks;
* *size of a place*: the volume of planted balls and sheets against the limits of `RegionVolume`.

A row fails when the 95 % interval (Clopper and Pearson, two-sided) of the observed coverage lies below 0.95.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from benchmarks.claims.stored import stamp
from benchmarks.coverage import cells
from supnorm.auditing.statistics import clopper_pearson_lower, clopper_pearson_upper

RESULTS = Path(__file__).parents[1] / "results" / "coverage.json"
CONFIDENCE = 0.95


def main() -> None:
    """Print one line a row; with ``--save`` put them into the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage")
    parser.add_argument("--first", type=int, default=7000, help="seed of the first trial")
    parser.add_argument("--trials", type=int, default=600, help="in each row")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    args = parser.parse_args()
    start, rows = time.process_time(), []
    print(f"{'limit':16s} {'case':58s} {'trials':>6s} {'covered':>8s}  interval")
    for limit, case, held in _all(args.first, args.trials):
        rows.append(_row(limit, case, held))
        row = rows[-1]
        print(
            f"{limit:16s} {case:58s} {row['trials']:6d} {row['coverage']:8.4f}  "
            f"{row['interval'][0]:.4f} to {row['interval'][1]:.4f}{'' if row['holds'] else '  BELOW 0.95'}",
            flush=True,
        )
        if args.save:
            _save(rows, args, time.process_time() - start)
    least = min(rows, key=lambda r: r["coverage"])
    print(
        f"{sum(r['holds'] for r in rows)} of {len(rows)} rows hold; least {least['coverage']:.4f}: {least['case']}"
    )


def _all(first: int, trials: int) -> Iterator[tuple[str, str, list[bool]]]:
    for case in cells.EXCEEDANCE:
        yield "exceedance", case.name, [case.holds(first + i) for i in range(trials)]
    for peaks in cells.CLIMBED:
        yield "unseen peaks", peaks.name, peaks.hold(first, trials)
    for name, masses in cells.MASSES.items():
        for ascents in cells.ASCENTS:
            held = cells.simulated(masses, ascents, first, trials)
            yield "unseen peaks", f"made up: {name}, {ascents} ascents", held
    for place in cells.PLACES:
        for side, held in place.hold(first, trials // 2).items():
            yield f"size {side}", place.name, held


def _row(limit: str, case: str, held: list[bool]) -> dict[str, Any]:
    k, n = sum(held), len(held)
    interval = clopper_pearson_lower(k, n, 0.975), clopper_pearson_upper(k, n, 0.975)
    return {
        "limit": limit,
        "case": case,
        "trials": n,
        "covered": k,
        "coverage": k / n,
        "interval": interval,
        "holds": interval[1] >= CONFIDENCE,
    }


def _save(rows: list[dict[str, Any]], args: argparse.Namespace, seconds: float) -> None:
    versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
    document = {
        "command": f"python -m benchmarks.coverage --first {args.first} --trials {args.trials} --save",
        "confidence": CONFIDENCE,
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": versions,
        "processor_seconds": round(seconds, 1),
        "rows": rows,
    }
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    stamp("coverage")


if __name__ == "__main__":
    main()
