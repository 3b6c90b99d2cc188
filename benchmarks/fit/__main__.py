"""Training beside its peers, the stated targets, what `fit` chooses, and surrogates with their proof.

    python -m benchmarks.fit                                    one seed, a tenth of the time: about four minutes
    python -m benchmarks.fit --scale 1 --seeds 5 --save         the tables of the docs: about 45 minutes of CPU
    python -m benchmarks.fit --part compare --only "I.6.2, 2-D torch"
    python -m benchmarks.fit --markdown                         tables of the saved results
    python -m benchmarks.fit --page fit.html                    page with the curves of accuracy over CPU seconds

Every method trains the same network from the same start on the same samples in float64 on one thread, for the same
processor seconds; compilation is done before the clock starts. Errors are divided by the standard deviation of the
reference and measured on 16,384 fresh points and all corners. Peers that are not installed are named and left out:
``pip install -e '.[bench]'``. What is saved after each run is not run again.

Seeds from 9000 on; those below were used for tuning. Seconds are processor time, so that other programs on
the machine count little: caches and memory are shared. Read ratios.
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

from benchmarks.claims.stored import stamp
from benchmarks.fit.candidates import CANDIDATES
from benchmarks.fit.certified import certified
from benchmarks.fit.choice import choices
from benchmarks.fit.compare import Chosen, Run, Wanted, chosen, compare, long_bfgs, plateau, tuning, wide
from benchmarks.fit.equations import equations
from benchmarks.fit.jumps import jumps
from benchmarks.fit.methods import OURS, PEERS
from benchmarks.fit.table import lines, markdown
from benchmarks.fit.targets import published, refinements
from supnorm.results import write_whole

RESULTS = Path(__file__).parents[1] / "results" / "fit.json"
FIRST = 9000
PARTS = (
    "tuning", "compare", "published", "refinement", "certified", "choice", "long", "candidates", "equations",
    "plateau", "wide", "jumps",
)  # fmt: skip
PACKAGES = ("numpy", "scipy", "jax", "torch", "optimistix", "optax", "deepxde")


def rows(part: str, seeds: list[int], scale: float, wanted: Wanted, options: Chosen) -> Iterator[Run]:
    """The runs of one part."""
    if part == "tuning":
        return tuning(scale, wanted)
    if part == "compare":
        return compare(OURS | PEERS, seeds, scale, wanted, options)
    if part == "candidates":
        beside = {"SSBroyden": OURS["SSBroyden"]}
        return compare(CANDIDATES | beside, seeds, scale, wanted, options)
    if part == "choice":
        return choices(seeds, wanted)
    if part == "wide":
        return wide(seeds, scale, wanted)
    if part == "plateau":
        return plateau(seeds, scale, wanted, options)
    if part == "jumps":
        return jumps(seeds, wanted)
    if part == "equations":
        return equations(seeds[:3], wanted)
    if part == "certified":
        return certified(seeds[:3], wanted)
    if part == "long":
        return long_bfgs(seeds, scale, wanted)
    return refinements(seeds, scale, wanted) if part == "refinement" else published(seeds, scale, wanted)


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
    parser.add_argument("--first", type=int, default=FIRST, help="the first seed")
    parser.add_argument("--scale", type=float, default=0.1, help="of all times")
    parser.add_argument("--only", default="", help='part of "task method"')
    parser.add_argument(
        "--save",
        action="store_true",
        help=f"after each run, into {RESULTS.name}; runs that are there with the same scale are not repeated",
    )
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
    seeds = list(range(options.first, options.first + options.seeds))
    every = PARTS if options.save else PARTS[1:]  # options that are saved serve a quick look
    for part in [options.part] if options.part else every:
        kept = saved.get(part, {}) if options.save else {}
        found: list[Run] = kept.get("rows", []) if kept.get("scale") == options.scale else []
        before = kept.get("cpu_seconds", 0.0) if found else 0.0
        done, began = {(r["task"], r["method"], r["seed"]) for r in found}, time.process_time()

        def wanted(task: str, method: str, seed: int, done: Any = frozenset(done)) -> bool:
            return options.only in f"{task} {method}" and (task, method, seed) not in done

        for row in rows(part, seeds, options.scale, wanted, chosen(saved.get("tuning", {}).get("rows", []))):
            found.append(row)
            print(*lines(part, row), sep="\n", flush=True)
            if options.save:
                saved[part] = {
                    "rows": found, "scale": options.scale, "cpu_seconds": before + time.process_time() - began,
                    "load": os.getloadavg()[0], "processor": processor(), "python": sys.version.split()[0],
                    "versions": {p: installed(p) for p in PACKAGES},
                }  # fmt: skip
                write_whole(RESULTS, json.dumps(saved) + "\n")
                stamp("compare" if part == "compare" else "fit", add=True)


if __name__ == "__main__":
    main()
