"""Training beside its peers, and the stated targets.

    python -m benchmarks.fit                                    one seed, a tenth of the time: about four minutes
    python -m benchmarks.fit --scale 1 --seeds 5 --save         the tables of the docs: about 35 minutes of CPU
    python -m benchmarks.fit --part compare --only "I.6.2, 2-D torch"
    python -m benchmarks.fit --page fit.html                    page of the saved results

Seeds from 1000 on; those below were used for tuning. Seconds are processor time of one thread in one process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("DDE_BACKEND", "pytorch")

from benchmarks.fit.candidates import CANDIDATES
from benchmarks.fit.choice import choices
from benchmarks.fit.compare import compare, long_bfgs, time_ratios
from benchmarks.fit.methods import OURS, PEERS
from benchmarks.fit.table import lines, markdown
from benchmarks.fit.targets import published, refinements

RESULTS = Path(__file__).parents[1] / "results" / "fit.json"
FIRST = 1000
PARTS = ("compare", "long", "refinement", "published", "candidates", "choice")
PACKAGES = ("numpy", "scipy", "jax", "torch", "optimistix", "deepxde")


def rows(part: str, seeds: list[int], only: str, scale: float) -> Iterator[dict[str, Any]]:
    """The rows of one part."""
    if part == "compare":
        return compare(OURS | PEERS, seeds, only, scale)
    if part == "candidates":
        return compare(CANDIDATES, seeds[:3], only, scale)
    if part == "choice":
        return choices(seeds)
    if part == "long":
        return long_bfgs(seeds[:2], scale)
    return refinements(seeds, scale) if part == "refinement" else published(seeds, scale)


def installed(name: str) -> str | None:
    """Version of a package, None where it is missing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def processor() -> str:
    """The name that the system gives its processor."""
    path = Path("/proc/cpuinfo")
    names = (
        [line for line in path.read_text().splitlines() if line.startswith("model name")]
        if path.exists()
        else []
    )
    return names[0].split(":")[1].strip() if names else platform.processor() or platform.machine()


def main() -> None:
    """Run, print, and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, help="only this part")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--scale", type=float, default=0.1, help="of all times")
    parser.add_argument("--only", default="", help='part of "task method" in the comparison')
    parser.add_argument("--save", action="store_true", help=f"into {RESULTS.name}; parts not run are kept")
    parser.add_argument("--page", type=Path, help="write the page of the saved results and do nothing else")
    parser.add_argument(
        "--markdown", action="store_true", help="print the saved results as Markdown and do nothing else"
    )
    options = parser.parse_args()
    saved = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"schema": "supnorm.benchmark.fit/2"}
    if options.page or options.markdown:
        if options.page:
            from benchmarks.fit.page import write_page

            write_page(saved, options.page)
        else:
            print(markdown(saved))
        return
    seeds = list(range(FIRST, FIRST + options.seeds))
    for part in [options.part] if options.part else PARTS:
        began, found = time.process_time(), []
        for row in rows(part, seeds, options.only, options.scale):
            found.append(row)
            print(*lines(part, row), sep="\n", flush=True)
            if options.save:
                saved[part] = {
                    "rows": found, "seeds": seeds, "scale": options.scale, "cpu_seconds": time.process_time() - began,
                    "load": os.getloadavg()[0], "processor": processor(), "python": sys.version.split()[0],
                    "versions": {p: installed(p) for p in PACKAGES},
                }  # fmt: skip
                if "long" in saved and "compare" in saved:
                    saved["time_ratios"] = time_ratios(saved["compare"]["rows"], saved["long"]["rows"])
                RESULTS.write_text(json.dumps(saved, indent=1) + "\n")


if __name__ == "__main__":
    main()
