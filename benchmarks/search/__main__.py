"""``python -m benchmarks.search``: the table of success rates beside the peers; see benchmarks/README.md."""

from __future__ import annotations

import argparse
import math
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tests.problems import Instance

from benchmarks.search import table
from benchmarks.search.objective import Exhausted, Objective
from benchmarks.search.ours import supnorm
from benchmarks.search.peers import PEERS, Peer, quietly
from benchmarks.search.rows import ROWS, Row

RESULTS = Path(__file__).parents[1] / "results" / "search.json"
UNSEEN = 1000  # the first seed; 0 to 19 are for tuning
PATIENCE = 20  # times our seconds that a peer may take


def main() -> None:
    """Run the rows that were asked for, print each, and keep it in the results file."""
    args = _arguments()
    rows = [r for r in ROWS if (args.only or "") in r.name and (r.quick or args.full or args.only)]
    peers = [p for p in PEERS if args.peers is None or p.name in args.peers.split(",")]
    for peer in peers:
        if not peer.installed:
            print(f"{peer.name}: {peer.package} is not installed, left out (pip install 'supnorm[bench]')")
    for row in rows:
        entry = measure(row, [p for p in peers if p.installed], args.seeds, args.first)
        print(
            "\n".join(table.lines(row.name, row.evaluations, entry["methods"], entry["verdict"])), flush=True
        )
        if args.save:
            table.save(RESULTS, row.name, entry)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="a few rows (the default)")
    which.add_argument("--full", action="store_true", help="every row")
    parser.add_argument("--only", help="rows whose name contains this")
    parser.add_argument("--peers", help="names, comma-separated; all by default, '' for none")
    parser.add_argument("--seeds", type=int, default=10, help="instances a row")
    parser.add_argument("--first", type=int, default=UNSEEN, help="first seed; 0 to 19 were used for tuning")
    parser.add_argument("--save", action="store_true", help=f"put the rows into {RESULTS.name}")
    return parser.parse_args()


def measure(row: Row, peers: list[Peer], seeds: int, first: int) -> dict[str, Any]:
    """All methods on all instances of a row, each instance in turn, so that load hits all alike."""
    runs: dict[str, list[dict[str, float]]] = {table.OURS: []}
    for seed in range(first, first + seeds):
        instance = row.make(seed)
        best: dict[str, float] = {}
        worst, spent, seconds = supnorm(instance.problem, row.evaluations, seed)
        best[table.OURS] = worst
        runs[table.OURS].append({"seconds": seconds, "evaluations": spent})
        for peer in peers:
            if peer.derivatives and instance.problem.model.vjp is None:
                continue
            objective = Objective(instance.problem, row.evaluations, PATIENCE * seconds)
            start = time.perf_counter()
            with _no_longer_than(PATIENCE * seconds + 0.1):
                quietly(peer, objective, seed)
            took = time.perf_counter() - start
            best[peer.name] = objective.best
            runs.setdefault(peer.name, []).append({"seconds": took, "evaluations": objective.spent})
        truth = _truth(instance, best)
        for name, found in best.items():
            runs[name][-1]["share"] = min(found / truth, 10.0)
    methods = {name: table.summarise(done, row.share) for name, done in runs.items()}
    return {
        "evaluations": row.evaluations,
        "target": row.target,
        "share": row.share,
        "seeds": [first, first + seeds - 1],
        "methods": methods,
        "verdict": table.verdict(methods, row.target),
    }


def _truth(instance: Instance, best: dict[str, float]) -> float:
    """The worst error; at a pole 50 times the RMS counts as found; else the best that anybody knows."""
    if instance.sup == math.inf:
        rng = np.random.default_rng(0)
        problem = instance.problem
        x = problem.domain.from_unit(rng.random((20_000, problem.domain.d)))
        errors = problem.error(problem.model(x), problem.reference(x), x)[0]
        return 50 * float(np.sqrt(np.nanmean(errors**2)))
    return instance.sup if instance.known else max(instance.sup, *best.values())


@contextmanager
def _no_longer_than(seconds: float) -> Iterator[None]:
    """End what runs inside by `Exhausted`, also where it spends its time without asking for values."""

    def ring(*_: object) -> None:
        raise Exhausted

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except Exhausted:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    main()
