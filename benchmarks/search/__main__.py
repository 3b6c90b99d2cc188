"""``python -m benchmarks.search``: the table of success rates beside the peers; see benchmarks/README.md."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
from tests.problems import Instance, kink

from benchmarks.search import table
from benchmarks.search.objective import Objective
from benchmarks.search.ours import supnorm
from benchmarks.search.peers import PEERS, Peer, quietly
from benchmarks.search.rows import ROWS, Row
from supnorm.auditing.expensive import SurrogateSearch

RESULTS = Path(__file__).parents[1] / "results" / "search.json"
DOCS = Path(__file__).parents[2] / "docs" / "audit.md"
UNSEEN = 7000  # the first seed; those below 1000 are for tuning
PATIENCE = 20  # times our processor time that a peer may take
SLOW = 5  # instances of a row for peers that take all of that time, where a row has more than FEW evaluations
FEW = 2000


def main() -> None:
    """Run the rows that were asked for, print each, and keep it in the results file."""
    args = _arguments()
    if args.table:
        table.into_page(DOCS, RESULTS, [row.name for row in ROWS], [p.name for p in PEERS])
        return
    warm_up(peers := [p for p in PEERS if args.peers is None or p.name in args.peers.split(",")])
    rows = [r for r in ROWS if (args.only or "") in r.name and (r.quick or args.full or args.only)]
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
    parser.add_argument("--first", type=int, default=UNSEEN, help="first seed; below 1000 is for tuning")
    parser.add_argument(
        "--table", action="store_true", help=f"write the saved rows into {DOCS.name}, run nothing"
    )
    parser.add_argument("--save", action="store_true", help=f"put the rows into {RESULTS.name}")
    return parser.parse_args()


def warm_up(peers: list[Peer]) -> None:
    """Let everybody import what it needs before the first clock starts."""
    problem = kink(2, 0).problem
    supnorm(problem, 2000, 0)
    for peer in peers:
        if peer.installed:
            objective = Objective(problem, 40 if peer.few else 500)
            with objective.within(10.0):
                quietly(peer, objective, 0)


def measure(row: Row, peers: list[Peer], seeds: int, first: int) -> dict[str, Any]:
    """All methods on all instances of a row, each instance in turn, so that load hits all alike."""
    runs: dict[str, list[dict[str, float]]] = {table.OURS: []}
    for seed in range(first, first + seeds):
        instance = row.make(seed)
        best: dict[str, float] = {}
        strategy = SurrogateSearch() if row.expensive else None
        worst, spent, seconds = supnorm(instance.problem, row.evaluations, seed, strategy)
        best[table.OURS] = worst
        runs[table.OURS].append({"seconds": seconds, "evaluations": spent})
        for peer in peers:
            if (peer.derivatives and instance.problem.model.vjp is None) or (peer.few and not row.expensive):
                continue
            if peer.slow and row.evaluations > FEW and seed >= first + SLOW:
                continue
            objective = Objective(instance.problem, row.evaluations)
            start = time.process_time()
            with objective.within(PATIENCE * seconds):
                quietly(peer, objective, seed)
            took = time.process_time() - start
            best[peer.name] = objective.best
            runs.setdefault(peer.name, []).append(
                {"seconds": took, "evaluations": objective.spent, "crashes": objective.crashes}
            )
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


if __name__ == "__main__":
    main()
