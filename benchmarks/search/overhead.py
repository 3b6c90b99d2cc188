"""``python -m benchmarks.search.overhead``: what the search costs beside model and reference, and its memory.

The pair is two 3 x 64 tanh networks in NumPy, the cheapest that anyone would audit. Total: processor time of
statistics and search. Inside: of that, the processor time spent within the two functions the user gave, clocked
around each of their calls (values, derivatives, pullbacks) in the same run. Overhead = (total - inside) / inside:
of the search itself, and of another run that also keeps the maps that an audit's page draws. The medians of some
runs, which take turns, are printed.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims.stored import stamp
from benchmarks.search.ours import supnorm
from supnorm.networks import Network
from supnorm.problem import Domain, Function, Problem

Array = NDArray[np.float64]
RESULTS = Path(__file__).parents[1] / "results" / "overhead.json"
TEN_MILLION = 10_000_000


def main() -> None:
    """Print one line a number of inputs and budget, then the memory."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search.overhead")
    parser.add_argument("--memory", type=int, help="only this many evaluations, and the peak memory")
    parser.add_argument("--evaluations", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--runs", type=int, default=5, help="of which the median counts")
    parser.add_argument(
        "--save", action="store_true", help=f"into {RESULTS.name}, the memory of ten millions as well"
    )
    args = parser.parse_args()
    if args.memory:
        worst, spent, _, seconds = supnorm(pair(4), args.memory, 0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{spent:,} evaluations, {seconds:.0f} s, worst {worst:.6g}, peak memory {peak:.0f} MB")
        return
    supnorm(pair(4), 5000, 0)  # imports
    rows = []
    for d in (4, 8):
        for evaluations in args.evaluations:
            runs = [[overhead(d, evaluations, maps) for maps in (False, True)] for _ in range(args.runs)]
            alone, audit = (sorted(kind, key=lambda run: run[0] / run[1]) for kind in zip(*runs, strict=True))
            total, inside = alone[args.runs // 2]
            paged = audit[args.runs // 2]
            print(
                f"d = {d}, {evaluations:,} evaluations: {total:.3f} s, model and reference {inside:.3f} s, "
                f"overhead {100 * (total / inside - 1):.1f} %, with the page's maps "
                f"{100 * (paged[0] / paged[1] - 1):.1f} %",
                flush=True,
            )
            shares = {"search": total / inside - 1, "with maps": paged[0] / paged[1] - 1}
            rows.append({"inputs": d, "evaluations": evaluations, **shares})
    if args.save:
        millions = [sys.executable, "-m", "benchmarks.search.overhead", "--memory", str(TEN_MILLION)]
        said = subprocess.run(millions, check=True, capture_output=True, text=True).stdout
        memory = float(said.rpartition("peak memory ")[2].removesuffix(" MB\n"))
        found = {"runs": args.runs, "load": os.getloadavg()[0], "memory": memory, "rows": rows}
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        stamp("overhead")


def pair(d: int) -> Problem:
    """Two random networks on the box [-1, 1]^d."""
    networks = [
        Network.init(np.random.default_rng(seed), d=d, width=64, depth=3).as_function() for seed in (0, 1)
    ]
    return Problem(*networks, Domain(**{f"x{i + 1}": (-1.0, 1.0) for i in range(d)}))


def overhead(d: int, evaluations: int, maps: bool) -> tuple[float, float]:
    """Processor seconds of statistics and search, and of them those inside the pair's functions."""
    clock = Clock()
    problem = pair(d)
    watched = dataclasses.replace(
        problem, model=clock.watched(problem.model), reference=clock.watched(problem.reference)
    )
    start = time.process_time()
    supnorm(watched, evaluations, 0, maps=maps)
    return time.process_time() - start, clock.seconds


class Clock:
    """Adds up the processor time inside functions: values, derivatives and their pullbacks."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def watched(self, function: Function) -> Function:
        """The same function, its time counted."""

        def vjp(x: Array) -> Any:
            assert function.vjp is not None
            y, pull = self._timed(function.vjp, x)
            return y, lambda weight: self._timed(pull, weight)

        return dataclasses.replace(function, value=lambda x: self._timed(function.value, x), vjp=vjp)

    def _timed(self, call: Callable[[Array], Any], x: Array) -> Any:
        start = time.process_time()
        result = call(x)
        self.seconds += time.process_time() - start
        return result


if __name__ == "__main__":
    main()
