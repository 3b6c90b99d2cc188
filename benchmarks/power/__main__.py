"""``python -m benchmarks.power``: the power table against fresh errors that really are in the model.

Table: `Power.measure` with 100 runs a cell, as an audit prints it. Truth: 400 problems with a fresh bump in the
model (or in the reference), each searched by the same search with as many evaluations; found means 95 % of the
height, at the bump. Bumps fill the volume at half height and are 1.2 times as tall as the pair's worst error.
The last rows are of an expensive reference: the table searches its stand-in, truth searches the pair.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import Power, SurrogateSearch
from supnorm.auditing.audit import audit
from supnorm.auditing.plants import Bump, planted_problem
from supnorm.auditing.power import modelled_run, search
from supnorm.auditing.search import ScreenAndAscent, SearchState
from supnorm.evaluation import Evaluator
from supnorm.problem import Domain, Problem

Array = NDArray[np.float64]


def main() -> None:
    """Print one line a cell."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.power")
    parser.add_argument("--first", type=int, default=5000, help="seed")
    parser.add_argument("--runs", type=int, default=100, help="of the table, in each cell")
    parser.add_argument("--truth", type=int, default=400, help="fresh bumps in each cell")
    args = parser.parse_args()
    print(f"{'pair':34s} {'volume':>8s} {'evaluations':>11s} {'table':>6s} {'truth':>6s} {'apart':>6s}")
    for d, each in ((2, 300), (4, 600), (8, 2000)):
        direct(d, each, args.runs, args.truth, args.first)
    for side in ("model", "reference"):
        modelled(side, args.runs, args.truth // 4, args.first)


def wave(x: Array) -> Array:
    """A smooth reference."""
    return np.asarray(np.sin(3 * x[:, 0]) * np.cos(2 * x[:, 1]))


def wrong(x: Array) -> Array:
    """A model of it whose error waves."""
    return np.asarray(wave(x) + 0.01 * np.sin(9 * x.sum(axis=1) / np.sqrt(x.shape[1] / 2)))


def pair(d: int) -> Problem:
    """Both on the unit box."""
    return Problem(wrong, wave, Domain(**{f"x{i + 1}": (0.0, 1.0) for i in range(d)}))


def direct(d: int, each: int, runs: int, truth: int, seed: int) -> None:
    """Cells of a cheap pair: the table searches the pair itself."""
    problem = pair(d)
    power = Power(volumes=(3e-2, 3e-3, 3e-4), sheets=(), runs=runs, evaluations=each)
    report = audit(problem, evaluations=10 * each, seed=seed, power=power)
    for row in report.document["power"]:
        found = 0
        for i in range(truth):
            rng = np.random.default_rng([seed, d, i])
            plant = Bump(row["height"], row["volume"]).placed(problem.domain, rng)
            evaluator = Evaluator(planted_problem(problem, plant, "model"))
            search(evaluator, ScreenAndAscent(), each, rng)
            assert evaluator.worst_batch is not None
            there = plant.added(evaluator.worst_batch[0][None])[0][0] > 0
            found += evaluator.worst >= 0.95 * plant.height and bool(there)
        show(f"cheap, {d} inputs", row["volume"], each, row["found"] / row["runs"], found / truth)


def modelled(side: str, runs: int, truth: int, seed: int, calls: int = 100) -> None:
    """Cells of a pair with few calls: the table searches a Gaussian process of the reference."""
    problem = pair(2)
    evaluator = Evaluator(problem)
    evaluator.model.decide(1e-6)
    evaluator.reference.decide(1.0)
    rng = np.random.default_rng(seed)
    state = SearchState.empty(2)
    state.scout = evaluator.values(rng.random((calls, 2)), "statistics")
    strategy = SurrogateSearch(inner=7500, batch=12)
    power = Power(volumes=(1e-2, 1e-3), sheets=(), runs=runs, evaluations=calls)
    rows = power.measure(evaluator, SurrogateSearch(), calls, state, np.empty((0, 6)), rng)
    for row in rows:
        if row["side"] != side:
            continue
        found = 0
        for i in range(truth):
            rng = np.random.default_rng([seed, i])
            plant = Bump(row["height"], row["volume"]).placed(problem.domain, rng)
            found += modelled_run(problem, plant, side, strategy, calls, rng)[0]
        rate = row["found"] / row["runs"]
        show(f"expensive, 2 inputs, in the {side}", row["volume"], calls, rate, found / truth)


def show(name: str, volume: float, each: int, table: float, truth: float) -> None:
    """One line."""
    print(
        f"{name:34s} {volume:8g} {each:11d} {table:6.2f} {truth:6.2f} {abs(table - truth):6.2f}", flush=True
    )


if __name__ == "__main__":
    main()
