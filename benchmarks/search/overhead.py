"""``python -m benchmarks.search.overhead``: what the search costs beside model and reference, and its memory.

The pair is two 3 x 64 tanh networks, the cheapest that anyone would audit. Total: processor time of statistics
and search. Inside: processor time of the same calls of model and reference, on the same batches, made again
without the search. Overhead = (total - inside) / inside.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.search.ours import supnorm
from supnorm.networks import Network
from supnorm.problem import Domain, Function, Problem

Array = NDArray[np.float64]
Call = tuple[Callable[..., Any], Array]


def main() -> None:
    """Print one line a number of inputs and budget, then the memory."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search.overhead")
    parser.add_argument("--memory", type=int, help="only this many evaluations, and the peak memory")
    parser.add_argument("--evaluations", type=int, nargs="+", default=[100_000, 1_000_000])
    args = parser.parse_args()
    if args.memory:
        worst, spent, seconds = supnorm(pair(4), args.memory, 0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{spent:,} evaluations, {seconds:.0f} s, worst {worst:.6g}, peak memory {peak:.0f} MB")
        return
    supnorm(pair(4), 5000, 0)  # imports
    for d in (4, 8):
        for evaluations in args.evaluations:
            total, inside = overhead(d, evaluations)
            print(
                f"d = {d}, {evaluations:,} evaluations: {total:.3f} s, model and reference {inside:.3f} s, "
                f"overhead {100 * (total / inside - 1):.0f} %",
                flush=True,
            )


def pair(d: int) -> Problem:
    """Two random networks on the box [-1, 1]^d."""
    networks = [
        Network.init(np.random.default_rng(seed), d=d, width=64, depth=3).as_function() for seed in (0, 1)
    ]
    return Problem(*networks, Domain(**{f"x{i + 1}": (-1.0, 1.0) for i in range(d)}))


def overhead(d: int, evaluations: int) -> tuple[float, float]:
    """Processor seconds of the search, and of its calls alone."""
    calls: list[Call] = []
    problem = pair(d)
    watched = dataclasses.replace(
        problem, model=_watched(problem.model, calls), reference=_watched(problem.reference, calls)
    )
    start = time.process_time()
    supnorm(watched, evaluations, 0)
    total = time.process_time() - start
    start = time.process_time()
    for function, x in calls:
        function(x)
    return total, time.process_time() - start


def _watched(function: Function, calls: list[Call]) -> Function:
    def value(x: Array) -> Array:
        calls.append((function.value, x))
        return function.value(x)

    def vjp(x: Array) -> Any:
        assert function.vjp is not None
        calls.append((lambda x: function.vjp(x)[1](np.ones((len(x), 1))), x))
        return function.vjp(x)

    return dataclasses.replace(function, value=value, vjp=vjp)


if __name__ == "__main__":
    main()
